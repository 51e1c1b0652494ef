/* SPDX-License-Identifier: PostgreSQL
 *
 * Kernels for sum, avg, variance and stddev of numeric.
 *
 * A sum is an array of places of base 10000, each an int64 of its own from which nothing is carried
 * while folding: so adding a value is a few additions in place, exact whatever the order, and a sum
 * may pass through what no numeric holds, as PostgreSQL's may. At the end the places become the bytes
 * in which PostgreSQL's parallel workers hand over their states, and PostgreSQL's own final functions
 * make the result, its scale included.
 *
 * Values are read as they lie on disk, a format that pg_upgrade needs to stay as it is.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "nodes/execnodes.h"
#include "port/pg_bitutils.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "kernel_impl.h"

/* sum, avg */
typedef struct Sum
{
	int64 count;
	WeirRef sum; /* Places; 0: zero */
	int32 scale; /* the largest of a finite value */
	uint32 specials;
} Sum;

/* variance, stddev */
typedef struct Spread
{
	Sum sum;
	WeirRef squares; /* Places */
} Spread;

/* In a blob, whose length tells the count: digits[i] counts 10000^(low + i). */
typedef struct Places
{
	int32 low;
	int32 count;
	int64 *digits;
} Places;

/* A finite value as it lies in memory. */
typedef struct Value
{
	int32 count;
	int32 weight; /* of digits[0] */
	int32 scale;
	bool is_negative;
	const int16 *digits; /* of base 10000 */
} Value;

/* Places behind those of the values, for carries out of 2^63 events. */
#define CARRY_PLACES 5

/* Far beyond the places of squares of the largest and smallest numeric. */
#define PLACE_LIMIT 100000

/* numeric on disk: a header of two bytes that holds all, or sign and scale, with two of weight. */
#define KIND_MASK 0xC000
#define KIND_NEGATIVE 0x4000
#define KIND_SHORT 0x8000
#define KIND_SPECIAL 0xC000
#define SPECIAL_MASK 0xF000
#define SPECIAL_PLUS 0xD000
#define SPECIAL_MINUS 0xF000
#define SHORT_NEGATIVE 0x2000
#define SHORT_SCALE_MASK 0x1F80
#define SHORT_SCALE_SHIFT 7
#define SHORT_WEIGHT_SIGN 0x0040
#define SHORT_WEIGHT_MASK 0x003F
#define LONG_SCALE_MASK 0x3FFF

/* As PostgreSQL writes a sign for other processes. */
#define SENT_POSITIVE 0x0000
#define SENT_NEGATIVE 0x4000

static uint32 value_parse(Numeric numeric, Value *value);
static bool reserve(WeirHeap *heap, WeirRef *ref, int32 low, int32 high);
static void add_value(const WeirHeap *heap, WeirRef ref, const Value *value);
static void add_square(const WeirHeap *heap, WeirRef ref, const Value *value);
static Places places_of(const WeirHeap *heap, WeirRef ref);
static WeirDecimal to_decimal(const WeirHeap *heap, WeirRef ref, int32 scale);
static void decimal_write(const WeirDecimal *decimal, StringInfo out);
static Value decimal_read(StringInfo in);
static bool keep(WeirHeap *heap, WeirRef *ref, const Value *value);

/*
 * Folding
 */

static inline void
count_value(Sum *state, uint32 special, const Value *value)
{
	state->count++;
	state->specials |= special;
	if (special == 0)
		state->scale = Max(state->scale, value->scale);
}

static WeirFoldResult
sum_fold(WEIR_FOLD_ARGS)
{
	Sum *state = slot;
	Value parsed;
	uint32 special = value_parse(DatumGetNumeric(value), &parsed);

	if (special == 0 && parsed.count > 0)
	{
		if (!reserve(heap, &state->sum, parsed.weight - parsed.count + 1, parsed.weight))
			return WEIR_FOLD_FULL;
		add_value(heap, state->sum, &parsed);
	}
	count_value(state, special, &parsed);
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
spread_fold(WEIR_FOLD_ARGS)
{
	Spread *state = slot;
	Value parsed;
	uint32 special = value_parse(DatumGetNumeric(value), &parsed);

	if (special == 0 && parsed.count > 0)
	{
		int32 low = parsed.weight - parsed.count + 1;

		if (!reserve(heap, &state->sum.sum, low, parsed.weight) ||
			!reserve(heap, &state->squares, 2 * low, 2 * parsed.weight + 1))
			return WEIR_FOLD_FULL;
		add_value(heap, state->sum.sum, &parsed);
		add_square(heap, state->squares, &parsed);
	}
	count_value(&state->sum, special, &parsed);
	return WEIR_FOLD_DONE;
}

/* Result: 0, and the value, or the special one that it is. */
static uint32
value_parse(Numeric numeric, Value *value)
{
	const uint16 *words = (const uint16 *) VARDATA(numeric);
	uint16 header = words[0];
	int header_size = header & KIND_SHORT ? 2 : 4;

	if ((header & KIND_MASK) == KIND_SPECIAL)
	{
		header &= SPECIAL_MASK;
		return header == SPECIAL_PLUS    ? WEIR_SPECIAL_PLUS
			   : header == SPECIAL_MINUS ? WEIR_SPECIAL_MINUS
										 : WEIR_SPECIAL_NAN;
	}
	if (header & KIND_SHORT)
	{
		value->weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_SIGN)
			value->weight -= SHORT_WEIGHT_MASK + 1;
		value->scale = (header & SHORT_SCALE_MASK) >> SHORT_SCALE_SHIFT;
		value->is_negative = (header & SHORT_NEGATIVE) != 0;
	}
	else
	{
		value->weight = (int16) words[1];
		value->scale = header & LONG_SCALE_MASK;
		value->is_negative = (header & KIND_MASK) == KIND_NEGATIVE;
	}
	value->count = ((int32) VARSIZE(numeric) - VARHDRSZ - header_size) / 2;
	value->digits = (const int16 *) words + header_size / 2;
	return 0;
}

static void
add_value(const WeirHeap *heap, WeirRef ref, const Value *value)
{
	Places places = places_of(heap, ref);
	int64 *digit = places.digits + (value->weight - places.low);

	if (value->is_negative)
		for (int i = 0; i < value->count; i++)
			*digit-- -= value->digits[i];
	else
		for (int i = 0; i < value->count; i++)
			*digit-- += value->digits[i];
}

/* What is carried out of the highest place stays in it: an int64 holds it for 2^49 values. */
static void
add_square(const WeirHeap *heap, WeirRef ref, const Value *value)
{
	Places places = places_of(heap, ref);
	int last = value->count - 1;
	int32 at = 2 * (value->weight - last) - places.low;
	int64 carry = 0;

	for (int i = 0; i <= 2 * last || carry != 0; i++, at++)
	{
		for (int j = Max(0, i - last); j <= Min(i, last); j++)
			carry += (int64) value->digits[last - j] * value->digits[last - (i - j)];
		carry += places.digits[at];
		if (at == places.count - 1)
		{
			places.digits[at] = carry;
			break;
		}
		places.digits[at] = carry % WEIR_DECIMAL_BASE;
		carry /= WEIR_DECIMAL_BASE;
	}
}

/*
 * Places
 */

static Places
places_of(const WeirHeap *heap, WeirRef ref)
{
	const WeirBlob *blob;
	Places places = {0};

	if (ref == 0)
		return places;
	blob = weir_heap_blob(heap, ref);
	memcpy(&places.low, blob->data, sizeof(int32));
	places.count = (int32) ((blob->len - WEIR_BLOB_PAD) / sizeof(int64));
	places.digits = (int64 *) (blob->data + WEIR_BLOB_PAD);
	return places;
}

/* Sees to it that there are places from `low` to `high`. Result: false if the heap is full. */
static bool
reserve(WeirHeap *heap, WeirRef *ref, int32 low, int32 high)
{
	Places places = places_of(heap, *ref);
	uint32 len;
	char *bytes;
	bool is_done;

	if (places.count > 0)
	{
		if (likely(places.low <= low && high < places.low + places.count))
			return true;
		low = Min(low, places.low);
		high = Max(high, places.low + places.count - 1);
	}
	len = (uint32) (WEIR_BLOB_PAD + (high - low + 1) * sizeof(int64));
	bytes = palloc0(len);
	memcpy(bytes, &low, sizeof low);
	if (places.count > 0)
		memcpy(bytes + WEIR_BLOB_PAD + (places.low - low) * sizeof(int64), places.digits,
			   places.count * sizeof(int64));
	is_done = weir_heap_put(heap, ref, bytes, len);
	pfree(bytes);
	return is_done;
}

/* Carries. Result: what is left to carry; negative for a negative number, whose digits are then not
 * those of its magnitude. */
static int64
carry_all(const Places *places, int sign, int16 *digits, int32 count)
{
	int64 carry = 0;

	for (int32 i = 0; i < count; i++)
	{
		int64 digit;

		if (i < places->count)
			carry += sign * places->digits[i];
		digit = carry % WEIR_DECIMAL_BASE;
		carry /= WEIR_DECIMAL_BASE;
		if (digit < 0)
		{
			digit += WEIR_DECIMAL_BASE;
			carry--;
		}
		digits[count - 1 - i] = (int16) digit;
	}
	return carry;
}

static WeirDecimal
to_decimal(const WeirHeap *heap, WeirRef ref, int32 scale)
{
	Places places = places_of(heap, ref);
	WeirDecimal decimal = {.count = places.count + CARRY_PLACES, .scale = scale};

	decimal.weight = places.low + decimal.count - 1;
	decimal.digits = palloc(decimal.count * sizeof(int16));
	if (carry_all(&places, 1, decimal.digits, decimal.count) < 0)
	{
		decimal.is_negative = true;
		carry_all(&places, -1, decimal.digits, decimal.count);
	}
	weir_decimal_strip(&decimal);
	return decimal;
}

void
weir_decimal_strip(WeirDecimal *decimal)
{
	while (decimal->count > 0 && decimal->digits[0] == 0)
	{
		decimal->digits++;
		decimal->count--;
		decimal->weight--;
	}
	while (decimal->count > 0 && decimal->digits[decimal->count - 1] == 0)
		decimal->count--;
	if (decimal->count == 0)
		decimal->weight = 0;
}

/*
 * Finishing
 */

static void
send_decimal(const WeirDecimal *decimal, StringInfo out)
{
	pq_sendint32(out, (uint32) decimal->count);
	pq_sendint32(out, (uint32) decimal->weight);
	pq_sendint32(out, decimal->is_negative ? SENT_NEGATIVE : SENT_POSITIVE);
	pq_sendint32(out, (uint32) decimal->scale);
	for (int i = 0; i < decimal->count; i++)
		pq_sendint16(out, (uint16) decimal->digits[i]);
}

/* What numeric_serialize() or, without squares, numeric_avg_serialize() write of such sums. Of special
 * values, final functions ask only which kinds there are, and whether there are two values. */
static bytea *
make_state(int64 count, uint32 specials, const WeirDecimal *sum, const WeirDecimal *squares)
{
	int has_nan = (specials & WEIR_SPECIAL_NAN) != 0;
	int has_plus = (specials & WEIR_SPECIAL_PLUS) != 0;
	int has_minus = (specials & WEIR_SPECIAL_MINUS) != 0;
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint64(&out, (uint64) (count - has_nan - has_plus - has_minus));
	send_decimal(sum, &out);
	if (squares)
		send_decimal(squares, &out);
	pq_sendint32(&out, (uint32) sum->scale);
	pq_sendint64(&out, (uint64) count); /* of values with that scale: for moving windows */
	pq_sendint64(&out, (uint64) has_nan);
	pq_sendint64(&out, (uint64) has_plus);
	pq_sendint64(&out, (uint64) has_minus);
	return pq_endtypsend(&out);
}

/* Deserializing is for aggregates only: the call looks like one of theirs. */
static Datum
deserialize(PGFunction function, bytea *bytes)
{
	LOCAL_FCINFO(fcinfo, 2);
	AggState *caller = makeNode(AggState);

	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, (Node *) caller, NULL);
	fcinfo->args[0] = (NullableDatum){PointerGetDatum(bytes), false};
	fcinfo->args[1] = (NullableDatum){(Datum) 0, false};
	return function(fcinfo);
}

Datum
weir_decimal_finish(PGFunction final, int64 count, uint32 specials, const WeirDecimal *sum,
					const WeirDecimal *squares, bool *is_null)
{
	LOCAL_FCINFO(fcinfo, 1);
	bytea *bytes = make_state(count, specials, sum, squares);
	Datum result;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value =
		deserialize(squares ? numeric_deserialize : numeric_avg_deserialize, bytes);
	fcinfo->args[0].isnull = false;
	result = final(fcinfo);
	*is_null = fcinfo->isnull;
	return result;
}

static Datum
finish(PGFunction final, const WeirHeap *heap, const Sum *state, const WeirRef *squares_ref,
	   bool *is_null)
{
	WeirDecimal sum;
	WeirDecimal squares;

	*is_null = state->count == 0;
	if (*is_null)
		return (Datum) 0;
	sum = to_decimal(heap, state->sum, state->scale);
	if (squares_ref)
		squares = to_decimal(heap, *squares_ref, 2 * state->scale);
	return weir_decimal_finish(final, state->count, state->specials, &sum,
							   squares_ref ? &squares : NULL, is_null);
}

static Datum
sum_finish(WEIR_FINISH_ARGS)
{
	return finish(numeric_sum, heap, slot, NULL, is_null);
}

static Datum
mean_finish(WEIR_FINISH_ARGS)
{
	return finish(numeric_avg, heap, slot, NULL, is_null);
}

static Datum
var_samp_finish(WEIR_FINISH_ARGS)
{
	const Spread *state = slot;

	return finish(numeric_var_samp, heap, &state->sum, &state->squares, is_null);
}

static Datum
var_pop_finish(WEIR_FINISH_ARGS)
{
	const Spread *state = slot;

	return finish(numeric_var_pop, heap, &state->sum, &state->squares, is_null);
}

static Datum
stddev_samp_finish(WEIR_FINISH_ARGS)
{
	const Spread *state = slot;

	return finish(numeric_stddev_samp, heap, &state->sum, &state->squares, is_null);
}

static Datum
stddev_pop_finish(WEIR_FINISH_ARGS)
{
	const Spread *state = slot;

	return finish(numeric_stddev_pop, heap, &state->sum, &state->squares, is_null);
}

/*
 * Writing and reading
 */

static void
sum_write(WEIR_WRITE_ARGS)
{
	const Sum *state = slot;
	WeirDecimal sum = to_decimal(heap, state->sum, 0);

	pq_sendint64(out, (uint64) state->count);
	pq_sendbyte(out, (uint8) state->specials);
	pq_sendint16(out, (uint16) state->scale);
	decimal_write(&sum, out);
}

static void
spread_write(WEIR_WRITE_ARGS)
{
	const Spread *state = slot;
	WeirDecimal squares = to_decimal(heap, state->squares, 0);

	sum_write(aggregate, heap, slot, out);
	decimal_write(&squares, out);
}

/* All is read before anything is kept, so that an error leaves nothing in the heap. */
static Sum
read_header(StringInfo in)
{
	Sum state = {.count = weir_take_int64(in)};

	state.specials = weir_take_byte(in);
	state.scale = weir_take_int16(in);
	if (state.count < 0 || state.scale < 0 || state.scale > LONG_SCALE_MASK ||
		state.specials > (WEIR_SPECIAL_NAN | WEIR_SPECIAL_PLUS | WEIR_SPECIAL_MINUS) ||
		state.count < pg_popcount32(state.specials))
		weir_refuse_bytes(NULL);
	return state;
}

static bool
sum_read(WEIR_READ_ARGS)
{
	Sum state = read_header(in);
	Value sum = decimal_read(in);

	if (!keep(heap, &state.sum, &sum))
		return false;
	*(Sum *) slot = state;
	return true;
}

static bool
spread_read(WEIR_READ_ARGS)
{
	Spread state = {.sum = read_header(in)};
	Value sum = decimal_read(in);
	Value squares = decimal_read(in);

	if (squares.is_negative)
		weir_refuse_bytes(NULL);
	if (!keep(heap, &state.sum.sum, &sum))
		return false;
	if (!keep(heap, &state.squares, &squares))
	{
		weir_heap_free(heap, state.sum.sum);
		return false;
	}
	*(Spread *) slot = state;
	return true;
}

static void
decimal_write(const WeirDecimal *decimal, StringInfo out)
{
	pq_sendint32(out, (uint32) decimal->count);
	pq_sendint32(out, (uint32) decimal->weight);
	pq_sendbyte(out, decimal->is_negative);
	for (int i = 0; i < decimal->count; i++)
		pq_sendint16(out, (uint16) decimal->digits[i]);
}

static Value
decimal_read(StringInfo in)
{
	Value value = {.count = weir_take_int32(in)};
	int16 *digits;
	uint8 is_negative;

	value.weight = weir_take_int32(in);
	is_negative = weir_take_byte(in);
	if (value.count < 0 || value.count > PLACE_LIMIT || value.weight < -PLACE_LIMIT ||
		value.weight > PLACE_LIMIT || is_negative > 1 || value.count > (in->len - in->cursor) / 2)
		weir_refuse_bytes(NULL);
	value.is_negative = is_negative;
	value.digits = digits = palloc((value.count + 1) * sizeof(int16));
	for (int i = 0; i < value.count; i++)
	{
		digits[i] = weir_take_int16(in);
		if (digits[i] < 0 || digits[i] >= WEIR_DECIMAL_BASE)
			weir_refuse_bytes(NULL);
	}
	return value;
}

/* Result: false if the heap is full. */
static bool
keep(WeirHeap *heap, WeirRef *ref, const Value *value)
{
	if (value->count == 0)
		return true;
	if (!reserve(heap, ref, value->weight - value->count + 1, value->weight))
		return false;
	add_value(heap, *ref, value);
	return true;
}

/*
 * The table
 */

#define SUM_REFS .can_raise = true, .ref_count = 1, .refs = {offsetof(Sum, sum)}
#define SPREAD_REFS                                                                                \
	.can_raise = true, .ref_count = 2, .refs = {offsetof(Sum, sum), offsetof(Spread, squares)}

static const WeirKernelEntry entries[] = {
	{F_SUM_NUMERIC, WEIR_KERNEL("sum(numeric)", Sum, sum, sum, sum, SUM_REFS)},
	{F_AVG_NUMERIC, WEIR_KERNEL("avg(numeric)", Sum, sum, sum, mean, SUM_REFS)},
	{F_VARIANCE_NUMERIC,
	 WEIR_KERNEL("variance(numeric)", Spread, spread, spread, var_samp, SPREAD_REFS)},
	{F_VAR_SAMP_NUMERIC,
	 WEIR_KERNEL("var_samp(numeric)", Spread, spread, spread, var_samp, SPREAD_REFS)},
	{F_VAR_POP_NUMERIC,
	 WEIR_KERNEL("var_pop(numeric)", Spread, spread, spread, var_pop, SPREAD_REFS)},
	{F_STDDEV_NUMERIC,
	 WEIR_KERNEL("stddev(numeric)", Spread, spread, spread, stddev_samp, SPREAD_REFS)},
	{F_STDDEV_SAMP_NUMERIC,
	 WEIR_KERNEL("stddev_samp(numeric)", Spread, spread, spread, stddev_samp, SPREAD_REFS)},
	{F_STDDEV_POP_NUMERIC,
	 WEIR_KERNEL("stddev_pop(numeric)", Spread, spread, spread, stddev_pop, SPREAD_REFS)}};

const WeirKernelList weir_kernel_decimals = {entries, lengthof(entries)};
