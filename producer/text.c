/* SPDX-License-Identifier: PostgreSQL
 *
 * Growing text, JSON strings, and decimals that stay text.
 *
 * Want of memory ends the process: a feeder that cannot build a message has nothing else to do.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static void *
checked(void *memory)
{
	if (memory == NULL)
	{
		fputs("weir-producer: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *
allocate(size_t size)
{
	return checked(calloc(1, size > 0 ? size : 1));
}

void *
reallocate(void *old, size_t size)
{
	return checked(realloc(old, size > 0 ? size : 1));
}

char *
copy_string(const char *data, size_t len)
{
	char *copy = allocate(len + 1);

	memcpy(copy, data, len);
	return copy;
}

static void
make_room(Text *text, size_t more)
{
	if (text->len + more + 1 <= text->room)
		return;
	text->room = (text->len + more + 1) * 2;
	text->data = reallocate(text->data, text->room);
}

void
text_clear(Text *text)
{
	text->len = 0;
	if (text->data != NULL)
		text->data[0] = '\0';
}

void
text_free(Text *text)
{
	free(text->data);
	memset(text, 0, sizeof(*text));
}

void
text_add(Text *text, const char *data, size_t len)
{
	make_room(text, len);
	if (len > 0)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void
text_add_string(Text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void
text_addf(Text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	make_room(text, (size_t) len);
	va_start(args, format);
	vsnprintf(text->data + text->len, (size_t) len + 1, format, args);
	va_end(args);
	text->len += (size_t) len;
}

/* Digits by hand: a synthetic stream is mostly numbers, and printf is most of its time. */
static void
add_digits(Text *text, uint64_t number, int min_digits)
{
	char digits[32];
	int at = sizeof(digits);

	while (number > 0 || min_digits > 0)
	{
		digits[--at] = (char) ('0' + number % 10);
		number /= 10;
		min_digits--;
	}
	text_add(text, digits + at, sizeof(digits) - (size_t) at);
}

static uint64_t
magnitude(int64_t number)
{
	return number < 0 ? 0 - (uint64_t) number : (uint64_t) number;
}

void
text_add_number(Text *text, int64_t number)
{
	if (number < 0)
		text_add(text, "-", 1);
	add_digits(text, magnitude(number), 1);
}

void
text_add_fixed(Text *text, int64_t units, int places)
{
	uint64_t scale = 1;

	for (int i = 0; i < places; i++)
		scale *= 10;
	if (units < 0)
		text_add(text, "-", 1);
	add_digits(text, magnitude(units) / scale, 1);
	if (places == 0)
		return;
	text_add(text, ".", 1);
	add_digits(text, magnitude(units) % scale, places);
}

void
text_add_json(Text *text, const char *data, size_t len)
{
	text_add(text, "\"", 1);
	for (size_t i = 0; i < len; i++)
	{
		unsigned char byte = (unsigned char) data[i];

		if (byte == '"' || byte == '\\')
			text_addf(text, "\\%c", byte);
		else if (byte == '\n')
			text_add(text, "\\n", 2);
		else if (byte == '\t')
			text_add(text, "\\t", 2);
		else if (byte < 0x20)
			text_addf(text, "\\u%04x", byte);
		else
			text_add(text, data + i, 1);
	}
	text_add(text, "\"", 1);
}

void
text_add_grouped(Text *text, const char *decimal)
{
	size_t whole;

	if (*decimal == '-')
		text_add(text, decimal++, 1);
	whole = strspn(decimal, "0123456789");
	for (size_t i = 0; i < whole; i++)
	{
		if (i > 0 && (whole - i) % 3 == 0)
			text_add(text, ",", 1);
		text_add(text, decimal + i, 1);
	}
	text_add_string(text, decimal + whole);
}

static size_t
digits_at(const char *data, size_t at, size_t len)
{
	size_t count = 0;

	while (at + count < len && data[at + count] >= '0' && data[at + count] <= '9')
		count++;
	return count;
}

bool
decimal_is_valid(const char *data, size_t len, bool is_plain)
{
	size_t at = 0;
	size_t count;

	if (at < len && data[at] == '-')
		at++;
	count = digits_at(data, at, len);
	if (count == 0 || (count > 1 && data[at] == '0'))
		return false;
	at += count;
	if (at < len && data[at] == '.')
	{
		count = digits_at(data, at + 1, len);
		if (count == 0)
			return false;
		at += 1 + count;
	}
	if (!is_plain && at < len && (data[at] == 'e' || data[at] == 'E'))
	{
		at++;
		if (at < len && (data[at] == '+' || data[at] == '-'))
			at++;
		count = digits_at(data, at, len);
		if (count == 0)
			return false;
		at += count;
	}
	return at == len;
}
