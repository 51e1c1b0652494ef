/* SPDX-License-Identifier: PostgreSQL
 *
 * Visits to databases.
 *
 * One scanner at a time, so that many databases cost no more processes than one. A visit that fails, as
 * where a lock was waited for in vain, is made again later; one that never ends is ended.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "registry.h"
#include "visit.h"

#define RETRY_MS 10000
#define INCOMPLETE_RETRY_MS 60000
#define LONGEST_VISIT_MS 60000

typedef struct Visit
{
	Oid database_oid;
	TimestampTz not_before;
} Visit;

static List *due = NIL; /* of Visit, in TopMemoryContext */

static struct
{
	Oid database_oid;
	BackgroundWorkerHandle *handle; /* NULL: nobody is on the way */
	TimestampTz deadline;
} current;

static void take_marks(void);
static bool is_over(TimestampTz *next);
static void begin_one(TimestampTz *next);

void
weir_visit_go_on(TimestampTz *next)
{
	take_marks();
	if (current.handle == NULL || is_over(next))
		begin_one(next);
}

/*
 * What is due
 */

static Visit *
find(Oid database_oid)
{
	ListCell *cell;

	foreach (cell, due)
	{
		Visit *visit = lfirst(cell);

		if (visit->database_oid == database_oid)
			return visit;
	}
	return NULL;
}

static void
add(Oid database_oid, TimestampTz not_before)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	Visit *visit = find(database_oid);

	if (visit == NULL)
	{
		visit = palloc(sizeof(Visit));
		visit->database_oid = database_oid;
		visit->not_before = not_before;
		due = lappend(due, visit);
	}
	visit->not_before = Min(visit->not_before, not_before);
	MemoryContextSwitchTo(caller);
}

bool
weir_visit_is_due(Oid database_oid)
{
	Visit *visit = find(database_oid);

	if (current.handle != NULL && current.database_oid == database_oid)
		return true;
	return visit != NULL && visit->not_before == 0;
}

/*
 * pg_database
 */

/* Lock: none needed; a row that changes meanwhile leads to a visit that fails.
 * Result: list of OIDs, in TopMemoryContext. */
static List *
read_databases(void)
{
	List *databases = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext caller;

		if (!form->datallowconn || form->datistemplate)
			continue;
		caller = MemoryContextSwitchTo(TopMemoryContext);
		databases = lappend_oid(databases, form->oid);
		MemoryContextSwitchTo(caller);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	return databases;
}

bool
weir_visit_is_possible(Oid database_oid)
{
	List *databases = read_databases();
	bool is_possible = list_member_oid(databases, database_oid);

	list_free(databases);
	return is_possible;
}

void
weir_visit_forget(Oid database_oid)
{
	weir_registry_lock(LW_EXCLUSIVE);
	for (int i = 0; i < weir_registry_worker_count(); i++)
	{
		WeirWorkerSlot *slot = weir_registry_worker(i);

		if (slot->database_oid == database_oid)
			slot->is_wanted = false;
	}
	weir_registry_unlock();
}

/* Of databases that are no more, too: so their slots are forgotten. */
static void
add_all(void)
{
	List *databases = read_databases();
	ListCell *cell;

	foreach (cell, databases)
		add(lfirst_oid(cell), 0);
	list_free(databases);
	for (int i = 0; i < weir_registry_worker_count(); i++)
	{
		Oid database_oid;

		weir_registry_lock(LW_SHARED);
		database_oid = weir_registry_worker(i)->database_oid;
		weir_registry_unlock();
		if (OidIsValid(database_oid))
			add(database_oid, 0);
	}
}

static void
take_marks(void)
{
	Oid marked[WEIR_MARKS];
	bool is_all;
	int count = weir_registry_take_marks(marked, &is_all);

	for (int i = 0; i < count; i++)
		add(marked[i], 0);
	if (is_all)
		add_all();
}

/*
 * One visit
 */

static BackgroundWorkerHandle *
send_scanner(Oid database_oid)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle = NULL;
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database_oid);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "pg_weir");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "weir_scanner_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "weir scanner for database %u",
			 database_oid);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "weir scanner");
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		handle = NULL;
	MemoryContextSwitchTo(caller);
	return handle;
}

/* Result: false where no process was to be had. */
static bool
begin(Oid database_oid)
{
	static bool is_told = false;
	TimestampTz now = GetCurrentTimestamp();

	weir_registry_set_visited(InvalidOid, false);
	current.database_oid = database_oid;
	current.deadline = TimestampTzPlusMilliseconds(now, LONGEST_VISIT_MS);
	current.handle = send_scanner(database_oid);
	if (current.handle == NULL && !is_told)
		ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("cannot look for continuous views in database %u", database_oid),
				errdetail("No background worker is free; max_worker_processes is %d.",
						  max_worker_processes),
				errhint("Raise max_worker_processes and restart the server."));
	is_told = current.handle == NULL;
	return current.handle != NULL;
}

/* Takes the first visit whose time has come off the list. Result: NULL, and *next, if there is none. */
static Visit *
take_due(TimestampTz *next)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell *cell;

	foreach (cell, due)
	{
		Visit *visit = lfirst(cell);

		if (visit->not_before <= now)
		{
			due = foreach_delete_current(due, cell);
			return visit;
		}
		*next = Min(*next, visit->not_before);
	}
	return NULL;
}

static void
begin_one(TimestampTz *next)
{
	Visit *visit;

	while ((visit = take_due(next)) != NULL)
	{
		Oid database_oid = visit->database_oid;
		bool is_possible = weir_visit_is_possible(database_oid);
		TimestampTz retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_MS);

		pfree(visit);
		if (!is_possible)
		{
			weir_visit_forget(database_oid);
			continue;
		}
		if (!begin(database_oid))
		{
			add(database_oid, retry_at);
			*next = Min(*next, retry_at);
		}
		else
			*next = Min(*next, current.deadline);
		return;
	}
}

/* Result: has the visit ended, well or not? */
static bool
is_over(TimestampTz *next)
{
	TimestampTz now = GetCurrentTimestamp();
	bool is_complete;
	pid_t pid;

	if (GetBackgroundWorkerPid(current.handle, &pid) != BGWH_STOPPED)
	{
		if (now >= current.deadline)
		{
			current.deadline = TimestampTzPlusMilliseconds(now, RETRY_MS);
			TerminateBackgroundWorker(current.handle);
		}
		*next = Min(*next, current.deadline);
		return false;
	}
	pfree(current.handle);
	current.handle = NULL;
	if (!weir_registry_is_visited(current.database_oid, &is_complete))
		add(current.database_oid, TimestampTzPlusMilliseconds(now, RETRY_MS));
	else if (!is_complete)
		add(current.database_oid, TimestampTzPlusMilliseconds(now, INCOMPLETE_RETRY_MS));
	return true;
}
