/* SPDX-License-Identifier: PostgreSQL
 *
 * Rows of a continuous copy that wait for the commit of its view.
 *
 * A copy has no groups: each event that WHERE wants is a row, made when the event is applied, and
 * written with the position behind it. Rows are in the process's own memory, and few: when they are
 * full, the commit comes.
 */
#ifndef WEIR_COPY_H
#define WEIR_COPY_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"

typedef struct WeirCopy
{
	MemoryContext context; /* of the rows */
	TupleDesc desc;
	int count;
	int capacity;
	HeapTuple *rows;
	Size bytes;
} WeirCopy;

/* Result: in the current memory context. */
extern WeirCopy *weir_copy_create(TupleDesc desc);
/* Result: false if it is full; nothing was added. */
extern bool weir_copy_add(WeirCopy *copy, const Datum *values, const bool *nulls);
/* After they were committed. */
extern void weir_copy_clear(WeirCopy *copy);

#endif
