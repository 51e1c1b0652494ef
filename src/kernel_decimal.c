/* SPDX-License-Identifier: PostgreSQL
 *
 * Kernels for sum, avg, variance and stddev of numeric.
 *
 * Sums, and sums of squares, are exact. At the end they become the bytes in which PostgreSQL's parallel
 * workers hand over their states, and PostgreSQL's own final functions make the result, its scale
 * included. Those of integers come here for that, too.
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
	WeirRef sum; /* places; 0: zero */
	int32 scale; /* the largest of a finite value */
	uint32 specials;
} Sum;

/* variance, stddev */
typedef struct Spread
{
	Sum sum;
	WeirRef squares; /* places */
} Spread;

/* As PostgreSQL writes a sign for other processes. */
#define SENT_POSITIVE 0x0000
#define SENT_NEGATIVE 0x4000

/*
 * Folding
 */

static inline void
count_value(Sum *state, uint32 special, const WeirDigits *value)
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
	WeirDigits parsed;
	uint32 special = weir_digits_parse(DatumGetNumeric(value), &parsed);

	if (special == 0 && parsed.count > 0)
	{
		if (!weir_places_reserve(heap, &state->sum, parsed.weight - parsed.count + 1,
								 parsed.weight))
			return WEIR_FOLD_FULL;
		weir_places_add(heap, state->sum, &parsed);
	}
	count_value(state, special, &parsed);
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
spread_fold(WEIR_FOLD_ARGS)
{
	Spread *state = slot;
	WeirDigits parsed;
	uint32 special = weir_digits_parse(DatumGetNumeric(value), &parsed);

	if (special == 0 && parsed.count > 0)
	{
		int32 low = parsed.weight - parsed.count + 1;

		if (!weir_places_reserve(heap, &state->sum.sum, low, parsed.weight) ||
			!weir_places_reserve(heap, &state->squares, 2 * low, 2 * parsed.weight + 1))
			return WEIR_FOLD_FULL;
		weir_places_add(heap, state->sum.sum, &parsed);
		weir_places_add_square(heap, state->squares, &parsed);
	}
	count_value(&state->sum, special, &parsed);
	return WEIR_FOLD_DONE;
}

/*
 * Merging
 */

static void
merge_sum(WeirHeap *heap, Sum *state, const WeirHeap *from, const Sum *more)
{
	weir_places_merge(heap, &state->sum, from, more->sum);
	state->count += more->count;
	state->specials |= more->specials;
	state->scale = Max(state->scale, more->scale);
}

static void
sum_merge(WEIR_MERGE_ARGS)
{
	merge_sum(heap, slot, from, other);
}

static void
spread_merge(WEIR_MERGE_ARGS)
{
	Spread *state = slot;
	const Spread *more = other;

	merge_sum(heap, &state->sum, from, &more->sum);
	weir_places_merge(heap, &state->squares, from, more->squares);
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
	sum = weir_places_decimal(heap, state->sum, state->scale);
	if (squares_ref)
		squares = weir_places_decimal(heap, *squares_ref, 2 * state->scale);
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
	WeirDecimal sum = weir_places_decimal(heap, state->sum, 0);

	pq_sendint64(out, (uint64) state->count);
	pq_sendbyte(out, (uint8) state->specials);
	pq_sendint16(out, (uint16) state->scale);
	weir_decimal_write(&sum, out);
	pfree(sum.memory);
}

static void
spread_write(WEIR_WRITE_ARGS)
{
	const Spread *state = slot;
	WeirDecimal squares = weir_places_decimal(heap, state->squares, 0);

	sum_write(aggregate, heap, slot, out);
	weir_decimal_write(&squares, out);
	pfree(squares.memory);
}

/* All is read before anything is kept, so that an error leaves nothing in the heap. */
static Sum
read_header(StringInfo in)
{
	Sum state = {.count = weir_take_int64(in)};

	state.specials = weir_take_byte(in);
	state.scale = weir_take_int16(in);
	if (state.count < 0 || state.scale < 0 || state.scale > WEIR_SCALE_MAX ||
		state.specials > (WEIR_SPECIAL_NAN | WEIR_SPECIAL_PLUS | WEIR_SPECIAL_MINUS) ||
		state.count < pg_popcount32(state.specials))
		weir_refuse_bytes(NULL);
	return state;
}

static bool
sum_read(WEIR_READ_ARGS)
{
	Sum state = read_header(in);
	WeirDigits sum = weir_digits_read(in);

	if (!weir_places_keep(heap, &state.sum, &sum))
		return false;
	*(Sum *) slot = state;
	return true;
}

static bool
spread_read(WEIR_READ_ARGS)
{
	Spread state = {.sum = read_header(in)};
	WeirDigits sum = weir_digits_read(in);
	WeirDigits squares = weir_digits_read(in);

	if (squares.is_negative)
		weir_refuse_bytes(NULL);
	if (!weir_places_keep(heap, &state.sum.sum, &sum))
		return false;
	if (!weir_places_keep(heap, &state.squares, &squares))
	{
		weir_heap_free(heap, state.sum.sum);
		return false;
	}
	*(Spread *) slot = state;
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
