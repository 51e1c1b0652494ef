/* SPDX-License-Identifier: PostgreSQL
 *
 * Memory of a store: pieces of any size behind references.
 *
 * A heap is shared (a DSA area, in a worker, where sessions read it) or local (a memory context:
 * weir.simulate(), a reader's copy). Whoever uses it cannot tell. A reference holds for the heap it
 * came from, in every process that has it attached. Full is an answer, not an error.
 */
#ifndef WEIR_HEAP_H
#define WEIR_HEAP_H

#include "postgres.h"

#include "utils/dsa.h"

typedef uint64 WeirRef; /* 0: none */

typedef struct WeirHeap
{
	dsa_area *area;        /* NULL: local */
	Size limit;            /* shared: what the area may take */
	Size used;             /* by this user of it */
	Size reserve;          /* shared: taken beyond it */
	MemoryContext context; /* local: where the pieces live */
} WeirHeap;

/* Names the area that this process made, or NULL: it can be attached once only, and is already. */
extern void weir_heap_set_own(dsa_area *area);
/* Another process's area, or the own one, to be looked at. */
extern dsa_area *weir_heap_attach(dsa_handle handle);
extern void weir_heap_detach(dsa_area *area);

/* Result: 0 if the heap is full, or the memory's reference; the memory is not cleared. */
extern WeirRef weir_heap_allocate(WeirHeap *heap, Size size);
/* Gives back what allocate() gave; 0 is nothing. */
extern void weir_heap_release(WeirHeap *heap, WeirRef ref, Size size);

/* Sets what a shared heap may take, from now on without a reserve. */
extern void weir_heap_set_limit(WeirHeap *heap, Size limit);

/* For what must not fail half-way, or lets windows close: a little more beyond the limit, each time. Nothing
 * else is to be begun before memory was given back, and the reserve closed.
 * Result: false if the heap is local, or has taken far too much. */
extern bool weir_heap_use_reserve(WeirHeap *heap);
extern void weir_heap_close_reserve(WeirHeap *heap);

static inline void *
weir_heap_address(const WeirHeap *heap, WeirRef ref)
{
	if (heap->area)
		return dsa_get_address(heap->area, (dsa_pointer) ref);
	return (void *) (uintptr_t) ref;
}

/* A piece that knows its length. */
typedef struct WeirBlob
{
	uint32 len;
	char data[FLEXIBLE_ARRAY_MEMBER]; /* 4-byte aligned; a varlena may lie here */
} WeirBlob;

/* Puts bytes into *ref, in place of what was there; in place where they fit.
 * Result: false if the heap is full, and *ref is as before. */
extern bool weir_heap_put(WeirHeap *heap, WeirRef *ref, const void *data, uint32 len);

static inline const WeirBlob *
weir_heap_blob(const WeirHeap *heap, WeirRef ref)
{
	return weir_heap_address(heap, ref);
}

/* Frees a blob; 0 is none. */
extern void weir_heap_free(WeirHeap *heap, WeirRef ref);

/* Copies a blob to another heap. Result: 0 if that is full. */
extern WeirRef weir_heap_copy(WeirHeap *to, const WeirHeap *from, WeirRef ref);

#endif
