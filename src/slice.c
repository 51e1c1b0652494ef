/* SPDX-License-Identifier: PostgreSQL
 *
 * The windows of a store, whichever kind they are.
 *
 * A store lists slices by the end of the last window that holds them: those of one entry share it.
 */
#include "postgres.h"

#include "key.h"
#include "slice.h"

bool
weir_slice_is_used(const WeirQuery *query)
{
	return query->hopping.length > 0;
}

/* Of hopping windows it is the first that holds the earliest slice of the first entry which a window
 * after this time can have: no other slice is in an earlier one. */
bool
weir_slice_next_window(const WeirStore *store, int64 after_us, WeirWindow *window)
{
	const WeirQuery *query = weir_store_query(store);
	int i = weir_store_due_count(store, after_us);
	const WeirOpenWindow *entry;

	if (i == weir_store_window_count(store))
		return false;
	entry = weir_store_window(store, i);
	*window = (WeirWindow){entry->start_us, entry->end_us};
	if (weir_slice_is_used(query)) /* slices are stored only where all their windows are in range */
		(void) weir_hopping_first(&query->hopping, Max(after_us, entry->start_us), window);
	return true;
}

static void
merge_group(WeirStore *to, const WeirWindow *window, const WeirHeap *from, const WeirGroup *slice)
{
	const WeirQuery *query = weir_store_query(to);
	const char *key = weir_group_key(from, slice);
	int len = (int) slice->key_len;
	bool is_new;
	WeirGroup *group = weir_store_find(
		to, window, key, len, weir_key_hash_packed(query, window->start_us, key, len), &is_new);

	for (int i = 0; i < query->aggregate_count; i++)
	{
		const WeirAggregate *aggregate = &query->aggregates[i];

		aggregate->kernel->merge(aggregate, weir_store_heap(to), weir_group_slot(group, aggregate),
								 from, weir_group_slot(slice, aggregate));
	}
}

static WeirStore *
merge(WeirStore *store, const WeirWindow *window)
{
	WeirHeap heap = {.context = CurrentMemoryContext};
	WeirStore *merged = weir_store_create(weir_store_query(store), heap, 0);
	int count = weir_store_window_count(store);

	for (int i = weir_store_due_count(store, window->end_us - 1); i < count; i++)
	{
		const WeirOpenWindow *entry = weir_store_window(store, i);

		if (entry->start_us >= window->end_us)
			break;
		for (uint32 next = entry->first; next != 0;)
		{
			const WeirGroup *slice = weir_store_group(store, next - 1);

			next = slice->next;
			if (slice->start_us >= window->start_us && slice->start_us < window->end_us)
				merge_group(merged, window, weir_store_heap(store), slice);
		}
	}
	return merged;
}

WeirStore *
weir_slice_groups(WeirStore *store, const WeirWindow *window, const WeirOpenWindow **groups)
{
	static const WeirOpenWindow none = {0};
	bool is_hopping = weir_slice_is_used(weir_store_query(store));
	WeirStore *owner = is_hopping ? merge(store, window) : store;
	int i = is_hopping ? 0 : weir_store_due_count(store, window->end_us - 1);

	*groups = i < weir_store_window_count(owner) ? weir_store_window(owner, i) : &none;
	return owner;
}
