/* SPDX-License-Identifier: PostgreSQL
 *
 * Applying messages: from the queues of a stream's partitions into its views.
 *
 * Messages go in pieces. While one is applied, the next one is decoded by a thread of its own; which one
 * is next follows from what there is, and only what was applied is taken, so a piece that was decoded
 * in vain is decoded again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/int.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "life.h"
#include "worker_slot.h"

#define PIECE_BYTES ((Size) 4 * 1024 * 1024)

/*
 * Alignment
 */

/* Of windows of months, which have none: 0. */
static int64
width_us(const WeirQuery *query)
{
	return query->windowing.width_us * Max(query->hopping.length, 1);
}

/* What alignment allows a partition to be ahead of the hindmost: no more than this. */
static int64
align_us(const WeirLife *life)
{
	int64 align = Max(life->stream->lateness_us, USECS_PER_MINUTE);
	ListCell *cell;

	if (life->stream->align_us >= 0)
		return life->stream->align_us;
	foreach (cell, life->views)
		align = Max(align, width_us(((WeirWorkerView *) lfirst(cell))->pipeline->query));
	return align;
}

/* A view that waits for a commit must not be waited for: it may need the others' messages for it. */
static bool
is_any_waiting(const WeirLife *life)
{
	ListCell *cell;

	foreach (cell, life->views)
		if (((WeirWorkerView *) lfirst(cell))->is_waiting)
			return true;
	return false;
}

/* More than a batch is to go: neither held back nor waited for, if not. */
static bool
is_behind(const WeirLife *life, int partition)
{
	const WeirSourcePartition *source = weir_source_partition(life->source, partition);

	return source->end - source->next > WEIR_FETCH_MAX;
}

/* The time up to which a partition's events may be applied now. */
static int64
horizon_us(const WeirLife *life, int partition)
{
	int64 lowest_us = INT64_MAX;
	int64 horizon;

	if (!is_behind(life, partition) || is_any_waiting(life))
		return INT64_MAX;
	for (int i = 0; i < life->partition_count; i++)
		if (i != partition && is_behind(life, i))
			lowest_us = Min(lowest_us, life->head.partitions[i].max_us);
	if (lowest_us == INT64_MAX || pg_add_s64_overflow(lowest_us, align_us(life), &horizon))
		return INT64_MAX;
	/* the one that is hindmost itself moves in any case */
	if (life->head.partitions[partition].max_us <= lowest_us)
		return INT64_MAX;
	return horizon;
}

/*
 * Applying
 */

/* How many events of the batch may be applied. */
static int
count_allowed(WeirLife *life, const WeirBatch *batch, int partition)
{
	int64 horizon = horizon_us(life, partition);

	if (horizon == INT64_MAX)
		return batch->count;
	for (int i = 0; i < batch->count; i++)
		if (!batch->events[i].is_refused && batch->events[i].time_us > horizon)
			return i;
	return batch->count;
}

/* Result: how far all views came. */
static int
step_views(WeirLife *life, WeirBatch *batch, int count)
{
	int done = count;
	ListCell *cell;

	batch->count = count;
	foreach (cell, life->views)
		done = Min(done, weir_worker_view_step(lfirst(cell), batch));
	return done;
}

/* In a transaction, for all that is done with values may look into the catalogs: converting them to the
 * database's encoding, comparing them under a collation, even IN with constants.
 *
 * Result: how far all views came. */
static int
step(WeirLife *life, WeirBatch *batch, int partition)
{
	MemoryContext context = CurrentMemoryContext;
	int count;

	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	weir_batch_make(batch, GetCurrentTimestamp());
	count = step_views(life, batch, count_allowed(life, batch, partition));
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return count;
}

/* A view whose topic is another one is out, before it takes anything of it. */
static void
check_seals(WeirLife *life, const WeirMessage *messages, int count)
{
	ListCell *cell;

	foreach (cell, life->views)
	{
		WeirWorkerView *view = lfirst(cell);

		if (weir_worker_view_check_seal(view, messages, count))
			continue;
		weir_worker_view_fail_topic(
			view,
			psprintf("offset " INT64_FORMAT " of partition %d is another message",
					 view->pipeline->seals[messages[0].partition].offset, messages[0].partition));
		life->views = foreach_delete_current(life->views, cell);
	}
}

/* Messages of one partition that are applied at once. */
typedef struct Piece
{
	int partition;
	const WeirMessage *messages;
	int count; /* 0: there are none */
} Piece;

/* Result: how many of the messages make a piece: few enough that the next one is decoded in the meantime,
 * and that no more than a few MB are at work. */
static int
piece_length(const WeirMessage *messages, int count)
{
	Size bytes = 0;
	int length = 0;

	while (length < Min(count, WEIR_BATCH_MAX) && bytes < PIECE_BYTES)
		bytes += messages[length++].payload_len;
	return length;
}

/* The next piece, from a partition on, of which so many messages are at work already. */
static Piece
find_piece(WeirLife *life, int partition, int at_work)
{
	Piece piece;

	for (piece.partition = partition; piece.partition < life->partition_count; piece.partition++)
	{
		int count = weir_source_peek(life->source, piece.partition, &piece.messages) - at_work;

		if (count > 0)
		{
			piece.messages += at_work;
			piece.count = piece_length(piece.messages, count);
			return piece;
		}
		at_work = 0;
	}
	piece.count = 0;
	return piece;
}

/* Result: was all of it applied? */
static bool
apply_piece(WeirLife *life, WeirBatch *batch, const Piece *piece)
{
	int count;

	check_seals(life, piece->messages, piece->count);
	if (life->views == NIL)
		return false;
	count = step(life, batch, piece->partition);
	for (int i = 0; i < count; i++)
		if (!batch->events[i].is_refused && batch->events[i].has_time)
			weir_clock_see(&life->head, piece->partition, batch->events[i].time_us);
	weir_source_take(life->source, piece->partition, count);
	life->applied += count;
	if (count > 0)
		weir_worker_prove();
	return count == piece->count;
}

void
weir_life_apply(WeirLife *life)
{
	WeirBatch *batch = life->batches[0];
	WeirBatch *ahead = life->batches[1];
	Piece piece = find_piece(life, 0, 0);

	weir_batch_begin(batch, piece.messages, piece.count);
	while (piece.count > 0 && life->views != NIL)
	{
		Piece next = find_piece(life, piece.partition, piece.count);
		WeirBatch *done = batch;

		weir_batch_decode(batch);
		weir_batch_begin(ahead, next.messages, next.count);
		if (!apply_piece(life, batch, &piece) && next.partition == piece.partition)
		{
			/* the rest waits, and so does what comes after it */
			weir_batch_drop(ahead);
			next = find_piece(life, piece.partition + 1, 0);
			weir_batch_begin(ahead, next.messages, next.count);
		}
		piece = next;
		batch = ahead;
		ahead = done;
	}
	weir_batch_drop(batch);
}
