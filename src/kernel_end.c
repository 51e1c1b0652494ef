/* SPDX-License-Identifier: PostgreSQL
 *
 * Kernels for first and last.
 *
 * The value that is kept is the one at the end of the order: the definition's expressions, then
 * partition, then offset. The usual order is one time or integer: it stands in the slot as an int64.
 * Any other stands in a blob, together with the value, and is compared by the types' functions. Either
 * way a value is replaced in one step, so that a full heap changes nothing, and the written form is
 * the same, whichever kernel wrote it.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/fmgroids.h"

#include "kernel_impl.h"

/* The order in the slot. */
typedef struct Ranked
{
	int64 order;
	int64 offset;
	int32 partition;
	uint8 is_set;
	int8 rank;    /* of a NULL order among the others, which have 0 */
	uint64 value; /* a Datum, or a WeirRef */
} Ranked;

/* The order in a blob: entries for the expressions, then one for the value. */
typedef struct Packed
{
	WeirRef entries; /* 0: no value yet */
	int64 offset;
	int32 partition;
	int32 unused;
} Packed;

/* In a blob, behind WEIR_BLOB_PAD; padded to eight, as a Datum and any value must be. */
typedef struct Entry
{
	int64 size; /* -1: NULL */
	char data[FLEXIBLE_ARRAY_MEMBER];
} Entry;

#define STACK_SIZE 512

StaticAssertDecl(sizeof(Ranked) == 32 && sizeof(Packed) == 24, "slots have no padding");

static bool packed_replace(const WeirAggregate *aggregate, WeirHeap *heap, Packed *state,
						   Datum value, const WeirOrigin *origin);

/*
 * Order in the slot
 */

static inline int64
order_of(const WeirAggregate *aggregate, const WeirOrigin *origin, int8 *rank)
{
	const WeirOrder *order = aggregate->order;
	int64 value;

	*rank = 0;
	if (aggregate->order_count == 0)
		return 0;
	if (unlikely(origin->order_nulls[0]))
	{
		*rank = order->is_nulls_first ? -1 : 1;
		return 0;
	}
	value = DatumGetInt64(origin->order_values[0]);
	return order->is_descending ? ~value : value;
}

static inline int
compare_places(int32 partition, int64 offset, const WeirOrigin *origin)
{
	if (origin->partition != partition)
		return origin->partition < partition ? -1 : 1;
	if (origin->offset != offset)
		return origin->offset < offset ? -1 : 1;
	return 0;
}

static inline int
ranked_compare(const Ranked *state, int8 rank, int64 order, const WeirOrigin *origin)
{
	if (unlikely(rank != state->rank))
		return rank < state->rank ? -1 : 1;
	if (order != state->order)
		return order < state->order ? -1 : 1;
	return compare_places(state->partition, state->offset, origin);
}

/* Result: is the event at the end? Then its order may be kept by ranked_keep(). */
static inline bool
ranked_is_end(const WeirAggregate *aggregate, const Ranked *state, const WeirOrigin *origin,
			  bool is_last, int64 *order, int8 *rank)
{
	int compared;

	*order = order_of(aggregate, origin, rank);
	if (!state->is_set)
		return true;
	compared = ranked_compare(state, *rank, *order, origin);
	return is_last ? compared > 0 : compared < 0;
}

static inline void
ranked_keep(Ranked *state, int64 order, int8 rank, const WeirOrigin *origin)
{
	state->is_set = true;
	state->rank = rank;
	state->order = order;
	state->partition = origin->partition;
	state->offset = origin->offset;
}

/* A value passed by value. */
static inline WeirFoldResult
plain_fold(const WeirAggregate *aggregate, Ranked *state, Datum value, const WeirOrigin *origin,
		   bool is_last)
{
	int64 order;
	int8 rank;

	if (ranked_is_end(aggregate, state, origin, is_last, &order, &rank))
	{
		ranked_keep(state, order, rank, origin);
		state->value = (uint64) value;
	}
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
plain_first_fold(WEIR_FOLD_ARGS)
{
	return plain_fold(aggregate, slot, value, origin, false);
}

static WeirFoldResult
plain_last_fold(WEIR_FOLD_ARGS)
{
	return plain_fold(aggregate, slot, value, origin, true);
}

static Datum
plain_finish(WEIR_FINISH_ARGS)
{
	const Ranked *state = slot;

	*is_null = !state->is_set;
	return (Datum) state->value;
}

/* A value in the heap. */
static inline WeirFoldResult
held_fold(const WeirAggregate *aggregate, WeirHeap *heap, Ranked *state, Datum value,
		  const WeirOrigin *origin, bool is_last)
{
	int64 order;
	int8 rank;

	if (!ranked_is_end(aggregate, state, origin, is_last, &order, &rank))
		return WEIR_FOLD_DONE;
	if (!weir_blob_put(heap, &state->value, weir_flat(value, aggregate->argument_len),
					   aggregate->argument_len))
		return WEIR_FOLD_FULL;
	ranked_keep(state, order, rank, origin);
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
held_first_fold(WEIR_FOLD_ARGS)
{
	return held_fold(aggregate, heap, slot, value, origin, false);
}

static WeirFoldResult
held_last_fold(WEIR_FOLD_ARGS)
{
	return held_fold(aggregate, heap, slot, value, origin, true);
}

static Datum
held_finish(WEIR_FINISH_ARGS)
{
	const Ranked *state = slot;

	*is_null = !state->is_set;
	if (*is_null)
		return (Datum) 0;
	return weir_flat_copy(weir_blob_value(heap, state->value), aggregate->argument_len);
}

/*
 * Order in a blob
 */

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
packed_compare(const WeirAggregate *aggregate, const WeirHeap *heap, const Packed *state,
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
	return compare_places(state->partition, state->offset, origin);
}

static inline WeirFoldResult
packed_fold(const WeirAggregate *aggregate, WeirHeap *heap, Packed *state, Datum value,
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

static WeirFoldResult
packed_first_fold(WEIR_FOLD_ARGS)
{
	return packed_fold(aggregate, heap, slot, value, origin, false);
}

static WeirFoldResult
packed_last_fold(WEIR_FOLD_ARGS)
{
	return packed_fold(aggregate, heap, slot, value, origin, true);
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
packed_replace(const WeirAggregate *aggregate, WeirHeap *heap, Packed *state, Datum value,
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
packed_value(const WeirAggregate *aggregate, const WeirHeap *heap, const Packed *state)
{
	const Entry *entry = first_entry(heap, state->entries);

	for (int i = 0; i < aggregate->order_count; i++)
		entry = next_entry(entry);
	return entry;
}

static Datum
packed_finish(WEIR_FINISH_ARGS)
{
	const Packed *state = slot;
	Datum value;

	*is_null = state->entries == 0;
	if (*is_null)
		return (Datum) 0;
	value = entry_value(packed_value(aggregate, heap, state), aggregate->is_argument_by_value);
	if (aggregate->is_argument_by_value)
		return value;
	return weir_flat_copy(value, aggregate->argument_len);
}

/*
 * Writing and reading: a byte, whether there is a value; partition, offset, orders, value
 */

static void
write_origin(StringInfo out, int32 partition, int64 offset)
{
	pq_sendbyte(out, 1);
	pq_sendint32(out, (uint32) partition);
	pq_sendint64(out, (uint64) offset);
}

/* As the send functions of times and int8 write them. */
static void
ranked_write_order(const WeirAggregate *aggregate, const Ranked *state, StringInfo out)
{
	if (aggregate->order_count == 0)
		return;
	if (state->rank != 0)
	{
		weir_portable_write_null(out);
		return;
	}
	pq_sendint32(out, sizeof(int64));
	pq_sendint64(out, (uint64) (aggregate->order->is_descending ? ~state->order : state->order));
}

static void
ranked_write(const WeirAggregate *aggregate, const Ranked *state, Datum value, StringInfo out)
{
	write_origin(out, state->partition, state->offset);
	ranked_write_order(aggregate, state, out);
	weir_portable_write(&aggregate->portables[0], value, out);
}

static void
plain_write(WEIR_WRITE_ARGS)
{
	const Ranked *state = slot;

	if (state->is_set)
		ranked_write(aggregate, state, (Datum) state->value, out);
	else
		pq_sendbyte(out, 0);
}

static void
held_write(WEIR_WRITE_ARGS)
{
	const Ranked *state = slot;

	if (state->is_set)
		ranked_write(aggregate, state, weir_blob_value(heap, state->value), out);
	else
		pq_sendbyte(out, 0);
}

static void
packed_write(WEIR_WRITE_ARGS)
{
	const Packed *state = slot;
	const Entry *entry;

	if (state->entries == 0)
	{
		pq_sendbyte(out, 0);
		return;
	}
	write_origin(out, state->partition, state->offset);
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

/* An event as it was folded. */
typedef struct Event
{
	WeirOrigin origin;
	Datum value;
} Event;

/* Result: false if there is none. Orders and value live in the current memory context. */
static bool
read_event(const WeirAggregate *aggregate, StringInfo in, Event *event)
{
	Datum *values;
	bool *nulls;
	uint8 is_set = weir_take_byte(in);
	bool is_null;

	if (is_set > 1)
		weir_refuse_bytes(NULL);
	if (!is_set)
		return false;
	values = palloc0((aggregate->order_count + 1) * sizeof(Datum));
	nulls = palloc0((aggregate->order_count + 1) * sizeof(bool));
	event->origin.partition = weir_take_int32(in);
	event->origin.offset = weir_take_int64(in);
	event->origin.order_values = values;
	event->origin.order_nulls = nulls;
	for (int i = 0; i < aggregate->order_count; i++)
		values[i] = weir_portable_read(&aggregate->portables[i + 1], in, &nulls[i]);
	event->value = weir_portable_read(&aggregate->portables[0], in, &is_null);
	if (is_null)
		weir_refuse_bytes(NULL);
	return true;
}

/* An empty slot takes any event, so what was written is folded again. */
static bool
end_read(WEIR_READ_ARGS)
{
	Event event;

	if (!read_event(aggregate, in, &event))
		return true;
	return aggregate->kernel->fold(aggregate, heap, slot, event.value, &event.origin) ==
		   WEIR_FOLD_DONE;
}

/*
 * The table
 */

enum
{
	PLAIN,
	HELD,
	PACKED,
	VARIANTS
};

#define END(text, Slot, state, which, ...)                                                         \
	{                                                                                              \
		.name = text, .slot_size = sizeof(Slot), .fold = state##_##which##_fold,                   \
		.finish = state##_finish, .write = state##_write, .read = end_read, __VA_ARGS__            \
	}

#define VARIANTS_OF(text, which)                                                                   \
	{                                                                                              \
		[PLAIN] = END(text, Ranked, plain, which, .ref_count = 0),                                 \
		[HELD] =                                                                                   \
			END(text, Ranked, held, which, .ref_count = 1, .refs = {offsetof(Ranked, value)}),     \
		[PACKED] =                                                                                 \
			END(text, Packed, packed, which, .ref_count = 1, .refs = {offsetof(Packed, entries)})  \
	}

static const WeirKernel kernels[2][VARIANTS] = {VARIANTS_OF("weir.first(any)", first),
												VARIANTS_OF("weir.last(any)", last)};

bool
weir_kernel_is_ordered(const WeirKernel *kernel)
{
	return kernel >= &kernels[0][0] && kernel < &kernels[0][0] + 2 * VARIANTS;
}

/* Is the order that of an int64, or none but partition and offset? */
static bool
is_ranked(const WeirAggregate *aggregate)
{
	if (aggregate->order_count == 0)
		return true;
	if (aggregate->order_count > 1 || !aggregate->order->is_by_value)
		return false;
	switch (aggregate->order->compare.fn_oid)
	{
		case F_TIMESTAMPTZ_CMP:
		case F_TIMESTAMP_CMP:
		case F_BTINT8CMP:
			return true;
		default:
			return false;
	}
}

const WeirKernel *
weir_kernel_end(bool is_last, const WeirAggregate *aggregate)
{
	if (!is_ranked(aggregate))
		return &kernels[is_last][PACKED];
	return &kernels[is_last][aggregate->is_argument_by_value ? PLAIN : HELD];
}
