/* SPDX-License-Identifier: PostgreSQL
 *
 * What the families of kernels share: numbers, floats, decimals (numeric), extremes (min, max),
 * ends (first, last). For src/kernel*.c only.
 */
#ifndef WEIR_KERNEL_IMPL_H
#define WEIR_KERNEL_IMPL_H

#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/numeric.h"

#include "compat.h"
#include "heap.h"
#include "kernel.h"
#include "portable.h"

/* Parameters of a kernel's functions; most use only some. */
#define WEIR_FOLD_ARGS                                                                             \
	const WeirAggregate *aggregate pg_attribute_unused(), WeirHeap *heap pg_attribute_unused(),    \
		void *slot, Datum value pg_attribute_unused(),                                             \
		const WeirOrigin *origin pg_attribute_unused()
#define WEIR_MERGE_ARGS                                                                            \
	const WeirAggregate *aggregate pg_attribute_unused(), WeirHeap *heap pg_attribute_unused(),    \
		void *slot, const WeirHeap *from pg_attribute_unused(), const void *other
#define WEIR_FINISH_ARGS                                                                           \
	const WeirAggregate *aggregate pg_attribute_unused(),                                          \
		const WeirHeap *heap pg_attribute_unused(), const void *slot, bool *is_null
#define WEIR_WRITE_ARGS                                                                            \
	const WeirAggregate *aggregate pg_attribute_unused(),                                          \
		const WeirHeap *heap pg_attribute_unused(), const void *slot, StringInfo out
#define WEIR_READ_ARGS                                                                             \
	const WeirAggregate *aggregate pg_attribute_unused(), WeirHeap *heap pg_attribute_unused(),    \
		void *slot, StringInfo in

/* Of a state that is merged, written and read by state_merge, state_write and state_read. */
#define WEIR_KERNEL(kernel_name, Slot, state, fold_of, finish_of, ...)                             \
	.kernel = {.name = kernel_name,                                                                \
			   .slot_size = sizeof(Slot),                                                          \
			   .fold = fold_of##_fold,                                                             \
			   .merge = state##_merge,                                                             \
			   .finish = finish_of##_finish,                                                       \
			   .write = state##_write,                                                             \
			   .read = state##_read,                                                               \
			   __VA_ARGS__}

/* A kernel, and the aggregate that it is for. */
typedef struct WeirKernelEntry
{
	Oid function_oid; /* of pg_catalog; InvalidOid: of the schema weir, by the next two */
	const char *weir_name;
	Oid argument_type;
	WeirKernel kernel;
} WeirKernelEntry;

typedef struct WeirKernelList
{
	const WeirKernelEntry *entries;
	int count;
} WeirKernelList;

extern const WeirKernelList weir_kernel_numbers;
extern const WeirKernelList weir_kernel_floats;
extern const WeirKernelList weir_kernel_decimals;
extern const WeirKernelList weir_kernel_extremes;

/* min and max of types that have no entry. */
extern const WeirKernel *weir_kernel_extreme(bool is_max, bool is_by_value);

/* first and last, for an aggregate whose argument and order are set. */
extern const WeirKernel *weir_kernel_end(bool is_last, const WeirAggregate *aggregate);

/*
 * first, last
 */

/* The order in a blob: entries for the expressions, then one for the value. */
typedef struct WeirPacked
{
	WeirRef entries; /* 0: no value yet */
	int64 offset;
	int32 partition;
	int32 unused;
} WeirPacked;

extern WeirFoldResult weir_packed_fold(const WeirAggregate *aggregate, WeirHeap *heap,
									   WeirPacked *state, Datum value, const WeirOrigin *origin,
									   bool is_last);
extern void weir_packed_merge(WEIR_MERGE_ARGS);
extern Datum weir_packed_finish(WEIR_FINISH_ARGS);
extern void weir_packed_write(WEIR_WRITE_ARGS);

/* How an event stands to the one that is kept, where the order does not tell. */
static inline int
weir_compare_places(int32 partition, int64 offset, const WeirOrigin *origin)
{
	if (origin->partition != partition)
		return origin->partition < partition ? -1 : 1;
	if (origin->offset != offset)
		return origin->offset < offset ? -1 : 1;
	return 0;
}

static inline void
weir_write_origin(StringInfo out, int32 partition, int64 offset)
{
	pq_sendbyte(out, 1);
	pq_sendint32(out, (uint32) partition);
	pq_sendint64(out, (uint64) offset);
}

/*
 * Values of variable size
 */

/* In a blob, a value stands behind this padding, and so is aligned to eight. */
#define WEIR_BLOB_PAD 4

/* The value as plain bytes: not toasted, not compressed, not expanded, with a header of four. */
static inline Datum
weir_flat(Datum value, int16 len)
{
	return len == -1 ? PointerGetDatum(PG_DETOAST_DATUM(value)) : value;
}

static inline uint32
weir_flat_size(Datum value, int16 len)
{
	return len == -1 ? VARSIZE(DatumGetPointer(value)) : (uint32) len;
}

/* Puts a flat value that is passed by reference. Result: false if the heap is full. */
extern bool weir_blob_put(WeirHeap *heap, WeirRef *ref, Datum value, int16 len);

static inline Datum
weir_blob_value(const WeirHeap *heap, WeirRef ref)
{
	return PointerGetDatum(weir_heap_blob(heap, ref)->data + WEIR_BLOB_PAD);
}

/* A copy of a flat value, in the current memory context. */
extern Datum weir_flat_copy(Datum value, int16 len);

/*
 * Exact numbers
 */

/* digits[0] * 10000^weight + digits[1] * 10000^(weight - 1) + ..., shown with `scale` digits behind
 * the point. No leading or trailing zeros; zero has no digits, and weight 0. */
typedef struct WeirDecimal
{
	int count;
	int weight;
	int scale;
	bool is_negative;
	int16 *digits;
	void *memory; /* that holds them, if it is to be freed */
} WeirDecimal;

#define WEIR_DECIMAL_BASE 10000

/* Drops leading and trailing zeros. */
extern void weir_decimal_strip(WeirDecimal *decimal);

/* Without the scale. */
extern void weir_decimal_write(const WeirDecimal *decimal, StringInfo out);

#define WEIR_SCALE_MAX 0x3FFF

/* A finite numeric as it lies in memory. */
typedef struct WeirDigits
{
	int32 count;
	int32 weight; /* of digits[0] */
	int32 scale;
	bool is_negative;
	const int16 *digits; /* of base 10000 */
} WeirDigits;

enum
{
	WEIR_SPECIAL_NAN = 1,
	WEIR_SPECIAL_PLUS = 2,
	WEIR_SPECIAL_MINUS = 4
};

/* Result: 0, and the digits, or the special value that it is. */
extern uint32 weir_digits_parse(Numeric numeric, WeirDigits *digits);

/* What weir_decimal_write() wrote. */
extern WeirDigits weir_digits_read(StringInfo in);

/* Places are a sum in a blob; none is zero. A sum is added to where there are places for it: for the
 * digits, from their lowest to their highest; for the square, from twice the lowest to twice the
 * highest and one. Result: false if the heap is full. */
extern bool weir_places_reserve(WeirHeap *heap, WeirRef *ref, int32 low, int32 high);
extern void weir_places_add(const WeirHeap *heap, WeirRef ref, const WeirDigits *value);
extern void weir_places_add_square(const WeirHeap *heap, WeirRef ref, const WeirDigits *value);

/* Adds places of another heap; `heap` is local. */
extern void weir_places_merge(WeirHeap *heap, WeirRef *ref, const WeirHeap *from, WeirRef other);

/* Reserves and adds. */
extern bool weir_places_keep(WeirHeap *heap, WeirRef *ref, const WeirDigits *value);

/* The sum, in the current memory context. */
extern WeirDecimal weir_places_decimal(const WeirHeap *heap, WeirRef ref, int32 scale);

/* What PostgreSQL's final functions for numeric make of exact sums. `squares` NULL: the function
 * needs none. `specials`: kinds of values that are in `count` but not in the sums. */
extern Datum weir_decimal_finish(PGFunction final, int64 count, uint32 specials,
								 const WeirDecimal *sum, const WeirDecimal *squares, bool *is_null);

#endif
