/* SPDX-License-Identifier: PostgreSQL
 *
 * Decimal numbers as text: the slow and the exact half of number.h.
 *
 * Floats are rounded in three steps, each asked only where the one before cannot be sure: one
 * division or multiplication of two exact doubles; the product of the mantissa and a 128-bit power of
 * five, where its error cannot reach a rounding boundary; and strtod(), whose text is written without
 * a decimal point, so that no locale can change it.
 */
#include "number.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SIZEOF_INT128__
#include "power5.h"
#endif
#include "word.h"

/* What a binary format can hold. */
typedef struct BinaryFormat
{
	int digits;        /* of the mantissa, the leading one included */
	int min_exponent;  /* of the smallest number that is not zero */
	uint64_t infinity; /* its bits */
} BinaryFormat;

static const BinaryFormat float8_format = {53, -1074, UINT64_C(0x7FF0000000000000)};
static const BinaryFormat float4_format = {24, -149, UINT64_C(0x7F800000)};

static bool number_round(const WeirNumber *number, const BinaryFormat *format, uint64_t *bits);
static void number_write(const WeirNumber *number, char *out);

const uint64_t weir_number_power10[WEIR_NUMBER_DIGITS + 1] = {
	UINT64_C(1),
	UINT64_C(10),
	UINT64_C(100),
	UINT64_C(1000),
	UINT64_C(10000),
	UINT64_C(100000),
	UINT64_C(1000000),
	UINT64_C(10000000),
	UINT64_C(100000000),
	UINT64_C(1000000000),
	UINT64_C(10000000000),
	UINT64_C(100000000000),
	UINT64_C(1000000000000),
	UINT64_C(10000000000000),
	UINT64_C(100000000000000),
	UINT64_C(1000000000000000),
	UINT64_C(10000000000000000),
	UINT64_C(100000000000000000),
	UINT64_C(1000000000000000000),
	UINT64_C(10000000000000000000),
};

const double weir_number_exact_power10[WEIR_EXACT_POWERS + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The highest of them that a float holds too. */
#define EXACT_POWERS_FLOAT4 10

/* More digits than these cannot change how a double is rounded, but for one that says that there
 * were more. */
#define DECISIVE_DIGITS 780

void
weir_number_reread(WeirNumber *number)
{
	int64_t point_shift = 0; /* digits behind the point, up to the one read last */
	int64_t zero_count = 0;  /* zeros not yet known to be significant */
	uint32_t kept_count = 0;
	bool is_behind_point = false;
	int64_t exponent = 0;
	const char *stop;

	number->mantissa = 0;
	number->dropped_count = 0;
	for (const char *p = number->text; p < number->text_end; p++)
	{
		if (*p == '.')
			is_behind_point = true;
		else if (*p == 'e' || *p == 'E')
		{
			weir_number_exponent(p, number->text_end, &exponent, &stop);
			break;
		}
		else if (weir_digit(*p))
		{
			point_shift += is_behind_point;
			if (*p == '0')
			{
				zero_count += number->mantissa != 0;
				continue;
			}
			/* the zeros before this digit count now */
			for (; zero_count > 0 && kept_count < WEIR_NUMBER_DIGITS; zero_count--, kept_count++)
				number->mantissa *= 10;
			if (kept_count < WEIR_NUMBER_DIGITS)
			{
				number->mantissa = number->mantissa * 10 + (uint64_t) (*p - '0');
				kept_count++;
				continue;
			}
			if (number->dropped_count == 0)
				number->dropped_first = zero_count > 0 ? 0 : (uint8_t) (*p - '0');
			number->dropped_count += (uint32_t) zero_count + 1;
			zero_count = 0;
		}
	}
	number->exponent = exponent - point_shift + zero_count + number->dropped_count;
}

/* The word that stands in place of a number. */
static WeirNumberKind
word_parse(const char *text, size_t len)
{
	static const struct
	{
		const char *word;
		WeirNumberKind kind;
	} words[] = {
		{"nan", WEIR_NUMBER_NAN},
		{"infinity", WEIR_NUMBER_INFINITY},
		{"+infinity", WEIR_NUMBER_INFINITY},
		{"-infinity", WEIR_NUMBER_MINUS_INFINITY},
		{"inf", WEIR_NUMBER_INFINITY},
		{"+inf", WEIR_NUMBER_INFINITY},
		{"-inf", WEIR_NUMBER_MINUS_INFINITY},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (weir_word_equal(text, len, words[i].word))
			return words[i].kind;
	return WEIR_NUMBER_NONE;
}

WeirNumberKind
weir_number_parse(const char *text, size_t len, WeirNumber *number)
{
	const char *p = text;
	const char *end = text + len;
	const char *digits;
	const char *stop;
	ptrdiff_t count;

	weir_trim(&p, &end);
	number->text = p;
	number->text_end = end;
	number->mantissa = 0;
	number->exponent = 0;
	number->dropped_count = 0;
	number->is_negative = p < end && *p == '-';
	if (p < end && (*p == '-' || *p == '+'))
		p++;
	digits = p;
	p = weir_number_digits(p, end, &number->mantissa);
	count = p - digits;
	if (p < end && *p == '.')
	{
		digits = ++p;
		p = weir_number_digits(p, end, &number->mantissa);
		number->exponent = digits - p;
		count += p - digits;
	}
	if (count == 0)
		return word_parse(number->text, (size_t) (end - number->text));
	if (p < end && (*p == 'e' || *p == 'E'))
		p = weir_number_exponent(p, end, &number->exponent, &stop);
	if (p != end)
		return WEIR_NUMBER_NONE;
	if (count > WEIR_NUMBER_DIGITS)
		weir_number_reread(number);
	return WEIR_NUMBER_FINITE;
}

/* `has_more`: the true remainder is a little larger, by less than one. */
static bool
is_rounded_up(uint64_t quotient, uint64_t remainder, uint64_t divisor, bool has_more,
			  WeirRounding rounding, bool is_negative)
{
	uint64_t other = divisor - remainder;

	if (remainder == 0 && !has_more)
		return false;
	if (rounding == WEIR_ROUNDING_FLOOR)
		return is_negative;
	if (remainder != other)
		return remainder > other;
	return has_more || (quotient & 1) != 0;
}

/* As weir_number_scale(), where digits stand behind the point: mantissa / 10^places. */
static WeirReason
number_divide(const WeirNumber *number, int64_t places, WeirRounding rounding, uint64_t *magnitude)
{
	uint64_t divisor;
	uint64_t quotient;
	uint64_t remainder;
	bool has_more = number->dropped_count != 0;

	if (places == 0)
	{
		quotient = number->mantissa;
		remainder = number->dropped_first;
		divisor = 10;
		has_more = number->dropped_count > 1;
	}
	else if (places > WEIR_NUMBER_DIGITS)
	{
		/* below 10^19 / 10^20: nearer to zero than to one */
		quotient = 0;
		remainder = 0;
		divisor = 2;
		has_more = true;
	}
	else
	{
		divisor = weir_number_power10[places];
		quotient = number->mantissa / divisor;
		remainder = number->mantissa % divisor;
	}
	if (rounding == WEIR_ROUNDING_REFUSE && (remainder != 0 || has_more))
		return WEIR_REASON_NOT_AN_INTEGER;
	*magnitude = quotient + is_rounded_up(quotient, remainder, divisor, has_more, rounding,
										  number->is_negative);
	return WEIR_REASON_NONE;
}

WeirReason
weir_number_scale(const WeirNumber *number, int shift, WeirRounding rounding, uint64_t *magnitude)
{
	int64_t exponent = number->exponent + shift;

	*magnitude = number->mantissa;
	if (number->mantissa == 0)
		return WEIR_REASON_NONE;
	/* where digits were dropped, the last of them may stand behind the point */
	if (rounding == WEIR_ROUNDING_REFUSE && number->dropped_count != 0 &&
		exponent < number->dropped_count)
		return WEIR_REASON_NOT_AN_INTEGER;
	if (exponent < 0 || (exponent == 0 && number->dropped_count != 0))
		return number_divide(number, -exponent, rounding, magnitude);
	/* 19 digits were kept and one more stands before the point */
	if (number->dropped_count != 0 || exponent > WEIR_NUMBER_DIGITS ||
		__builtin_mul_overflow(number->mantissa, weir_number_power10[exponent], magnitude))
		return WEIR_REASON_OUT_OF_RANGE;
	return WEIR_REASON_NONE;
}

WeirReason
weir_number_float8_slow(const WeirNumber *number, double *real)
{
	uint64_t bits;

	if (number->mantissa == 0)
	{
		*real = number->is_negative ? -0.0 : 0.0;
		return WEIR_REASON_NONE;
	}
	if (number_round(number, &float8_format, &bits))
		memcpy(real, &bits, sizeof(*real));
	else
	{
		char text[DECISIVE_DIGITS + 32];

		number_write(number, text);
		*real = strtod(text, NULL);
	}
	if (*real == 0 || isinf(*real))
		return WEIR_REASON_OUT_OF_RANGE;
	*real = number->is_negative ? -*real : *real;
	return WEIR_REASON_NONE;
}

WeirReason
weir_number_float4(const WeirNumber *number, float *real)
{
	int64_t exponent = number->exponent;
	uint64_t bits;

#if FLT_EVAL_METHOD == 0
	if (number->mantissa <= UINT64_C(1) << FLT_MANT_DIG && number->dropped_count == 0 &&
		exponent >= -EXACT_POWERS_FLOAT4 && exponent <= EXACT_POWERS_FLOAT4)
	{
		float value = (float) number->mantissa;

		value = exponent < 0 ? value / (float) weir_number_exact_power10[-exponent]
							 : value * (float) weir_number_exact_power10[exponent];
		*real = number->is_negative ? -value : value;
		return WEIR_REASON_NONE;
	}
#endif
	if (number->mantissa == 0)
	{
		*real = number->is_negative ? -0.0f : 0.0f;
		return WEIR_REASON_NONE;
	}
	if (number_round(number, &float4_format, &bits))
	{
		uint32_t half = (uint32_t) bits;

		memcpy(real, &half, sizeof(*real));
	}
	else
	{
		char text[DECISIVE_DIGITS + 32];

		number_write(number, text);
		*real = strtof(text, NULL);
	}
	if (*real == 0 || isinf(*real))
		return WEIR_REASON_OUT_OF_RANGE;
	*real = number->is_negative ? -*real : *real;
	return WEIR_REASON_NONE;
}

#ifdef __SIZEOF_INT128__

__extension__ typedef unsigned __int128 uint128;

/* Rounds mantissa * 10^exponent, correct although the power is cut to 128 bits.
 *
 * The product's high 128 bits are too small by less than two units, so that the true value lies in
 * [high, high + 2). Where a tie lies in there as well, nothing can be said.
 * Result: false if so. */
static bool
product_round(uint64_t mantissa, int64_t exponent, const BinaryFormat *format, uint64_t *bits)
{
	const WeirPower5 *power = &weir_power5[exponent - WEIR_POWER5_MIN];
	int lead = __builtin_clzll(mantissa);
	uint64_t factor = mantissa << lead;
	uint128 high = (uint128) factor * power->high + (((uint128) factor * power->low) >> 64);
	/* 2^scale is what the lowest bit of high is worth */
	int scale = (int) exponent + weir_power5_scale((int) exponent) + 64 - lead;
	int discard_count = ((high >> 127) != 0 ? 128 : 127) - format->digits;
	uint128 half;
	uint128 rest;
	uint64_t kept;

	if (scale + discard_count < format->min_exponent)
		discard_count = format->min_exponent - scale;
	if (discard_count > 127)
		return false;
	half = (uint128) 1 << (discard_count - 1);
	rest = high & ((half << 1) - 1);
	if (rest + 2 > half && rest <= half)
		return false;
	kept = (uint64_t) (high >> discard_count) + (rest > half);
	/* the leading one, if any, adds itself to the exponent; so does one that rounding made */
	*bits =
		((uint64_t) (scale + discard_count - format->min_exponent) << (format->digits - 1)) + kept;
	if (*bits > format->infinity)
		*bits = format->infinity;
	return true;
}

/* Result: false if only the text can tell. */
static bool
number_round(const WeirNumber *number, const BinaryFormat *format, uint64_t *bits)
{
	uint64_t next_bits;

	*bits = 0;
	if (number->exponent < WEIR_POWER5_MIN)
		return true;
	*bits = format->infinity;
	if (number->exponent > WEIR_POWER5_MAX)
		return true;
	if (!product_round(number->mantissa, number->exponent, format, bits))
		return false;
	/* dropped digits: the value lies between this mantissa and the next */
	return number->dropped_count == 0 ||
		   (product_round(number->mantissa + 1, number->exponent, format, &next_bits) &&
			*bits == next_bits);
}

#else

static bool
number_round(const WeirNumber *number, const BinaryFormat *format, uint64_t *bits)
{
	(void) number;
	(void) format;
	(void) bits;
	return false;
}

#endif

/* Writes the number's magnitude as digits and an exponent, with no point in it. */
static void
number_write(const WeirNumber *number, char *out)
{
	int digit_count = 0;
	int mantissa_count = 1;
	bool has_more = false;
	int64_t exponent;

	while (mantissa_count < WEIR_NUMBER_DIGITS &&
		   number->mantissa >= weir_number_power10[mantissa_count])
		mantissa_count++;
	for (const char *p = number->text; p < number->text_end && *p != 'e' && *p != 'E'; p++)
	{
		if (!weir_digit(*p) || (*p == '0' && digit_count == 0))
			continue;
		if (digit_count < DECISIVE_DIGITS)
			out[digit_count++] = *p;
		else
			has_more |= *p != '0';
	}
	/* zeros that the mantissa left out stand here, and the digits that it dropped */
	exponent = number->exponent + mantissa_count - digit_count;
	if (has_more)
	{
		out[digit_count++] = '1';
		exponent--;
	}
	/* any further exponent is beyond both formats, but not beyond strtod()'s own reading of it */
	if (exponent > 99999)
		exponent = 99999;
	if (exponent < -99999)
		exponent = -99999;
	snprintf(out + digit_count, 16, "e%d", (int) exponent);
}
