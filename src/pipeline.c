/* SPDX-License-Identifier: PostgreSQL
 *
 * One view at work.
 *
 * The order is fixed: an event is judged by the W that stood before it, then it moves its partition's
 * M, and so W. What WHERE does not want, and what is a reject for its values, still moves M: time goes
 * by the stream, not by the view. Nothing here depends on where a batch begins or ends.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "input.h"
#include "pipeline.h"
#include "slice.h"

WeirPipeline *
weir_pipeline_create(const WeirStream *stream, TupleDesc stream_desc, WeirQuery *query,
					 WeirHeap heap, int partition_count, int64 reject_room)
{
	WeirPipeline *pipeline = palloc0_object(WeirPipeline);

	pipeline->context = CurrentMemoryContext;
	pipeline->stream = stream;
	pipeline->query = query;
	pipeline->store = weir_store_create(query, heap, partition_count);
	if (pipeline->store == NULL)
		return NULL;
	pipeline->heap = weir_store_heap(pipeline->store);
	pipeline->input = weir_input_create(query, stream_desc);
	pipeline->columns = weir_input_argument_columns(pipeline->input);
	if (query->is_copy)
		pipeline->copy = weir_copy_create(query->desc);
	weir_clock_init(&pipeline->clock, stream->lateness_us,
					palloc0_array(WeirPartitionClock, partition_count + 1), partition_count);
	pipeline->positions = palloc0_array(int64, partition_count + 1);
	pipeline->seals = palloc_array(WeirSeal, partition_count + 1);
	for (int i = 0; i < partition_count; i++)
		pipeline->seals[i] = WEIR_SEAL_NONE;
	pipeline->refold_until = palloc0_array(int64, partition_count + 1);
	pipeline->refold_watermark_us = WEIR_CLOCK_NONE;
	pipeline->closed_until_us = WEIR_CLOCK_NONE;
	pipeline->committed_us = WEIR_CLOCK_NONE;
	pipeline->rejects = weir_reject_list_create(reject_room);
	pipeline->stream_rejects = weir_reject_list_create(reject_room);
	return pipeline;
}

void
weir_pipeline_free(WeirPipeline *pipeline)
{
	weir_input_free(pipeline->input);
}

Bitmapset *
weir_pipeline_columns(const WeirQuery *query)
{
	return weir_input_columns(query);
}

/* Windows that end by then are done with. */
static int64
done_us(const WeirPipeline *pipeline)
{
	return Max(pipeline->committed_us, pipeline->closed_until_us);
}

bool
weir_pipeline_next_window(const WeirPipeline *pipeline, int64 after_us, WeirWindow *window)
{
	return weir_slice_next_window(pipeline->store, Max(after_us, done_us(pipeline)), window);
}

bool
weir_pipeline_is_due(const WeirPipeline *pipeline)
{
	WeirWindow window;

	if (pipeline->copy)
		return pipeline->copy->count > 0;
	return weir_pipeline_next_window(pipeline, WEIR_CLOCK_NONE, &window) &&
		   weir_clock_has_closed(&pipeline->clock, window.end_us);
}

/*
 * Rejects of one event
 */

/* Starts of the windows that hold an event, of hopping ones those that end by `until_us`: in the current
 * memory context. */
static int64 *
starts_of(const WeirPipeline *pipeline, const WeirInputRow *row, int64 until_us, int *count)
{
	const WeirHopping *hopping = &pipeline->query->hopping;
	int64 *starts = palloc_array(int64, Max(hopping->length, 1));
	WeirWindow window = row->window;

	*count = 0;
	if (row->has_window && !weir_slice_is_used(pipeline->query))
		starts[(*count)++] = window.start_us;
	else if (row->has_window)
		for (weir_hopping_first(hopping, row->window.start_us, &window);
			 window.start_us <= row->window.start_us && window.end_us <= until_us;
			 weir_hopping_next(hopping, &window))
			if (window.end_us > pipeline->closed_until_us)
				starts[(*count)++] = window.start_us;
	return starts;
}

static void
reject_until(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row,
			 WeirRejectKind kind, const char *detail, int64 until_us)
{
	int count;
	int64 *starts = starts_of(pipeline, row, until_us, &count);

	weir_reject_add(pipeline->rejects, (WeirReject){.kind = kind,
													.partition = event->message->partition,
													.offset = event->message->offset,
													.detail = detail,
													.has_time = event->has_time,
													.time_us = event->time_us,
													.window_count = count,
													.windows = starts});
	weir_reject_count(pipeline->counters, kind);
	pfree(starts);
}

static void
reject(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row, WeirRejectKind kind,
	   const char *detail)
{
	reject_until(pipeline, event, row, kind, detail, INT64_MAX);
}

static void
reject_flaw(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	int count;
	int64 *starts = starts_of(pipeline, row, INT64_MAX, &count);

	weir_reject_flaw(pipeline->rejects, event, row->flaw, starts, count);
	weir_reject_count(pipeline->counters, WEIR_REJECT_FLAW);
	pfree(starts);
}

/* For the windows that W has closed: of hopping ones not for all that hold it, perhaps. */
static void
reject_late(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	pipeline->counters[WEIR_COUNT_LATE]++;
	if (pipeline->stream->on_late == WEIR_ON_LATE_REJECT)
		reject_until(pipeline, event, row, WEIR_REJECT_LATE, NULL, pipeline->clock.watermark_us);
}

static void
reject_raised(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	char *detail =
		psprintf("%s: %s", unpack_sql_state(row->error->sqlerrcode), row->error->message);

	reject(pipeline, event, row, WEIR_REJECT_EXPRESSION, detail);
	pfree(detail);
}

/*
 * Folding
 */

/* An event is folded whole or not at all: once its group is there, what is needed beyond the limit comes
 * out of the reserve. The next event then waits until memory was given back. */
static WeirFoldResult
fold_aggregate(WeirPipeline *pipeline, WeirGroup *group, int number, const WeirInputRow *row,
			   const WeirEvent *event)
{
	const WeirAggregate *aggregate = &pipeline->query->aggregates[number];
	int column = pipeline->columns[number];
	void *slot = weir_group_slot(group, aggregate);
	WeirFoldResult result;
	WeirOrigin origin;

	if (column >= 0 && row->nulls[column])
		return WEIR_FOLD_DONE;
	origin.partition = event->message->partition;
	origin.offset = event->message->offset;
	origin.order_values = row->values + column + 1;
	origin.order_nulls = row->nulls + column + 1;
	do
		result = aggregate->kernel->fold(aggregate, pipeline->heap, slot,
										 column >= 0 ? row->values[column] : (Datum) 0, &origin);
	while (result == WEIR_FOLD_FULL && weir_heap_use_reserve(pipeline->heap));
	return result;
}

static void
fold_group(WeirPipeline *pipeline, WeirGroup *group, const WeirInputRow *row,
		   const WeirEvent *event)
{
	for (int i = 0; i < pipeline->query->aggregate_count; i++)
		if (fold_aggregate(pipeline, group, i, row, event) != WEIR_FOLD_DONE)
			ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of state memory"),
					errdetail("One event needs more than all of weir.state_memory."));
	weir_store_change(pipeline->store, group);
	pipeline->counters[WEIR_COUNT_FOLDED]++;
}

/* Where memory is full, only windows that close give it back, and W waits for one partition: that one may
 * go on, until what it takes is as much again. */
static bool
may_exceed(const WeirPipeline *pipeline, const WeirEvent *event)
{
	return pipeline->heap->reserve < pipeline->heap->limit &&
		   weir_clock_holder(&pipeline->clock) == event->message->partition;
}

/* Result: NULL if the heap is full. */
static WeirGroup *
find_group(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row, bool *is_new)
{
	WeirGroup *group;

	do
		group = weir_store_find(pipeline->store, &row->window, row->key, row->key_len,
								row->key_hash, is_new);
	while (group == NULL && may_exceed(pipeline, event) && weir_heap_use_reserve(pipeline->heap));
	return group;
}

/* Result: false if the heap is full, and nothing was changed. */
static bool
fold_row(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	bool is_new;
	WeirGroup *group = find_group(pipeline, event, row, &is_new);

	if (group == NULL)
		return false;
	pipeline->counters[WEIR_COUNT_OPENED] += is_new;
	weir_store_feed(pipeline->store, &row->window, event->message->partition,
					event->message->offset);
	fold_group(pipeline, group, row, event);
	return true;
}

/* How an event stands to the windows that hold its slice, when W is in the midst of them. */
typedef enum Standing
{
	IN_TIME,
	MISSES_SOME, /* that are done with */
	MUST_WAIT    /* for the commit of one that W has closed: its slices are to stay as they are */
} Standing;

static Standing
standing_of(const WeirPipeline *pipeline, const WeirInputRow *row)
{
	const WeirHopping *hopping = &pipeline->query->hopping;
	int64 start_us = row->window.start_us;
	WeirWindow window;

	if (!weir_slice_is_used(pipeline->query) || start_us >= pipeline->clock.watermark_us)
		return IN_TIME;
	weir_hopping_first(hopping, Max(start_us, done_us(pipeline)), &window);
	if (weir_clock_has_closed(&pipeline->clock, window.end_us))
		return MUST_WAIT;
	weir_hopping_first(hopping, Max(start_us, pipeline->closed_until_us), &window);
	return weir_clock_has_closed(&pipeline->clock, window.end_us) ? MISSES_SOME : IN_TIME;
}

/* Result: as above. */
static bool
fold_event(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	Standing standing;

	if (!row->has_window)
	{
		reject(pipeline, event, row, WEIR_REJECT_TIME_RANGE, NULL);
		return true;
	}
	if (row->window.end_us <= pipeline->closed_until_us)
	{
		pipeline->counters[WEIR_COUNT_REPLAYED]++;
		return true;
	}
	if (weir_clock_has_closed(&pipeline->clock, row->window.end_us))
	{
		reject_late(pipeline, event, row);
		return true;
	}
	standing = standing_of(pipeline, row);
	if (standing == MUST_WAIT)
	{
		pipeline->is_waiting = true;
		return false;
	}
	if (!fold_row(pipeline, event, row))
		return false;
	if (standing == MISSES_SOME)
		reject_late(pipeline, event, row);
	return true;
}

/* Result: as above. */
static bool
copy_event(WeirPipeline *pipeline, const WeirInputRow *row)
{
	pipeline->is_waiting = !weir_copy_add(pipeline->copy, row->values, row->nulls);
	if (pipeline->is_waiting)
		return false;
	pipeline->counters[WEIR_COUNT_FOLDED]++;
	return true;
}

/* Result: false if the heap is full, or the event has to wait; nothing was changed. */
static bool
judge_event(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	switch (row->state)
	{
		case WEIR_ROW_WANTED:
			return pipeline->copy ? copy_event(pipeline, row) : fold_event(pipeline, event, row);
		case WEIR_ROW_FILTERED:
			pipeline->counters[WEIR_COUNT_FILTERED]++;
			break;
		case WEIR_ROW_FLAWED:
			reject_flaw(pipeline, event, row);
			break;
		case WEIR_ROW_RAISED:
			reject_raised(pipeline, event, row);
			break;
		case WEIR_ROW_KEY:
			reject(pipeline, event, row, WEIR_REJECT_KEY, NULL);
			break;
		case WEIR_ROW_SKIPPED:
			break;
	}
	return true;
}

/* An event that was applied before its view came out of a dump: it fills its window again, if that was
 * still open, and nothing else. W may have moved since, by other partitions: nothing is committed until
 * all is folded again, so a window that is due by now still takes it. */
static bool
refold_event(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	int64 folded = pipeline->counters[WEIR_COUNT_FOLDED];
	int64 opened = pipeline->counters[WEIR_COUNT_OPENED];
	bool is_done = true;

	if (row->state == WEIR_ROW_WANTED && row->has_window &&
		row->window.end_us > pipeline->refold_watermark_us &&
		row->window.end_us > pipeline->closed_until_us)
		is_done = fold_row(pipeline, event, row);
	pipeline->counters[WEIR_COUNT_FOLDED] = folded;
	pipeline->counters[WEIR_COUNT_OPENED] = opened;
	return is_done;
}

/* Result: as of judge_event(). */
static bool
apply_event(WeirPipeline *pipeline, const WeirEvent *event, const WeirInputRow *row)
{
	const WeirMessage *message = event->message;

	if (message->offset < pipeline->positions[message->partition])
		return true;
	if (pipeline->heap->reserve > 0 && !may_exceed(pipeline, event))
		return false;
	if (message->offset < pipeline->refold_until[message->partition])
	{
		if (!refold_event(pipeline, event, row))
			return false;
		pipeline->positions[message->partition] = message->offset + 1;
		return true;
	}
	if (event->is_refused)
	{
		weir_reject_event(pipeline->stream_rejects, event);
		weir_reject_count(pipeline->counters, weir_reject_kind_of_event(event));
	}
	else
	{
		if (!judge_event(pipeline, event, row))
			return false;
		if (event->has_time)
			weir_clock_see(&pipeline->clock, message->partition, event->time_us);
	}
	pipeline->positions[message->partition] = message->offset + 1;
	pipeline->counters[WEIR_COUNT_MESSAGES]++;
	pipeline->counters[WEIR_COUNT_BYTES] += (int64) message->payload_len;
	pipeline->has_progress = true;
	return true;
}

void
weir_pipeline_lose(WeirPipeline *pipeline, int partition, int64 from, int64 to)
{
	char detail[96];

	from = Max(from, pipeline->positions[partition]);
	if (from >= to)
		return;
	snprintf(detail, sizeof(detail),
			 "offsets " INT64_FORMAT " to " INT64_FORMAT " were deleted before they were read",
			 from, to - 1);
	weir_reject_add(pipeline->stream_rejects, (WeirReject){.kind = WEIR_REJECT_LOST,
														   .is_of_stream = true,
														   .partition = partition,
														   .offset = from,
														   .detail = detail});
	pipeline->counters[WEIR_COUNT_LOST] += to - from;
	pipeline->positions[partition] = to;
	pipeline->has_progress = true;
}

/* Once a batch is enough: what is committed is where a step ended. */
static void
seal(WeirPipeline *pipeline, const WeirBatch *batch, int from, int to)
{
	const WeirMessage *last;

	if (to == from)
		return;
	last = batch->events[to - 1].message;
	if (last->offset + 1 == pipeline->positions[last->partition] &&
		last->offset > pipeline->seals[last->partition].offset)
		pipeline->seals[last->partition] = weir_seal_of(last);
}

#define PREFETCH_AHEAD 16

int
weir_pipeline_step(WeirPipeline *pipeline, const WeirBatch *batch, int from, LWLock *lock)
{
	const WeirInputRow *rows;
	int i;

	pipeline->is_waiting = false;
	if (from >= batch->count)
		return batch->count;
	rows = weir_input_run(pipeline->input, batch, from,
						  pipeline->positions[batch->events[from].message->partition]);
	if (lock)
		LWLockAcquire(lock, LW_EXCLUSIVE);
	for (i = from; i < batch->count; i++)
	{
		if (i + PREFETCH_AHEAD < batch->count)
			weir_store_prefetch(pipeline->store, rows[i + PREFETCH_AHEAD].key_hash);
		if (!apply_event(pipeline, &batch->events[i], &rows[i]))
			break;
	}
	if (lock)
		LWLockRelease(lock);
	seal(pipeline, batch, from, i);
	return i;
}
