/* SPDX-License-Identifier: PostgreSQL
 *
 * Kernels for min and max.
 *
 * Integers, floats and times are kept as an int64 whose order is theirs, without a call. Other types
 * are compared by their btree functions, values that are not passed by value lying in the heap.
 *
 * PostgreSQL keeps the later one of equal values that differ in their bytes (0 and -0, 1.0 and 1.00,
 * texts of a nondeterministic collation). Partitions have no common order, so which one came later
 * must not show: here -0 is less than 0, and otherwise the shorter one is kept, then the one whose
 * bytes are less. All NaN are one, the largest float.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "kernel_impl.h"

/* Kept as a key. */
typedef struct Key
{
	uint64 is_set;
	int64 key;
} Key;

/* Kept as it is passed by value. */
typedef struct Plain
{
	uint64 is_set;
	uint64 value; /* a Datum */
} Plain;

/* Kept in the heap. */
typedef struct Held
{
	WeirRef value; /* 0: none */
} Held;

/* One value is all that a slot has of its values: it is folded like any. */
static void
extreme_merge(WEIR_MERGE_ARGS)
{
	bool is_null;
	Datum value = aggregate->kernel->finish(aggregate, from, other, &is_null);

	if (!is_null)
		aggregate->kernel->fold(aggregate, heap, slot, value, NULL);
}

/*
 * Keys
 */

static inline WeirFoldResult
key_keep(Key *state, int64 key, bool is_max)
{
	if (!state->is_set || (is_max ? key > state->key : key < state->key))
	{
		state->is_set = true;
		state->key = key;
	}
	return WEIR_FOLD_DONE;
}

static int64
key_take(StringInfo in, int64 min, int64 max, bool *is_set)
{
	uint8 flag = weir_take_byte(in);
	int64 key = weir_take_int64(in);

	if (flag > 1 || key < min || key > max)
		weir_refuse_bytes(NULL);
	*is_set = flag;
	return key;
}

static void
key_write(WEIR_WRITE_ARGS)
{
	const Key *state = slot;

	pq_sendbyte(out, (uint8) state->is_set);
	pq_sendint64(out, (uint64) state->key);
}

static bool
key_read_within(Key *state, StringInfo in, int64 min, int64 max)
{
	bool is_set;

	state->key = key_take(in, min, max, &is_set);
	state->is_set = is_set;
	return true;
}

/* The bits of a float ascend with it, those of a negative one descend. */
static inline int64
key_of_float8(double value)
{
	int64 bits;

	if (unlikely(isnan(value)))
		return PG_INT64_MAX;
	memcpy(&bits, &value, sizeof bits);
	return bits < 0 ? bits ^ PG_INT64_MAX : bits;
}

static inline double
float8_of_key(int64 key)
{
	double value;

	if (key == PG_INT64_MAX)
		return get_float8_nan();
	if (key < 0)
		key ^= PG_INT64_MAX;
	memcpy(&value, &key, sizeof value);
	return value;
}

#define SAME(value) (value)
#define FLOAT4_OF_KEY(key) ((float4) float8_of_key(key))

/* The functions of one type: how a Datum becomes a key and back, and which keys there are. */
#define KEY_TYPE(type, get, to_key, of_key, make, least, most)                                     \
	static WeirFoldResult type##_min_fold(WEIR_FOLD_ARGS)                                          \
	{                                                                                              \
		return key_keep(slot, to_key(get(value)), false);                                          \
	}                                                                                              \
	static WeirFoldResult type##_max_fold(WEIR_FOLD_ARGS)                                          \
	{                                                                                              \
		return key_keep(slot, to_key(get(value)), true);                                           \
	}                                                                                              \
	static Datum type##_finish(WEIR_FINISH_ARGS)                                                   \
	{                                                                                              \
		const Key *state = slot;                                                                   \
                                                                                                   \
		*is_null = !state->is_set;                                                                 \
		return make(of_key(state->key));                                                           \
	}                                                                                              \
	static bool type##_read(WEIR_READ_ARGS)                                                        \
	{                                                                                              \
		return key_read_within(slot, in, least, most);                                             \
	}

KEY_TYPE(int2, DatumGetInt16, SAME, (int16), Int16GetDatum, PG_INT16_MIN, PG_INT16_MAX)
KEY_TYPE(int4, DatumGetInt32, SAME, (int32), Int32GetDatum, PG_INT32_MIN, PG_INT32_MAX)
KEY_TYPE(int8, DatumGetInt64, SAME, SAME, Int64GetDatum, PG_INT64_MIN, PG_INT64_MAX)
KEY_TYPE(float4, DatumGetFloat4, key_of_float8, FLOAT4_OF_KEY, Float4GetDatum, PG_INT64_MIN,
		 PG_INT64_MAX)
KEY_TYPE(float8, DatumGetFloat8, key_of_float8, float8_of_key, Float8GetDatum, PG_INT64_MIN,
		 PG_INT64_MAX)
KEY_TYPE(date, DatumGetDateADT, SAME, (DateADT), DateADTGetDatum, PG_INT32_MIN, PG_INT32_MAX)
KEY_TYPE(time, DatumGetTimestamp, SAME, SAME, TimestampGetDatum, PG_INT64_MIN, PG_INT64_MAX)

/*
 * Other types
 */

/* Does `value` take the place of `kept`? */
static bool
is_beyond(const WeirAggregate *aggregate, Datum value, Datum kept, bool is_max)
{
	FmgrInfo *compare = unconstify(FmgrInfo *, &aggregate->compare);
	int32 order = DatumGetInt32(FunctionCall2Coll(compare, aggregate->collation, value, kept));
	uint32 size;
	uint32 kept_size;

	if (order != 0)
		return is_max ? order > 0 : order < 0;
	if (aggregate->is_argument_by_value)
		return value < kept;
	size = weir_flat_size(value, aggregate->argument_len);
	kept_size = weir_flat_size(kept, aggregate->argument_len);
	if (size != kept_size)
		return size < kept_size;
	return memcmp(DatumGetPointer(value), DatumGetPointer(kept), size) < 0;
}

static inline WeirFoldResult
plain_keep(const WeirAggregate *aggregate, Plain *state, Datum value, bool is_max)
{
	if (!state->is_set || is_beyond(aggregate, value, (Datum) state->value, is_max))
	{
		state->is_set = true;
		state->value = (uint64) value;
	}
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
plain_min_fold(WEIR_FOLD_ARGS)
{
	return plain_keep(aggregate, slot, value, false);
}

static WeirFoldResult
plain_max_fold(WEIR_FOLD_ARGS)
{
	return plain_keep(aggregate, slot, value, true);
}

#define plain_merge extreme_merge
#define held_merge extreme_merge

static Datum
plain_finish(WEIR_FINISH_ARGS)
{
	const Plain *state = slot;

	*is_null = !state->is_set;
	return (Datum) state->value;
}

static void
plain_write(WEIR_WRITE_ARGS)
{
	const Plain *state = slot;

	if (state->is_set)
		weir_portable_write(&aggregate->portables[0], (Datum) state->value, out);
	else
		weir_portable_write_null(out);
}

static bool
plain_read(WEIR_READ_ARGS)
{
	Plain *state = slot;
	bool is_null;
	Datum value = weir_portable_read(&aggregate->portables[0], in, &is_null);

	state->is_set = !is_null;
	state->value = (uint64) value;
	return true;
}

static inline WeirFoldResult
held_keep(const WeirAggregate *aggregate, WeirHeap *heap, Held *state, Datum value, bool is_max)
{
	value = weir_flat(value, aggregate->argument_len);
	if (state->value && !is_beyond(aggregate, value, weir_blob_value(heap, state->value), is_max))
		return WEIR_FOLD_DONE;
	return weir_blob_put(heap, &state->value, value, aggregate->argument_len) ? WEIR_FOLD_DONE
																			  : WEIR_FOLD_FULL;
}

static WeirFoldResult
held_min_fold(WEIR_FOLD_ARGS)
{
	return held_keep(aggregate, heap, slot, value, false);
}

static WeirFoldResult
held_max_fold(WEIR_FOLD_ARGS)
{
	return held_keep(aggregate, heap, slot, value, true);
}

static Datum
held_finish(WEIR_FINISH_ARGS)
{
	const Held *state = slot;

	*is_null = state->value == 0;
	if (*is_null)
		return (Datum) 0;
	return weir_flat_copy(weir_blob_value(heap, state->value), aggregate->argument_len);
}

static void
held_write(WEIR_WRITE_ARGS)
{
	const Held *state = slot;

	if (state->value)
		weir_portable_write(&aggregate->portables[0], weir_blob_value(heap, state->value), out);
	else
		weir_portable_write_null(out);
}

static bool
held_read(WEIR_READ_ARGS)
{
	Held *state = slot;
	bool is_null;
	Datum value = weir_portable_read(&aggregate->portables[0], in, &is_null);

	if (is_null)
		return true;
	value = weir_flat(value, aggregate->argument_len);
	return weir_blob_put(heap, &state->value, value, aggregate->argument_len);
}

/*
 * The table
 */

#define KEY_KERNEL(text, read_of, fold_of)                                                         \
	.kernel = {.name = text,                                                                       \
			   .slot_size = sizeof(Key),                                                           \
			   .fold = fold_of##_fold,                                                             \
			   .merge = extreme_merge,                                                             \
			   .finish = read_of##_finish,                                                         \
			   .write = key_write,                                                                 \
			   .read = read_of##_read}

#define EXTREMES(TYPE, type, functions)                                                            \
	{F_MIN_##TYPE, KEY_KERNEL("min(" #type ")", functions, functions##_min)},                      \
	{                                                                                              \
		F_MAX_##TYPE, KEY_KERNEL("max(" #type ")", functions, functions##_max)                     \
	}

static const WeirKernelEntry entries[] = {
	EXTREMES(INT2, int2, int2),           EXTREMES(INT4, int4, int4),
	EXTREMES(INT8, int8, int8),           EXTREMES(FLOAT4, float4, float4),
	EXTREMES(FLOAT8, float8, float8),     EXTREMES(DATE, date, date),
	EXTREMES(TIMESTAMP, timestamp, time), EXTREMES(TIMESTAMPTZ, timestamptz, time)};

const WeirKernelList weir_kernel_extremes = {entries, lengthof(entries)};

#define HELD_REF .ref_count = 1, .refs = {offsetof(Held, value)}

static const WeirKernelEntry others[2][2] = {
	{{InvalidOid, WEIR_KERNEL("min(any)", Held, held, held_min, held, HELD_REF)},
	 {InvalidOid, WEIR_KERNEL("min(any)", Plain, plain, plain_min, plain, .ref_count = 0)}},
	{{InvalidOid, WEIR_KERNEL("max(any)", Held, held, held_max, held, HELD_REF)},
	 {InvalidOid, WEIR_KERNEL("max(any)", Plain, plain, plain_max, plain, .ref_count = 0)}}};

const WeirKernel *
weir_kernel_extreme(bool is_max, bool is_by_value)
{
	return &others[is_max][is_by_value].kernel;
}
