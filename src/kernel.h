/* SPDX-License-Identifier: PostgreSQL
 *
 * Aggregates as kernels: what each does with its slot.
 *
 * A slot is a fixed number of bytes, aligned to eight, in a group of a store, which may be shared
 * memory; all zeros is the empty one. Values without a fixed size lie in the store's heap behind a
 * reference in the slot. Results equal those of PostgreSQL's own aggregates (of weir's for floats,
 * first and last), bit for bit.
 *
 * Folding and finishing may raise errors only where said. A kernel knows no windows, keys or locks.
 */
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/primnodes.h"

#include "heap.h"

typedef struct WeirKernel WeirKernel;

/* How first and last order events, beside (topic, partition, offset), which always decides last. */
typedef struct WeirOrder
{
	Expr *expr; /* over the stream's columns */
	Oid type_oid;
	Oid collation;
	int16 len;
	bool is_by_value;
	bool is_descending;
	bool is_nulls_first;
	FmgrInfo compare; /* the type's btree comparison */
} WeirOrder;

/* An aggregate of a definition. Made by query.c, in its memory; read only from then on. */
typedef struct WeirAggregate
{
	const WeirKernel *kernel;
	Expr *argument; /* over the stream's columns; NULL: count(*) */
	Expr *filter;   /* NULL: none */
	Oid function_oid;
	Oid argument_type;
	Oid result_type;
	Oid collation;
	int16 argument_len;
	bool is_argument_by_value;
	FmgrInfo compare; /* min, max: the argument's btree comparison */
	int order_count;  /* first, last */
	WeirOrder *order;
	struct WeirPortable *portables; /* the kernel's own: of the argument, then of the orders */
	uint32 slot_offset;             /* in a group: set by the store */
} WeirAggregate;

/* The event that is folded. */
typedef struct WeirOrigin
{
	int32 partition;
	int64 offset;
	const Datum *order_values; /* first, last: order_count of them */
	const bool *order_nulls;
} WeirOrigin;

typedef enum WeirFoldResult
{
	WEIR_FOLD_DONE = 0,
	WEIR_FOLD_FULL,    /* the heap is full; the slot is as before */
	WEIR_FOLD_OVERFLOW /* the state cannot hold the value; the slot is as before */
} WeirFoldResult;

struct WeirKernel
{
	const char *name; /* for errors and docs: "sum(numeric)" */
	uint32 slot_size; /* a multiple of 8 */
	bool takes_nulls; /* count(*) only: fold is called without a value */
	bool can_raise;   /* finish may raise an error, such as out of range */
	int ref_count;    /* how many WeirRef stand in the slot, */
	uint32 refs[2];   /* and at which bytes of it */

	/* Folds one value that is not NULL. */
	WeirFoldResult (*fold)(const WeirAggregate *aggregate, WeirHeap *heap, void *slot, Datum value,
						   const WeirOrigin *origin);
	/* Adds what another slot of the aggregate has, which lies in the heap `from`; `heap` is local, and so
	 * never full. The result is that of folding all values of both into one slot. */
	void (*merge)(const WeirAggregate *aggregate, WeirHeap *heap, void *slot, const WeirHeap *from,
				  const void *other);
	/* The result, in the current memory context. */
	Datum (*finish)(const WeirAggregate *aggregate, const WeirHeap *heap, const void *slot,
					bool *is_null);
	/* Appends the slot, portably: any machine, any release. */
	void (*write)(const WeirAggregate *aggregate, const WeirHeap *heap, const void *slot,
				  StringInfo out);
	/* Reads what write wrote, from the cursor of `in`, into a slot of zeros. Errors are raised for
	 * bytes that cannot be a slot. Result: false if the heap is full. */
	bool (*read)(const WeirAggregate *aggregate, WeirHeap *heap, void *slot, StringInfo in);
};

/* The kernel of an aggregate function for its argument's type, or NULL. */
extern const WeirKernel *weir_kernel_find(Oid function_oid);

/* Fills what a kernel needs of an aggregate whose function_oid, argument, result_type and collation
 * are set, and for first and last the whole order: kernel, argument_type, _len, _by_value, compare,
 * portables. What it makes lives in the current memory context. Raises an error for a type whose values
 * cannot be stored. */
extern void weir_kernel_bind(WeirAggregate *aggregate);

/* Is this aggregate first or last, whose events have an order? */
extern bool weir_kernel_is_ordered(const WeirKernel *kernel);

#endif
