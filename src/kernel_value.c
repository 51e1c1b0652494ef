/* SPDX-License-Identifier: PostgreSQL
 *
 * Values of variable size in blobs.
 */
#include "postgres.h"

#include "kernel_impl.h"

/* Longest value that is put without an allocation. */
#define STACK_SIZE 512

bool
weir_blob_put(WeirHeap *heap, WeirRef *ref, Datum value, int16 len)
{
	char room[STACK_SIZE] = {0};
	uint32 size = weir_flat_size(value, len);
	char *bytes = size <= STACK_SIZE - WEIR_BLOB_PAD ? room : palloc0(WEIR_BLOB_PAD + size);
	bool is_done;

	memcpy(bytes + WEIR_BLOB_PAD, DatumGetPointer(value), size);
	is_done = weir_heap_put(heap, ref, bytes, WEIR_BLOB_PAD + size);
	if (bytes != room)
		pfree(bytes);
	return is_done;
}

Datum
weir_flat_copy(Datum value, int16 len)
{
	uint32 size = weir_flat_size(value, len);
	void *copy = palloc(size);

	memcpy(copy, DatumGetPointer(value), size);
	return PointerGetDatum(copy);
}
