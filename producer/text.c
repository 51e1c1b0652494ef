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

void
text_grow(Text *text, size_t more)
{
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
text_addf(Text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (text->len + (size_t) len + 1 > text->room)
		text_grow(text, (size_t) len);
	va_start(args, format);
	vsnprintf(text->data + text->len, (size_t) len + 1, format, args);
	va_end(args);
	text->len += (size_t) len;
}

static int
count_digits(uint64_t number)
{
	int count = 1;

	for (; number >= 10000; number /= 10000)
		count += 4;
	return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

static void
write_two(char *at, uint32_t number)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
								"2021222324252627282930313233343536373839"
								"4041424344454647484950515253545556575859"
								"6061626364656667686970717273747576777879"
								"8081828384858687888990919293949596979899";

	memcpy(at, pairs + number * 2, 2);
}

/* No step waits for the one before it: that is most of the speed. */
static void
write_eight(char *at, uint32_t number)
{
	uint32_t high = number / 10000;
	uint32_t low = number % 10000;

	write_two(at, high / 100);
	write_two(at + 2, high % 100);
	write_two(at + 4, low / 100);
	write_two(at + 6, low % 100);
}

/* Digits by hand and in place: a synthetic stream is mostly numbers, and printf is most of its time. */
static void
add_digits(Text *text, uint64_t number, int min_digits)
{
	int count = count_digits(number);
	uint32_t rest;
	char *at;

	if (count < min_digits)
		count = min_digits;
	if (text->len + (size_t) count + 1 > text->room)
		text_grow(text, (size_t) count);
	at = text->data + text->len + count;
	text->len += (size_t) count;
	*at = '\0';
	for (; count >= 8; count -= 8, number /= 100000000)
		write_eight(at -= 8, (uint32_t) (number % 100000000));
	rest = (uint32_t) number;
	for (; count >= 2; count -= 2, rest /= 100)
		write_two(at -= 2, rest % 100);
	if (count == 1)
		*--at = (char) ('0' + rest);
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
	static const uint64_t scales[] = {1,      10,      100,      1000,      10000,
									  100000, 1000000, 10000000, 100000000, 1000000000};
	uint64_t scale = scales[places];

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
