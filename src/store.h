/* SPDX-License-Identifier: PostgreSQL
 *
 * The groups of one view: found by window and key, closed by window.
 *
 * Groups lie in slabs of a heap, which a worker shares with sessions. What finds them (hash table, list
 * of windows, list of changed groups) is the owner's alone. The owner changes a store under the view's
 * lock; this file takes no lock.
 */
#ifndef WEIR_STORE_H
#define WEIR_STORE_H

#include "postgres.h"

#include "heap.h"
#include "key.h"
#include "query.h"

#define WEIR_GROUP_KEY_INLINE 32

/* The fixed part of a group; the kernels' slots follow. */
typedef struct WeirGroup
{
	int64 start_us;
	int64 end_us;
	uint64 closes_in; /* the generation in which it closes; 0: it is open */
	WeirRef key;      /* where it is longer than WEIR_GROUP_KEY_INLINE */
	uint32 key_len;
	uint32 hash;
	uint32 number; /* in the store */
	uint32 next;   /* number + 1 of the next one in the window, or of the next free one */
	bool is_used;
	bool is_changed; /* since the last commit */
	char inline_key[WEIR_GROUP_KEY_INLINE];
} WeirGroup;

/* In the heap, where a reader begins. */
typedef struct WeirStoreHeader
{
	uint32 group_size;
	uint32 slab_count;
	uint32 slab_capacity;
	WeirRef slabs; /* WeirRef[slab_capacity] */
} WeirStoreHeader;

#define WEIR_SLAB_GROUPS 512

/* A window with groups; of a hopping view, the slices that have their last window in common. */
typedef struct WeirOpenWindow
{
	int64 start_us; /* of the first of them */
	int64 end_us;
	uint32 first; /* number + 1 */
	uint32 count;
	bool is_changed;      /* since the last commit: first_offsets */
	int64 *first_offsets; /* of each partition: the first that fed it; INT64_MAX: none has */
} WeirOpenWindow;

typedef struct WeirStore WeirStore;

/* Result: an empty store, in the current memory context; NULL if the heap is full. Sets the aggregates'
 * slot_offset. */
extern WeirStore *weir_store_create(WeirQuery *query, WeirHeap heap, int partition_count);

extern WeirQuery *weir_store_query(const WeirStore *store);
extern int weir_store_partition_count(const WeirStore *store);
/* Where a reader begins. */
extern WeirRef weir_store_header_ref(const WeirStore *store);
extern WeirHeap *weir_store_heap(WeirStore *store);

/* The group, a new one if there is none. Result: NULL if the heap is full. */
extern WeirGroup *weir_store_find(WeirStore *store, const WeirWindow *window, const char *key,
								  int len, uint32 hash, bool *is_new);
extern void weir_store_prefetch(const WeirStore *store, uint32 hash);

/* The group as one without events, whatever it held. Result: NULL if the heap is full. */
extern WeirGroup *weir_store_renew(WeirStore *store, const WeirWindow *window, const char *key,
								   int len, uint32 hash);

/* A message of a partition is counted in a window. */
extern void weir_store_feed(WeirStore *store, const WeirWindow *window, int partition,
							int64 offset);

/* To be called for a group that was changed. */
extern void weir_store_change(WeirStore *store, WeirGroup *group);

extern const char *weir_group_key(const WeirHeap *heap, const WeirGroup *group);

static inline void *
weir_group_slot(const WeirGroup *group, const WeirAggregate *aggregate)
{
	return (char *) (uintptr_t) group + aggregate->slot_offset;
}

/* What it takes of its heap. */
extern Size weir_store_bytes(const WeirStore *store);

extern uint32 weir_store_group_count(const WeirStore *store);
extern WeirGroup *weir_store_group(const WeirStore *store, uint32 number);

/* Windows in the order of their ends. */
extern int weir_store_window_count(const WeirStore *store);
extern const WeirOpenWindow *weir_store_window(const WeirStore *store, int i);

/* The changed groups, in no order; forgotten by the owner after a commit. */
extern int weir_store_changed_count(const WeirStore *store);
extern WeirGroup *weir_store_changed(const WeirStore *store, int i);
extern void weir_store_forget_changes(WeirStore *store);

/* Marks all groups of windows that end at or before `until_us`. Result: how many windows. */
extern int weir_store_mark(WeirStore *store, int64 until_us, uint64 generation);
/* Frees the groups of the first `window_count` windows. */
extern void weir_store_free(WeirStore *store, int window_count);
/* How many windows end at or before this. */
extern int weir_store_due_count(const WeirStore *store, int64 until_us);

/* Gives all memory in the heap back; the store may not be used any more. */
extern void weir_store_destroy(WeirStore *store);

/*
 * Readers
 */

/* Copies the groups that carry no mark, or one above `generation`, into `to`, a local store.
 * Lock: the view's, shared. */
extern void weir_store_copy(WeirStore *to, const WeirHeap *from, WeirRef header, uint64 generation);

#endif
