/* SPDX-License-Identifier: PostgreSQL
 *
 * Decimal numbers as text: read them once, exactly, and make integers and floats of them.
 *
 * A number is kept as its first 19 significant digits and a power of ten, which is exact for nearly
 * every number that a message holds; what is not is rounded from the text, correctly. The scanner
 * stands in this header since a call costs as much as reading a short number. Layer 0: no
 * allocation, no dependence on the locale. It does not make numerics: they keep their text.
 */
#ifndef WEIR_NUMBER_H
#define WEIR_NUMBER_H

#include <float.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "reason.h"

/* A number's value is mantissa * 10^exponent, or a little more of it where digits were dropped. */
typedef struct WeirNumber
{
	const char *text; /* with its sign */
	const char *text_end;
	uint64_t mantissa; /* at most 19 digits */
	int64_t exponent;
	uint32_t dropped_count; /* significant digits behind the mantissa; 0: exact */
	uint8_t dropped_first;  /* the first of them */
	bool is_negative;
} WeirNumber;

/* What a string holds in place of a number. */
typedef enum WeirNumberKind
{
	WEIR_NUMBER_FINITE,
	WEIR_NUMBER_NAN,
	WEIR_NUMBER_INFINITY,
	WEIR_NUMBER_MINUS_INFINITY,
	WEIR_NUMBER_NONE /* not a number */
} WeirNumberKind;

typedef enum WeirRounding
{
	WEIR_ROUNDING_EVEN, /* to the nearest, of two to the even one */
	WEIR_ROUNDING_FLOOR,
	WEIR_ROUNDING_REFUSE /* WEIR_REASON_NOT_AN_INTEGER */
} WeirRounding;

#define WEIR_NUMBER_DIGITS 19

/* Powers of ten that a double holds exactly. */
#define WEIR_EXACT_POWERS 22
extern const double weir_number_exact_power10[WEIR_EXACT_POWERS + 1];

extern const uint64_t weir_number_power10[WEIR_NUMBER_DIGITS + 1];

/* Reads a number as PostgreSQL's input functions take it: white space around it, a plus sign, a
 * point without digits on one side, and the words NaN and [+-]Infinity, [+-]inf in any case; no
 * hexadecimal. */
extern WeirNumberKind weir_number_parse(const char *text, size_t len, WeirNumber *number);

/* The magnitude of the number times 10^shift as an integer, rounded with regard to the sign.
 * Result: NONE, OUT_OF_RANGE (of uint64; where digits were dropped, of 19 digits), or with
 * WEIR_ROUNDING_REFUSE NOT_AN_INTEGER. */
extern WeirReason weir_number_scale(const WeirNumber *number, int shift, WeirRounding rounding,
									uint64_t *magnitude);

/* As weir_number_float8(), by table and text. */
extern WeirReason weir_number_float8_slow(const WeirNumber *number, double *real);

/* Correctly rounded, once. Result: NONE or OUT_OF_RANGE: infinite, or zero where the number is not. */
extern WeirReason weir_number_float4(const WeirNumber *number, float *real);

/* Sets mantissa, exponent and dropped_count anew from the text: for more than 19 digits. */
extern void weir_number_reread(WeirNumber *number);

static inline bool
weir_digit(char c)
{
	return (unsigned char) (c - '0') <= 9;
}

static inline uint64_t
weir_load8(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* A byte's high bit is set where it is no digit; right up to the lowest such byte. */
static inline uint64_t
weir_not_digits(uint64_t word)
{
	return ((word + UINT64_C(0x4646464646464646)) | (word - UINT64_C(0x3030303030303030))) &
		   UINT64_C(0x8080808080808080);
}

/* The value of the first 1 to 8 bytes of a word (the lowest, so that it is a little-endian one).
 *
 * There is no branch on the count, which is what prices differ in and a processor cannot guess:
 * digits are shifted to the word's high end, so that zeros stand before them. */
static inline uint64_t
weir_number_few(uint64_t word, int count)
{
	word = (word & UINT64_C(0x0F0F0F0F0F0F0F0F)) << (64 - 8 * count);
	word = (word * (1 + (10 << 8))) >> 8;
	word = ((word & UINT64_C(0x00FF00FF00FF00FF)) * (1 + (100 << 16))) >> 16;
	return ((word & UINT64_C(0x0000FFFF0000FFFF)) * (1 + (UINT64_C(10000) << 32))) >> 32;
}

/* Appends a run of digits to *value, which wraps beyond 19 of them. Result: behind the run. */
static inline const char *
weir_number_digits(const char *p, const char *end, uint64_t *value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (end - p >= 8)
	{
		uint64_t word = weir_load8(p);
		uint64_t others = weir_not_digits(word);
		int count = others == 0 ? 8 : __builtin_ctzll(others) >> 3;

		if (count == 0)
			return p;
		*value = *value * weir_number_power10[count] + weir_number_few(word, count);
		p += count;
		if (count < 8)
			return p;
	}
#endif
	while (p < end && weir_digit(*p))
		*value = *value * 10 + (uint64_t) (*p++ - '0');
	return p;
}

/* Result: behind a run of digits. */
static inline const char *
weir_number_digits_skip(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (end - p >= 8)
	{
		uint64_t others = weir_not_digits(weir_load8(p));

		if (others != 0)
			return p + (__builtin_ctzll(others) >> 3);
		p += 8;
	}
#endif
	while (p < end && weir_digit(*p))
		p++;
	return p;
}

/* Reads an exponent, from its letter on; saturates far beyond any type's range.
 * Result: behind it, or NULL with *stop where a digit is wanting. */
static inline const char *
weir_number_exponent(const char *p, const char *end, int64_t *exponent, const char **stop)
{
	bool is_negative = false;
	int64_t value = 0;

	p++;
	if (p < end && (*p == '-' || *p == '+'))
		is_negative = *p++ == '-';
	*stop = p;
	if (p == end || !weir_digit(*p))
		return NULL;
	for (; p < end && weir_digit(*p); p++)
		if (value < INT64_C(1000000000000))
			value = value * 10 + (*p - '0');
	*exponent += is_negative ? -value : value;
	return p;
}

/* The shape of a number that is short and plain: up to 8 digits, and up to 8 behind a point. Seen at
 * once, for where a number ends is what all that follows waits for, and with no branch on what
 * differs from price to price.
 * Result: its length, with the digits before the point; 0 if it is not so, or may not be. */
static inline int
weir_number_shape(const char *digits, const char *end, int *whole_count)
{
#ifdef __SSE2__
	__m128i values;
	unsigned others;
	int len;

	if (end - digits < 24)
		return 0;
	values = _mm_sub_epi8(_mm_loadu_si128((const __m128i *) digits), _mm_set1_epi8('0'));
	/* the bytes that are no digits, and one behind them all */
	others = 0x10000 | (0xFFFF & ~(unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(
									 _mm_min_epu8(values, _mm_set1_epi8(9)), values)));
	len = __builtin_ctz(others);
	*whole_count = len;
	if (digits[len] == '.')
	{
		others &= others - 1;
		if (others == 0)
			return 0;
		len = __builtin_ctz(others);
		if ((unsigned) (len - *whole_count - 2) > 7)
			return 0;
	}
	if (((unsigned) (*whole_count - 1) > 7) | (len > 15) | ((*digits == '0') & (*whole_count > 1)) |
		((digits[len] | 0x20) == 'e'))
		return 0;
	return len;
#else
	(void) digits;
	(void) end;
	(void) whole_count;
	return 0;
#endif
}

/* Reads a JSON number, strictly. Result: behind it, or NULL with *stop where it went wrong, which is
 * `end` if the number was cut off. */
static inline const char *
weir_number_scan(const char *p, const char *end, WeirNumber *number, const char **stop)
{
	const char *digits;
	ptrdiff_t count;
	int whole_count;
	int len;

	number->text = p;
	number->mantissa = 0;
	number->exponent = 0;
	number->dropped_count = 0;
	number->is_negative = *p == '-';
	p += number->is_negative;
	digits = p;
	len = weir_number_shape(digits, end, &whole_count);
	if (__builtin_expect(len != 0, 1))
	{
		number->text_end = digits + len;
		number->mantissa = weir_number_few(weir_load8(digits), whole_count);
		if (len == whole_count)
			return number->text_end;
		len -= whole_count + 1;
		number->exponent = -len;
		number->mantissa = number->mantissa * weir_number_power10[len] +
						   weir_number_few(weir_load8(digits + whole_count + 1), len);
		return number->text_end;
	}
	p = weir_number_digits(p, end, &number->mantissa);
	count = p - digits;
	if (count == 0 || (*digits == '0' && count > 1))
	{
		*stop = count == 0 ? p : digits + 1;
		return NULL;
	}
	if (p < end && *p == '.')
	{
		digits = ++p;
		p = weir_number_digits(p, end, &number->mantissa);
		if (p == digits)
		{
			*stop = p;
			return NULL;
		}
		number->exponent = digits - p;
		count += p - digits;
	}
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		p = weir_number_exponent(p, end, &number->exponent, stop);
		if (p == NULL)
			return NULL;
	}
	number->text_end = p;
	if (__builtin_expect(count > WEIR_NUMBER_DIGITS, 0))
		weir_number_reread(number);
	return p;
}

/* Checks a JSON number and keeps nothing of it. Result: as weir_number_scan(). */
static inline const char *
weir_number_skip(const char *p, const char *end, const char **stop)
{
	const char *digits;
	int64_t exponent;
	int whole_count;
	int len;

	p += *p == '-';
	digits = p;
	len = weir_number_shape(digits, end, &whole_count);
	if (__builtin_expect(len != 0, 1))
		return p + len;
	p = weir_number_digits_skip(p, end);
	if (p == digits || (*digits == '0' && p - digits > 1))
	{
		*stop = p == digits ? p : digits + 1;
		return NULL;
	}
	if (p < end && *p == '.')
	{
		digits = ++p;
		p = weir_number_digits_skip(p, end);
		if (p == digits)
		{
			*stop = p;
			return NULL;
		}
	}
	if (p < end && (*p == 'e' || *p == 'E'))
		return weir_number_exponent(p, end, &exponent, stop);
	return p;
}

/* Result: NONE, OUT_OF_RANGE or, whatever the size, NOT_AN_INTEGER. */
static inline WeirReason
weir_number_integer(const WeirNumber *number, int64_t *integer)
{
	uint64_t magnitude = number->mantissa;

	if (__builtin_expect(number->exponent != 0 || number->dropped_count != 0, 0))
	{
		WeirReason reason = weir_number_scale(number, 0, WEIR_ROUNDING_REFUSE, &magnitude);

		if (reason != WEIR_REASON_NONE)
			return reason;
	}
	if (magnitude > (uint64_t) INT64_MAX + number->is_negative)
		return WEIR_REASON_OUT_OF_RANGE;
	*integer = (int64_t) (number->is_negative ? 0 - magnitude : magnitude);
	return WEIR_REASON_NONE;
}

/* Correctly rounded. Result: as weir_number_float4(). */
static inline WeirReason
weir_number_float8(const WeirNumber *number, double *real)
{
#if FLT_EVAL_METHOD == 0
	int64_t exponent = number->exponent;
	double value = (double) (int64_t) number->mantissa;

	/* two exact doubles have one rounding */
	if (__builtin_expect(number->mantissa <= UINT64_C(1) << DBL_MANT_DIG &&
							 number->dropped_count == 0 && exponent <= WEIR_EXACT_POWERS &&
							 exponent >= -WEIR_EXACT_POWERS,
						 1))
	{
		value = exponent < 0 ? value / weir_number_exact_power10[-exponent]
							 : value * weir_number_exact_power10[exponent];
		*real = number->is_negative ? -value : value;
		return WEIR_REASON_NONE;
	}
#endif
	return weir_number_float8_slow(number, real);
}

#endif
