/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.stat_stream, weir.stat_partition, weir.stat_view: how streams and views of this database are.
 *
 * What there is comes from the catalog, so that what does not run is shown too; how it is comes from
 * the registry, and for a view that does not run from its last commit. Rows are for owners and for
 * pg_read_all_stats. Numbers of one row were read one after the other, not at one moment.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "catalog.h"
#include "compat.h"
#include "registry.h"
#include "reject.h"
#include "run.h"

PG_FUNCTION_INFO_V1(weir_stat_stream);
PG_FUNCTION_INFO_V1(weir_stat_partition);
PG_FUNCTION_INFO_V1(weir_stat_view);

/*
 * Rows
 */

#define COLUMNS_MAX 32

typedef struct Row
{
	int count;
	Datum values[COLUMNS_MAX];
	bool nulls[COLUMNS_MAX];
} Row;

static void
put(Row *row, Datum value)
{
	row->nulls[row->count] = false;
	row->values[row->count++] = value;
}

static void
put_null(Row *row)
{
	row->nulls[row->count] = true;
	row->values[row->count++] = (Datum) 0;
}

static void
put_text(Row *row, const char *text)
{
	if (text == NULL || text[0] == '\0')
		put_null(row);
	else
		put(row, CStringGetTextDatum(text));
}

static void
put_time(Row *row, TimestampTz time)
{
	if (time == 0)
		put_null(row);
	else
		put(row, TimestampTzGetDatum(time));
}

/* An event time or a watermark, */
static void
put_event_time(Row *row, TimestampTz time)
{
	if (time == PG_INT64_MIN)
		put_null(row);
	else
		put(row, TimestampTzGetDatum(time));
}

/* and how long ago that is. */
static void
put_age(Row *row, TimestampTz time)
{
	if (time == PG_INT64_MIN)
		put_null(row);
	else
		put(row, DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(GetCurrentTimestamp()),
									 TimestampTzGetDatum(time)));
}

static void
put_offset(Row *row, int64 offset)
{
	if (offset < 0)
		put_null(row);
	else
		put(row, Int64GetDatum(offset));
}

static void
put_states(Row *row, bool is_wanted, const WeirCondition *condition)
{
	put_text(row, is_wanted ? "running" : "stopped");
	put_text(row, weir_state_name(condition->state));
	put_time(row, condition->since);
}

static void
put_error(Row *row, const WeirCondition *condition)
{
	bool has_error = condition->error[0] != '\0';

	put_text(row, condition->error);
	put_text(row, has_error ? unpack_sql_state(condition->sqlstate) : NULL);
	put_time(row, has_error ? condition->error_at : 0);
}

static void
put_row(ReturnSetInfo *result, Row *row)
{
	Assert(row->count == result->setDesc->natts);
	tuplestore_putvalues(result->setResult, result->setDesc, row->values, row->nulls);
}

/*
 * What there is, and who may see it
 */

/* InvalidOid: the relation is gone. */
static Oid
owner_of(Oid relation_oid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation_oid));
	Oid owner_oid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner_oid = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner_oid;
}

static bool
is_for_user(Oid owner_oid)
{
	return (OidIsValid(owner_oid) && has_privs_of_role(GetUserId(), owner_oid)) ||
		   has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

typedef struct Stream
{
	Oid stream_oid;
	bool is_wanted; /* a view is enabled */
	bool is_shown;
	int view_count;
} Stream;

static Stream *
stream_of(List **streams, Oid stream_oid)
{
	Stream *stream;
	ListCell *cell;

	foreach (cell, *streams)
	{
		stream = lfirst(cell);
		if (stream->stream_oid == stream_oid)
			return stream;
	}
	stream = palloc0_object(Stream);
	stream->stream_oid = stream_oid;
	stream->is_shown = is_for_user(owner_of(stream_oid));
	*streams = lappend(*streams, stream);
	return stream;
}

/* The streams that have views, in the order of their first ones. */
static List *
find_streams(void)
{
	List *streams = NIL;
	ListCell *cell;

	foreach (cell, weir_views_of_stream(InvalidOid))
	{
		const WeirView *view = lfirst(cell);
		Stream *stream = stream_of(&streams, view->stream_oid);

		stream->view_count++;
		stream->is_wanted |= view->is_enabled;
		stream->is_shown |= is_for_user(view->owner_oid);
	}
	return streams;
}

/*
 * Copies of slots: under the registry's lock, all but the atomics
 */

typedef struct WorkerCopy
{
	WeirWorkerSlot *slot; /* for its atomics; NULL: none */
	pid_t pid;
	int starts;
	int failures;
	TimestampTz started_at;
	TimestampTz retry_at;
	WeirCondition condition;
} WorkerCopy;

static void
copy_worker(Oid stream_oid, WorkerCopy *copy)
{
	memset(copy, 0, sizeof(WorkerCopy));
	if (!weir_registry_exists())
		return;
	weir_registry_lock(LW_SHARED);
	for (int i = 0; i < weir_registry_worker_count(); i++)
	{
		WeirWorkerSlot *slot = weir_registry_worker(i);

		if (slot->database_oid != MyDatabaseId || slot->stream_oid != stream_oid)
			continue;
		copy->slot = slot;
		copy->pid = slot->pid;
		copy->starts = slot->starts;
		copy->failures = slot->failures;
		copy->started_at = slot->started_at;
		copy->retry_at = slot->retry_at;
		copy->condition = slot->condition;
	}
	weir_registry_unlock();
}

typedef struct ViewCopy
{
	WeirViewSlot *slot; /* for its atomics; NULL: no worker shows it */
	WeirCondition condition;
} ViewCopy;

/* While it has no store, a slot's numbers are nobody's. */
static void
copy_view(Oid view_oid, ViewCopy *copy)
{
	WeirViewSlot *slot;

	memset(copy, 0, sizeof(ViewCopy));
	if (!weir_registry_exists())
		return;
	slot = weir_registry_share_view(view_oid);
	if (slot == NULL)
		return;
	copy->slot = slot->area != DSA_HANDLE_INVALID ? slot : NULL;
	weir_registry_lock(LW_SHARED);
	copy->condition = slot->condition;
	weir_registry_unlock();
	LWLockRelease(&slot->lock);
}

/*
 * weir.stat_stream
 */

static int
partitions_shown(const WorkerCopy *worker)
{
	if (worker->slot == NULL || worker->pid == 0)
		return 0;
	return Min((int) pg_atomic_read_u32(&worker->slot->partition_count), WEIR_PARTITIONS_SHOWN);
}

static int64
partition_lag(WeirPartitionSlot *partition)
{
	int64 end = (int64) pg_atomic_read_u64(&partition->end);
	int64 applied = (int64) pg_atomic_read_u64(&partition->applied);

	return Max(end - applied, 0);
}

static int64
message_lag(const WorkerCopy *worker)
{
	int64 lag = 0;

	for (int i = 0; i < partitions_shown(worker); i++)
		lag += partition_lag(&worker->slot->partitions[i]);
	return lag;
}

static int64
state_bytes(Oid stream_oid)
{
	int64 bytes = 0;

	if (!weir_registry_exists())
		return 0;
	weir_registry_lock(LW_SHARED);
	for (int i = 0; i < weir_registry_view_count(); i++)
	{
		WeirViewSlot *slot = weir_registry_view(i);

		if (slot->database_oid == MyDatabaseId && slot->stream_oid == stream_oid)
			bytes += (int64) pg_atomic_read_u64(&slot->state_bytes);
	}
	weir_registry_unlock();
	return bytes;
}

static void
put_progress(Row *row, const Stream *stream, const WorkerCopy *worker)
{
	if (worker->pid == 0)
	{
		for (int i = 0; i < 4; i++)
			put_null(row);
		return;
	}
	put(row, Int32GetDatum((int) pg_atomic_read_u32(&worker->slot->partition_count)));
	put(row, Int64GetDatum(message_lag(worker)));
	put(row, Float8GetDatum((double) pg_atomic_read_u64(&worker->slot->milli_rate) / 1000.0));
	put(row, Int64GetDatum(state_bytes(stream->stream_oid)));
}

static void
put_stream(ReturnSetInfo *result, const Stream *stream)
{
	WorkerCopy worker;
	Row row = {0};

	copy_worker(stream->stream_oid, &worker);
	put(&row, ObjectIdGetDatum(stream->stream_oid));
	put_states(&row, stream->is_wanted, &worker.condition);
	put(&row, Int32GetDatum(stream->view_count));
	if (worker.pid != 0)
		put(&row, Int32GetDatum(worker.pid));
	else
		put_null(&row);
	put_time(&row, worker.pid != 0 ? worker.started_at : 0);
	put(&row, Int64GetDatum(Max(worker.starts - 1, 0)));
	put(&row, Int32GetDatum(worker.failures));
	put_time(&row, worker.pid == 0 && stream->is_wanted ? worker.retry_at : 0);
	put_progress(&row, stream, &worker);
	put_error(&row, &worker.condition);
	put_row(result, &row);
}

Datum
weir_stat_stream(PG_FUNCTION_ARGS)
{
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach (cell, find_streams())
	{
		const Stream *stream = lfirst(cell);

		if (stream->is_shown)
			put_stream((ReturnSetInfo *) fcinfo->resultinfo, stream);
	}
	PG_RETURN_VOID();
}

/*
 * weir.stat_partition
 */

static void
put_partition(ReturnSetInfo *result, const Stream *stream, WeirPartitionSlot *slot, int partition)
{
	int64 max_us = (int64) pg_atomic_read_u64(&slot->max_us);
	Row row = {0};

	put(&row, ObjectIdGetDatum(stream->stream_oid));
	put(&row, Int32GetDatum(partition));
	put_offset(&row, (int64) pg_atomic_read_u64(&slot->fetched));
	put_offset(&row, (int64) pg_atomic_read_u64(&slot->applied));
	put_offset(&row, (int64) pg_atomic_read_u64(&slot->checkpointed));
	put_offset(&row, (int64) pg_atomic_read_u64(&slot->end));
	put(&row, Int64GetDatum(partition_lag(slot)));
	put_event_time(&row, max_us);
	put_age(&row, max_us);
	put(&row, BoolGetDatum(pg_atomic_read_u32(&slot->is_idle) != 0));
	put_row(result, &row);
}

Datum
weir_stat_partition(PG_FUNCTION_ARGS)
{
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach (cell, find_streams())
	{
		const Stream *stream = lfirst(cell);
		WorkerCopy worker;

		if (!stream->is_shown)
			continue;
		copy_worker(stream->stream_oid, &worker);
		for (int i = 0; i < partitions_shown(&worker); i++)
			put_partition((ReturnSetInfo *) fcinfo->resultinfo, stream, &worker.slot->partitions[i],
						  i);
	}
	PG_RETURN_VOID();
}

/*
 * weir.stat_view
 */

/* Those that stat_view shows. */
#define COUNTERS_SHOWN (WEIR_COUNT_LOST + 1)

/* A worker's, or those of the last commit. */
static void
copy_counters(const WeirView *view, const ViewCopy *copy, int64 *counters)
{
	WeirRun *run = copy->slot ? NULL : weir_run_find(view->live_oid, GetActiveSnapshot());

	for (int i = 0; i < WEIR_COUNTER_COUNT; i++)
	{
		counters[i] = 0;
		if (copy->slot)
			counters[i] = (int64) pg_atomic_read_u64(&copy->slot->counters[i]);
		else if (run != NULL && i < run->counter_count)
			counters[i] = run->counters[i];
	}
}

/* {"late": 5, ...} */
static Datum
rejects_by_reason(const int64 *counters)
{
	StringInfoData json;
	const char *comma = "";

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int kind = 0; kind < WEIR_REJECT_KINDS; kind++)
	{
		int64 count = counters[WEIR_COUNT_REJECTS + kind];

		if (count == 0)
			continue;
		appendStringInfo(&json, "%s\"%s\": " INT64_FORMAT, comma, weir_reject_kind_name(kind),
						 count);
		comma = ", ";
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

static void
put_counters(Row *row, const WeirView *view, const ViewCopy *copy)
{
	int64 counters[WEIR_COUNTER_COUNT];

	copy_counters(view, copy, counters);
	for (int i = 0; i < COUNTERS_SHOWN; i++)
		put(row, Int64GetDatum(counters[i]));
	put(row, rejects_by_reason(counters));
}

static void
put_gauges(Row *row, WeirViewSlot *slot)
{
	int64 watermark_us;

	if (slot == NULL)
	{
		for (int i = 0; i < 6; i++)
			put_null(row);
		return;
	}
	put(row, Float8GetDatum((double) pg_atomic_read_u64(&slot->milli_rate) / 1000.0));
	watermark_us = (int64) pg_atomic_read_u64(&slot->watermark_us);
	put_event_time(row, watermark_us);
	put_age(row, watermark_us);
	put(row, Int64GetDatum((int64) pg_atomic_read_u64(&slot->open_groups)));
	put(row, Int64GetDatum((int64) pg_atomic_read_u64(&slot->state_bytes)));
	put(row, Float8GetDatum((double) pg_atomic_read_u64(&slot->commit_us) / 1000.0));
}

static void
put_view(ReturnSetInfo *result, const WeirView *view)
{
	ViewCopy copy;
	Row row = {0};

	copy_view(view->live_oid, &copy);
	put(&row, ObjectIdGetDatum(view->live_oid));
	put(&row, ObjectIdGetDatum(view->stream_oid));
	put_states(&row, view->is_enabled, &copy.condition);
	put_counters(&row, view, &copy);
	put_gauges(&row, copy.slot);
	put_error(&row, &copy.condition);
	put_row(result, &row);
}

Datum
weir_stat_view(PG_FUNCTION_ARGS)
{
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach (cell, weir_views_of_stream(InvalidOid))
	{
		const WeirView *view = lfirst(cell);

		if (is_for_user(view->owner_oid))
			put_view((ReturnSetInfo *) fcinfo->resultinfo, view);
	}
	PG_RETURN_VOID();
}
