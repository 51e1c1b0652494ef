/* SPDX-License-Identifier: PostgreSQL
 *
 * The scanner: a short visit to one database, to see which streams want a worker.
 *
 * A background worker has one database for life, and the launcher has none; so it sends this process.
 * It reads catalogs and fills slots of the registry, and makes nothing in the database. It does not
 * start workers.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "registry.h"
#include "run.h"
#include "worker.h"

typedef struct Wanted
{
	Oid stream_oid;
	Oid owner_oid;
	char *name;
	bool is_suspect; /* a start of one of its views came to nothing, see docs/engine.md */
} Wanted;

static void connect_to(Oid database_oid);
static List *wanted_streams(List *views);
static void drop_unwanted(List *wanted);
static bool place_wanted(List *wanted);
static void release_unused_views(List *views);

void
weir_scanner_main(Datum main_arg)
{
	Oid database_oid = DatumGetObjectId(main_arg);
	List *views = NIL;
	List *wanted;
	bool is_complete;

	connect_to(database_oid);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (OidIsValid(get_extension_oid("pg_weir", true)))
		views = weir_views_of_stream(InvalidOid);
	wanted = wanted_streams(views);
	drop_unwanted(wanted);
	is_complete = place_wanted(wanted);
	release_unused_views(views);
	PopActiveSnapshot();
	CommitTransactionCommand();
	weir_registry_set_visited(database_oid, is_complete);
	proc_exit(0);
}

/* The time limits keep a long DDL transaction in one database from holding up the others. */
static void
connect_to(Oid database_oid)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database_oid, InvalidOid, 0);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", "5s", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "on", PGC_SUSET, PGC_S_OVERRIDE);
	pgstat_report_activity(STATE_RUNNING, "looking for continuous views");
}

/* Result: NULL if it is not listed. */
static Wanted *
find_wanted(List *wanted, Oid stream_oid)
{
	ListCell *cell;

	foreach (cell, wanted)
	{
		Wanted *stream = lfirst(cell);

		if (stream->stream_oid == stream_oid)
			return stream;
	}
	return NULL;
}

static bool
has_vain_starts(Oid view_oid)
{
	const WeirRun *run = weir_run_find(view_oid, GetActiveSnapshot());

	return run != NULL && run->starts > 0;
}

/* Result: NULL if the stream is gone. */
static Wanted *
wanted_stream(Oid stream_oid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(stream_oid));
	Wanted *wanted;
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_class) GETSTRUCT(tuple);
	wanted = palloc(sizeof(Wanted));
	wanted->stream_oid = stream_oid;
	wanted->owner_oid = form->relowner;
	wanted->is_suspect = false;
	wanted->name =
		psprintf("\"%s.%s\"", get_namespace_name(form->relnamespace), NameStr(form->relname));
	ReleaseSysCache(tuple);
	return wanted;
}

static List *
wanted_streams(List *views)
{
	List *wanted = NIL;
	ListCell *cell;

	foreach (cell, views)
	{
		WeirView *view = lfirst(cell);
		Wanted *stream;

		if (!view->is_enabled)
			continue;
		stream = find_wanted(wanted, view->stream_oid);
		if (stream == NULL)
		{
			stream = wanted_stream(view->stream_oid);
			if (stream == NULL)
				continue;
			wanted = lappend(wanted, stream);
		}
		stream->is_suspect |= has_vain_starts(view->live_oid);
	}
	return wanted;
}

/* The launcher stops their workers and frees the slots. */
static void
drop_unwanted(List *wanted)
{
	weir_registry_lock(LW_EXCLUSIVE);
	for (int i = 0; i < weir_registry_worker_count(); i++)
	{
		WeirWorkerSlot *slot = weir_registry_worker(i);

		if (slot->database_oid == MyDatabaseId && find_wanted(wanted, slot->stream_oid) == NULL)
			slot->is_wanted = false;
	}
	weir_registry_unlock();
}

/* Lock: the registry's. Result: NULL if all are taken. */
static WeirWorkerSlot *
find_slot(Oid stream_oid)
{
	WeirWorkerSlot *free = NULL;

	for (int i = 0; i < weir_registry_worker_count(); i++)
	{
		WeirWorkerSlot *slot = weir_registry_worker(i);

		if (slot->database_oid == MyDatabaseId && slot->stream_oid == stream_oid)
			return slot;
		if (free == NULL && !OidIsValid(slot->stream_oid))
			free = slot;
	}
	return free;
}

/* Lock: the registry's. */
static void
fill_slot(WeirWorkerSlot *slot, const Wanted *stream)
{
	if (!OidIsValid(slot->stream_oid))
	{
		slot->database_oid = MyDatabaseId;
		slot->stream_oid = stream->stream_oid;
		slot->pid = 0;
		slot->starts = 0;
		slot->ending = WEIR_END_NONE;
		slot->is_told = false;
		memset(&slot->condition, 0, sizeof(slot->condition));
		slot->condition.since = GetCurrentTimestamp();
	}
	if (!slot->is_wanted)
	{
		slot->failures = 0;
		slot->retry_at = 0;
	}
	if (slot->pid == 0)
		slot->is_suspect = stream->is_suspect;
	slot->is_wanted = true;
	slot->owner_oid = stream->owner_oid;
	snprintf(slot->name, sizeof(slot->name), "%s", stream->name);
}

/* Result: has each stream a slot? */
static bool
place_wanted(List *wanted)
{
	ListCell *cell;
	int missing = 0;

	foreach (cell, wanted)
	{
		Wanted *stream = lfirst(cell);
		WeirWorkerSlot *slot;

		weir_registry_lock(LW_EXCLUSIVE);
		slot = find_slot(stream->stream_oid);
		if (slot)
			fill_slot(slot, stream);
		else
			missing++;
		weir_registry_unlock();
	}
	if (missing > 0)
		ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("%d streams of database \"%s\" get no worker", missing,
					   get_database_name(MyDatabaseId)),
				errdetail("max_worker_processes is %d.", max_worker_processes),
				errhint("Raise max_worker_processes and restart the server."));
	return missing == 0;
}

static bool
is_enabled_view(List *views, Oid view_oid)
{
	ListCell *cell;

	foreach (cell, views)
	{
		WeirView *view = lfirst(cell);

		if (view->live_oid == view_oid)
			return view->is_enabled;
	}
	return false;
}

/* Those that no worker has and none will: paused, or gone. */
static void
release_unused_views(List *views)
{
	weir_registry_lock(LW_EXCLUSIVE);
	for (int i = 0; i < weir_registry_view_count(); i++)
	{
		WeirViewSlot *slot = weir_registry_view(i);

		if (slot->database_oid == MyDatabaseId && OidIsValid(slot->view_oid) && slot->worker < 0 &&
			!is_enabled_view(views, slot->view_oid))
			weir_registry_forget_view(slot);
	}
	weir_registry_unlock();
}
