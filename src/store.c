/* SPDX-License-Identifier: PostgreSQL
 *
 * The groups of one view.
 *
 * The hash table is open addressing with linear probing over (hash, number); an entry that goes is
 * filled by those behind it, so there are no tombstones. A table that is found by hash alone can be
 * prefetched before a batch is folded.
 *
 * Windows stand in an array in the order of their ends: few are open, and what closes is at the front.
 */
#include "postgres.h"

#include "store.h"

typedef struct Entry
{
	uint32 hash;
	uint32 number; /* + 1; 0: empty */
} Entry;

struct WeirStore
{
	MemoryContext context;
	WeirQuery *query;
	WeirHeap heap;
	WeirRef header_ref;
	WeirStoreHeader *header;
	uint32 group_size;
	char **slabs; /* this process's addresses */
	uint32 slab_capacity;
	uint32 slab_count;
	uint32 free_first; /* number + 1 */
	uint32 group_count;
	int partition_count;
	Entry *entries;
	uint32 entry_mask;
	WeirOpenWindow *windows;
	int window_count;
	int window_capacity;
	int last_window; /* where the last one was found */
	uint32 *changed;
	int changed_count;
	int changed_capacity;
};

static uint32
lay_out(WeirQuery *query)
{
	uint32 size = MAXALIGN(sizeof(WeirGroup));

	for (int i = 0; i < query->aggregate_count; i++)
	{
		query->aggregates[i].slot_offset = size;
		size += MAXALIGN(query->aggregates[i].kernel->slot_size);
	}
	return size;
}

static bool
make_header(WeirStore *store)
{
	store->header_ref = weir_heap_allocate(&store->heap, sizeof(WeirStoreHeader));
	if (store->header_ref == 0)
		return false;
	store->header = weir_heap_address(&store->heap, store->header_ref);
	*store->header = (WeirStoreHeader){.group_size = store->group_size};
	return true;
}

WeirStore *
weir_store_create(WeirQuery *query, WeirHeap heap, int partition_count)
{
	WeirStore *store = palloc0(sizeof(WeirStore));

	store->context = CurrentMemoryContext;
	store->query = query;
	store->heap = heap;
	store->partition_count = partition_count;
	store->group_size = lay_out(query);
	if (!make_header(store))
		return NULL;
	store->entry_mask = 1023;
	store->entries = palloc0((store->entry_mask + 1) * sizeof(Entry));
	store->window_capacity = 16;
	store->windows = palloc(sizeof(WeirOpenWindow) * 16);
	store->changed_capacity = 256;
	store->changed = palloc(sizeof(uint32) * 256);
	return store;
}

WeirQuery *
weir_store_query(const WeirStore *store)
{
	return store->query;
}

int
weir_store_partition_count(const WeirStore *store)
{
	return store->partition_count;
}

WeirRef
weir_store_header_ref(const WeirStore *store)
{
	return store->header_ref;
}

WeirHeap *
weir_store_heap(WeirStore *store)
{
	return &store->heap;
}

Size
weir_store_bytes(const WeirStore *store)
{
	return store->heap.used;
}

uint32
weir_store_group_count(const WeirStore *store)
{
	return store->group_count;
}

WeirGroup *
weir_store_group(const WeirStore *store, uint32 number)
{
	return (WeirGroup *) (store->slabs[number / WEIR_SLAB_GROUPS] +
						  (Size) (number % WEIR_SLAB_GROUPS) * store->group_size);
}

const char *
weir_group_key(const WeirHeap *heap, const WeirGroup *group)
{
	if (group->key_len <= WEIR_GROUP_KEY_INLINE)
		return group->inline_key;
	return weir_heap_blob(heap, group->key)->data;
}

/*
 * Slabs
 */

/* Room for one more in the shared list of slabs. */
static bool
reserve_slab(WeirStore *store)
{
	WeirStoreHeader *header = store->header;
	uint32 capacity = Max(header->slab_capacity * 2, 16);
	WeirRef fresh;

	if (header->slab_count < header->slab_capacity)
		return true;
	fresh = weir_heap_allocate(&store->heap, sizeof(WeirRef) * capacity);
	if (fresh == 0)
		return false;
	if (header->slab_count > 0)
		memcpy(weir_heap_address(&store->heap, fresh),
			   weir_heap_address(&store->heap, header->slabs),
			   sizeof(WeirRef) * header->slab_count);
	weir_heap_release(&store->heap, header->slabs, sizeof(WeirRef) * header->slab_capacity);
	header->slabs = fresh;
	header->slab_capacity = capacity;
	return true;
}

static void
keep_address(WeirStore *store, char *slab)
{
	if (store->slab_count == store->slab_capacity)
	{
		store->slab_capacity = Max(store->slab_capacity * 2, 16);
		if (store->slabs == NULL)
			store->slabs =
				MemoryContextAlloc(store->context, sizeof(char *) * store->slab_capacity);
		else
			store->slabs = repalloc(store->slabs, sizeof(char *) * store->slab_capacity);
	}
	store->slabs[store->slab_count++] = slab;
}

static bool
add_slab(WeirStore *store)
{
	Size size = (Size) store->group_size * WEIR_SLAB_GROUPS;
	WeirRef slab;
	char *address;

	if (!reserve_slab(store))
		return false;
	slab = weir_heap_allocate(&store->heap, size);
	if (slab == 0)
		return false;
	address = weir_heap_address(&store->heap, slab);
	memset(address, 0, size);
	keep_address(store, address);
	for (int i = WEIR_SLAB_GROUPS - 1; i >= 0; i--)
	{
		WeirGroup *group = (WeirGroup *) (address + (Size) i * store->group_size);

		group->number = (store->slab_count - 1) * WEIR_SLAB_GROUPS + (uint32) i;
		group->next = store->free_first;
		store->free_first = group->number + 1;
	}
	((WeirRef *) weir_heap_address(&store->heap, store->header->slabs))[store->header->slab_count] =
		slab;
	store->header->slab_count++;
	return true;
}

static void
free_slots(WeirStore *store, WeirGroup *group)
{
	for (int i = 0; i < store->query->aggregate_count; i++)
	{
		const WeirAggregate *aggregate = &store->query->aggregates[i];

		for (int j = 0; j < aggregate->kernel->ref_count; j++)
			weir_heap_free(&store->heap, *(WeirRef *) ((char *) weir_group_slot(group, aggregate) +
													   aggregate->kernel->refs[j]));
	}
}

static void
free_group(WeirStore *store, WeirGroup *group)
{
	uint32 number = group->number;

	free_slots(store, group);
	weir_heap_free(&store->heap, group->key);
	memset(group, 0, store->group_size);
	group->number = number;
	group->next = store->free_first;
	store->free_first = number + 1;
	store->group_count--;
}

/* Result: NULL if the heap is full. */
static WeirGroup *
take_group(WeirStore *store, const char *key, int len)
{
	WeirGroup *group;

	if (store->free_first == 0 && !add_slab(store))
		return NULL;
	group = weir_store_group(store, store->free_first - 1);
	if (len <= WEIR_GROUP_KEY_INLINE)
		memcpy(group->inline_key, key, (size_t) len);
	else if (!weir_heap_put(&store->heap, &group->key, key, (uint32) len))
		return NULL;
	store->free_first = group->next;
	group->next = 0;
	group->key_len = (uint32) len;
	group->is_used = true;
	store->group_count++;
	return group;
}

/*
 * The hash table
 */

void
weir_store_prefetch(const WeirStore *store, uint32 hash)
{
	__builtin_prefetch(&store->entries[hash & store->entry_mask]);
}

static bool
is_group(const WeirStore *store, const WeirGroup *group, int64 start_us, const char *key, int len)
{
	return group->start_us == start_us &&
		   weir_key_equal(store->query, weir_group_key(&store->heap, group), (int) group->key_len,
						  key, len);
}

static void
enter(WeirStore *store, uint32 hash, uint32 number)
{
	uint32 i = hash & store->entry_mask;

	while (store->entries[i].number != 0)
		i = (i + 1) & store->entry_mask;
	store->entries[i] = (Entry){hash, number};
}

/* At most half full. */
static void
grow(WeirStore *store)
{
	Entry *old = store->entries;
	uint32 old_count = store->entry_mask + 1;

	if (store->group_count * 2 < old_count)
		return;
	store->entries = MemoryContextAllocExtended(store->context, sizeof(Entry) * old_count * 2,
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	store->entry_mask = old_count * 2 - 1;
	for (uint32 i = 0; i < old_count; i++)
		if (old[i].number != 0)
			enter(store, old[i].hash, old[i].number);
	pfree(old);
}

static void
leave(WeirStore *store, const WeirGroup *group)
{
	uint32 mask = store->entry_mask;
	uint32 hole = group->hash & mask;

	while (store->entries[hole].number != group->number + 1)
		hole = (hole + 1) & mask;
	for (uint32 i = (hole + 1) & mask; store->entries[i].number != 0; i = (i + 1) & mask)
	{
		uint32 home = store->entries[i].hash & mask;

		/* may it move back to the hole, which is not before its home? */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		store->entries[hole] = store->entries[i];
		hole = i;
	}
	store->entries[hole].number = 0;
}

/*
 * Windows
 */

/* Result: the first window that ends at or after this. */
static int
window_place(const WeirStore *store, int64 end_us)
{
	int low = 0;
	int high = store->window_count;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (store->windows[middle].end_us < end_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64 *
no_offsets(WeirStore *store)
{
	int64 *offsets =
		MemoryContextAlloc(store->context, sizeof(int64) * (Size) Max(store->partition_count, 1));

	for (int i = 0; i < store->partition_count; i++)
		offsets[i] = PG_INT64_MAX;
	return offsets;
}

/* Slices with one end may start at different times: see slice.h. */
static WeirOpenWindow *
widen(WeirOpenWindow *open, const WeirWindow *window)
{
	open->start_us = Min(open->start_us, window->start_us);
	return open;
}

/* The window, a new one if there is none. */
static WeirOpenWindow *
find_window(WeirStore *store, const WeirWindow *window)
{
	int i = store->last_window;

	if (i < store->window_count && store->windows[i].end_us == window->end_us)
		return widen(&store->windows[i], window);
	i = window_place(store, window->end_us);
	store->last_window = i;
	if (i < store->window_count && store->windows[i].end_us == window->end_us)
		return widen(&store->windows[i], window);
	if (store->window_count == store->window_capacity)
	{
		store->window_capacity *= 2;
		store->windows =
			repalloc(store->windows, sizeof(WeirOpenWindow) * (Size) store->window_capacity);
	}
	memmove(&store->windows[i + 1], &store->windows[i],
			sizeof(WeirOpenWindow) * (size_t) (store->window_count - i));
	store->window_count++;
	store->windows[i] = (WeirOpenWindow){
		.start_us = window->start_us, .end_us = window->end_us, .first_offsets = no_offsets(store)};
	return &store->windows[i];
}

int
weir_store_window_count(const WeirStore *store)
{
	return store->window_count;
}

const WeirOpenWindow *
weir_store_window(const WeirStore *store, int i)
{
	return &store->windows[i];
}

/*
 * Finding and changing
 */

static WeirGroup *
add_group(WeirStore *store, const WeirWindow *window, const char *key, int len, uint32 hash)
{
	WeirGroup *group = take_group(store, key, len);
	WeirOpenWindow *open;

	if (group == NULL)
		return NULL;
	open = find_window(store, window);
	group->start_us = window->start_us;
	group->end_us = window->end_us;
	group->hash = hash;
	group->next = open->first;
	open->first = group->number + 1;
	open->count++;
	grow(store);
	enter(store, hash, group->number + 1);
	return group;
}

WeirGroup *
weir_store_find(WeirStore *store, const WeirWindow *window, const char *key, int len, uint32 hash,
				bool *is_new)
{
	*is_new = false;
	for (uint32 i = hash & store->entry_mask; store->entries[i].number != 0;
		 i = (i + 1) & store->entry_mask)
	{
		WeirGroup *group;

		if (store->entries[i].hash != hash)
			continue;
		group = weir_store_group(store, store->entries[i].number - 1);
		if (is_group(store, group, window->start_us, key, len))
			return group;
	}
	*is_new = true;
	return add_group(store, window, key, len, hash);
}

WeirGroup *
weir_store_renew(WeirStore *store, const WeirWindow *window, const char *key, int len, uint32 hash)
{
	Size fixed = MAXALIGN(sizeof(WeirGroup));
	bool is_new;
	WeirGroup *group = weir_store_find(store, window, key, len, hash, &is_new);

	if (group == NULL || is_new)
		return group;
	free_slots(store, group);
	memset((char *) group + fixed, 0, store->group_size - fixed);
	return group;
}

void
weir_store_feed(WeirStore *store, const WeirWindow *window, int partition, int64 offset)
{
	WeirOpenWindow *open = find_window(store, window);

	if (partition >= store->partition_count || offset >= open->first_offsets[partition])
		return;
	open->first_offsets[partition] = offset;
	open->is_changed = true;
}

void
weir_store_change(WeirStore *store, WeirGroup *group)
{
	if (group->is_changed)
		return;
	group->is_changed = true;
	if (store->changed_count == store->changed_capacity)
	{
		store->changed_capacity *= 2;
		store->changed =
			repalloc_huge(store->changed, sizeof(uint32) * (Size) store->changed_capacity);
	}
	store->changed[store->changed_count++] = group->number;
}

int
weir_store_changed_count(const WeirStore *store)
{
	return store->changed_count;
}

WeirGroup *
weir_store_changed(const WeirStore *store, int i)
{
	return weir_store_group(store, store->changed[i]);
}

void
weir_store_forget_changes(WeirStore *store)
{
	for (int i = 0; i < store->changed_count; i++)
		weir_store_changed(store, i)->is_changed = false;
	store->changed_count = 0;
	for (int i = 0; i < store->window_count; i++)
		store->windows[i].is_changed = false;
}

/*
 * Closing
 */

int
weir_store_due_count(const WeirStore *store, int64 until_us)
{
	int count = 0;

	while (count < store->window_count && store->windows[count].end_us <= until_us)
		count++;
	return count;
}

int
weir_store_mark(WeirStore *store, int64 until_us, uint64 generation)
{
	int count = weir_store_due_count(store, until_us);

	for (int i = 0; i < count; i++)
		for (uint32 next = store->windows[i].first; next != 0;)
		{
			WeirGroup *group = weir_store_group(store, next - 1);

			group->closes_in = generation;
			next = group->next;
		}
	return count;
}

void
weir_store_free(WeirStore *store, int window_count)
{
	for (int i = 0; i < window_count; i++)
	{
		for (uint32 next = store->windows[i].first; next != 0;)
		{
			WeirGroup *group = weir_store_group(store, next - 1);

			next = group->next;
			leave(store, group);
			free_group(store, group);
		}
		pfree(store->windows[i].first_offsets);
	}
	store->window_count -= window_count;
	memmove(store->windows, store->windows + window_count,
			sizeof(WeirOpenWindow) * (size_t) store->window_count);
	store->last_window = 0;
}

void
weir_store_destroy(WeirStore *store)
{
	WeirStoreHeader *header = store->header;

	weir_store_free(store, store->window_count);
	for (uint32 i = 0; i < header->slab_count; i++)
		weir_heap_release(&store->heap,
						  ((WeirRef *) weir_heap_address(&store->heap, header->slabs))[i],
						  (Size) store->group_size * WEIR_SLAB_GROUPS);
	weir_heap_release(&store->heap, header->slabs, sizeof(WeirRef) * header->slab_capacity);
	weir_heap_release(&store->heap, store->header_ref, sizeof(WeirStoreHeader));
}

/*
 * Readers
 */

static void
copy_refs(WeirStore *to, WeirGroup *group, const WeirHeap *from, const WeirGroup *source)
{
	for (int i = 0; i < to->query->aggregate_count; i++)
	{
		const WeirAggregate *aggregate = &to->query->aggregates[i];
		char *slot = weir_group_slot(group, aggregate);
		const char *source_slot = weir_group_slot(source, aggregate);

		for (int j = 0; j < aggregate->kernel->ref_count; j++)
		{
			uint32 at = aggregate->kernel->refs[j];
			WeirRef ref = *(const WeirRef *) (source_slot + at);

			*(WeirRef *) (slot + at) = ref ? weir_heap_copy(&to->heap, from, ref) : 0;
		}
	}
}

static void
copy_group(WeirStore *to, const WeirHeap *from, const WeirGroup *source)
{
	WeirWindow window = {source->start_us, source->end_us};
	WeirGroup *group =
		add_group(to, &window, weir_group_key(from, source), (int) source->key_len, source->hash);
	Size fixed = MAXALIGN(sizeof(WeirGroup));

	memcpy((char *) group + fixed, (const char *) source + fixed, to->group_size - fixed);
	copy_refs(to, group, from, source);
}

void
weir_store_copy(WeirStore *to, const WeirHeap *from, WeirRef header_ref, uint64 generation)
{
	const WeirStoreHeader *header = weir_heap_address(from, header_ref);
	const WeirRef *slabs;

	if (header->group_size != to->group_size)
		elog(ERROR, "groups of a store have another size than its definition says");
	if (header->slab_count == 0)
		return;
	slabs = weir_heap_address(from, header->slabs);
	for (uint32 i = 0; i < header->slab_count; i++)
	{
		const char *slab = weir_heap_address(from, slabs[i]);

		for (int j = 0; j < WEIR_SLAB_GROUPS; j++)
		{
			const WeirGroup *source = (const WeirGroup *) (slab + (Size) j * to->group_size);

			if (source->is_used && (source->closes_in == 0 || source->closes_in > generation))
				copy_group(to, from, source);
		}
	}
}
