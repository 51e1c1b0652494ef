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

#define WORTH_A_THREAD 64 /* messages; waking it takes as long as decoding a few */
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
	batch->decoded.field_count = weir_row_maker_field_count(batch->maker);
	batch->decoded.verdicts = palloc_array(WeirVerdict, WEIR_BATCH_MAX);
	batch->decoded.values =
		palloc_array(WeirValue, WEIR_BATCH_MAX * batch->decoded.field_count + 1);
	batch->decoded.scratch = palloc_array(char *, WEIR_BATCH_MAX);
	batch->events = palloc0_array(WeirEvent, WEIR_BATCH_MAX);
	batch->values = palloc0_array(Datum, WEIR_BATCH_MAX * column_count + 1);
	batch->nulls = palloc_array(bool, WEIR_BATCH_MAX *column_count + 1);
	memset(batch->nulls, true, (size_t) (WEIR_BATCH_MAX * column_count));
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
make_event(WeirBatch *batch, WeirEvent *event, int number, int64 now_us)
{
	int count = weir_row_maker_count(batch->maker);
	WeirFlaw flaw;
	int i = 0;

	if (!weir_row_take(batch->maker, &batch->decoded, number, &event->flaw))
	{
		event->is_refused = true;
		return;
	}
	while ((i = weir_row_fill(batch->maker, event->message, i, event->values, event->nulls,
							  &flaw)) < count)
	{
		AttrNumber attnum = weir_row_maker_column(batch->maker, i++)->attnum;

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
	if (batch->stream->time_attnum == 0)
		return;
	event->has_time = true;
	event->time_us = DatumGetTimestampTz(event->values[batch->stream->time_attnum - 1]);
	event->time_fault = judge_time(batch, event, now_us);
	event->is_refused = event->time_fault != WEIR_TIME_FINE;
}

WeirAhead *
weir_batch_start_ahead(const WeirBatch *batch)
{
	return weir_ahead_start(weir_row_maker_make_reading(batch->maker));
}

/* A piece of scratch space for each message. */
static void
share_scratch(WeirBatch *batch, const WeirMessage *messages, int count)
{
	Size wanted = 0;
	char *piece;

	for (int i = 0; i < count; i++)
		wanted += weir_decoder_scratch(messages[i].payload_len);
	if (wanted > batch->scratch_size)
	{
		if (batch->scratch)
			pfree(batch->scratch);
		batch->scratch = NULL;
		batch->scratch_size = 0;
		batch->scratch = MemoryContextAllocHuge(GetMemoryChunkContext(batch), wanted * 2);
		batch->scratch_size = wanted * 2;
	}
	piece = batch->scratch;
	for (int i = 0; i < count; i++)
	{
		batch->decoded.scratch[i] = piece;
		piece += weir_decoder_scratch(messages[i].payload_len);
	}
}

void
weir_batch_begin(WeirBatch *batch, const WeirMessage *messages, int count)
{
	Assert(count <= WEIR_BATCH_MAX);
	share_scratch(batch, messages, count);
	batch->decoded.messages = messages;
	batch->decoded.count = count;
	atomic_store(&batch->decoded.next, 0);
	if (batch->ahead && count >= WORTH_A_THREAD)
		weir_ahead_begin(batch->ahead, &batch->decoded);
}

void
weir_batch_decode(WeirBatch *batch)
{
	WeirReading *reading = weir_row_maker_reading(batch->maker);

	if (batch->ahead)
		weir_ahead_finish(batch->ahead, reading);
	weir_decoded_run(&batch->decoded, reading);
}

void
weir_batch_drop(WeirBatch *batch)
{
	atomic_store(&batch->decoded.next, batch->decoded.count);
	weir_batch_decode(batch);
	batch->decoded.count = 0;
}

void
weir_batch_make(WeirBatch *batch, int64 now_us)
{
	MemoryContext before = MemoryContextSwitchTo(batch->context);

	MemoryContextReset(batch->context);
	batch->flaw_count = 0;
	batch->count = batch->decoded.count;
	for (int i = 0; i < batch->count; i++)
	{
		WeirEvent *event = &batch->events[i];

		*event = (WeirEvent){
			.message = &batch->decoded.messages[i],
			.first_flaw = -1,
			.values = batch->values + (Size) i * (Size) batch->column_count,
			.nulls = batch->nulls + (Size) i * (Size) batch->column_count,
		};
		make_event(batch, event, i, now_us);
	}
	MemoryContextSwitchTo(before);
}
