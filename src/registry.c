/* SPDX-License-Identifier: PostgreSQL
 *
 * The fixed shared memory.
 *
 * Three structures with names of their own, made by the postmaster when the server starts and again
 * after a crash. Slots are found by looking at all of them: there are few, and it happens when a
 * worker starts or a statement begins, never for an event.
 *
 * The registry's lock is held for a few assignments, and never while a view's lock is waited for:
 * nothing here takes one of them under the other.
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "replication/logicallauncher.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "registry.h"
#include "setting.h"

typedef struct Registry
{
	LWLock lock;

	/* fixed after start */
	int view_tranche;
	int area_tranche;
	int worker_count;
	int view_count;

	/* under lock */
	Latch *launcher; /* NULL: it does not run */
	bool is_all_marked;
	int marked_count;
	Oid marked[WEIR_MARKS];
	Oid visited;
	bool is_visit_complete;
} Registry;

static Registry *registry = NULL;
static WeirWorkerSlot *workers;
static WeirViewSlot *views;

static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

/*
 * Making it
 */

/* At least one slot, so that no structure is empty. */
static Size
workers_size(void)
{
	return mul_size(sizeof(WeirWorkerSlot), Max(max_worker_processes, 1));
}

static Size
views_size(void)
{
	return mul_size(sizeof(WeirViewSlot), weir_max_views);
}

static void
request(void)
{
	if (next_request_hook)
		next_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Registry)));
	RequestAddinShmemSpace(MAXALIGN(workers_size()));
	RequestAddinShmemSpace(MAXALIGN(views_size()));
}

static void
registry_init(void)
{
	memset(registry, 0, sizeof(Registry));
	LWLockInitialize(&registry->lock, weir_tranche_create("WeirRegistry"));
	registry->view_tranche = weir_tranche_create("WeirView");
	registry->area_tranche = weir_tranche_create("WeirState");
	registry->worker_count = max_worker_processes;
	registry->view_count = weir_max_views;
	registry->is_all_marked = true;
}

static void
partition_init(WeirPartitionSlot *slot)
{
	pg_atomic_init_u64(&slot->fetched, 0);
	pg_atomic_init_u64(&slot->applied, 0);
	pg_atomic_init_u64(&slot->checkpointed, 0);
	pg_atomic_init_u64(&slot->end, 0);
	pg_atomic_init_u64(&slot->max_us, (uint64) PG_INT64_MIN);
	pg_atomic_init_u32(&slot->is_idle, 0);
}

static void
worker_init(WeirWorkerSlot *slot)
{
	memset(slot, 0, sizeof(WeirWorkerSlot));
	pg_atomic_init_u64(&slot->milli_rate, 0);
	pg_atomic_init_u32(&slot->partition_count, 0);
	for (int i = 0; i < WEIR_PARTITIONS_SHOWN; i++)
		partition_init(&slot->partitions[i]);
}

static void
view_init(WeirViewSlot *slot)
{
	memset(slot, 0, sizeof(WeirViewSlot));
	LWLockInitialize(&slot->lock, registry->view_tranche);
	slot->worker = -1;
	slot->area = DSA_HANDLE_INVALID;
	for (int i = 0; i < WEIR_COUNTER_COUNT; i++)
		pg_atomic_init_u64(&slot->counters[i], 0);
	pg_atomic_init_u64(&slot->watermark_us, (uint64) PG_INT64_MIN);
	pg_atomic_init_u64(&slot->next_end_us, (uint64) PG_INT64_MIN);
	pg_atomic_init_u64(&slot->held_us, (uint64) PG_INT64_MIN);
	pg_atomic_init_u32(&slot->holder, PG_UINT32_MAX);
	pg_atomic_init_u64(&slot->open_groups, 0);
	pg_atomic_init_u64(&slot->state_bytes, 0);
	pg_atomic_init_u64(&slot->commit_us, 0);
	pg_atomic_init_u64(&slot->milli_rate, 0);
}

/* Runs in: the postmaster. */
static void
startup(void)
{
	bool is_found;

	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	registry = ShmemInitStruct("weir registry", sizeof(Registry), &is_found);
	if (!is_found)
		registry_init();
	workers = ShmemInitStruct("weir workers", workers_size(), &is_found);
	for (int i = 0; !is_found && i < registry->worker_count; i++)
		worker_init(&workers[i]);
	views = ShmemInitStruct("weir views", views_size(), &is_found);
	for (int i = 0; !is_found && i < registry->view_count; i++)
		view_init(&views[i]);
	LWLockRelease(AddinShmemInitLock);
}

void
weir_registry_request(void)
{
	next_request_hook = shmem_request_hook;
	shmem_request_hook = request;
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup;
}

/*
 * Looking at it
 */

bool
weir_registry_exists(void)
{
	return registry != NULL;
}

/* The launcher, a scanner, and PostgreSQL's own launcher. */
static int
others_count(void)
{
	return max_logical_replication_workers > 0 ? 3 : 2;
}

/* Result: has the stream a worker's slot, or will it find one? */
static bool
has_room(Oid stream_oid)
{
	int taken = 0;
	bool has_slot = false;

	weir_registry_lock(LW_SHARED);
	for (int i = 0; i < registry->worker_count; i++)
	{
		taken += OidIsValid(workers[i].stream_oid);
		if (workers[i].database_oid == MyDatabaseId && workers[i].stream_oid == stream_oid)
			has_slot = true;
	}
	weir_registry_unlock();
	return has_slot || taken + others_count() < registry->worker_count;
}

void
weir_registry_warn(Oid stream_oid)
{
	if (registry == NULL)
		ereport(WARNING, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("continuous views do not run on this server yet"),
				errdetail("pg_weir is not in shared_preload_libraries."),
				errhint("Add pg_weir to shared_preload_libraries and restart the server."));
	else if (!weir_enabled)
		ereport(WARNING, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("continuous views are switched off on this server"),
				errdetail("weir.enabled is off."),
				errhint("Set weir.enabled to on and reload the configuration."));
	else if (!has_room(stream_oid))
		ereport(
			WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			errmsg("there may be no background worker for stream \"%s\"", get_rel_name(stream_oid)),
			errdetail("Each stream needs one; max_worker_processes is %d.", registry->worker_count),
			errhint("Raise max_worker_processes and restart the server."));
}

int
weir_registry_worker_count(void)
{
	return registry->worker_count;
}

WeirWorkerSlot *
weir_registry_worker(int index)
{
	Assert(index >= 0 && index < registry->worker_count);
	return &workers[index];
}

int
weir_registry_view_count(void)
{
	return registry->view_count;
}

WeirViewSlot *
weir_registry_view(int index)
{
	Assert(index >= 0 && index < registry->view_count);
	return &views[index];
}

void
weir_registry_lock(LWLockMode mode)
{
	LWLockAcquire(&registry->lock, mode);
}

void
weir_registry_unlock(void)
{
	LWLockRelease(&registry->lock);
}

int
weir_registry_area_tranche(void)
{
	return registry->area_tranche;
}

/*
 * Views
 */

static bool
view_is(const WeirViewSlot *slot, Oid view_oid)
{
	return slot->view_oid == view_oid && slot->database_oid == MyDatabaseId;
}

/* Lock: the registry's. */
static WeirViewSlot *
view_find(Oid view_oid)
{
	for (int i = 0; i < registry->view_count; i++)
	{
		if (view_is(&views[i], view_oid))
			return &views[i];
	}
	return NULL;
}

/* A free slot, or else one that only keeps the last error of a view that does not run.
 * Lock: the registry's. */
static WeirViewSlot *
view_find_free(void)
{
	WeirViewSlot *unused = NULL;

	for (int i = 0; i < registry->view_count; i++)
	{
		if (!OidIsValid(views[i].view_oid))
			return &views[i];
		if (views[i].worker < 0)
			unused = &views[i];
	}
	return unused;
}

static void
view_zero_gauges(WeirViewSlot *slot)
{
	pg_atomic_write_u64(&slot->watermark_us, (uint64) PG_INT64_MIN);
	pg_atomic_write_u64(&slot->next_end_us, (uint64) PG_INT64_MIN);
	pg_atomic_write_u64(&slot->held_us, (uint64) PG_INT64_MIN);
	pg_atomic_write_u32(&slot->holder, PG_UINT32_MAX);
	pg_atomic_write_u64(&slot->open_groups, 0);
	pg_atomic_write_u64(&slot->state_bytes, 0);
	pg_atomic_write_u64(&slot->commit_us, 0);
	pg_atomic_write_u64(&slot->milli_rate, 0);
}

static void
view_zero_counters(WeirViewSlot *slot)
{
	for (int i = 0; i < WEIR_COUNTER_COUNT; i++)
		pg_atomic_write_u64(&slot->counters[i], 0);
}

static void
condition_clear(WeirCondition *condition)
{
	memset(condition, 0, sizeof(WeirCondition));
	condition->since = GetCurrentTimestamp();
}

WeirViewSlot *
weir_registry_claim_view(Oid view_oid, Oid stream_oid, int worker)
{
	WeirViewSlot *slot;

	weir_registry_lock(LW_EXCLUSIVE);
	slot = view_find(view_oid);
	if (slot == NULL)
	{
		slot = view_find_free();
		if (slot != NULL)
		{
			condition_clear(&slot->condition);
			slot->failed_tries = 0;
			slot->told_state = WEIR_RUN_STOPPED;
		}
	}
	if (slot != NULL)
	{
		slot->database_oid = MyDatabaseId;
		slot->view_oid = view_oid;
		slot->stream_oid = stream_oid;
		slot->worker = worker;
		view_zero_counters(slot);
		view_zero_gauges(slot);
	}
	weir_registry_unlock();
	return slot;
}

void
weir_registry_drop_store(WeirViewSlot *slot)
{
	LWLockAcquire(&slot->lock, LW_EXCLUSIVE);
	slot->area = DSA_HANDLE_INVALID;
	slot->store = InvalidDsaPointer;
	slot->epoch = 0;
	slot->generation = 0;
	slot->freed = 0;
	LWLockRelease(&slot->lock);
	view_zero_gauges(slot);
}

static bool
is_at_work(WeirRunState state)
{
	return state == WEIR_RUN_STARTING || state == WEIR_RUN_RUNNING || state == WEIR_RUN_FULL;
}

void
weir_registry_leave_view(WeirViewSlot *slot, WeirRunState state)
{
	weir_registry_drop_store(slot);
	weir_registry_lock(LW_EXCLUSIVE);
	slot->worker = -1;
	if (is_at_work(slot->condition.state))
	{
		slot->condition.state = state;
		slot->condition.since = GetCurrentTimestamp();
	}
	weir_registry_unlock();
}

int
weir_registry_note_try(WeirViewSlot *slot, bool is_good)
{
	int tries;

	weir_registry_lock(LW_EXCLUSIVE);
	tries = slot->failed_tries = is_good ? 0 : slot->failed_tries + 1;
	weir_registry_unlock();
	return tries;
}

void
weir_registry_release_view(WeirViewSlot *slot)
{
	weir_registry_drop_store(slot);
	weir_registry_lock(LW_EXCLUSIVE);
	weir_registry_forget_view(slot);
	weir_registry_unlock();
}

void
weir_registry_forget_view(WeirViewSlot *slot)
{
	slot->database_oid = InvalidOid;
	slot->view_oid = InvalidOid;
	slot->stream_oid = InvalidOid;
	slot->worker = -1;
}

WeirViewSlot *
weir_registry_share_view(Oid view_oid)
{
	WeirViewSlot *slot;
	bool is_still;

	do
	{
		weir_registry_lock(LW_SHARED);
		slot = view_find(view_oid);
		weir_registry_unlock();
		if (slot == NULL)
			return NULL;
		LWLockAcquire(&slot->lock, LW_SHARED);
		/* Between the locks the slot may have become another view's. Nobody waits for a view's lock
		 * under the registry's, so this order is safe. */
		weir_registry_lock(LW_SHARED);
		is_still = view_is(slot, view_oid);
		weir_registry_unlock();
		if (!is_still)
			LWLockRelease(&slot->lock);
	} while (!is_still);
	return slot;
}

/*
 * States
 */

const char *
weir_state_name(WeirRunState state)
{
	switch (state)
	{
		case WEIR_RUN_STOPPED:
			return "stopped";
		case WEIR_RUN_STARTING:
			return "starting";
		case WEIR_RUN_RUNNING:
			return "running";
		case WEIR_RUN_RETRYING:
			return "retrying";
		case WEIR_RUN_FULL:
			return "state_full";
		case WEIR_RUN_FAILED:
			return "failed";
		case WEIR_RUN_CHANGED:
			return "changed";
		case WEIR_RUN_UNDEFINED:
			return "undefined";
		case WEIR_RUN_MOVED:
			return "moved";
		case WEIR_RUN_COUNT:
			break;
	}
	return "unknown";
}

/* Cuts at a character. */
static void
error_copy(char *to, const char *error)
{
	int len = strlen(error);

	if (len >= WEIR_ERROR_LEN)
		len = pg_mbcliplen(error, len, WEIR_ERROR_LEN - 1);
	memcpy(to, error, len);
	to[len] = '\0';
}

/* Lock: the registry's. Result: is it news? */
static bool
condition_note_error(WeirCondition *condition, int sqlstate, const char *error)
{
	char text[WEIR_ERROR_LEN];
	bool is_news;

	error_copy(text, error);
	is_news = condition->sqlstate != sqlstate || strcmp(condition->error, text) != 0;
	condition->sqlstate = sqlstate;
	condition->error_at = GetCurrentTimestamp();
	snprintf(condition->error, WEIR_ERROR_LEN, "%s", text);
	return is_news;
}

void
weir_condition_set(WeirCondition *condition, const char *what, WeirRunState state, int sqlstate,
				   const char *error)
{
	WeirRunState old;
	bool is_news;

	weir_registry_lock(LW_EXCLUSIVE);
	old = condition->state;
	is_news = state != old;
	if (error != NULL && condition_note_error(condition, sqlstate, error))
		is_news = true;
	if (state != old)
	{
		condition->state = state;
		condition->since = GetCurrentTimestamp();
	}
	weir_registry_unlock();
	if (is_news)
		ereport(LOG, errmsg("%s: %s -> %s", what, weir_state_name(old), weir_state_name(state)),
				error ? errdetail_internal("%s", error) : 0, errhidestmt(true));
}

/*
 * Announcements
 */

static bool is_announced = false;
static SubTransactionId announced_in;

/* Lock: the registry's. */
static void
mark(Oid database_oid)
{
	if (registry->is_all_marked)
		return;
	for (int i = 0; i < registry->marked_count; i++)
	{
		if (registry->marked[i] == database_oid)
			return;
	}
	if (!OidIsValid(database_oid) || registry->marked_count == WEIR_MARKS)
	{
		registry->is_all_marked = true;
		registry->marked_count = 0;
		return;
	}
	registry->marked[registry->marked_count++] = database_oid;
}

/* Somebody has looked after the views, so a stream that waits is tried at once.
 * Lock: the registry's. */
static void
forget_waiting(Oid database_oid)
{
	for (int i = 0; i < registry->worker_count; i++)
	{
		if (workers[i].database_oid == database_oid && workers[i].pid == 0)
			workers[i].retry_at = 0;
	}
}

/* After the commit, so the scanner sees what this transaction did. */
static void
publish(void)
{
	weir_registry_lock(LW_EXCLUSIVE);
	mark(MyDatabaseId);
	forget_waiting(MyDatabaseId);
	if (registry->launcher)
		SetLatch(registry->launcher);
	weir_registry_unlock();
}

static void
at_transaction(XactEvent event, void *arg)
{
	(void) arg;
	if (!is_announced)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			is_announced = false;
			publish();
			break;
		case XACT_EVENT_ABORT:
			is_announced = false;
			break;
		case XACT_EVENT_PRE_PREPARE:
			/* Its commit would be somebody else's, and nothing of this process would see it. */
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot PREPARE a transaction that has changed a continuous view"));
			break;
		default:
			break;
	}
}

/* What is rolled back was not announced. */
static void
at_subtransaction(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *arg)
{
	(void) arg;
	if (!is_announced || announced_in != own)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		is_announced = false;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		announced_in = parent;
}

void
weir_registry_announce(void)
{
	static bool is_registered = false;

	if (registry == NULL)
		return;
	if (!is_registered)
	{
		RegisterXactCallback(at_transaction, NULL);
		RegisterSubXactCallback(at_subtransaction, NULL);
		is_registered = true;
	}
	/* Of two announcements the outer one stays: it outlives the inner one's rollback. */
	if (is_announced)
		return;
	is_announced = true;
	announced_in = GetCurrentSubTransactionId();
}

bool
weir_registry_is_announced(void)
{
	return is_announced;
}

/*
 * Between launcher, scanner and sessions
 */

static void
launcher_gone(int code, Datum arg)
{
	(void) code;
	(void) arg;
	LWLockReleaseAll();
	weir_registry_lock(LW_EXCLUSIVE);
	if (registry->launcher == MyLatch)
		registry->launcher = NULL;
	weir_registry_unlock();
}

void
weir_registry_set_launcher(void)
{
	weir_registry_lock(LW_EXCLUSIVE);
	registry->launcher = MyLatch;
	weir_registry_unlock();
	before_shmem_exit(launcher_gone, (Datum) 0);
}

void
weir_registry_wake_launcher(void)
{
	weir_registry_lock(LW_SHARED);
	if (registry->launcher)
		SetLatch(registry->launcher);
	weir_registry_unlock();
}

void
weir_registry_mark(Oid database_oid)
{
	weir_registry_lock(LW_EXCLUSIVE);
	mark(database_oid);
	if (registry->launcher)
		SetLatch(registry->launcher);
	weir_registry_unlock();
}

int
weir_registry_take_marks(Oid marked[WEIR_MARKS], bool *is_all)
{
	int count;

	weir_registry_lock(LW_EXCLUSIVE);
	count = registry->marked_count;
	memcpy(marked, registry->marked, sizeof(Oid) * count);
	*is_all = registry->is_all_marked;
	registry->marked_count = 0;
	registry->is_all_marked = false;
	weir_registry_unlock();
	return count;
}

void
weir_registry_set_visited(Oid database_oid, bool is_complete)
{
	weir_registry_lock(LW_EXCLUSIVE);
	registry->visited = database_oid;
	registry->is_visit_complete = is_complete;
	weir_registry_unlock();
}

bool
weir_registry_is_visited(Oid database_oid, bool *is_complete)
{
	bool is_visited;

	weir_registry_lock(LW_SHARED);
	is_visited = registry->visited == database_oid;
	*is_complete = registry->is_visit_complete;
	weir_registry_unlock();
	return is_visited;
}
