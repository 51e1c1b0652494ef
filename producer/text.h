/* SPDX-License-Identifier: PostgreSQL
 *
 * Growing text, JSON strings, and decimals that stay text: no price passes through a double.
 */
#ifndef PRODUCER_TEXT_H
#define PRODUCER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All zero is an empty one. data ends with a zero byte once something was added. */
typedef struct Text
{
	char *data;
	size_t len;
	size_t room;
} Text;

void text_clear(Text *text);
void text_free(Text *text);
/* Room for so many more bytes and the zero. */
void text_grow(Text *text, size_t more);
void text_addf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_number(Text *text, int64_t number);
/* units of 10^-places, at most 9: (12345, 2) is 123.45 */
void text_add_fixed(Text *text, int64_t units, int places);
/* In quotes, escaped. */
void text_add_json(Text *text, const char *data, size_t len);
/* 92817.920 is 92,817.920 */
void text_add_grouped(Text *text, const char *decimal);

/* Inline, for a synthetic stream is made of these. */
static inline void
text_add(Text *text, const char *data, size_t len)
{
	if (text->len + len + 1 > text->room)
		text_grow(text, len);
	if (len > 0)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

static inline void
text_add_string(Text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

/* Result: whether it is a number by JSON's grammar; without an exponent if is_plain. */
bool decimal_is_valid(const char *data, size_t len, bool is_plain);

void *allocate(size_t size);
void *reallocate(void *old, size_t size);
char *copy_string(const char *data, size_t len);

#endif
