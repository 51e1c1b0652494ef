/* SPDX-License-Identifier: PostgreSQL
 *
 * first and last by an order that is more than one time or integer.
 *
 * The order stands in a blob, together with the value, and is compared by the types' functions.
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "kernel_impl.h"

/* In a blob, behind WEIR_BLOB_PAD; padded to eight, as a Datum and any value must be. */
typedef struct Entry
{
	int64 size; /* -1: NULL */
	char data[FLEXIBLE_ARRAY_MEMBER];
} Entry;

#define STACK_SIZE 512

StaticAssertDecl(sizeof(WeirPacked) == 24, "a slot has no padding");

static int packed_compare(const WeirAggregate *aggregate, const WeirHeap *heap,
						  const WeirPacked *state, const WeirOrigin *origin);
static bool packed_replace(const WeirAggregate *aggregate, WeirHeap *heap, WeirPacked *state,
						   Datum value, const WeirOrigin *origin);

WeirFoldResult
weir_packed_fold(const WeirAggregate *aggregate, WeirHeap *heap, WeirPacked *state, Datum value,
				 const WeirOrigin *origin, bool is_last)
{
	if (state->entries)
	{
		int compared = packed_compare(aggregate, heap, state, origin);

		if (is_last ? compared <= 0 : compared >= 0)
			return WEIR_FOLD_DONE;
	}
	return packed_replace(aggregate, heap, state, value, origin) ? WEIR_FOLD_DONE : WEIR_FOLD_FULL;
}

static inline const Entry *
first_entry(const WeirHeap *heap, WeirRef entries)
{
	return (const Entry *) (weir_heap_blob(heap, entries)->data + WEIR_BLOB_PAD);
}

static inline const Entry *
next_entry(const Entry *entry)
{
	Size size = entry->size < 0 ? 0 : MAXALIGN(entry->size);

	return (const Entry *) (entry->data + size);
}

static inline Datum
entry_value(const Entry *entry, bool is_by_value)
{
	uint64 value;

	if (!is_by_value)
		return PointerGetDatum(entry->data);
	memcpy(&value, entry->data, sizeof value);
	return (Datum) value;
}

static int
compare_one(const WeirOrder *order, Datum value, bool is_null, const Entry *entry)
{
	FmgrInfo *compare = unconstify(FmgrInfo *, &order->compare);
	int32 compared;

	if (is_null || entry->size < 0)
	{
		if (is_null && entry->size < 0)
			return 0;
		return is_null == order->is_nulls_first ? -1 : 1;
	}
	compared = DatumGetInt32(FunctionCall2Coll(compare, order->collation, value,
											   entry_value(entry, order->is_by_value)));
	if (compared == 0)
		return 0;
	return (compared < 0) != order->is_descending ? -1 : 1;
}

/* Result: how the event stands to the one that is kept. */
static int
packed_compare(const WeirAggregate *aggregate, const WeirHeap *heap, const WeirPacked *state,
			   const WeirOrigin *origin)
{
	const Entry *entry = first_entry(heap, state->entries);

	for (int i = 0; i < aggregate->order_count; i++, entry = next_entry(entry))
	{
		int compared = compare_one(&aggregate->order[i], origin->order_values[i],
								   origin->order_nulls[i], entry);

		if (compared != 0)
			return compared;
	}
	return weir_compare_places(state->partition, state->offset, origin);
}

static Size
entry_size(Datum value, bool is_null, bool is_by_value, int16 len)
{
	Size size = is_null ? 0 : is_by_value ? sizeof(uint64) : weir_flat_size(value, len);

	return offsetof(Entry, data) + MAXALIGN(size);
}

/* Result: where the next one goes. */
static char *
put_entry(char *at, Datum value, bool is_null, bool is_by_value, int16 len)
{
	uint64 plain = (uint64) value;
	int64 size = is_null ? -1 : is_by_value ? (int64) sizeof plain : weir_flat_size(value, len);

	memcpy(at, &size, sizeof size);
	if (!is_null)
		memcpy(at + offsetof(Entry, data),
			   is_by_value ? (const void *) &plain : DatumGetPointer(value), (Size) size);
	return at + entry_size(value, is_null, is_by_value, len);
}

static inline Datum
flat_order(const WeirOrder *order, Datum value, bool is_null)
{
	return is_null || order->is_by_value ? value : weir_flat(value, order->len);
}

/* Result: false if the heap is full, and nothing has changed. */
static bool
packed_replace(const WeirAggregate *aggregate, WeirHeap *heap, WeirPacked *state, Datum value,
			   const WeirOrigin *origin)
{
	bool is_by_value = aggregate->is_argument_by_value;
	char room[STACK_SIZE] = {0};
	char *bytes = room;
	char *at;
	Size size = WEIR_BLOB_PAD;
	bool is_done;

	if (!is_by_value)
		value = weir_flat(value, aggregate->argument_len);
	size += entry_size(value, false, is_by_value, aggregate->argument_len);
	for (int i = 0; i < aggregate->order_count; i++)
	{
		const WeirOrder *order = &aggregate->order[i];
		bool is_null = origin->order_nulls[i];

		size += entry_size(flat_order(order, origin->order_values[i], is_null), is_null,
						   order->is_by_value, order->len);
	}
	if (size > STACK_SIZE)
		bytes = palloc0(size);
	at = bytes + WEIR_BLOB_PAD;
	for (int i = 0; i < aggregate->order_count; i++)
	{
		const WeirOrder *order = &aggregate->order[i];
		bool is_null = origin->order_nulls[i];

		at = put_entry(at, flat_order(order, origin->order_values[i], is_null), is_null,
					   order->is_by_value, order->len);
	}
	put_entry(at, value, false, is_by_value, aggregate->argument_len);
	is_done = weir_heap_put(heap, &state->entries, bytes, (uint32) size);
	if (bytes != room)
		pfree(bytes);
	if (is_done)
	{
		state->partition = origin->partition;
		state->offset = origin->offset;
	}
	return is_done;
}

static const Entry *
packed_value(const WeirAggregate *aggregate, const WeirHeap *heap, const WeirPacked *state)
{
	const Entry *entry = first_entry(heap, state->entries);

	for (int i = 0; i < aggregate->order_count; i++)
		entry = next_entry(entry);
	return entry;
}

/* As ranked_merge(). */
void
weir_packed_merge(WEIR_MERGE_ARGS)
{
	const WeirPacked *more = other;
	WeirOrigin origin = {.partition = more->partition, .offset = more->offset};
	Datum *values;
	bool *nulls;
	const Entry *entry;

	if (more->entries == 0)
		return;
	values = palloc_array(Datum, aggregate->order_count + 1);
	nulls = palloc_array(bool, aggregate->order_count + 1);
	entry = first_entry(from, more->entries);
	for (int i = 0; i < aggregate->order_count; i++, entry = next_entry(entry))
	{
		nulls[i] = entry->size < 0;
		values[i] = nulls[i] ? (Datum) 0 : entry_value(entry, aggregate->order[i].is_by_value);
	}
	origin.order_values = values;
	origin.order_nulls = nulls;
	aggregate->kernel->fold(aggregate, heap, slot,
							entry_value(entry, aggregate->is_argument_by_value), &origin);
}

Datum
weir_packed_finish(WEIR_FINISH_ARGS)
{
	const WeirPacked *state = slot;
	Datum value;

	*is_null = state->entries == 0;
	if (*is_null)
		return (Datum) 0;
	value = entry_value(packed_value(aggregate, heap, state), aggregate->is_argument_by_value);
	if (aggregate->is_argument_by_value)
		return value;
	return weir_flat_copy(value, aggregate->argument_len);
}

void
weir_packed_write(WEIR_WRITE_ARGS)
{
	const WeirPacked *state = slot;
	const Entry *entry;

	if (state->entries == 0)
	{
		pq_sendbyte(out, 0);
		return;
	}
	weir_write_origin(out, state->partition, state->offset);
	entry = first_entry(heap, state->entries);
	for (int i = 0; i < aggregate->order_count; i++, entry = next_entry(entry))
	{
		if (entry->size < 0)
			weir_portable_write_null(out);
		else
			weir_portable_write(&aggregate->portables[i + 1],
								entry_value(entry, aggregate->order[i].is_by_value), out);
	}
	weir_portable_write(&aggregate->portables[0],
						entry_value(entry, aggregate->is_argument_by_value), out);
}
