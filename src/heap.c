/* SPDX-License-Identifier: PostgreSQL
 *
 * Memory of a store.
 *
 * A blob is allocated with room to the next power of two, so that a value which changes length a
 * little is written in place.
 */
#include "postgres.h"

#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "heap.h"

#define RESERVES_MAX 4 /* times the limit: then something is wrong */

static dsa_area *own_area = NULL;

void
weir_heap_set_own(dsa_area *area)
{
	own_area = area;
}

dsa_area *
weir_heap_attach(dsa_handle handle)
{
	if (own_area != NULL && dsa_get_handle(own_area) == handle)
		return own_area;
	return dsa_attach(handle);
}

void
weir_heap_detach(dsa_area *area)
{
	if (area != own_area)
		dsa_detach(area);
}

WeirRef
weir_heap_allocate(WeirHeap *heap, Size size)
{
	WeirRef ref;

	if (heap->area)
		ref = (WeirRef) dsa_allocate_extended(heap->area, size, DSA_ALLOC_NO_OOM | DSA_ALLOC_HUGE);
	else
		ref = (WeirRef) (uintptr_t) MemoryContextAllocHuge(heap->context, size);
	if (ref != 0)
		heap->used += size;
	return ref;
}

void
weir_heap_release(WeirHeap *heap, WeirRef ref, Size size)
{
	if (ref == 0)
		return;
	if (heap->area)
		dsa_free(heap->area, (dsa_pointer) ref);
	else
		pfree((void *) (uintptr_t) ref);
	heap->used -= size;
}

void
weir_heap_set_limit(WeirHeap *heap, Size limit)
{
	heap->limit = limit;
	heap->reserve = 0;
	dsa_set_size_limit(heap->area, limit);
}

bool
weir_heap_use_reserve(WeirHeap *heap)
{
	if (heap->area == NULL || heap->reserve > RESERVES_MAX * heap->limit)
		return false;
	heap->reserve += heap->limit / 4;
	dsa_set_size_limit(heap->area, heap->limit + heap->reserve);
	return true;
}

void
weir_heap_close_reserve(WeirHeap *heap)
{
	if (heap->reserve > 0)
		weir_heap_set_limit(heap, heap->limit);
}

static Size
room_for(uint32 len)
{
	return pg_nextpower2_64(Max(offsetof(WeirBlob, data) + (uint64) len, 16));
}

void
weir_heap_free(WeirHeap *heap, WeirRef ref)
{
	if (ref != 0)
		weir_heap_release(heap, ref, room_for(weir_heap_blob(heap, ref)->len));
}

bool
weir_heap_put(WeirHeap *heap, WeirRef *ref, const void *data, uint32 len)
{
	WeirBlob *blob = *ref ? weir_heap_address(heap, *ref) : NULL;

	if (blob == NULL || room_for(blob->len) != room_for(len))
	{
		WeirRef fresh = weir_heap_allocate(heap, room_for(len));

		if (fresh == 0)
			return false;
		weir_heap_free(heap, *ref);
		*ref = fresh;
		blob = weir_heap_address(heap, fresh);
	}
	blob->len = len;
	memcpy(blob->data, data, len);
	return true;
}

WeirRef
weir_heap_copy(WeirHeap *to, const WeirHeap *from, WeirRef ref)
{
	const WeirBlob *blob = weir_heap_blob(from, ref);
	WeirRef copy = 0;

	return weir_heap_put(to, &copy, blob->data, blob->len) ? copy : 0;
}
