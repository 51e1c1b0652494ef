/* SPDX-License-Identifier: PostgreSQL
 *
 * Sums of floats that do not depend on the order of the values: sum, mean, variance, deviation.
 *
 * A double is an integer times a power of two, so a sum of doubles can be kept in fixed point and is
 * then exact. A state keeps the six 32-bit places from that of the largest magnitude seen downwards,
 * on a grid that is the same for all states. What a value has in a place goes to that place's own
 * digit, uncarried: digits depend on which values came, not on when. Bits below the places are cut
 * off each value, and which these are follows from the largest magnitude alone. Hence:
 *
 * - Any order and any split into states that are merged in any order give the same bits, whatever
 *   the values, for fewer than 2^30 of them; beyond, while nothing is cut off.
 * - Nothing is cut off a sum while magnitudes span no more than 2^108. The result is then the exact
 *   sum (or mean), rounded once; the grid has room for 2^60 values.
 * - Nothing is cut off the squares while magnitudes span no more than 2^27. The variance and the
 *   deviation are then the exact ones, rounded once.
 *
 * Integers only: no compiler flag, rounding mode or x87 changes a result. Layer 0: no allocation, no
 * errors. Double-double would take 16 bytes, but its result depends on the order once the low words
 * round; exact places for all exponents would take 536. Values cannot be taken out again: that would
 * leave the places of a maximum which is gone.
 */
#ifndef WEIR_EXACT_H
#define WEIR_EXACT_H

#include <stdbool.h>
#include <stdint.h>

#define WEIR_EXACT_DIGITS 6

/* The number sum(digits[i] * 2^(32 i)) + overflow * 2^(160 + 62), in units of the place `low`. All
 * zeros is the empty state. No padding. */
typedef struct WeirExact
{
	int64_t digits[WEIR_EXACT_DIGITS];
	int32_t overflow; /* 0 for fewer than 2^30 values */
	int16_t low;
	uint16_t seen; /* kinds of values that no digit shows */
} WeirExact;

/* State of sum and mean: 64 bytes. To start one, set it to zeros. */
typedef struct WeirSum
{
	WeirExact sum;
	uint64_t count; /* of all values, infinite and NaN too */
} WeirSum;

/* State of variance and deviation, sum and mean too: 120 bytes. To start one, set it to zeros. */
typedef struct WeirMoments
{
	WeirExact sum;
	WeirExact squares;
	uint64_t count;
} WeirMoments;

extern void weir_sum_add(WeirSum *sum, double value);
extern void weir_sum_merge(WeirSum *sum, const WeirSum *other);

extern void weir_moments_add(WeirMoments *moments, double value);
extern void weir_moments_merge(WeirMoments *moments, const WeirMoments *other);

/* Result of these: false, and an infinity, if the value is too large for the type. NaN comes of NaN and of infinities
 * with both signs; for variance and deviation, of any infinity. The caller looks at the count: mean
 * and population need one value, a sample needs two. */
extern bool weir_sum_float8(const WeirSum *sum, double *result);
extern bool weir_sum_float4(const WeirSum *sum, float *result);
extern bool weir_sum_mean(const WeirSum *sum, double *result);
extern bool weir_moments_variance(const WeirMoments *moments, bool is_sample, double *result);
extern bool weir_moments_deviation(const WeirMoments *moments, bool is_sample, double *result);

/* States as bytes, the same on every machine. Reading refuses what would lead out of a state; it
 * cannot tell right digits from wrong ones. */
#define WEIR_SUM_BYTES 64
#define WEIR_MOMENTS_BYTES 120

extern void weir_sum_write(const WeirSum *sum, uint8_t *bytes);
extern bool weir_sum_read(const uint8_t *bytes, WeirSum *sum);
extern void weir_moments_write(const WeirMoments *moments, uint8_t *bytes);
extern bool weir_moments_read(const uint8_t *bytes, WeirMoments *moments);

#endif
