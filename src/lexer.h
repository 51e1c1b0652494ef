/* SPDX-License-Identifier: PostgreSQL
 *
 * The tokens of JSON: white space, words, numbers and strings, read strictly.
 *
 * Each reader takes the place where its token begins and gives the place behind it, or NULL with
 * reason and place in the lexer. A document that ends where more is wanted is TRUNCATED, whatever
 * was wanted. Nothing at or behind `end` is touched. The readers are inline, since they run for each
 * of a message's tokens and a call costs as much as a short one. It knows no grammar above tokens.
 */
#ifndef WEIR_LEXER_H
#define WEIR_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "number.h"
#include "reason.h"

#define weir_likely(condition) __builtin_expect(!!(condition), 1)
#define weir_unlikely(condition) __builtin_expect(!!(condition), 0)

typedef struct WeirLexer
{
	const char *end;
	const char *place; /* where it failed */
	WeirReason reason;
	bool has_escape; /* the string read last has an escape */
	bool has_nul;    /* some string since this was cleared has \u0000 */
} WeirLexer;

/* Result: NULL, as the readers' own. */
static inline const char *
weir_lexer_fail(WeirLexer *lexer, const char *place, WeirReason reason)
{
	lexer->reason = place == lexer->end ? WEIR_REASON_TRUNCATED : reason;
	lexer->place = place;
	return NULL;
}

/* JSON's white space, which is less than C's. */
static inline const char *
weir_lexer_space(const WeirLexer *lexer, const char *p)
{
	/* none or one, mostly */
	if (p < lexer->end && *p == ' ')
		p++;
	if (weir_likely(p<lexer->end && * p> ' '))
		return p;
	while (p < lexer->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* true, false or null. */
static inline const char *
weir_lexer_word(WeirLexer *lexer, const char *p, const char *word, size_t len)
{
	if (weir_likely((size_t) (lexer->end - p) >= len && memcmp(p, word, len) == 0))
		return p + len;
	while (p < lexer->end && *p == *word)
	{
		p++;
		word++;
	}
	return weir_lexer_fail(lexer, p, WEIR_REASON_SYNTAX);
}

static inline const char *
weir_lexer_number(WeirLexer *lexer, const char *p, WeirNumber *number)
{
	const char *stop = p;
	const char *behind = weir_number_scan(p, lexer->end, number, &stop);

	return weir_likely(behind != NULL) ? behind : weir_lexer_fail(lexer, stop, WEIR_REASON_SYNTAX);
}

static inline const char *
weir_lexer_number_skip(WeirLexer *lexer, const char *p)
{
	const char *stop = p;
	const char *behind = weir_number_skip(p, lexer->end, &stop);

	return weir_likely(behind != NULL) ? behind : weir_lexer_fail(lexer, stop, WEIR_REASON_SYNTAX);
}

/* A character that stands for itself in a string and is ASCII. */
static inline bool
weir_lexer_plain(char c)
{
	return (unsigned char) c >= 0x20 && (unsigned char) c < 0x80 && c != '"' && c != '\\';
}

/* Result: the first byte that is not plain, or `end`. */
static inline const char *
weir_lexer_plain_skip(const char *p, const char *end)
{
#ifdef __SSE2__
	while (end - p >= 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) p);
		/* bytes from 0x80 on are negative, and so below 0x20 too */
		__m128i others = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
												   _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
									  _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
		int mask = _mm_movemask_epi8(others);

		if (mask != 0)
			return p + __builtin_ctz((unsigned) mask);
		p += 16;
	}
#endif
	/* A byte's high bit is set where the byte is not plain, and wrongly at times above such a byte:
     * a word without one is plain throughout. */
	while (end - p >= 8)
	{
		const uint64_t ones = UINT64_C(0x0101010101010101);
		uint64_t word = weir_load8(p);
		uint64_t quotes = word ^ (ones * '"');
		uint64_t slashes = word ^ (ones * '\\');

		if (((word | (word - ones * 0x20) | (quotes - ones) | (slashes - ones)) & (ones * 0x80)) !=
			0)
			break;
		p += 8;
	}
	while (p < end && weir_lexer_plain(*p))
		p++;
	return p;
}

/* Reads a string to its end, from a byte that is not plain. Not inline: most strings are plain. */
static const char *weir_lexer_string_rest(WeirLexer *lexer, const char *p);

/* Reads a string, from behind its opening quote on. Result: behind its closing quote. */
static inline const char *
weir_lexer_string(WeirLexer *lexer, const char *p)
{
	lexer->has_escape = false;
	p = weir_lexer_plain_skip(p, lexer->end);
	if (weir_likely(p < lexer->end && *p == '"'))
		return p + 1;
	return weir_lexer_string_rest(lexer, p);
}

/* Result: behind one character of two to four bytes. */
static inline const char *
weir_lexer_utf8(WeirLexer *lexer, const char *p)
{
	static const struct
	{
		uint8_t lead_min, lead_max, second_min, second_max, len;
	} ranges[] = {
		{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
		{0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
		{0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
	};
	const uint8_t *bytes = (const uint8_t *) p;
	ptrdiff_t rest = lexer->end - p;
	size_t i = 0;

	while (i < sizeof(ranges) / sizeof(ranges[0]) && bytes[0] > ranges[i].lead_max)
		i++;
	if (i == sizeof(ranges) / sizeof(ranges[0]) || bytes[0] < ranges[i].lead_min)
		return weir_lexer_fail(lexer, p, WEIR_REASON_UTF8);
	for (int at = 1; at < ranges[i].len; at++)
	{
		if (at == rest)
			return weir_lexer_fail(lexer, lexer->end, WEIR_REASON_UTF8);
		if (bytes[at] < (at == 1 ? ranges[i].second_min : 0x80) ||
			bytes[at] > (at == 1 ? ranges[i].second_max : 0xBF))
			return weir_lexer_fail(lexer, p, WEIR_REASON_UTF8);
	}
	return p + ranges[i].len;
}

static inline int
weir_lexer_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the four digits of a \u escape. */
static inline const char *
weir_lexer_unit(WeirLexer *lexer, const char *p, uint32_t *unit)
{
	*unit = 0;
	for (int i = 0; i < 4; i++, p++)
	{
		int digit = p < lexer->end ? weir_lexer_hex(*p) : -1;

		if (digit < 0)
			return weir_lexer_fail(lexer, p, WEIR_REASON_SYNTAX);
		*unit = *unit << 4 | (uint32_t) digit;
	}
	return p;
}

/* Reads an escape, from its backslash on; a surrogate pair is one. */
static inline const char *
weir_lexer_escape(WeirLexer *lexer, const char *p)
{
	const char *begin = p++;
	uint32_t unit;

	lexer->has_escape = true;
	if (p == lexer->end)
		return weir_lexer_fail(lexer, p, WEIR_REASON_SYNTAX);
	if (*p != 'u')
		return strchr("\"\\/bfnrt", *p) != NULL && *p != '\0'
				   ? p + 1
				   : weir_lexer_fail(lexer, p, WEIR_REASON_SYNTAX);
	p = weir_lexer_unit(lexer, p + 1, &unit);
	if (p == NULL)
		return NULL;
	lexer->has_nul |= unit == 0;
	if (unit < 0xD800 || unit > 0xDFFF)
		return p;
	if (unit >= 0xDC00)
		return weir_lexer_fail(lexer, begin, WEIR_REASON_SURROGATE);
	for (const char *wanted = "\\u"; *wanted != '\0'; wanted++, p++)
		if (p == lexer->end || *p != *wanted)
			return weir_lexer_fail(lexer, p == lexer->end ? p : begin, WEIR_REASON_SURROGATE);
	p = weir_lexer_unit(lexer, p, &unit);
	if (p != NULL && (unit < 0xDC00 || unit > 0xDFFF))
		return weir_lexer_fail(lexer, begin, WEIR_REASON_SURROGATE);
	return p;
}

static __attribute__((noinline)) const char *
weir_lexer_string_rest(WeirLexer *lexer, const char *p)
{
	while (p != NULL && p < lexer->end)
	{
		if (*p == '"')
			return p + 1;
		if ((unsigned char) *p < 0x20)
			return weir_lexer_fail(lexer, p, WEIR_REASON_SYNTAX);
		if (*p == '\\')
			p = weir_lexer_escape(lexer, p);
		else
			p = weir_lexer_utf8(lexer, p);
		/* letters beyond ASCII come in rows */
		if (p != NULL && p < lexer->end && weir_lexer_plain(*p))
			p = weir_lexer_plain_skip(p, lexer->end);
	}
	return p == NULL ? NULL : weir_lexer_fail(lexer, p, WEIR_REASON_SYNTAX);
}

/* Appends a character in UTF-8. */
static inline char *
weir_lexer_character_write(char *out, uint32_t character)
{
	int tail_count = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
	static const uint8_t leads[] = {0x00, 0xC0, 0xE0, 0xF0};

	*out++ = (char) (leads[tail_count] | character >> (6 * tail_count));
	while (tail_count-- > 0)
		*out++ = (char) (0x80 | (character >> (6 * tail_count) & 0x3F));
	return out;
}

/* Writes what the inside of a string stands for; it was read before, and is right. What is written is
 * never longer than what was read. Result: behind what was written. */
static inline char *
weir_lexer_unescape(WeirLexer *lexer, const char *p, const char *end, char *out)
{
	static const char names[] = "bfnrt";
	static const char characters[] = "\b\f\n\r\t";
	uint32_t unit;
	uint32_t low;

	while (p < end)
	{
		const char *slash = memchr(p, '\\', (size_t) (end - p));
		size_t len = (size_t) ((slash == NULL ? end : slash) - p);

		memcpy(out, p, len);
		out += len;
		p += len;
		if (slash == NULL)
			break;
		if (p[1] == 'u')
		{
			p = weir_lexer_unit(lexer, p + 2, &unit);
			if (unit >= 0xD800 && unit <= 0xDBFF)
			{
				p = weir_lexer_unit(lexer, p + 2, &low);
				unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
			}
			out = weir_lexer_character_write(out, unit);
		}
		else
		{
			const char *name = strchr(names, p[1]);

			*out++ = name == NULL ? p[1] : characters[name - names];
			p += 2;
		}
	}
	return out;
}

#endif
