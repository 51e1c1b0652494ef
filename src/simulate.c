/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.simulate(): a definition at work on given events, without broker, worker or shared memory.
 *
 * It runs the worker's own step, one event at a time, so that what a view would do with lateness, ties
 * and bad messages can be tried, and tested, in a session. Nothing is stored.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "batch.h"
#include "compat.h"
#include "finish.h"
#include "key.h"
#include "pipeline.h"
#include "rewrite.h"
#include "setting.h"
#include "slice.h"

#define EPOCH_MS ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY * 1000)
#define PARTITIONS_MAX 100000

PG_FUNCTION_INFO_V1(weir_simulate);

/* The columns of weir.event. */
enum
{
	EVENT_PARTITION,
	EVENT_OFFSET,
	EVENT_TIMESTAMP,
	EVENT_VALUE,
	EVENT_KEY,
	EVENT_COLUMNS
};

/* The columns of the result. */
enum
{
	RESULT_STEP,
	RESULT_KIND,
	RESULT_ROW,
	RESULT_PARTITION,
	RESULT_OFFSET,
	RESULT_REASON,
	RESULT_DETAIL,
	RESULT_EVENT_TIME,
	RESULT_WINDOWS,
	RESULT_KEY,
	RESULT_WATERMARK,
	RESULT_COLUMNS
};

typedef struct Simulation
{
	ReturnSetInfo *result;
	WeirStream *stream;
	TupleDesc desc;
	WeirQuery *query;
	WeirPipeline *pipeline;
	WeirFinish *finish;
	WeirBatch *batch;
	int64 step; /* number of the event, from 1 */
	bool is_traced;
} Simulation;

static void prepare(Simulation *simulation, const char *text, int partition_count);
static void read_event(Datum datum, WeirMessage *message);
static int count_partitions(const Datum *events, int count);
static void set_empty_idle(WeirClock *clock, const Datum *events, int count);
static void step(Simulation *simulation, const WeirMessage *message);
static void put_live(Simulation *simulation);

Datum
weir_simulate(PG_FUNCTION_ARGS)
{
	Simulation simulation = {.is_traced = PG_GETARG_BOOL(2)};
	Datum *events;
	bool *nulls;
	int count;
	int pinned;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1),
					  get_element_type(get_fn_expr_argtype(fcinfo->flinfo, 1)), -1, false,
					  TYPALIGN_DOUBLE, &events, &nulls, &count);
	InitMaterializedSRF(fcinfo, 0);
	simulation.result = (ReturnSetInfo *) fcinfo->resultinfo;
	for (int i = 0; i < count; i++)
		if (nulls[i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("event %d is NULL", i + 1));
	pinned = weir_setting_pin();
	prepare(&simulation, text_to_cstring(PG_GETARG_TEXT_PP(0)), count_partitions(events, count));
	set_empty_idle(&simulation.pipeline->clock, events, count);
	for (int i = 0; i < count; i++)
	{
		WeirMessage message;

		CHECK_FOR_INTERRUPTS();
		read_event(events[i], &message);
		simulation.step++;
		step(&simulation, &message);
	}
	put_live(&simulation);
	weir_setting_unpin(pinned);
	weir_finish_free(simulation.finish);
	weir_pipeline_free(simulation.pipeline);
	return (Datum) 0;
}

/*
 * Events
 */

/* Result: the row's columns. */
static void
open_event(Datum datum, Datum *values, bool *nulls)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(datum);
	TupleDesc desc =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};

	Assert(desc->natts == EVENT_COLUMNS);
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);
}

static int32
event_partition(const Datum *values, const bool *nulls)
{
	int32 partition = nulls[EVENT_PARTITION] ? 0 : DatumGetInt32(values[EVENT_PARTITION]);

	if (partition < 0 || partition >= PARTITIONS_MAX)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("partition %d of an event is out of range", partition));
	return partition;
}

static int
count_partitions(const Datum *events, int count)
{
	int partition_count = 1;

	for (int i = 0; i < count; i++)
	{
		Datum values[EVENT_COLUMNS];
		bool nulls[EVENT_COLUMNS];

		open_event(events[i], values, nulls);
		partition_count = Max(partition_count, event_partition(values, nulls) + 1);
	}
	return partition_count;
}

/* An offset that is not given is set by step(): the next one of the partition. */
static void
read_event(Datum datum, WeirMessage *message)
{
	Datum values[EVENT_COLUMNS];
	bool nulls[EVENT_COLUMNS];

	open_event(datum, values, nulls);
	memset(message, 0, sizeof(*message));
	message->arrival = WEIR_ARRIVAL_MESSAGE;
	message->partition = event_partition(values, nulls);
	message->offset = nulls[EVENT_OFFSET] ? -1 : DatumGetInt64(values[EVENT_OFFSET]);
	if (!nulls[EVENT_TIMESTAMP] &&
		!TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(values[EVENT_TIMESTAMP])))
	{
		/* Kafka has none before 1970, so this rounds down */
		message->timestamp_ms =
			(DatumGetTimestampTz(values[EVENT_TIMESTAMP]) + EPOCH_MS * 1000) / 1000;
		message->timestamp_type = WEIR_TIMESTAMP_CREATE;
	}
	if (!nulls[EVENT_VALUE])
	{
		text *payload = DatumGetTextPP(values[EVENT_VALUE]);

		message->payload = VARDATA_ANY(payload);
		message->payload_len = VARSIZE_ANY_EXHDR(payload);
	}
	if (!nulls[EVENT_KEY])
	{
		text *key = DatumGetTextPP(values[EVENT_KEY]);

		message->key = VARDATA_ANY(key);
		message->key_len = VARSIZE_ANY_EXHDR(key);
	}
}

/*
 * Preparing
 */

static WeirQuery *
compile(const char *text)
{
	WeirRewrite *rewrite = weir_rewrite(text);
	ErrorContextCallback pointer = {error_context_stack, weir_rewrite_point, rewrite};
	WeirQuery *query;

	error_context_stack = &pointer;
	query = weir_query_compile_text(rewrite->query, rewrite->text);
	error_context_stack = pointer.previous;
	return query;
}

/* A partition without events is empty, and holds nothing back. */
static void
set_empty_idle(WeirClock *clock, const Datum *events, int count)
{
	bool *has_events = palloc0_array(bool, clock->partition_count);

	for (int i = 0; i < count; i++)
	{
		Datum values[EVENT_COLUMNS];
		bool nulls[EVENT_COLUMNS];

		open_event(events[i], values, nulls);
		has_events[event_partition(values, nulls)] = true;
	}
	for (int i = 0; i < clock->partition_count; i++)
		weir_clock_set_idle(clock, i, !has_events[i]);
	pfree(has_events);
}

static void
prepare(Simulation *simulation, const char *text, int partition_count)
{
	WeirHeap heap = {.context = CurrentMemoryContext};
	Relation rel;

	simulation->query = compile(text);
	rel = table_open(simulation->query->stream_oid, AccessShareLock);
	simulation->stream = weir_stream_open_local(rel);
	simulation->desc = CreateTupleDescCopy(RelationGetDescr(rel));
	table_close(rel, AccessShareLock);
	simulation->pipeline =
		weir_pipeline_create(simulation->stream, simulation->desc, simulation->query, heap,
							 partition_count, PG_INT64_MAX);
	simulation->finish = weir_finish_create(simulation->query);
	simulation->batch = weir_batch_create(simulation->stream, simulation->desc->natts,
										  weir_pipeline_columns(simulation->query));
}

/*
 * Results
 */

typedef struct Line
{
	Datum values[RESULT_COLUMNS];
	bool nulls[RESULT_COLUMNS];
} Line;

static Line
begin_result(const Simulation *simulation, const char *kind)
{
	Line result;

	memset(result.nulls, true, sizeof(result.nulls));
	result.values[RESULT_STEP] = Int64GetDatum(simulation->step);
	result.values[RESULT_KIND] = CStringGetTextDatum(kind);
	result.nulls[RESULT_STEP] = result.nulls[RESULT_KIND] = false;
	if (simulation->pipeline->clock.watermark_us != WEIR_CLOCK_NONE)
	{
		result.values[RESULT_WATERMARK] =
			TimestampTzGetDatum(simulation->pipeline->clock.watermark_us);
		result.nulls[RESULT_WATERMARK] = false;
	}
	return result;
}

static void
set_text(Line *result, int column, const char *text)
{
	if (text == NULL)
		return;
	result->values[column] = CStringGetTextDatum(text);
	result->nulls[column] = false;
}

static void
set_message(Line *result, int32 partition, int64 offset)
{
	result->values[RESULT_PARTITION] = Int32GetDatum(partition);
	result->values[RESULT_OFFSET] = Int64GetDatum(offset);
	result->nulls[RESULT_PARTITION] = result->nulls[RESULT_OFFSET] = false;
}

static void
set_windows(Line *result, const WeirReject *reject)
{
	result->values[RESULT_WINDOWS] = weir_reject_windows(reject);
	result->nulls[RESULT_WINDOWS] = false;
}

static void
put(const Simulation *simulation, Line *result)
{
	tuplestore_putvalues(simulation->result->setResult, simulation->result->setDesc, result->values,
						 result->nulls);
}

/* A row as json, whose numbers keep every digit. */
static void
set_row(const Simulation *simulation, Line *result, HeapTuple row)
{
	TupleDesc desc = BlessTupleDesc(simulation->query->desc);

	result->values[RESULT_ROW] =
		DirectFunctionCall1(row_to_json, heap_copy_tuple_as_datum(row, desc));
	result->nulls[RESULT_ROW] = false;
}

/* A group whose row cannot be made: the worker records a reject when the window closes. */
static void
put_raised(Simulation *simulation, const WeirHeap *heap, const WeirGroup *group, const char *kind,
		   const ErrorData *error)
{
	Line result = begin_result(simulation, strcmp(kind, "closed") == 0 ? "rejected" : kind);

	set_text(&result, RESULT_REASON, "finish");
	set_text(&result, RESULT_DETAIL,
			 psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message));
	set_windows(&result, &(WeirReject){.window_count = 1, .windows = &group->start_us});
	set_text(&result, RESULT_KEY, weir_key_text(simulation->query, weir_group_key(heap, group)));
	put(simulation, &result);
}

static void
put_group(Simulation *simulation, const WeirHeap *heap, const WeirGroup *group, const char *kind)
{
	Line result = begin_result(simulation, kind);
	const WeirFinished *finished = weir_finish_groups(simulation->finish, heap, &group, 1);

	if (finished->error != NULL)
	{
		put_raised(simulation, heap, group, kind, finished->error);
		return;
	}
	if (finished->values == NULL)
		return;
	set_row(simulation, &result,
			heap_form_tuple(simulation->query->desc, finished->values, finished->nulls));
	put(simulation, &result);
}

static void
put_copied(Simulation *simulation)
{
	WeirCopy *copy = simulation->pipeline->copy;

	for (int i = 0; i < copy->count; i++)
	{
		Line result = begin_result(simulation, "closed");

		set_row(simulation, &result, copy->rows[i]);
		put(simulation, &result);
	}
	weir_copy_clear(copy);
}

/* Groups come in the order in which they were opened. */
static void
put_window(Simulation *simulation, const WeirWindow *window, const char *kind)
{
	const WeirOpenWindow *open;
	WeirStore *store = weir_slice_groups(simulation->pipeline->store, window, &open);
	const WeirGroup **groups = palloc_array(const WeirGroup *, open->count + 1);
	int count = 0;

	for (uint32 next = open->first; next != 0; next = groups[count++]->next)
		groups[count] = weir_store_group(store, next - 1);
	while (count > 0)
		put_group(simulation, weir_store_heap(store), groups[--count], kind);
}

static void
put_windows(Simulation *simulation, int64 until_us, const char *kind)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "weir window", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	WeirWindow window = {0};

	for (int64 after_us = WEIR_CLOCK_NONE;
		 weir_pipeline_next_window(simulation->pipeline, after_us, &window) &&
		 window.end_us <= until_us;
		 after_us = window.end_us)
	{
		put_window(simulation, &window, kind);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
}

static void
put_rejects(Simulation *simulation, WeirRejectList *list)
{
	for (int i = 0; i < list->count; i++)
	{
		const WeirReject *reject = &list->rejects[i];
		Line result = begin_result(simulation, "rejected");

		set_message(&result, reject->partition, reject->offset);
		set_text(&result, RESULT_REASON, reject->reason);
		set_text(&result, RESULT_DETAIL, reject->detail);
		result.values[RESULT_EVENT_TIME] = TimestampTzGetDatum(reject->time_us);
		result.nulls[RESULT_EVENT_TIME] = !reject->has_time;
		if (reject->window_count > 0)
			set_windows(&result, reject);
		put(simulation, &result);
	}
	weir_reject_list_clear(list);
}

/* A late event that on_late does not make a reject. */
static void
put_discarded(Simulation *simulation, const WeirMessage *message)
{
	Line result = begin_result(simulation, "discarded");

	set_message(&result, message->partition, message->offset);
	set_text(&result, RESULT_REASON, "late");
	put(simulation, &result);
}

static void
put_closed(Simulation *simulation)
{
	WeirPipeline *pipeline = simulation->pipeline;
	WeirStore *store = pipeline->store;
	int64 watermark_us = pipeline->clock.watermark_us;

	if (pipeline->copy)
		put_copied(simulation);
	else if (weir_pipeline_is_due(pipeline))
		put_windows(simulation, watermark_us, "closed");
	weir_store_forget_changes(store);
	weir_store_free(store, weir_store_due_count(store, watermark_us));
	pipeline->committed_us = watermark_us;
}

static void
put_live(Simulation *simulation)
{
	put_windows(simulation, PG_INT64_MAX, "live");
}

/*
 * A step
 */

static void
step(Simulation *simulation, const WeirMessage *given)
{
	WeirPipeline *pipeline = simulation->pipeline;
	WeirMessage message = *given;
	int64 position = pipeline->positions[message.partition];
	int64 late = pipeline->counters[WEIR_COUNT_LATE];

	if (message.offset < 0)
		message.offset = position;
	if (message.offset < position)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("event " INT64_FORMAT " has an offset that its partition is past",
					   simulation->step),
				errdetail("Partition %d is at " INT64_FORMAT ", the event's offset is " INT64_FORMAT
						  ".",
						  message.partition, position, message.offset));
	weir_batch_begin(simulation->batch, &message, 1);
	weir_batch_decode(simulation->batch);
	weir_batch_make(simulation->batch, GetCurrentTimestamp());
	weir_pipeline_step(pipeline, simulation->batch, 0, NULL);
	if (pipeline->counters[WEIR_COUNT_LATE] > late &&
		simulation->stream->on_late != WEIR_ON_LATE_REJECT)
		put_discarded(simulation, &message);
	put_rejects(simulation, pipeline->rejects);
	put_rejects(simulation, pipeline->stream_rejects);
	put_closed(simulation);
	if (simulation->is_traced)
	{
		Line result = begin_result(simulation, "watermark");

		put(simulation, &result);
	}
}
