/* SPDX-License-Identifier: PostgreSQL
 *
 * Floats of text are those of strtod() and strtof(), bit for bit, out of range included.
 *
 * 100,000 texts of each kind; a number on the command line makes it more: 1000000 is the slow mode.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "random.h"
#include "tap.h"

static bool
number_read(const char *text, WeirNumber *number)
{
	size_t len = strlen(text);
	const char *stop;

	if (*text == '-' || weir_digit(*text))
	{
		WeirNumber strict;
		const char *behind = weir_number_scan(text, text + len, &strict, &stop);
		WeirNumberKind kind = weir_number_parse(text, len, number);

		/* both readers say the same of what is JSON */
		if (behind == text + len &&
			(kind != WEIR_NUMBER_FINITE || strict.mantissa != number->mantissa ||
			 (strict.mantissa != 0 && strict.exponent != number->exponent) ||
			 strict.dropped_count != number->dropped_count ||
			 strict.is_negative != number->is_negative))
			return false;
		return kind == WEIR_NUMBER_FINITE;
	}
	return weir_number_parse(text, len, number) == WEIR_NUMBER_FINITE;
}

static bool
float8_is_right(const char *text)
{
	double wanted = strtod(text, NULL);
	double got = 0;
	WeirNumber number;
	WeirReason reason;

	if (!number_read(text, &number))
		return false;
	reason = weir_number_float8(&number, &got);
	if (isinf(wanted) || (wanted == 0 && number.mantissa != 0))
		return reason == WEIR_REASON_OUT_OF_RANGE;
	return reason == WEIR_REASON_NONE && memcmp(&wanted, &got, sizeof(got)) == 0;
}

static bool
float4_is_right(const char *text)
{
	float wanted = strtof(text, NULL);
	float got = 0;
	WeirNumber number;
	WeirReason reason;

	if (!number_read(text, &number))
		return false;
	reason = weir_number_float4(&number, &got);
	if (isinf(wanted) || (wanted == 0 && number.mantissa != 0))
		return reason == WEIR_REASON_OUT_OF_RANGE;
	return reason == WEIR_REASON_NONE && memcmp(&wanted, &got, sizeof(got)) == 0;
}

/* A double of random bits, finite. */
static double
double_make(void)
{
	uint64_t bits;
	double real;

	do
	{
		bits = random_next();
		memcpy(&real, &bits, sizeof(real));
	} while (!isfinite(real));
	return real;
}

static float
float_make(void)
{
	uint32_t bits;
	float real;

	do
	{
		bits = (uint32_t) random_next();
		memcpy(&real, &bits, sizeof(real));
	} while (!isfinite(real));
	return real;
}

static size_t
digits_make(char *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (char) ('0' + random_next() % 10);
	return count;
}

/* The kinds of text. */

static void
shortest_double(char *out, size_t size)
{
	snprintf(out, size, "%.17g", double_make());
}

static void
plain_double(char *out, size_t size)
{
	snprintf(out, size, "%.*f", (int) (random_next() % 8), (double) (random_next() >> 40) / 1000);
}

static void
random_digits(char *out, size_t size)
{
	size_t len = digits_make(out, 1 + random_next() % 30);

	if (random_next() % 2)
	{
		out[len++] = '.';
		len += digits_make(out + len, 1 + random_next() % 30);
	}
	if (random_next() % 2)
		snprintf(out + len, size - len, "e%d", (int) (random_next() % 700) - 350);
	else
		out[len] = '\0';
}

static void
short_float(char *out, size_t size)
{
	snprintf(out, size, "%.9g", float_make());
}

static void
float_digits(char *out, size_t size)
{
	size_t len = digits_make(out, 1 + random_next() % 22);

	snprintf(out + len, size - len, "e%d", (int) (random_next() % 100) - 60);
}

/* Halfway between two doubles, exactly, or a hair beside it. */
static void
halfway_double(char *out, size_t size)
{
	uint64_t bits = random_next() % 2 ? random_next() % 0x7FE0000000000000
									  : 0x3FF0000000000000 + random_next() % 0x0200000000000000;
	double low;
	double high;
	size_t len;
	uint64_t next = bits + 1;

	memcpy(&low, &bits, sizeof(low));
	memcpy(&high, &next, sizeof(high));
	/* a long double has the one bit more that is needed, and printf() all its digits */
	snprintf(out, size, "%.*Lf", fabs(low) < 1 ? 1100 : 60,
			 ((long double) low + (long double) high) / 2);
	len = strlen(out);
	if (random_next() % 3 == 0)
		out[len - 1] = '1';
	else if (random_next() % 2 == 0 && len < size - 1)
		memcpy(out + len, "1", 2);
}

static void
halfway_float(char *out, size_t size)
{
	uint32_t bits = (uint32_t) (random_next() % 0x7F000000);
	float low;
	float high;
	uint32_t next = bits + 1;

	memcpy(&low, &bits, sizeof(low));
	memcpy(&high, &next, sizeof(high));
	snprintf(out, size, "%.*f%s", fabsf(low) < 1 ? 160 : 40, ((double) low + (double) high) / 2,
			 random_next() % 2 ? "1" : "");
}

static void
near_the_ends(char *out, size_t size)
{
	static const char *const ends[] = {
		"17976931348623158", "24703282292062327", "49406564584124654", "22250738585072014",
		"22250738585072011", "34028235677973366", "70064923216240853", "11754943508222875"};
	static const int exponents[] = {308, -324, -324, -308, -308, 38, -46, -38};
	size_t which = random_next() % 8;
	size_t len = (size_t) snprintf(out, size, "%s", ends[which]);

	if (random_next() % 2)
		out[len - 1] = (char) ('0' + random_next() % 10);
	if (random_next() % 2)
		len += digits_make(out + len, random_next() % 20);
	snprintf(out + len, size - len, "e%d", exponents[which] - (int) len + 1);
}

static void
kind_is_right(const char *name, void (*make)(char *, size_t), bool (*is_right)(const char *),
			  int count)
{
	char text[4096];

	for (int i = 0; i < count; i++)
	{
		make(text, sizeof(text));
		if (!is_right(text))
		{
			ok(false, "%s: %s", name, text);
			return;
		}
	}
	ok(true, "%s", name);
}

static void
chosen_are_right(void)
{
	static const char *const texts[] = {"0",
										"-0",
										"0.0",
										"0e999999999999",
										"1",
										"-1",
										"0.1",
										"1e22",
										"1e23",
										"1e-22",
										"1e-23",
										"9007199254740991",
										"9007199254740992",
										"9007199254740993",
										"9007199254740994",
										"9007199254740993.00000000000000000000000000001",
										"9007199254740995",
										"123456789012345678",
										"1234567890123456789",
										"12345678901234567890",
										"123456789012345678901234567890",
										"9999999999999999999",
										"10000000000000000000",
										"18446744073709551615",
										"18446744073709551616",
										"0.23607021354399293500",
										"2.2250738585072011e-308",
										"2.2250738585072012e-308",
										"2.2250738585072014e-308",
										"4.9406564584124654e-324",
										"2.4703282292062327e-324",
										"2.4703282292062328e-324",
										"1.7976931348623157e308",
										"1.7976931348623158e308",
										"1.797693134862315807e308",
										"1.7976931348623159e308",
										"1e-342",
										"1e-343",
										"1e-400",
										"1e308",
										"1e309",
										"1e310",
										"1e99999",
										"1e-99999",
										"1e100000",
										"1e-100000",
										"1e999999999999999999999",
										"1e-999999999999999999999",
										"3.4028234e38",
										"3.4028235e38",
										"3.4028236e38",
										"3.40282357e38",
										"1.17549435e-38",
										"1.4e-45",
										"7.0064923216240853e-46",
										"7.0064923216240854e-46",
										"7e-46",
										"16777216",
										"16777217",
										"16777218",
										"16777219",
										"16777217.000000000000000001",
										"1e10",
										"1e11",
										"1e38",
										"1e39",
										"1.",
										".5",
										"+1.5",
										"6.10351562500000000000e-05",
										"8.98846567431158e307"};
	bool is_right = true;
	char text[70100];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && is_right; i++)
	{
		is_right = float8_is_right(texts[i]) && float4_is_right(texts[i]);
		if (!is_right)
			printf("# %s\n", texts[i]);
	}
	ok(is_right, "chosen numbers");
	/* the point far from the digits, and the exponent that takes it back */
	strcpy(text, "0.");
	memset(text + 2, '0', 70000);
	strcpy(text + 70002, "15e70001");
	ok(float8_is_right(text) && float4_is_right(text), "70,000 zeros behind the point");
	text[0] = '1';
	memset(text + 1, '0', 70001);
	strcpy(text + 70002, "e-70001");
	ok(float8_is_right(text) && float4_is_right(text), "70,000 zeros before the point");
	memset(text, '9', 70000);
	strcpy(text + 70000, "e-70000");
	ok(float8_is_right(text) && float4_is_right(text), "70,000 digits");
}

int
main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 100000;

	chosen_are_right();
	kind_is_right("float8 with 17 digits", shortest_double, float8_is_right, count);
	kind_is_right("float8 as prices are written", plain_double, float8_is_right, count);
	kind_is_right("float8 of random digits", random_digits, float8_is_right, count);
	kind_is_right("float8 halfway between two", halfway_double, float8_is_right, count / 20);
	kind_is_right("float8 near the ends of its range", near_the_ends, float8_is_right, count);
	kind_is_right("float4 with 9 digits", short_float, float4_is_right, count);
	kind_is_right("float4 with 17 digits", shortest_double, float4_is_right, count);
	kind_is_right("float4 as prices are written", plain_double, float4_is_right, count);
	kind_is_right("float4 of random digits", float_digits, float4_is_right, count);
	kind_is_right("float4 halfway between two", halfway_float, float4_is_right, count);
	kind_is_right("float4 near the ends of its range", near_the_ends, float4_is_right, count);
	return done_testing();
}
