/* SPDX-License-Identifier: PostgreSQL
 *
 * Sums, means, variances and deviations of floats are the exact ones, rounded once, and a state is
 * the same bits for any order and any split of its values.
 *
 * The oracle counts, for each power of two, how often it came, carries at the end and divides bit by
 * bit. 1,000 random cases a claim; a number on the command line makes it more: 100000 is the slow
 * mode.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "random.h"
#include "tap.h"

#define VALUES_MAX 300

static int
random_below(int end)
{
	return random_next() % end;
}

/* --- the oracle --- */

#define ORACLE_UNIT (-2600) /* powers below 2^-2148 are for quotients */
#define ORACLE_BITS 4800

typedef struct Oracle
{
	int64_t times[ORACLE_BITS]; /* times[i] * 2^(i + ORACLE_UNIT) */
	bool is_negative;           /* once settled: then each is 0 or 1 */
	bool is_more;               /* a remainder was cut off */
} Oracle;

static void
oracle_add(Oracle *oracle, unsigned __int128 integer, int exponent, int64_t times)
{
	for (int i = exponent - ORACLE_UNIT; integer != 0; i++, integer >>= 1)
		if (integer & 1)
			oracle->times[i] += times;
}

static void
oracle_add_power(Oracle *oracle, double value, int power, int64_t times)
{
	int exponent;
	uint64_t integer = ldexp(fabs(frexp(value, &exponent)), 53);

	if (power == 1)
		oracle_add(oracle, integer, exponent - 53, value < 0 ? -times : times);
	else
		oracle_add(oracle, (unsigned __int128) integer * integer, 2 * (exponent - 53), times);
}

static void
oracle_settle(Oracle *oracle)
{
	for (;;)
	{
		int64_t carry = 0;

		for (int i = 0; i < ORACLE_BITS; i++)
		{
			carry += oracle->times[i];
			oracle->times[i] = carry & 1;
			carry >>= 1;
		}
		if (carry == 0)
			return;
		/* a negative number: the complement is a sum of powers again */
		oracle->is_negative = !oracle->is_negative;
		for (int i = 0; i < ORACLE_BITS; i++)
			oracle->times[i] = 1 - oracle->times[i];
		oracle->times[0]++;
	}
}

static void
oracle_divide(Oracle *oracle, uint64_t divisor)
{
	unsigned __int128 rest = 0;

	for (int i = ORACLE_BITS - 1; i >= 0; i--)
	{
		rest = 2 * rest + oracle->times[i];
		oracle->times[i] = rest >= divisor;
		if (rest >= divisor)
			rest -= divisor;
	}
	oracle->is_more |= rest != 0;
}

/* Of a settled number; infinite if it is too large. */
static double
oracle_round(const Oracle *oracle, int precision, int lowest, double largest)
{
	int top = ORACLE_BITS - 1;
	int last;
	double value = 0;
	bool is_half;
	bool is_more = oracle->is_more;

	while (top >= 0 && oracle->times[top] == 0)
		top--;
	last = top - precision + 1;
	if (last < lowest - ORACLE_UNIT)
		last = lowest - ORACLE_UNIT;
	for (int i = top; i >= last; i--)
		value = 2 * value + oracle->times[i];
	is_half = oracle->times[last - 1];
	for (int i = last - 2; i >= 0; i--)
		is_more |= oracle->times[i];
	if (is_half && (is_more || fmod(value, 2) == 1))
		value++;
	value = ldexp(value, last + ORACLE_UNIT);
	if (value > largest)
		value = INFINITY;
	return oracle->is_negative ? -value : value;
}

static double
oracle_float8(const Oracle *oracle)
{
	return oracle_round(oracle, DBL_MANT_DIG, -1074, DBL_MAX);
}

static Oracle
oracle_sum(const double *values, int count)
{
	Oracle oracle = {0};

	for (int i = 0; i < count; i++)
		oracle_add_power(&oracle, values[i], 1, 1);
	oracle_settle(&oracle);
	return oracle;
}

/* n * sum(x^2) - sum(x)^2, settled: never negative */
static Oracle
oracle_spread(const double *values, int count)
{
	static int set[ORACLE_BITS];
	Oracle sum = oracle_sum(values, count);
	Oracle spread = {0};
	int set_count = 0;

	for (int i = 0; i < count; i++)
		oracle_add_power(&spread, values[i], 2, count);
	for (int i = 0; i < ORACLE_BITS; i++)
		if (sum.times[i] != 0)
			set[set_count++] = i + ORACLE_UNIT;
	for (int i = 0; i < set_count; i++)
		for (int k = 0; k < set_count; k++)
			oracle_add(&spread, 1, set[i] + set[k], -1);
	oracle_settle(&spread);
	return spread;
}

static double
oracle_variance(const double *values, int count, bool is_sample)
{
	Oracle spread = oracle_spread(values, count);

	oracle_divide(&spread, (uint64_t) count * (count - is_sample));
	return oracle_float8(&spread);
}

/* The sign of spread / divisor - (integer * 2^exponent)^2. */
static int
oracle_compare_square(const Oracle *spread, uint64_t divisor, uint64_t integer, int exponent)
{
	Oracle difference = *spread;

	oracle_add(&difference, (unsigned __int128) integer * integer, 2 * exponent,
			   -(int64_t) divisor);
	oracle_settle(&difference);
	if (difference.is_negative)
		return -1;
	for (int i = 0; i < ORACLE_BITS; i++)
		if (difference.times[i] != 0)
			return 1;
	return 0;
}

/* Whether no float is nearer to the root; the root is normal or 0. */
static bool
is_root(const double *values, int count, bool is_sample, double root)
{
	Oracle spread = oracle_spread(values, count);
	uint64_t divisor = (uint64_t) count * (count - is_sample);
	int exponent;
	uint64_t integer = ldexp(frexp(root, &exponent), 53);

	if (root == 0)
		return oracle_compare_square(&spread, divisor, 0, 0) == 0;
	return oracle_compare_square(&spread, divisor, 2 * integer - 1, exponent - 54) >= 0 &&
		   oracle_compare_square(&spread, divisor, 2 * integer + 1, exponent - 54) <= 0;
}

/* --- values --- */

static double
value_of(uint64_t mantissa, int exponent)
{
	return ldexp(1 + ldexp(mantissa >> 12, -52), exponent) * (random_below(2) ? 1 : -1);
}

/* Magnitudes in [2^low, 2^(low + span + 1)): few bits and many, and some that cancel. */
static int
make_values(double *values, int low, int span)
{
	int count = 1 + random_below(random_below(4) == 0 ? VALUES_MAX : 12);
	uint64_t mask = random_below(3) == 0 ? UINT64_MAX << random_below(64) : UINT64_MAX;

	for (int i = 0; i < count; i++)
		if (i > 0 && random_below(5) == 0)
			values[i] = -values[random_below(i)];
		else
			values[i] = value_of(random_next() & mask, low + random_below(span + 1));
	return count;
}

static WeirSum
sum_of(const double *values, int count)
{
	WeirSum sum = {0};

	for (int i = 0; i < count; i++)
		weir_sum_add(&sum, values[i]);
	return sum;
}

static WeirMoments
moments_of(const double *values, int count)
{
	WeirMoments moments = {0};

	for (int i = 0; i < count; i++)
		weir_moments_add(&moments, values[i]);
	return moments;
}

static bool
is_same(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Results; too large is infinite. Whether a sum is said to be so, test_edges() asks; a variance or
 * deviation of finite values is infinite if and only if that is said, or else -1. */
static double
float8_sum(const WeirSum *sum)
{
	double result;
	bool is_fit = weir_sum_float8(sum, &result);

	return is_fit || isinf(result) ? result : NAN;
}

static double
float4_sum(const WeirSum *sum)
{
	float result;
	bool is_fit = weir_sum_float4(sum, &result);

	return is_fit || isinf(result) ? result : NAN;
}

static double
mean(const WeirSum *sum)
{
	double result;

	return weir_sum_mean(sum, &result) ? result : DBL_TRUE_MIN;
}

static double
variance(const WeirMoments *moments, bool is_sample)
{
	double result;

	return weir_moments_variance(moments, is_sample, &result) == isinf(result) ? -1 : result;
}

static double
deviation(const WeirMoments *moments, bool is_sample)
{
	double result;

	return weir_moments_deviation(moments, is_sample, &result) == isinf(result) ? -1 : result;
}

/* --- claims --- */

static bool
sum_is_right(const double *values, int count)
{
	WeirSum sum = sum_of(values, count);
	Oracle oracle = oracle_sum(values, count);
	bool is_right = is_same(float8_sum(&sum), oracle_float8(&oracle)) &&
					is_same(float4_sum(&sum), oracle_round(&oracle, FLT_MANT_DIG, -149, FLT_MAX));

	if (oracle_float8(&oracle) == 0)
		return is_right && is_same(mean(&sum), 0.0);
	oracle_divide(&oracle, count);
	return is_right && is_same(mean(&sum), oracle_float8(&oracle));
}

static void
test_sums(int case_count)
{
	static double values[VALUES_MAX];
	bool is_right = true;
	int i;

	for (i = 0; i < case_count && is_right; i++)
	{
		int span = random_below(101);
		int low = random_below(4) == 0 ? -20 - span / 2 : -1022 + random_below(2046 - span);

		is_right = sum_is_right(values, make_values(values, low, span));
	}
	ok(is_right, "sum and mean are rounded once while magnitudes span 2^100: case %d", i);

	for (i = 0; i < case_count && is_right; i++)
	{
		int count = make_values(values, -1022, 60);

		/* subnormal, but not zero */
		for (int k = 0; k < count; k++)
			values[k] = ldexp(values[k], -random_below(53));
		is_right = sum_is_right(values, count);
	}
	ok(is_right, "tiny ones too: case %d", i);
}

static void
test_span(void)
{
	static const double ends[] = {0x1.0000000000001p+108, 0x1.fffffffffffffp+0};
	bool is_right = true;

	/* wherever the grid's places begin */
	for (int shift = -1022; shift <= 1023 - 108; shift++)
	{
		double values[] = {ldexp(ends[0], shift), ldexp(ends[1], shift), -ldexp(ends[0], shift)};

		is_right &= sum_is_right(values, 3);
	}
	ok(is_right, "nothing is cut off while magnitudes span 2^108");
}

/* Any doubles: each exponent, infinities, NaN, zeros. */
static double
any_double(void)
{
	uint64_t bits = random_next();
	double value;

	if (random_below(4) == 0)
		bits &= UINT64_MAX << 52; /* zeros, powers of two, infinities */
	if (random_below(100) == 0)
		bits &= UINT64_C(1) << 63;
	if (random_below(50) != 0 && (bits >> 52 & 0x7FF) == 0x7FF)
		bits ^= UINT64_C(1) << 60;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Splits the values, sums the parts, and merges them in a random order. */
static WeirMoments
merged(const double *values, int count)
{
	WeirMoments parts[8] = {{{{0}, 0, 0, 0}, {{0}, 0, 0, 0}, 0}};
	int part_count = 8;

	for (int i = 0; i < count; i++)
		weir_moments_add(&parts[random_below(part_count)], values[i]);
	while (part_count > 1)
	{
		int from = random_below(part_count);
		WeirMoments taken = parts[from];

		parts[from] = parts[--part_count];
		weir_moments_merge(&parts[random_below(part_count)], &taken);
	}
	return parts[0];
}

static void
test_order(int case_count)
{
	static double values[VALUES_MAX];
	bool is_right = true;
	int i;

	for (i = 0; i < case_count && is_right; i++)
	{
		bool is_any = i % 2;
		int count = is_any ? 1 + random_below(VALUES_MAX) : make_values(values, -300, 600);
		WeirMoments wanted;

		for (int k = 0; is_any && k < count; k++)
			values[k] = any_double();
		wanted = moments_of(values, count);
		for (int round = 0; round < 4 && is_right; round++)
		{
			WeirMoments got;

			for (int k = count - 1; k > 0; k--)
			{
				int other = random_below(k + 1);
				double value = values[k];

				values[k] = values[other];
				values[other] = value;
			}
			got = round < 2 ? moments_of(values, count) : merged(values, count);
			is_right = memcmp(&got, &wanted, sizeof(got)) == 0;
		}
	}
	ok(is_right, "a state is the same for any order, split and merge of any values: case %d", i);
}

/* A sum and moments agree: they are fed and merged alike. */
static void
test_states_agree(int case_count)
{
	static double values[VALUES_MAX];
	bool is_right = true;

	for (int i = 0; i < case_count && is_right; i++)
	{
		int count = make_values(values, -40, 80);
		int split = random_below(count + 1);
		WeirSum sum = sum_of(values, split);
		WeirSum rest = sum_of(values + split, count - split);
		WeirMoments moments = moments_of(values, count);

		weir_sum_merge(&sum, &rest);
		is_right =
			memcmp(&sum.sum, &moments.sum, sizeof(sum.sum)) == 0 && sum.count == moments.count;
	}
	ok(is_right, "sums and moments hold the same sum");
}

static void
test_many(int case_count)
{
	bool is_right = true;
	int i;

	for (i = 0; i < case_count && is_right; i++)
	{
		static double values[3];
		Oracle oracle = {0};
		WeirSum sum = {0};
		int span = random_below(101);
		int low = -1022 + random_below(1900 - span);
		int64_t times[3] = {0};
		bool is_positive = random_below(2);

		for (int k = 0; k < 3; k++)
		{
			values[k] = value_of(random_next(), low + random_below(span + 1));
			values[k] = is_positive ? fabs(values[k]) : values[k];
		}
		/* 2n + 1 values, again and again: past the carries at 2^30, up to 2^58 */
		for (int k = 1 + random_below(57); k >= 0; k--)
		{
			WeirSum same = sum;
			int which = random_below(3);

			weir_sum_merge(&sum, &same);
			weir_sum_add(&sum, values[which]);
			for (int m = 0; m < 3; m++)
				times[m] = 2 * times[m] + (m == which);
		}
		/* and one larger than all, now and then */
		if (random_below(2))
		{
			double larger = ldexp(values[0], random_below(100 - span + 1));

			weir_sum_add(&sum, larger);
			weir_sum_add(&sum, -larger);
		}
		for (int k = 0; k < 3; k++)
			oracle_add_power(&oracle, values[k], 1, times[k]);
		oracle_settle(&oracle);
		is_right = is_same(float8_sum(&sum), oracle_float8(&oracle));
	}
	ok(is_right, "digits carry: sums of up to 2^58 values: case %d", i);
}

/* Counts that meet 2^30 by adding, not by merging. */
static void
test_carry_by_adding(void)
{
	bool is_right = true;

	for (int sign = -1; sign <= 1; sign += 2)
	{
		double value = sign * 0x1.fffffffffffffp+10;
		Oracle oracle = {0};
		WeirSum sum = {0};

		while (sum.count < (UINT64_C(1) << 30) - 1)
		{
			WeirSum same = sum;

			weir_sum_merge(&sum, &same);
			weir_sum_add(&sum, value);
		}
		for (int i = 0; i < 10; i++)
			weir_sum_add(&sum, value);
		oracle_add_power(&oracle, value, 1, (INT64_C(1) << 30) + 9);
		oracle_settle(&oracle);
		is_right &= is_same(float8_sum(&sum), oracle_float8(&oracle));
		for (int i = 0; i < WEIR_EXACT_DIGITS - 1; i++)
			is_right &= sum.sum.digits[i] >= -(INT64_C(1) << 36) && sum.sum.digits[i] <= INT64_C(1)
																							 << 36;
	}
	ok(is_right, "the 2^30th value carries");
}

static void
test_spreads(int case_count)
{
	static double values[VALUES_MAX];
	bool is_right = true;
	int i;

	for (i = 0; i < case_count / 10 && is_right; i++)
	{
		bool is_sample = random_below(2);
		int low = random_below(3) == 0 ? -10 : -450 + random_below(900);
		int count = make_values(values, low, random_below(28));
		double centre = ldexp(1, random_below(28) + low);
		WeirMoments moments;

		if (count == 1)
			values[count++] = values[0];
		/* far from zero: as far as mean / deviation = 2^40 and more */
		if (random_below(2))
			for (int k = 0; k < count; k++)
				values[k] = centre + ldexp(values[k] / centre, low - random_below(50));
		moments = moments_of(values, count);
		is_right =
			is_same(variance(&moments, is_sample), oracle_variance(values, count, is_sample)) &&
			is_root(values, count, is_sample, deviation(&moments, is_sample));
	}
	ok(is_right, "variance and deviation are rounded once while magnitudes span 2^27: case %d", i);

	for (i = 0; i < case_count / 10 && is_right; i++)
	{
		int count = make_values(values, -400, random_below(800));
		WeirMoments moments;
		double wanted;
		double got;

		if (count == 1)
			values[count++] = 1;
		moments = moments_of(values, count);
		got = variance(&moments, true);
		wanted = oracle_variance(values, count, true);
		is_right = fabs(got - wanted) <= wanted * 0x1p-52;
	}
	ok(is_right, "beyond, they are nearly that: case %d", i);

	for (i = 0; i < case_count / 10 && is_right; i++)
	{
		int count = make_values(values, -60, 60);
		double centre = 0x1p+39;
		WeirMoments moments;
		double wanted;

		if (count == 1)
			values[count++] = 1;
		for (int k = 0; k < count; k++)
			values[k] = random_below(2) ? centre + values[k] : centre - values[k];
		values[0] = 0x1p-100; /* so that squares are cut off */
		values[1] = -0x1p-110;
		moments = moments_of(values, count);
		wanted = oracle_variance(values, count, false);
		is_right = fabs(variance(&moments, false) - wanted) <= wanted * 0x1p-52;
	}
	ok(is_right, "also where squares are cut off and the mean is large: case %d", i);
}

static void
test_edges(void)
{
	double tenth = 0.1;
	WeirSum ten = {0};
	WeirMoments pair = {0};

	for (int i = 0; i < 10; i++)
		weir_sum_add(&ten, tenth);
	ok(is_same(float8_sum(&ten), 1.0), "ten times 0.1 is 1");
	ok(is_same(mean(&ten), 0.1), "the mean of 0.1 is 0.1");

#define SUM(...) sum_of((double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double))
#define IS_SUM(wanted, ...)                                                                        \
	ok(is_same(float8_sum(&(WeirSum[]){SUM(__VA_ARGS__)}[0]), wanted), "sum of " #__VA_ARGS__)
#define IS_FLOAT4(wanted, ...)                                                                     \
	ok(is_same(float4_sum(&(WeirSum[]){SUM(__VA_ARGS__)}[0]), wanted), "float4 of " #__VA_ARGS__)
#define IS_MEAN(wanted, ...)                                                                       \
	ok(is_same(mean(&(WeirSum[]){SUM(__VA_ARGS__)}[0]), wanted), "mean of " #__VA_ARGS__)

	/* zeros */
	IS_SUM(-0.0, -0.0);
	IS_SUM(-0.0, -0.0, -0.0);
	IS_SUM(0.0, -0.0, 0.0);
	IS_SUM(0.0, 1, -1);
	IS_SUM(0.0, -0.0, DBL_TRUE_MIN, -DBL_TRUE_MIN);
	IS_FLOAT4(-0.0, -0.0);
	IS_MEAN(0.0, -0.0);

	/* the ends of the range */
	IS_SUM(DBL_TRUE_MIN, DBL_TRUE_MIN);
	IS_SUM(DBL_MIN, DBL_MIN - DBL_TRUE_MIN, DBL_TRUE_MIN);
	IS_SUM(DBL_MAX, DBL_MAX, DBL_MAX, -DBL_MAX);
	IS_SUM(DBL_MAX, DBL_MAX, 0x1.fffffffffffffp+969);
	IS_SUM(INFINITY, DBL_MAX, 0x1p+970);
	IS_SUM(-INFINITY, -DBL_MAX, -DBL_MAX);
	IS_MEAN(DBL_MAX, DBL_MAX, DBL_MAX);
	IS_MEAN(DBL_TRUE_MIN, DBL_TRUE_MIN, DBL_TRUE_MIN, 0);
	IS_MEAN(0.0, DBL_TRUE_MIN, 0);
	IS_MEAN(-0.0, -DBL_TRUE_MIN, 0);
	IS_FLOAT4(FLT_MAX, FLT_MAX, 0x1.fffp+102);
	IS_FLOAT4(INFINITY, FLT_MAX, 0x1p+103);
	IS_FLOAT4(FLT_TRUE_MIN, FLT_TRUE_MIN);
	IS_FLOAT4(INFINITY, 1e300);

	{
		double result8;
		float result4;
		WeirSum large = SUM(DBL_MAX, DBL_MAX);
		WeirSum infinite = SUM(INFINITY);

		ok(!weir_sum_float8(&large, &result8) && !weir_sum_float4(&large, &result4), "too large");
		ok(weir_sum_float8(&infinite, &result8) && weir_sum_float4(&infinite, &result4),
		   "infinite is not too large");
	}

	/* ties, and just beside them */
	IS_SUM(1, 1, 0x1p-53);
	IS_SUM(0x1.0000000000001p+0, 1, 0x1p-53, 0x1p-107);
	IS_SUM(1, 1, 0x1p-53, -0x1p-107);
	IS_SUM(0x1.0000000000002p+0, 0x1.0000000000001p+0, 0x1p-53);
	IS_FLOAT4(0x1.000002p+0, 1, 0x1p-24, 0x1p-100); /* not by way of a float8 */

	/* not numbers */
	IS_SUM(INFINITY, 1, INFINITY, INFINITY);
	IS_SUM(-INFINITY, -INFINITY, DBL_MAX);
	IS_MEAN(INFINITY, 1, INFINITY);
	IS_FLOAT4(-INFINITY, -INFINITY);
	ok(isnan(float8_sum(&(WeirSum[]){SUM(INFINITY, 1, -INFINITY)}[0])), "infinities of both signs");
	ok(isnan(float8_sum(&(WeirSum[]){SUM(NAN, INFINITY)}[0])), "NaN wins");
	ok(isnan(float4_sum(&(WeirSum[]){SUM(NAN, 1)}[0])), "NaN as float4");

	/* cut off, and in any order the same */
	IS_SUM(0.0, 1e100, 1, -1e100);
	IS_SUM(0.0, 1, 1e100, -1e100);
	IS_SUM(0.0, 1e100, -1e100, 1);

	weir_moments_add(&pair, 0x1p+600);
	ok(variance(&pair, false) == 0 && deviation(&pair, false) == 0, "one value has no variance");
	weir_moments_add(&pair, -0x1p+600);
	ok(deviation(&pair, false) == 0x1p+600, "a deviation fits though its variance does not");
	ok(isinf(variance(&pair, false)), "a variance is too large");
	weir_moments_add(&pair, INFINITY);
	ok(isnan(variance(&pair, false)) && isnan(deviation(&pair, true)), "none of infinite values");
	pair = moments_of((double[]){1, -0x1p-53}, 2);
	ok(is_same(deviation(&pair, false), 0.5), "a deviation that is a tie");
	pair = moments_of((double[]){1, -0x1.000000000002p-53}, 2);
	ok(is_same(deviation(&pair, false), 0x1.0000000000001p-1), "a deviation just beside a tie");
	pair = moments_of((double[]){2, -2, 0x1p-25, -0x1p-25, 0x1p-52, -0x1p-52, 0, 0}, 8);
	ok(is_same(deviation(&pair, false), 1), "a root that is a tie");
	pair =
		moments_of((double[]){2, -2, 0x1p-25, -0x1p-25, 0x1p-52, -0x1p-52, 0x1p-59, -0x1p-59}, 8);
	ok(is_same(deviation(&pair, false), 0x1.0000000000001p+0), "a root just beside a tie");
	pair = (WeirMoments){0};
	weir_moments_add(&pair, 0);
	weir_moments_add(&pair, -0.0);
	ok(is_same(variance(&pair, true), 0) && is_same(deviation(&pair, true), 0), "zeros vary by 0");
}

static void
test_bytes(int case_count)
{
	uint8_t bytes[WEIR_MOMENTS_BYTES];
	char text[2 * WEIR_SUM_BYTES + 1];
	WeirSum sum = SUM(1.5, -2.25, INFINITY);
	WeirMoments moments;
	bool is_right = true;

	weir_sum_write(&sum, bytes);
	for (int i = 0; i < WEIR_SUM_BYTES; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	/* the format is stored: it does not change */
	is_text(text,
			"00000000000000000000000000000000000000000000000000000000000000000000000000000000"
			"0000fdffffffffff00000000210002000300000000000000",
			"the bytes of a sum");

	for (int i = 0; i < case_count && is_right; i++)
	{
		WeirSum sum_back;
		WeirMoments back;

		moments = (WeirMoments){0};
		sum = (WeirSum){0};
		for (int k = random_below(20); k > 0; k--)
		{
			double value = any_double();

			weir_moments_add(&moments, value);
			weir_sum_add(&sum, value);
		}
		weir_moments_write(&moments, bytes);
		is_right = weir_moments_read(bytes, &back) && memcmp(&back, &moments, sizeof(back)) == 0;
		weir_sum_write(&sum, bytes);
		is_right &= weir_sum_read(bytes, &sum_back) && memcmp(&sum_back, &sum, sizeof(sum)) == 0;
	}
	ok(is_right, "a state is read as it was written");

	memset(bytes, 0xFF, sizeof(bytes));
	ok(!weir_sum_read(bytes, &sum) && !weir_moments_read(bytes, &moments), "not a state: ones");
	moments = moments_of((double[]){1}, 1);
	moments.squares.low++;
	moments.squares.low++;
	weir_moments_write(&moments, bytes);
	ok(!weir_moments_read(bytes, &moments), "not a state: squares that are not of the sum");
	sum = SUM(DBL_MAX);
	weir_sum_write(&sum, bytes);
	ok(weir_sum_read(bytes, &sum), "a state: the largest double");
	sum.sum.low++;
	weir_sum_write(&sum, bytes);
	ok(!weir_sum_read(bytes, &sum), "not a state: larger than the largest double");
	moments = moments_of((double[]){DBL_MAX}, 1);
	weir_moments_write(&moments, bytes);
	ok(weir_moments_read(bytes, &moments), "a state: its square");
}

int
main(int argc, char **argv)
{
	int case_count = argc > 1 ? atoi(argv[1]) : 1000;

	test_edges();
	test_sums(case_count);
	test_span();
	test_order(case_count);
	test_states_agree(case_count);
	test_many(case_count);
	test_carry_by_adding();
	test_spreads(case_count);
	test_bytes(case_count);
	return done_testing();
}
