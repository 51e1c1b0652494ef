/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.pause() and weir.resume(): whether a view is wanted to run.
 *
 * That is an option of its live table, so it is dumped, restored and replicated with it; the functions
 * type what the owner could. They change what is wanted; the worker follows after the commit.
 *
 * PostgreSQL changes options under ACCESS EXCLUSIVE. Who waits for that lock holds up all who come later,
 * and an open transaction that has read the view may last for hours. So it is not waited for in the queue:
 * it is asked for again and again, for a time, and then who has the table is named.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "catalog.h"
#include "compat.h"
#include "registry.h"
#include "run.h"

PG_FUNCTION_INFO_V1(weir_pause);
PG_FUNCTION_INFO_V1(weir_resume);

#define PATIENCE_MS 10000 /* without lock_timeout */
#define POLL_MS 10

static void set_enabled(Oid live_oid, bool is_enabled);
static void lock_live(Oid live_oid);

/* A view whose link is gone can be paused too: it needs nothing but the live table. */
Datum
weir_pause(PG_FUNCTION_ARGS)
{
	Oid live_oid = weir_view_resolve(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);

	SPI_connect();
	set_enabled(live_oid, false);
	SPI_finish();
	weir_registry_announce();
	PG_RETURN_VOID();
}

Datum
weir_resume(PG_FUNCTION_ARGS)
{
	Oid live_oid = weir_view_resolve(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	const char *why;
	WeirView *view = weir_view_read(live_oid, &why);

	if (view == NULL)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot resume view \"%s\"", get_rel_name(live_oid)),
				errdetail_internal("%s", why),
				errhint("Drop it, and create it anew by weir.create_view()."));
	SPI_connect();
	set_enabled(live_oid, true);
	weir_run_start(live_oid);
	SPI_finish();
	weir_registry_announce();
	weir_registry_warn(view->stream_oid);
	PG_RETURN_VOID();
}

/* Result: NULL if the option is not set. */
static DefElem *
find_enabled(Oid live_oid)
{
	ListCell *cell;

	foreach (cell, GetForeignTable(live_oid)->options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "enabled") == 0)
			return option;
	}
	return NULL;
}

/* What is so already is left alone, and takes no lock. */
static void
set_enabled(Oid live_oid, bool is_enabled)
{
	DefElem *option = find_enabled(live_oid);
	char *sql;

	if ((option ? defGetBoolean(option) : true) == is_enabled)
		return;
	lock_live(live_oid);
	sql = psprintf("ALTER FOREIGN TABLE %s OPTIONS (%s enabled '%s')",
				   quote_qualified_identifier(get_namespace_name(get_rel_namespace(live_oid)),
											  get_rel_name(live_oid)),
				   option ? "SET" : "ADD", is_enabled ? "true" : "false");
	ereport(DEBUG1, errmsg_internal("%s", sql));
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "cannot execute: %s", sql);
}

/* Who has a relation in use: "process 4711 of role "bi"", and so on. */
static char *
describe_users(Oid relid)
{
	Oid type_oid = OIDOID;
	Datum value = ObjectIdGetDatum(relid);

	if (SPI_execute_with_args(
			"SELECT string_agg(coalesce(format('process %s of role %I', l.pid, a.usename), "
			"'a prepared transaction'), ', ') "
			"FROM (SELECT DISTINCT pid FROM pg_catalog.pg_locks WHERE relation = $1 AND granted "
			"AND "
			"database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
			"current_database())) AS l "
			"LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid "
			"WHERE l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()",
			1, &type_oid, &value, NULL, true, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		return NULL;
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

static void
refuse_lock(Oid live_oid, int patience_ms)
{
	const char *users = describe_users(live_oid);

	ereport(
		ERROR, errcode(ERRCODE_LOCK_NOT_AVAILABLE),
		errmsg("could not lock live table \"%s\" within %d ms", get_rel_name(live_oid),
			   patience_ms),
		users ? errdetail("It is in use by %s.", users) : 0,
		errhint("Try again when these transactions have ended, or end them. With lock_timeout set, "
				"it is tried for so long."));
}

static void
lock_live(Oid live_oid)
{
	int patience_ms = LockTimeout > 0 ? LockTimeout : PATIENCE_MS;
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), patience_ms);

	while (!ConditionalLockRelationOid(live_oid, AccessExclusiveLock))
	{
		if (GetCurrentTimestamp() >= deadline)
			refuse_lock(live_oid, patience_ms);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, POLL_MS,
						 weir_wait_event());
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
