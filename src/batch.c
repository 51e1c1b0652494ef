/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages of one partition, decoded.
 *
 * Rows lie in one array, so that an expression reads them where they are. A flaw is rare: it has a list
 * of its own.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "batch.h"
#include "compat.h"

#define EPOCH_MS ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY * 1000)

WeirBatch *
weir_batch_create(const WeirStream *stream, int column_count, const Bitmapset *attnums)
{
	WeirBatch *batch = palloc0_object(WeirBatch);

	batch->context = AllocSetContextCreate(CurrentMemoryContext, "weir batch", 64 * 1024, 64 * 1024,
										   ALLOCSET_DEFAULT_MAXSIZE);
	batch->stream = stream;
	batch->column_count = column_count;
	batch->maker = weir_row_maker_create(stream, attnums);
	batch->capacity = WEIR_BATCH_MAX;
	batch->events = palloc0_array(WeirEvent, batch->capacity);
	batch->values = palloc0_array(Datum, batch->capacity * column_count + 1);
	batch->nulls = palloc_array(bool, batch->capacity *column_count + 1);
	memset(batch->nulls, true, (size_t) (batch->capacity * column_count));
	batch->flaw_capacity = 64;
	batch->flaws = palloc_array(WeirBatchFlaw, batch->flaw_capacity);
	return batch;
}

static void
add_flaw(WeirBatch *batch, WeirEvent *event, const WeirFlaw *flaw)
{
	if (batch->flaw_count == batch->flaw_capacity)
	{
		batch->flaw_capacity *= 2;
		batch->flaws = repalloc(batch->flaws, sizeof(WeirBatchFlaw) * (Size) batch->flaw_capacity);
	}
	batch->flaws[batch->flaw_count] = (WeirBatchFlaw){*flaw, event->first_flaw};
	event->first_flaw = batch->flaw_count++;
}

/* What max_ahead counts from: the broker's time where it stamps messages, else our own. */
static int64
reference_us(const WeirMessage *message, int64 now_us)
{
	WeirTimestampType type;
	int64 timestamp_ms = weir_message_timestamp_ms(message, &type);

	return type == WEIR_TIMESTAMP_APPEND ? (timestamp_ms - EPOCH_MS) * 1000 : now_us;
}

static WeirTimeFault
judge_time(const WeirBatch *batch, const WeirEvent *event, int64 now_us)
{
	const WeirStream *stream = batch->stream;

	if (event->nulls[stream->time_attnum - 1])
		return WEIR_TIME_NULL;
	if (TIMESTAMP_NOT_FINITE(event->time_us))
		return WEIR_TIME_INFINITE;
	if (stream->max_ahead_us >= 0 &&
		event->time_us - stream->max_ahead_us > reference_us(event->message, now_us))
		return WEIR_TIME_AHEAD;
	return WEIR_TIME_FINE;
}

static void
decode_event(WeirBatch *batch, WeirEvent *event, int64 now_us)
{
	WeirFlaw flaw;

	if (!weir_row_begin(batch->maker, event->message, &event->flaw))
	{
		event->is_refused = true;
		return;
	}
	for (int i = 0; i < weir_row_maker_count(batch->maker); i++)
	{
		AttrNumber attnum = weir_row_maker_column(batch->maker, i)->attnum;

		if (likely(weir_row_value(batch->maker, i, event->message, &event->values[attnum - 1],
								  &event->nulls[attnum - 1], &flaw)))
			continue;
		event->nulls[attnum - 1] = true;
		if (attnum != batch->stream->time_attnum)
		{
			add_flaw(batch, event, &flaw);
			continue;
		}
		event->is_refused = true;
		event->flaw = flaw;
		event->time_fault = WEIR_TIME_FLAWED;
		return;
	}
	event->time_us = DatumGetTimestampTz(event->values[batch->stream->time_attnum - 1]);
	event->time_fault = judge_time(batch, event, now_us);
	event->is_refused = event->time_fault != WEIR_TIME_FINE;
}

void
weir_batch_decode(WeirBatch *batch, const WeirMessage *messages, int count, int64 now_us)
{
	MemoryContext before = MemoryContextSwitchTo(batch->context);

	Assert(count <= batch->capacity);
	MemoryContextReset(batch->context);
	batch->flaw_count = 0;
	batch->count = count;
	for (int i = 0; i < count; i++)
	{
		WeirEvent *event = &batch->events[i];

		memset(event, 0, sizeof(*event));
		event->message = &messages[i];
		event->first_flaw = -1;
		event->values = batch->values + (Size) i * (Size) batch->column_count;
		event->nulls = batch->nulls + (Size) i * (Size) batch->column_count;
		decode_event(batch, event, now_us);
	}
	MemoryContextSwitchTo(before);
}
