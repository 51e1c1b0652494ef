/* SPDX-License-Identifier: PostgreSQL
 *
 * Kernels for first and last.
 *
 * The value that is kept is the one at the end of the order: the definition's expressions, then
 * partition, then offset. The usual order is one time or integer: it stands in the slot as an int64.
 * Any other is kernel_packed.c's. Either way a value is replaced in one step, so that a full heap
 * changes nothing, and the written form is the same, whichever kernel wrote it.
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

StaticAssertDecl(sizeof(Ranked) == 32, "a slot has no padding");

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
ranked_compare(const Ranked *state, int8 rank, int64 order, const WeirOrigin *origin)
{
	if (unlikely(rank != state->rank))
		return rank < state->rank ? -1 : 1;
	if (order != state->order)
		return order < state->order ? -1 : 1;
	return weir_compare_places(state->partition, state->offset, origin);
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

/* The event at the end of the other slot is folded like any. */
static void
ranked_merge(WEIR_MERGE_ARGS)
{
	const Ranked *more = other;
	WeirOrigin origin = {.partition = more->partition, .offset = more->offset};
	bool is_order_null = more->rank != 0;
	Datum order = 0;
	bool is_null;
	Datum value = aggregate->kernel->finish(aggregate, from, other, &is_null);

	if (is_null)
		return;
	if (aggregate->order_count > 0)
		order = Int64GetDatum(aggregate->order->is_descending ? ~more->order : more->order);
	origin.order_values = &order;
	origin.order_nulls = &is_order_null;
	aggregate->kernel->fold(aggregate, heap, slot, value, &origin);
}

/*
 * Order in a blob: kernel_packed.c
 */

static WeirFoldResult
packed_first_fold(WEIR_FOLD_ARGS)
{
	return weir_packed_fold(aggregate, heap, slot, value, origin, false);
}

static WeirFoldResult
packed_last_fold(WEIR_FOLD_ARGS)
{
	return weir_packed_fold(aggregate, heap, slot, value, origin, true);
}

/*
 * Writing and reading: a byte, whether there is a value; partition, offset, orders, value
 */

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
	weir_write_origin(out, state->partition, state->offset);
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

#define END(text, Slot, state, of, merge_of, which, ...)                                           \
	{                                                                                              \
		.name = text, .slot_size = sizeof(Slot), .fold = state##_##which##_fold,                   \
		.merge = merge_of##_merge, .finish = of##_finish, .write = of##_write, .read = end_read,   \
		__VA_ARGS__                                                                                \
	}

#define VARIANTS_OF(text, which)                                                                   \
	{                                                                                              \
		[PLAIN] = END(text, Ranked, plain, plain, ranked, which, .ref_count = 0),                  \
		[HELD] = END(text, Ranked, held, held, ranked, which, .ref_count = 1,                      \
					 .refs = {offsetof(Ranked, value)}),                                           \
		[PACKED] = END(text, WeirPacked, packed, weir_packed, weir_packed, which, .ref_count = 1,  \
					   .refs = {offsetof(WeirPacked, entries)})                                    \
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
