/* SPDX-License-Identifier: PostgreSQL
 *
 * The launcher: keeps one worker for each stream that has an enabled view.
 *
 * What is wanted stands in the registry's slots, where scanners put it; what runs stands there too, put
 * by the workers themselves. So a launcher that was itself restarted goes on from the slots. It holds
 * handles only for what has not taken its slot yet.
 *
 * It is connected to no database, reads nothing but pg_database, and sleeps until its latch is set:
 * by a worker that ends, a scanner that ends, or a commit that changed views.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "registry.h"
#include "setting.h"
#include "visit.h"
#include "worker.h"

#define NO_PROCESS_RETRY_MS 10000
#define SUSPECT_MS 10000

/* A worker that was asked for and has not taken its slot yet. */
typedef struct Launch
{
	BackgroundWorkerHandle *handle; /* NULL: none */
	int starts;                     /* of the slot, when it was asked for */
} Launch;

static Launch *launches; /* one for each slot */

static void prepare(void);
static void reload_if_asked(void);
static void mind_workers(TimestampTz *next);
static void wait_until(TimestampTz next);

void
weir_launcher_main(Datum main_arg)
{
	(void) main_arg;
	prepare();
	while (!ShutdownRequestPending)
	{
		TimestampTz next = DT_NOEND;

		reload_if_asked();
		if (weir_enabled)
			weir_visit_go_on(&next);
		mind_workers(&next);
		wait_until(next);
	}
	/* Not 0: the postmaster would not start it again. */
	proc_exit(1);
}

static void
prepare(void)
{
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	launches = MemoryContextAllocZero(TopMemoryContext,
									  sizeof(Launch) * Max(weir_registry_worker_count(), 1));
	weir_registry_set_launcher();
	weir_registry_mark(InvalidOid);
	pgstat_report_activity(STATE_IDLE, NULL);
	/* PostgreSQL ignores a reload that comes between the fork and our handler */
	ConfigReloadPending = true;
}

/* A reload is also how an operator has all databases looked at again. */
static void
reload_if_asked(void)
{
	bool was_enabled = weir_enabled;

	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (weir_enabled != was_enabled)
		ereport(LOG, errmsg("weir.enabled is %s: %s", weir_enabled ? "on" : "off",
							weir_enabled ? "workers start" : "all workers stop"));
	weir_registry_mark(InvalidOid);
}

static void
wait_until(TimestampTz next)
{
	long wait_ms = -1;
	int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (next != DT_NOEND)
	{
		wait_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next) + 1;
		events |= WL_TIMEOUT;
	}
	WaitLatch(MyLatch, events, wait_ms, weir_wait_event());
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Workers
 */

/* What a slot asks for, by what it says and what is known of its process. */
typedef enum Need
{
	NEED_NOTHING,
	NEED_FREE,  /* not wanted, and nothing runs */
	NEED_START, /* wanted, and nothing runs */
	NEED_LATER, /* the same, at retry_at */
	NEED_STOP,  /* runs, and is not to */
	NEED_KILL   /* the same, before it has taken its slot */
} Need;

/* Result: is a worker on its way that has not taken its slot? One that never will is let go, and counts
 * as a failure. */
static bool
is_underway(int index)
{
	WeirWorkerSlot *slot = weir_registry_worker(index);
	Launch *launch = &launches[index];
	pid_t pid;
	bool has_failed;

	if (launch->handle == NULL)
		return false;
	if (GetBackgroundWorkerPid(launch->handle, &pid) != BGWH_STOPPED)
		return slot->starts == launch->starts;
	pfree(launch->handle);
	launch->handle = NULL;
	weir_registry_lock(LW_EXCLUSIVE);
	has_failed = slot->starts == launch->starts && slot->is_wanted;
	if (has_failed)
		slot->retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), NO_PROCESS_RETRY_MS);
	weir_registry_unlock();
	return false;
}

/* Lock: the registry's. */
static Need
need_of(const WeirWorkerSlot *slot, bool is_underway, TimestampTz now)
{
	bool is_wanted = slot->is_wanted && weir_enabled;

	if (!OidIsValid(slot->stream_oid))
		return NEED_NOTHING;
	if (slot->pid != 0)
		return is_wanted || slot->is_told ? NEED_NOTHING : NEED_STOP;
	if (is_underway)
		return is_wanted ? NEED_NOTHING : NEED_KILL;
	if (!slot->is_wanted)
		return NEED_FREE;
	if (!weir_enabled || weir_visit_is_due(slot->database_oid))
		return NEED_NOTHING;
	return slot->retry_at > now ? NEED_LATER : NEED_START;
}

/* Those whose last start came to nothing start one at a time, each when the one before has committed, or
 * has lived for a while: one of them may be what ends the server.
 *
 * Lock: the registry's. Result: is it another's turn? */
static bool
must_wait(const WeirWorkerSlot *slot, TimestampTz now, TimestampTz *next)
{
	for (int i = 0; slot->is_suspect && i < weir_registry_worker_count(); i++)
	{
		const WeirWorkerSlot *other = weir_registry_worker(i);
		TimestampTz until = TimestampTzPlusMilliseconds(other->started_at, SUSPECT_MS);

		if (other == slot || !other->is_suspect)
			continue;
		if (launches[i].handle != NULL && other->starts == launches[i].starts)
			return true; /* it is on its way, and wakes this process when it is there */
		if (other->pid == 0 || until <= now)
			continue;
		*next = Min(*next, until);
		return true;
	}
	return false;
}

static void free_slot(int index);
static void start_worker(int index, TimestampTz *next);

/* The signal is sent under the lock, for the process cannot end without it. */
static void
stop_worker(WeirWorkerSlot *slot)
{
	weir_registry_lock(LW_EXCLUSIVE);
	if (slot->pid != 0)
	{
		slot->is_told = true;
		kill(slot->pid, SIGTERM);
	}
	weir_registry_unlock();
}

static void
mind_worker(int index, TimestampTz *next)
{
	WeirWorkerSlot *slot = weir_registry_worker(index);
	bool underway = is_underway(index);
	TimestampTz retry_at;
	Need need;

	weir_registry_lock(LW_SHARED);
	need = need_of(slot, underway, GetCurrentTimestamp());
	if (need == NEED_START && must_wait(slot, GetCurrentTimestamp(), next))
		need = NEED_NOTHING;
	retry_at = slot->retry_at;
	weir_registry_unlock();
	switch (need)
	{
		case NEED_NOTHING:
			break;
		case NEED_FREE:
			free_slot(index);
			break;
		case NEED_START:
			start_worker(index, next);
			break;
		case NEED_LATER:
			*next = Min(*next, retry_at);
			break;
		case NEED_STOP:
			stop_worker(slot);
			break;
		case NEED_KILL:
			TerminateBackgroundWorker(launches[index].handle);
			break;
	}
}

static void
mind_workers(TimestampTz *next)
{
	for (int i = 0; i < weir_registry_worker_count(); i++)
		mind_worker(i, next);
}

/* Lock: the registry's. */
static void
forget_views(const WeirWorkerSlot *slot)
{
	for (int i = 0; i < weir_registry_view_count(); i++)
	{
		WeirViewSlot *view = weir_registry_view(i);

		if (view->database_oid == slot->database_oid && view->stream_oid == slot->stream_oid &&
			view->worker < 0)
			weir_registry_forget_view(view);
	}
}

static void
free_slot(int index)
{
	WeirWorkerSlot *slot = weir_registry_worker(index);

	weir_registry_lock(LW_EXCLUSIVE);
	if (!slot->is_wanted && slot->pid == 0)
	{
		forget_views(slot);
		slot->database_oid = InvalidOid;
		slot->stream_oid = InvalidOid;
		slot->owner_oid = InvalidOid;
	}
	weir_registry_unlock();
}

static bool
launch(int index)
{
	WeirWorkerSlot *slot = weir_registry_worker(index);
	BackgroundWorker worker = {0};
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	bool is_launched;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "pg_weir");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "weir_worker_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "weir worker for %s", slot->name);
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "weir worker");
	if (launches[index].handle != NULL)
		pfree(launches[index].handle);
	launches[index].starts = slot->starts;
	is_launched = RegisterDynamicBackgroundWorker(&worker, &launches[index].handle);
	MemoryContextSwitchTo(caller);
	if (!is_launched)
		launches[index].handle = NULL;
	return is_launched;
}

/* The database may have been dropped, or closed, since it was looked at. */
static void
start_worker(int index, TimestampTz *next)
{
	WeirWorkerSlot *slot = weir_registry_worker(index);
	char title[WEIR_NAME_LEN + 16];
	TimestampTz retry_at;

	if (!weir_visit_is_possible(slot->database_oid))
	{
		weir_visit_forget(slot->database_oid);
		*next = GetCurrentTimestamp();
		return;
	}
	if (launch(index))
		return;
	snprintf(title, sizeof(title), "stream %s", slot->name);
	weir_condition_set(&slot->condition, title, WEIR_RUN_RETRYING,
					   ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
					   "no background worker is free: raise max_worker_processes");
	retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), NO_PROCESS_RETRY_MS);
	weir_registry_lock(LW_EXCLUSIVE);
	slot->retry_at = retry_at;
	weir_registry_unlock();
	*next = Min(*next, retry_at);
}
