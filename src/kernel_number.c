/* SPDX-License-Identifier: PostgreSQL
 *
 * Kernels for counts, booleans and sums of integers.
 *
 * Integers are summed in integers wide enough for 2^63 events. Results that are numeric are made by
 * PostgreSQL's own functions, so that their scale is PostgreSQL's. Nothing here needs the heap.
 */
#include "postgres.h"

#include "common/int.h"
#include "libpq/pqformat.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "kernel_impl.h"

/* count */
typedef struct Count
{
	int64 count;
} Count;

/* bool_and, bool_or, every */
typedef struct Truth
{
	uint64 seen; /* SAW_TRUE, SAW_FALSE */
} Truth;

#define SAW_TRUE 1
#define SAW_FALSE 2

/* sum and avg of int2 and int4 */
typedef struct Sum64
{
	int64 count;
	int64 sum;
} Sum64;

/* sum and avg of int8. PostgreSQL's int128 is aligned to eight. */
typedef struct Sum128
{
	int64 count;
	int128 sum;
} Sum128;

/* variance and stddev of integers: sum_of_squares = high * 2^128 + low */
typedef struct Spread
{
	int64 count;
	int128 sum;
	uint128 low;
	uint64 high;
} Spread;

/* Digits of 2^192. */
#define DIGITS_MAX 15

StaticAssertDecl(sizeof(Sum128) == 24 && sizeof(Spread) == 48, "slots have no padding");

static int64
take_count(StringInfo in)
{
	int64 count = weir_take_int64(in);

	if (count < 0)
		weir_refuse_bytes(NULL);
	return count;
}

static void
send_int128(StringInfo out, uint128 value)
{
	pq_sendint64(out, (uint64) (value >> 64));
	pq_sendint64(out, (uint64) value);
}

static uint128
take_int128(StringInfo in)
{
	uint128 high = (uint64) weir_take_int64(in);

	return high << 64 | (uint64) weir_take_int64(in);
}

/*
 * count
 */

static WeirFoldResult
count_fold(WEIR_FOLD_ARGS)
{
	((Count *) slot)->count++;
	return WEIR_FOLD_DONE;
}

static void
count_merge(WEIR_MERGE_ARGS)
{
	((Count *) slot)->count += ((const Count *) other)->count;
}

static Datum
count_finish(WEIR_FINISH_ARGS)
{
	*is_null = false;
	return Int64GetDatum(((const Count *) slot)->count);
}

static void
count_write(WEIR_WRITE_ARGS)
{
	pq_sendint64(out, (uint64) ((const Count *) slot)->count);
}

static bool
count_read(WEIR_READ_ARGS)
{
	((Count *) slot)->count = take_count(in);
	return true;
}

/*
 * bool_and, bool_or, every
 */

static WeirFoldResult
truth_fold(WEIR_FOLD_ARGS)
{
	((Truth *) slot)->seen |= DatumGetBool(value) ? SAW_TRUE : SAW_FALSE;
	return WEIR_FOLD_DONE;
}

static void
truth_merge(WEIR_MERGE_ARGS)
{
	((Truth *) slot)->seen |= ((const Truth *) other)->seen;
}

static Datum
and_finish(WEIR_FINISH_ARGS)
{
	uint64 seen = ((const Truth *) slot)->seen;

	*is_null = seen == 0;
	return BoolGetDatum((seen & SAW_FALSE) == 0);
}

static Datum
or_finish(WEIR_FINISH_ARGS)
{
	uint64 seen = ((const Truth *) slot)->seen;

	*is_null = seen == 0;
	return BoolGetDatum((seen & SAW_TRUE) != 0);
}

static void
truth_write(WEIR_WRITE_ARGS)
{
	pq_sendbyte(out, (uint8) ((const Truth *) slot)->seen);
}

static bool
truth_read(WEIR_READ_ARGS)
{
	uint8 seen = weir_take_byte(in);

	if (seen > (SAW_TRUE | SAW_FALSE))
		weir_refuse_bytes(NULL);
	((Truth *) slot)->seen = seen;
	return true;
}

/*
 * sum, avg of int2, int4
 */

static inline WeirFoldResult
sum64_add(Sum64 *state, int64 value)
{
	int64 sum;

	if (unlikely(pg_add_s64_overflow(state->sum, value, &sum)))
		return WEIR_FOLD_OVERFLOW;
	state->sum = sum;
	state->count++;
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
sum_int2_fold(WEIR_FOLD_ARGS)
{
	return sum64_add(slot, DatumGetInt16(value));
}

static WeirFoldResult
sum_int4_fold(WEIR_FOLD_ARGS)
{
	return sum64_add(slot, DatumGetInt32(value));
}

/* Of values that int4 holds, 2^32 fit into the sum. */
static void
sum64_merge(WEIR_MERGE_ARGS)
{
	Sum64 *state = slot;
	const Sum64 *more = other;

	if (unlikely(pg_add_s64_overflow(state->sum, more->sum, &state->sum)))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("bigint out of range"));
	state->count += more->count;
}

static Datum
sum64_finish(WEIR_FINISH_ARGS)
{
	const Sum64 *state = slot;

	*is_null = state->count == 0;
	return Int64GetDatum(state->sum);
}

static Datum
mean(Numeric sum, int64 count)
{
	return DirectFunctionCall2(numeric_div, NumericGetDatum(sum),
							   NumericGetDatum(int64_to_numeric(count)));
}

static Datum
mean64_finish(WEIR_FINISH_ARGS)
{
	const Sum64 *state = slot;

	*is_null = state->count == 0;
	return *is_null ? (Datum) 0 : mean(int64_to_numeric(state->sum), state->count);
}

static void
sum64_write(WEIR_WRITE_ARGS)
{
	const Sum64 *state = slot;

	pq_sendint64(out, (uint64) state->count);
	pq_sendint64(out, (uint64) state->sum);
}

static bool
sum64_read(WEIR_READ_ARGS)
{
	Sum64 *state = slot;

	state->count = take_count(in);
	state->sum = weir_take_int64(in);
	return true;
}

/*
 * sum, avg of int8
 */

static WeirFoldResult
sum_int8_fold(WEIR_FOLD_ARGS)
{
	Sum128 *state = slot;

	state->sum += DatumGetInt64(value);
	state->count++;
	return WEIR_FOLD_DONE;
}

static void
sum128_merge(WEIR_MERGE_ARGS)
{
	Sum128 *state = slot;
	const Sum128 *more = other;

	state->sum += more->sum;
	state->count += more->count;
}

/* By decimal pieces that an int64 holds; one, nearly always. */
static Numeric
int128_to_numeric(int128 value)
{
	const int64 piece = INT64CONST(1000000000000000000);
	Datum high;

	if (value >= PG_INT64_MIN && value <= PG_INT64_MAX)
		return int64_to_numeric((int64) value);
	high = DirectFunctionCall2(numeric_mul, NumericGetDatum(int128_to_numeric(value / piece)),
							   NumericGetDatum(int64_to_numeric(piece)));
	return DatumGetNumeric(DirectFunctionCall2(
		numeric_add, high, NumericGetDatum(int64_to_numeric((int64) (value % piece)))));
}

static Datum
sum128_finish(WEIR_FINISH_ARGS)
{
	const Sum128 *state = slot;

	*is_null = state->count == 0;
	return *is_null ? (Datum) 0 : NumericGetDatum(int128_to_numeric(state->sum));
}

static Datum
mean128_finish(WEIR_FINISH_ARGS)
{
	const Sum128 *state = slot;

	*is_null = state->count == 0;
	return *is_null ? (Datum) 0 : mean(int128_to_numeric(state->sum), state->count);
}

static void
sum128_write(WEIR_WRITE_ARGS)
{
	const Sum128 *state = slot;

	pq_sendint64(out, (uint64) state->count);
	send_int128(out, (uint128) state->sum);
}

static bool
sum128_read(WEIR_READ_ARGS)
{
	Sum128 *state = slot;

	state->count = take_count(in);
	state->sum = (int128) take_int128(in);
	return true;
}

/*
 * variance, stddev of integers
 */

static inline WeirFoldResult
spread_add(Spread *state, int64 value)
{
	uint64 magnitude = value < 0 ? -(uint64) value : (uint64) value;
	uint128 square = (uint128) magnitude * magnitude;

	state->count++;
	state->sum += value;
	state->low += square;
	state->high += state->low < square;
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
spread_int2_fold(WEIR_FOLD_ARGS)
{
	return spread_add(slot, DatumGetInt16(value));
}

static WeirFoldResult
spread_int4_fold(WEIR_FOLD_ARGS)
{
	return spread_add(slot, DatumGetInt32(value));
}

static WeirFoldResult
spread_int8_fold(WEIR_FOLD_ARGS)
{
	return spread_add(slot, DatumGetInt64(value));
}

static void
spread_merge(WEIR_MERGE_ARGS)
{
	Spread *state = slot;
	const Spread *more = other;

	state->count += more->count;
	state->sum += more->sum;
	state->low += more->low;
	state->high += more->high + (state->low < more->low);
}

/* Divides by the base. Result: the remainder. */
static int16
divide(uint32 limbs[6])
{
	uint64 rest = 0;

	for (int i = 5; i >= 0; i--)
	{
		rest = rest << 32 | limbs[i];
		limbs[i] = (uint32) (rest / WEIR_DECIMAL_BASE);
		rest %= WEIR_DECIMAL_BASE;
	}
	return (int16) rest;
}

static WeirDecimal
to_decimal(uint64 high, uint128 low, bool is_negative, int16 digits[DIGITS_MAX])
{
	WeirDecimal decimal = {.count = DIGITS_MAX,
						   .weight = DIGITS_MAX - 1,
						   .is_negative = is_negative,
						   .digits = digits};
	uint32 limbs[6];

	for (int i = 0; i < 4; i++)
		limbs[i] = (uint32) (low >> (32 * i));
	limbs[4] = (uint32) high;
	limbs[5] = (uint32) (high >> 32);
	for (int i = DIGITS_MAX - 1; i >= 0; i--)
		digits[i] = divide(limbs);
	weir_decimal_strip(&decimal);
	return decimal;
}

static Datum
spread_finish(const Spread *state, PGFunction final, bool *is_null)
{
	int16 sum_digits[DIGITS_MAX];
	int16 square_digits[DIGITS_MAX];
	bool is_negative = state->sum < 0;
	WeirDecimal sum = to_decimal(0, is_negative ? -(uint128) state->sum : (uint128) state->sum,
								 is_negative, sum_digits);
	WeirDecimal squares = to_decimal(state->high, state->low, false, square_digits);

	return weir_decimal_finish(final, state->count, 0, &sum, &squares, is_null);
}

static Datum
var_samp_finish(WEIR_FINISH_ARGS)
{
	return spread_finish(slot, numeric_var_samp, is_null);
}

static Datum
var_pop_finish(WEIR_FINISH_ARGS)
{
	return spread_finish(slot, numeric_var_pop, is_null);
}

static Datum
stddev_samp_finish(WEIR_FINISH_ARGS)
{
	return spread_finish(slot, numeric_stddev_samp, is_null);
}

static Datum
stddev_pop_finish(WEIR_FINISH_ARGS)
{
	return spread_finish(slot, numeric_stddev_pop, is_null);
}

static void
spread_write(WEIR_WRITE_ARGS)
{
	const Spread *state = slot;

	pq_sendint64(out, (uint64) state->count);
	send_int128(out, (uint128) state->sum);
	pq_sendint64(out, state->high);
	send_int128(out, state->low);
}

static bool
spread_read(WEIR_READ_ARGS)
{
	Spread *state = slot;

	state->count = take_count(in);
	state->sum = (int128) take_int128(in);
	state->high = (uint64) weir_take_int64(in);
	state->low = take_int128(in);
	return true;
}

/*
 * The table
 */

#define SPREAD(TYPE, type, NAME, name, finish_of)                                                  \
	{                                                                                              \
		F_##NAME##_##TYPE, WEIR_KERNEL(name "(" #type ")", Spread, spread, spread_##type,          \
									   finish_of, .can_raise = false)                              \
	}

#define SPREADS(TYPE, type)                                                                        \
	SPREAD(TYPE, type, VARIANCE, "variance", var_samp),                                            \
		SPREAD(TYPE, type, VAR_SAMP, "var_samp", var_samp),                                        \
		SPREAD(TYPE, type, VAR_POP, "var_pop", var_pop),                                           \
		SPREAD(TYPE, type, STDDEV, "stddev", stddev_samp),                                         \
		SPREAD(TYPE, type, STDDEV_SAMP, "stddev_samp", stddev_samp),                               \
		SPREAD(TYPE, type, STDDEV_POP, "stddev_pop", stddev_pop)

static const WeirKernelEntry entries[] = {
	{F_COUNT_, WEIR_KERNEL("count(*)", Count, count, count, count, .takes_nulls = true)},
	{F_COUNT_ANY, WEIR_KERNEL("count(any)", Count, count, count, count, .takes_nulls = false)},
	{F_BOOL_AND, WEIR_KERNEL("bool_and(bool)", Truth, truth, truth, and, .can_raise = false)},
	{F_EVERY, WEIR_KERNEL("every(bool)", Truth, truth, truth, and, .can_raise = false)},
	{F_BOOL_OR, WEIR_KERNEL("bool_or(bool)", Truth, truth, truth, or, .can_raise = false)},
	{F_SUM_INT2, WEIR_KERNEL("sum(int2)", Sum64, sum64, sum_int2, sum64, .can_raise = false)},
	{F_SUM_INT4, WEIR_KERNEL("sum(int4)", Sum64, sum64, sum_int4, sum64, .can_raise = false)},
	{F_SUM_INT8, WEIR_KERNEL("sum(int8)", Sum128, sum128, sum_int8, sum128, .can_raise = false)},
	{F_AVG_INT2, WEIR_KERNEL("avg(int2)", Sum64, sum64, sum_int2, mean64, .can_raise = false)},
	{F_AVG_INT4, WEIR_KERNEL("avg(int4)", Sum64, sum64, sum_int4, mean64, .can_raise = false)},
	{F_AVG_INT8, WEIR_KERNEL("avg(int8)", Sum128, sum128, sum_int8, mean128, .can_raise = false)},
	SPREADS(INT2, int2),
	SPREADS(INT4, int4),
	SPREADS(INT8, int8)};

const WeirKernelList weir_kernel_numbers = {entries, lengthof(entries)};
