/* SPDX-License-Identifier: PostgreSQL
 *
 * Rows of a continuous copy.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/memutils.h"

#include "compat.h"
#include "copy.h"

#define COPY_BYTES ((Size) 8 * 1024 * 1024)

WeirCopy *
weir_copy_create(TupleDesc desc)
{
	WeirCopy *copy = palloc0_object(WeirCopy);

	copy->context =
		AllocSetContextCreate(CurrentMemoryContext, "weir copy", ALLOCSET_DEFAULT_SIZES);
	copy->desc = desc;
	copy->capacity = 1024;
	copy->rows = palloc_array(HeapTuple, copy->capacity);
	return copy;
}

bool
weir_copy_add(WeirCopy *copy, const Datum *values, const bool *nulls)
{
	MemoryContext before;
	HeapTuple row;

	if (copy->bytes >= COPY_BYTES)
		return false;
	if (copy->count == copy->capacity)
	{
		copy->capacity *= 2;
		copy->rows = repalloc_array(copy->rows, HeapTuple, copy->capacity);
	}
	before = MemoryContextSwitchTo(copy->context);
	row = heap_form_tuple(copy->desc, unconstify(Datum *, values), unconstify(bool *, nulls));
	MemoryContextSwitchTo(before);
	copy->rows[copy->count++] = row;
	copy->bytes += HEAPTUPLESIZE + row->t_len;
	return true;
}

void
weir_copy_clear(WeirCopy *copy)
{
	MemoryContextReset(copy->context);
	copy->count = 0;
	copy->bytes = 0;
}
