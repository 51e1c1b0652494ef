/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.restart(), weir.skip() and weir.flush(): a view begins anew, leaves a group out, is waited for.
 *
 * A restart only writes: it forgets the stored state and takes a new epoch, by which a worker that runs
 * the view sees that it must load again. What has closed rows already keeps them, unless they are
 * discarded: windows up to the old W are then passed over.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "client.h"
#include "clock.h"
#include "compat.h"
#include "registry.h"
#include "query.h"
#include "run.h"

#define POLL_MS 10

PG_FUNCTION_INFO_V1(weir_restart);
PG_FUNCTION_INFO_V1(weir_skip);
PG_FUNCTION_INFO_V1(weir_flush);

static WeirView *
open_view(text *name, bool must_own)
{
	const char *why;
	Oid live_oid = weir_view_resolve(text_to_cstring(name), must_own);
	WeirView *view = weir_view_read(live_oid, &why);

	if (view == NULL)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("view \"%s\" is undefined", get_rel_name(live_oid)),
				errdetail_internal("%s", why),
				errhint("Drop it, and create it anew by weir.create_view()."));
	return view;
}

/*
 * weir.restart(view, from, keep_closed)
 */

static char *
qualified_name(Oid relation_oid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation_oid)),
									  get_rel_name(relation_oid));
}

static void
run_as_user(const char *sql)
{
	ereport(DEBUG1, errmsg_internal("%s", sql));
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "cannot execute: %s", sql);
}

static bool
has_option(Oid live_oid, const char *name)
{
	ListCell *cell;

	foreach (cell, GetForeignTable(live_oid)->options)
		if (strcmp(((DefElem *) lfirst(cell))->defname, name) == 0)
			return true;
	return false;
}

static void
set_start(const WeirView *view, const char *from)
{
	run_as_user(
		psprintf("ALTER FOREIGN TABLE %s OPTIONS (%s start_at %s)", qualified_name(view->live_oid),
				 has_option(view->live_oid, "start_at") ? "SET" : "ADD", quote_literal_cstr(from)));
}

static int64
later(int64 a_us, int64 b_us)
{
	return Max(a_us, b_us); /* WEIR_CLOCK_NONE is the least */
}

/* No positions: the worker finds them by option start_at. */
static void
save_fresh_position(const WeirView *view, const WeirPosition *old, bool keep_closed)
{
	WeirPosition fresh = {.topic = old ? old->topic : "",
						  .watermark_us = WEIR_CLOCK_NONE,
						  .closed_until_us = WEIR_CLOCK_NONE}; /* and no partition */

	if (old != NULL && keep_closed)
		fresh.closed_until_us = later(old->watermark_us, old->closed_until_us);
	weir_position_save(view->live_oid, &fresh);
}

/* Rows of a copy have no windows that would tell which of them are there already. */
static void
check_repetition(const WeirView *view, const char *from)
{
	if (strcmp(from, "earliest") != 0 || !weir_query_is_copy(weir_query_of_view(view->query_oid)))
		return;
	ereport(
		ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("a copy that starts at the earliest message would write its rows again"),
		errhint("keep_closed => false deletes the rows that it has; \"from\" says where else to "
				"start: 'latest', a time, or offsets."));
}

Datum
weir_restart(PG_FUNCTION_ARGS)
{
	WeirView *view = open_view(PG_GETARG_TEXT_PP(0), true);
	char *from = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool keep_closed = PG_GETARG_BOOL(2);
	WeirRun *run;

	if (keep_closed)
		check_repetition(view, from);
	SPI_connect();
	set_start(view, from);
	weir_run_start(view->live_oid); /* takes the row: a worker's commit waits, and then gives way */
	run = weir_run_take(view->live_oid);
	PushActiveSnapshot(GetLatestSnapshot()); /* what a commit has written that was waited for */
	save_fresh_position(view, weir_position_find(view->live_oid, GetActiveSnapshot()), keep_closed);
	PopActiveSnapshot();
	weir_chunk_delete_before(view->live_oid, PG_INT64_MAX);
	run->fingerprint = NULL;
	weir_run_save(run);
	if (!keep_closed)
	{
		run_as_user(psprintf("DELETE FROM %s", qualified_name(view->closed_oid)));
		weir_run_forget_rejects(view->live_oid); /* they come again, with the rows */
	}
	SPI_finish();
	weir_registry_announce();
	PG_RETURN_VOID();
}

/*
 * weir.skip(view, window_start, key…)
 */

/* As weir_key_text() has it. */
static char *
key_text(ArrayType *keys)
{
	StringInfoData line;
	Datum *values;
	bool *nulls;
	int count;

	deconstruct_array(keys, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	initStringInfo(&line);
	for (int i = 0; i < count; i++)
	{
		char *part = nulls[i] ? "NULL" : TextDatumGetCString(values[i]);

		appendStringInfo(&line, "%s%s", i > 0 ? ", " : "", part);
	}
	return psprintf("(%s)", line.data);
}

/* A new epoch, so that a worker loads the view, and tries at once. */
Datum
weir_skip(PG_FUNCTION_ARGS)
{
	WeirView *view = open_view(PG_GETARG_TEXT_PP(0), true);
	WeirSkip skip = {PG_GETARG_TIMESTAMPTZ(1), key_text(PG_GETARG_ARRAYTYPE_P(2))};
	WeirRun *run;

	SPI_connect();
	run = weir_run_take(view->live_oid);
	if (run == NULL)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("view \"%s\" was never started", view->name),
				errhint("weir.resume() starts it."));
	weir_run_save_skip(view->live_oid, &skip);
	run->epoch++;
	weir_run_save(run);
	SPI_finish();
	weir_registry_announce();
	PG_RETURN_VOID();
}

/*
 * weir.flush(view, timeout)
 */

static WeirTopic *
ask_topic(const WeirView *view)
{
	Relation rel = relation_open(view->stream_oid, AccessShareLock);
	WeirStream *stream = weir_stream_open(rel, view->owner_oid);
	WeirClient *client;

	relation_close(rel, AccessShareLock);
	client = weir_client_open(stream, WEIR_SCOPE_CONSUMER);
	return weir_client_describe(client);
}

static bool
has_reached(const WeirView *view, const WeirTopic *topic)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	WeirPosition *position = weir_position_find(view->live_oid, snapshot);
	/* no chunk: a restored view that has not filled its open windows again */
	bool is_there = position != NULL && weir_chunk_exists(view->live_oid, snapshot);

	UnregisterSnapshot(snapshot);
	for (int i = 0; is_there && i < topic->partition_count; i++)
	{
		if (topic->ranges[i].stable <= topic->ranges[i].low)
			continue; /* empty */
		is_there =
			i < position->partition_count && position->positions[i] >= topic->ranges[i].stable;
	}
	return is_there;
}

static void
wait_a_little(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, POLL_MS,
					 weir_wait_event());
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

Datum
weir_flush(PG_FUNCTION_ARGS)
{
	WeirView *view = open_view(PG_GETARG_TEXT_PP(0), true);
	Interval *timeout = PG_GETARG_INTERVAL_P(1);
	TimestampTz deadline = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(GetCurrentTimestamp()),
							IntervalPGetDatum(timeout)));
	WeirTopic *topic;
	MemoryContext scratch;
	MemoryContext before;

	if (weir_registry_is_announced())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("weir.flush() cannot wait for what this transaction has changed"),
				errhint("COMMIT first: no worker sees the change before."));
	topic = ask_topic(view);
	scratch = AllocSetContextCreate(CurrentMemoryContext, "weir flush", ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(scratch);
	while (!has_reached(view, topic))
	{
		if (GetCurrentTimestamp() >= deadline)
			ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED),
					errmsg("view \"%s\" has not applied all messages in time", view->name),
					errhint("Look at weir.stat_view for its state and last error."));
		wait_a_little();
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(scratch);
	PG_RETURN_VOID();
}
