/* SPDX-License-Identifier: PostgreSQL
 *
 * Which partitions and offsets a query wants: conditions on the meta columns `partition` and
 * `offset` that the scan itself can keep.
 */
#ifndef WEIR_RANGE_H
#define WEIR_RANGE_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "stream.h"

/* Planning: is this a condition that the scan keeps exactly? Then it needs no second check. */
extern bool weir_range_takes(Oid relid, Index rel_index, Expr *clause);

/* Execution: the conditions of one scan. */
typedef struct WeirRangeSet WeirRangeSet;

extern WeirRangeSet *weir_range_compile(const WeirStream *stream, List *clauses, PlanState *parent);

/* What they come to with the parameters' values of now. Offsets are [first, end). */
typedef struct WeirBounds
{
	bool is_empty; /* nothing can match */
	int64 first;
	int64 end;
} WeirBounds;

extern void weir_range_evaluate(WeirRangeSet *set, ExprContext *context);
extern WeirBounds weir_range_of_partition(const WeirRangeSet *set, int32 partition);

#endif
