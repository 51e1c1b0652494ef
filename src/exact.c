/* SPDX-License-Identifier: PostgreSQL
 *
 * Sums of floats that do not depend on the order: adding, merging, and rounding once at the end.
 *
 * Two halves: a state's digits (see exact.h), and natural numbers of some hundred bits, which are
 * what a result is computed in.
 */
#include "exact.h"

#include <string.h>

_Static_assert(sizeof(WeirSum) == WEIR_SUM_BYTES, "WeirSum has padding");
_Static_assert(sizeof(WeirMoments) == WEIR_MOMENTS_BYTES, "WeirMoments has padding");

#define PLACE_BITS 32
#define PLACE_MASK UINT64_C(0xFFFFFFFF)
#define TOP (WEIR_EXACT_DIGITS - 1)
#define TOP_BITS 62

/* A place takes up to 2^32 a value, a digit holds 2^63. */
#define SETTLE_COUNT (UINT64_C(1) << 30)

/* Bit 0 of place 0 is 2^UNIT, so that any value but zero makes `low` positive. Of squares it is
 * 2^(2 UNIT). */
#define MARGIN 160
#define UNIT (-1074 - MARGIN)

/* Of the largest double, and of its square. */
#define SUM_LOW_MAX (((2045 + MARGIN + 52) / PLACE_BITS) - TOP)
#define SQUARES_LOW_MAX (((2 * (2045 + MARGIN) + 105) / PLACE_BITS) - TOP)

enum
{
	SEEN_NAN = 1,
	SEEN_INFINITY = 2,
	SEEN_MINUS_INFINITY = 4,
	SEEN_ZERO = 8, /* not -0: a sum of nothing but -0 is -0 */
	SEEN_ALL = 15
};

/* --- digits --- */

/* Carries, so that digits take SETTLE_COUNT values more. */
static void
settle(WeirExact *exact)
{
	int64_t carry;

	for (int i = 0; i < TOP; i++)
	{
		exact->digits[i + 1] += exact->digits[i] >> PLACE_BITS;
		exact->digits[i] &= PLACE_MASK;
	}
	carry = exact->digits[TOP] >> TOP_BITS;
	exact->digits[TOP] -= carry * (INT64_C(1) << TOP_BITS);
	exact->overflow += carry;
}

/* Moves the places up; what was in the lowest is cut off. */
static void
raise(WeirExact *exact, int low)
{
	int by = low - exact->low;
	int64_t above = 0;

	if (exact->overflow != 0)
	{
		settle(exact);
		above = exact->overflow * (INT64_C(1) << (TOP_BITS - PLACE_BITS)) +
				(exact->digits[TOP] >> PLACE_BITS);
		exact->digits[TOP] &= PLACE_MASK;
		exact->overflow = 0;
	}
	for (int i = 0; i < WEIR_EXACT_DIGITS; i++)
	{
		int from = i + by;

		exact->digits[i] = from <= TOP ? exact->digits[from] : from == TOP + 1 ? above : 0;
	}
	exact->low = low;
}

/* Adds an integer of at most `width` bits, given as 32-bit words, times 2^bit. Places above the top
 * get nothing: the number is not that wide. */
static inline __attribute__((always_inline)) void
deposit(WeirExact *exact, const uint32_t *words, int word_count, int width, int bit,
		bool is_negative)
{
	int place = bit / PLACE_BITS;
	int shift = bit % PLACE_BITS;
	int low = (bit + width - 1) / PLACE_BITS - TOP;
	int64_t sign = -(int64_t) is_negative;
	uint64_t below = 0;

	if (__builtin_expect(low > exact->low, 0))
		raise(exact, low);
	for (int k = 0; k <= word_count; k++)
	{
		uint64_t word = k < word_count ? words[k] : 0;
		int64_t part = ((word << PLACE_BITS | below) >> (PLACE_BITS - shift)) & PLACE_MASK;
		unsigned i = place + k - exact->low;

		if (i < WEIR_EXACT_DIGITS)
			exact->digits[i] += (part ^ sign) - sign;
		below = word;
	}
}

/* A double as an integer times 2^(bit + UNIT). Result: false if it is none, or zero; then it is noted
 * as seen. */
static inline bool
take_apart(double value, WeirExact *exact, uint64_t *mantissa, int *bit, bool *is_negative)
{
	uint64_t bits;
	int exponent;

	memcpy(&bits, &value, sizeof(bits));
	exponent = bits >> 52 & 0x7FF;
	*mantissa = bits & ((UINT64_C(1) << 52) - 1);
	*is_negative = bits >> 63;
	if (exponent == 0x7FF)
	{
		exact->seen |= *mantissa != 0 ? SEEN_NAN
					   : *is_negative ? SEEN_MINUS_INFINITY
									  : SEEN_INFINITY;
		return false;
	}
	if (exponent == 0)
	{
		if (*mantissa == 0)
		{
			exact->seen |= *is_negative ? 0 : SEEN_ZERO;
			return false;
		}
		*bit = MARGIN;
		return true;
	}
	*mantissa |= UINT64_C(1) << 52;
	*bit = exponent - 1 + MARGIN;
	return true;
}

static inline void
deposit_value(WeirExact *exact, uint64_t mantissa, int bit, bool is_negative)
{
	uint32_t words[2] = {mantissa, mantissa >> 32};

	deposit(exact, words, 2, 53, bit, is_negative);
}

static inline void
deposit_square(WeirExact *exact, uint64_t mantissa, int bit)
{
	unsigned __int128 square = (unsigned __int128) mantissa * mantissa;
	uint32_t words[4] = {square, square >> 32, square >> 64, square >> 96};

	deposit(exact, words, 4, 106, 2 * bit, false);
}

void
weir_sum_add(WeirSum *sum, double value)
{
	uint64_t mantissa;
	int bit;
	bool is_negative;

	if (take_apart(value, &sum->sum, &mantissa, &bit, &is_negative))
		deposit_value(&sum->sum, mantissa, bit, is_negative);
	if (__builtin_expect(++sum->count % SETTLE_COUNT == 0, 0))
		settle(&sum->sum);
}

void
weir_moments_add(WeirMoments *moments, double value)
{
	uint64_t mantissa;
	int bit;
	bool is_negative;

	if (take_apart(value, &moments->sum, &mantissa, &bit, &is_negative))
	{
		deposit_value(&moments->sum, mantissa, bit, is_negative);
		deposit_square(&moments->squares, mantissa, bit);
	}
	if (__builtin_expect(++moments->count % SETTLE_COUNT == 0, 0))
	{
		settle(&moments->sum);
		settle(&moments->squares);
	}
}

static void
merge(WeirExact *exact, const WeirExact *other, bool is_many)
{
	WeirExact added = *other;

	if (added.low > exact->low)
		raise(exact, added.low);
	else if (added.low < exact->low)
		raise(&added, exact->low);
	if (is_many)
	{
		settle(exact);
		settle(&added);
	}
	for (int i = 0; i < WEIR_EXACT_DIGITS; i++)
		exact->digits[i] += added.digits[i];
	exact->overflow += added.overflow;
	exact->seen |= added.seen;
	if (is_many)
		settle(exact);
}

void
weir_sum_merge(WeirSum *sum, const WeirSum *other)
{
	sum->count += other->count;
	merge(&sum->sum, &other->sum, sum->count >= SETTLE_COUNT);
}

void
weir_moments_merge(WeirMoments *moments, const WeirMoments *other)
{
	moments->count += other->count;
	merge(&moments->sum, &other->sum, moments->count >= SETTLE_COUNT);
	merge(&moments->squares, &other->squares, moments->count >= SETTLE_COUNT);
}

/* --- natural numbers --- */

/* The longest is that of a variance: 17 limbs, and 8 to divide. */
#define NATURAL_LIMBS 32

typedef struct Natural
{
	int len; /* the last limb is not 0 */
	uint32_t limbs[NATURAL_LIMBS];
} Natural;

static void
trim(Natural *natural)
{
	while (natural->len > 0 && natural->limbs[natural->len - 1] == 0)
		natural->len--;
}

static int
bit_length(const Natural *natural)
{
	if (natural->len == 0)
		return 0;
	return 32 * natural->len - __builtin_clz(natural->limbs[natural->len - 1]);
}

/* Result: the magnitude in units of the place exact->low. */
static Natural
magnitude(const WeirExact *exact, bool *is_negative)
{
	WeirExact settled = *exact;
	Natural natural = {.len = TOP + 4};
	__int128 top;
	uint64_t carry = 1;

	settle(&settled);
	top = ((__int128) settled.overflow * (INT64_C(1) << TOP_BITS)) + settled.digits[TOP];
	*is_negative = top < 0;
	for (int i = 0; i < TOP; i++)
		natural.limbs[i] = settled.digits[i];
	for (int i = 0; i < 4; i++)
		natural.limbs[TOP + i] = top >> (32 * i);
	for (int i = 0; *is_negative && i < natural.len; i++)
	{
		carry += (uint32_t) ~natural.limbs[i];
		natural.limbs[i] = carry;
		carry >>= 32;
	}
	trim(&natural);
	return natural;
}

static Natural
shift_limbs(const Natural *natural, int count)
{
	Natural shifted = {.len = natural->len == 0 ? 0 : natural->len + count};

	if (shifted.len > 0)
		memcpy(shifted.limbs + count, natural->limbs, natural->len * sizeof(uint32_t));
	return shifted;
}

static Natural
multiply(const Natural *a, const Natural *b)
{
	Natural product = {.len = a->len + b->len};

	for (int i = 0; i < a->len; i++)
	{
		uint64_t carry = 0;

		for (int k = 0; k < b->len; k++)
		{
			carry += (uint64_t) a->limbs[i] * b->limbs[k] + product.limbs[i + k];
			product.limbs[i + k] = carry;
			carry >>= 32;
		}
		product.limbs[i + b->len] = carry;
	}
	trim(&product);
	return product;
}

/* Result: a - b, or 0 if that is negative. */
static Natural
subtract(const Natural *a, const Natural *b)
{
	Natural difference = {.len = a->len > b->len ? a->len : b->len};
	int64_t borrow = 0;

	for (int i = 0; i < difference.len; i++)
	{
		borrow += i < a->len ? a->limbs[i] : 0;
		borrow -= i < b->len ? b->limbs[i] : 0;
		difference.limbs[i] = borrow;
		borrow >>= 32;
	}
	if (borrow < 0)
		difference.len = 0;
	trim(&difference);
	return difference;
}

/* Divides in place. Result: whether a remainder was cut off. */
static bool
divide(Natural *natural, uint64_t divisor)
{
	unsigned __int128 rest = 0;

	for (int i = natural->len - 1; i >= 0; i--)
	{
		rest = rest << 32 | natural->limbs[i];
		natural->limbs[i] = rest / divisor;
		rest %= divisor;
	}
	trim(natural);
	return rest != 0;
}

/* Result: natural / 2^count, which fits. *is_cut is set if bits were cut off. */
static unsigned __int128
shift_down(const Natural *natural, int count, bool *is_cut)
{
	unsigned __int128 shifted = 0;
	int limb = count / 32;
	int shift = count % 32;

	for (int i = 0; i < limb && i < natural->len; i++)
		*is_cut |= natural->limbs[i] != 0;
	if (limb >= natural->len)
		return 0;
	*is_cut |= (natural->limbs[limb] & ((UINT64_C(1) << shift) - 1)) != 0;
	for (int i = natural->len - 1; i > limb; i--)
		shifted = shifted << 32 | natural->limbs[i];
	return shifted << (32 - shift) | natural->limbs[limb] >> shift;
}

/* --- rounding --- */

typedef struct Format
{
	int precision;
	int lowest; /* exponent of the smallest number */
	uint64_t infinity;
} Format;

static const Format float8_format = {53, -1074, UINT64_C(0x7FF0000000000000)};
static const Format float4_format = {24, -149, UINT64_C(0x7F800000)};

/* A natural number, and a little more if is_cut, times 2^exponent: as the bits of a float, to nearest,
 * of two to the even one. If bits are cut, the number has two more than the precision. Result: false,
 * and infinity, if it is too large. */
static bool
round_to(const Format *format, const Natural *natural, bool is_cut, int exponent, uint64_t *bits)
{
	int last = exponent + bit_length(natural) - format->precision;
	int cut_count;
	uint64_t mantissa;

	*bits = 0;
	if (natural->len == 0)
		return true;
	if (last < format->lowest)
		last = format->lowest;
	cut_count = last - exponent;
	if (cut_count <= 0)
		mantissa = (uint64_t) shift_down(natural, 0, &is_cut) << -cut_count;
	else
	{
		mantissa = shift_down(natural, cut_count - 1, &is_cut);
		mantissa = (mantissa >> 1) + (mantissa & 1 & (is_cut | mantissa >> 1));
	}
	/* the leading bit of the mantissa, and a carry, go into the exponent */
	*bits = ((uint64_t) (last - format->lowest) << (format->precision - 1)) + mantissa;
	if (*bits < format->infinity)
		return true;
	*bits = format->infinity;
	return false;
}

static double
float8_of(uint64_t bits, bool is_negative)
{
	double value;

	bits |= (uint64_t) is_negative << 63;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static bool
round_float8(const Natural *natural, bool is_cut, int exponent, bool is_negative, double *result)
{
	uint64_t bits;
	bool is_fit = round_to(&float8_format, natural, is_cut, exponent, &bits);

	*result = float8_of(bits, is_negative);
	return is_fit;
}

/* Result: the square root, cut down to an integer. */
static uint64_t
square_root(unsigned __int128 square)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 63; bit != 0; bit >>= 1)
		if ((unsigned __int128) (root | bit) * (root | bit) <= square)
			root |= bit;
	return root;
}

/* --- results --- */

/* Result: whether the sum is no finite number, but *result. */
static bool
is_special(const WeirExact *exact, double *result)
{
	int seen = exact->seen & (SEEN_NAN | SEEN_INFINITY | SEEN_MINUS_INFINITY);

	if (seen == 0)
		return false;
	*result = seen == SEEN_INFINITY         ? __builtin_inf()
			  : seen == SEEN_MINUS_INFINITY ? -__builtin_inf()
											: __builtin_nan("");
	return true;
}

static int
sum_exponent(const WeirExact *exact)
{
	return exact->low * PLACE_BITS + UNIT;
}

/* Whether nothing but -0 came: all else leaves a trace. */
static bool
is_minus_zero(const WeirSum *sum)
{
	static const WeirExact nothing;

	return sum->count > 0 && memcmp(&sum->sum, &nothing, sizeof(nothing)) == 0;
}

bool
weir_sum_float8(const WeirSum *sum, double *result)
{
	bool is_negative;
	Natural natural = magnitude(&sum->sum, &is_negative);

	if (is_special(&sum->sum, result))
		return true;
	return round_float8(&natural, false, sum_exponent(&sum->sum), is_negative || is_minus_zero(sum),
						result);
}

bool
weir_sum_float4(const WeirSum *sum, float *result)
{
	bool is_negative;
	Natural natural = magnitude(&sum->sum, &is_negative);
	double special;
	uint64_t bits;
	uint32_t bits4;
	bool is_fit;

	if (is_special(&sum->sum, &special))
	{
		*result = special;
		return true;
	}
	is_fit = round_to(&float4_format, &natural, false, sum_exponent(&sum->sum), &bits);
	bits4 = bits | (uint32_t) (is_negative || is_minus_zero(sum)) << 31;
	memcpy(result, &bits4, sizeof(*result));
	return is_fit;
}

bool
weir_sum_mean(const WeirSum *sum, double *result)
{
	bool is_negative;
	Natural natural = magnitude(&sum->sum, &is_negative);
	bool is_cut;

	if (is_special(&sum->sum, result))
		return true;
	natural = shift_limbs(&natural, 4);
	is_cut = divide(&natural, sum->count);
	return round_float8(&natural, is_cut, sum_exponent(&sum->sum) - 128, is_negative, result);
}

/* (n * sum(x^2) - sum(x)^2) / (n * divisor), of at least 129 bits unless it is 0: times 2^*exponent.
 * The difference is negative only by what was cut off. */
static Natural
variance(const WeirMoments *moments, uint64_t divisor, int *exponent, bool *is_cut)
{
	bool is_negative;
	Natural count = {.len = 2, .limbs = {moments->count, moments->count >> 32}};
	Natural sum = magnitude(&moments->sum, &is_negative);
	Natural squares = magnitude(&moments->squares, &is_negative);
	Natural result;

	trim(&count);
	squares = multiply(&squares, &count);
	squares = shift_limbs(&squares, moments->squares.low - 2 * moments->sum.low);
	sum = multiply(&sum, &sum);
	result = subtract(&squares, &sum);
	result = shift_limbs(&result, 8);
	*exponent = 2 * sum_exponent(&moments->sum) - 256;
	*is_cut = divide(&result, moments->count);
	*is_cut |= divide(&result, divisor);
	return result;
}

bool
weir_moments_variance(const WeirMoments *moments, bool is_sample, double *result)
{
	int exponent;
	bool is_cut;
	Natural natural;

	if (is_special(&moments->sum, result))
	{
		*result = __builtin_nan("");
		return true;
	}
	natural = variance(moments, moments->count - is_sample, &exponent, &is_cut);
	return round_float8(&natural, is_cut, exponent, false, result);
}

bool
weir_moments_deviation(const WeirMoments *moments, bool is_sample, double *result)
{
	int exponent;
	int cut_count;
	bool is_cut;
	unsigned __int128 square;
	uint64_t root;
	Natural natural;

	if (is_special(&moments->sum, result))
	{
		*result = __builtin_nan("");
		return true;
	}
	natural = variance(moments, moments->count - is_sample, &exponent, &is_cut);
	if (natural.len == 0)
	{
		*result = 0;
		return true;
	}
	/* 127 or 128 bits times an even power of two, so a root of 64 bits */
	cut_count = bit_length(&natural) - 128;
	cut_count += (exponent + cut_count) & 1;
	square = shift_down(&natural, cut_count, &is_cut);
	root = square_root(square);
	is_cut |= (unsigned __int128) root * root != square;
	natural = (Natural){.len = 2, .limbs = {root, root >> 32}};
	return round_float8(&natural, is_cut, (exponent + cut_count) / 2, false, result);
}

/* --- bytes --- */

static uint8_t *
write_integer(uint8_t *bytes, uint64_t value, int size)
{
	for (int i = 0; i < size; i++)
		*bytes++ = value >> (8 * i);
	return bytes;
}

static const uint8_t *
read_integer(const uint8_t *bytes, uint64_t *value, int size)
{
	*value = 0;
	for (int i = 0; i < size; i++)
		*value |= (uint64_t) *bytes++ << (8 * i);
	return bytes;
}

static uint8_t *
write_exact(uint8_t *bytes, const WeirExact *exact)
{
	for (int i = 0; i < WEIR_EXACT_DIGITS; i++)
		bytes = write_integer(bytes, exact->digits[i], 8);
	bytes = write_integer(bytes, exact->overflow, 4);
	bytes = write_integer(bytes, exact->low, 2);
	return write_integer(bytes, exact->seen, 2);
}

static const uint8_t *
read_exact(const uint8_t *bytes, WeirExact *exact)
{
	uint64_t value;

	for (int i = 0; i < WEIR_EXACT_DIGITS; i++)
	{
		bytes = read_integer(bytes, &value, 8);
		exact->digits[i] = value;
	}
	bytes = read_integer(bytes, &value, 4);
	exact->overflow = value;
	bytes = read_integer(bytes, &value, 2);
	exact->low = value;
	bytes = read_integer(bytes, &value, 2);
	exact->seen = value;
	return bytes;
}

static bool
is_state(const WeirExact *exact, int low_max)
{
	return exact->low >= 0 && exact->low <= low_max && exact->seen <= SEEN_ALL;
}

void
weir_sum_write(const WeirSum *sum, uint8_t *bytes)
{
	write_integer(write_exact(bytes, &sum->sum), sum->count, 8);
}

bool
weir_sum_read(const uint8_t *bytes, WeirSum *sum)
{
	read_integer(read_exact(bytes, &sum->sum), &sum->count, 8);
	return is_state(&sum->sum, SUM_LOW_MAX);
}

void
weir_moments_write(const WeirMoments *moments, uint8_t *bytes)
{
	bytes = write_exact(write_exact(bytes, &moments->sum), &moments->squares);
	write_integer(bytes, moments->count, 8);
}

bool
weir_moments_read(const uint8_t *bytes, WeirMoments *moments)
{
	int apart;

	bytes = read_exact(read_exact(bytes, &moments->sum), &moments->squares);
	read_integer(bytes, &moments->count, 8);
	apart = moments->squares.low - 2 * moments->sum.low;
	return is_state(&moments->sum, SUM_LOW_MAX) && is_state(&moments->squares, SQUARES_LOW_MAX) &&
		   apart >= 0 && apart <= TOP + 1;
}
