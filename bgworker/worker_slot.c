/* SPDX-License-Identifier: PostgreSQL
 *
 * A worker's side of its slot in the registry.
 *
 * The slot is taken before the database is connected to, so that a failure to connect is told like any
 * other; the exit callback is registered that early too, and therefore runs after the transaction has
 * been rolled back. A process that dies by a signal runs no callback: then the postmaster makes all
 * shared memory anew.
 *
 * The error that ends a worker is seen by a hook as it is written to the log, since by the time of the
 * exit callback it has been forgotten.
 */
#include "postgres.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "worker_slot.h"

#define STOP_GRACE_MS 1000
#define FIRST_RETRY_S 1
#define LAST_RETRY_S 60
#define OUTSIDE_RETRY_S 10 /* longer than DROP DATABASE ... (FORCE) waits, which is 5 s */
#define PROVEN_AFTER_MS 60000

volatile sig_atomic_t weir_stop_requested = false;

static volatile sig_atomic_t is_patient_now = false;
static volatile sig_atomic_t is_cancelable_now = false;
static WeirWorkerSlot *slot = NULL;
static int slot_index = -1;
static char title[WEIR_NAME_LEN + 16];

/* The newest error of this process that went to the log. */
static int error_sqlstate = 0;
static char error_text[WEIR_ERROR_LEN + MAX_MULTIBYTE_CHAR_LEN]; /* cut in the registry */
static emit_log_hook_type next_log_hook = NULL;

static void handle_stop(SIGNAL_ARGS);
static void handle_cancel(SIGNAL_ARGS);
static void end_soon(void);
static void note_error(ErrorData *error);
static bool take_slot(void);
static void end(int code, Datum arg);

WeirWorkerSlot *
weir_worker_attach(Datum main_arg)
{
	slot_index = DatumGetInt32(main_arg);
	slot = weir_registry_worker(slot_index);
	pqsignal(SIGTERM, handle_stop);
	pqsignal(SIGINT, handle_cancel);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	if (!take_slot())
		proc_exit(0);
	before_shmem_exit(end, (Datum) 0);
	next_log_hook = emit_log_hook;
	emit_log_hook = note_error;
	weir_condition_set(&slot->condition, title, WEIR_RUN_STARTING, 0, NULL);
	BackgroundWorkerInitializeConnectionByOid(slot->database_oid, InvalidOid, 0);
	SetConfigOption("application_name", title, PGC_USERSET, PGC_S_SESSION);
	/* PostgreSQL ignores a reload that comes between the fork and our handler */
	ProcessConfigFile(PGC_SIGHUP);
	pgstat_report_activity(STATE_IDLE, NULL);
	return slot;
}

int
weir_worker_index(void)
{
	return slot_index;
}

const char *
weir_worker_title(void)
{
	return title;
}

void
weir_worker_prove(void)
{
	if (slot->is_proven)
		return;
	weir_registry_lock(LW_EXCLUSIVE);
	slot->is_proven = true;
	weir_registry_unlock();
}

void
weir_worker_clear(void)
{
	if (!slot->is_suspect)
		return;
	weir_registry_lock(LW_EXCLUSIVE);
	slot->is_suspect = false;
	weir_registry_unlock();
	weir_registry_wake_launcher();
}

/* The launcher may have started two where it was itself restarted in between; or nothing is wanted any
 * more. */
static bool
take_slot(void)
{
	bool is_ours;

	weir_registry_lock(LW_EXCLUSIVE);
	is_ours = slot->is_wanted && slot->pid == 0 && !slot->is_told;
	if (is_ours)
	{
		slot->pid = MyProcPid;
		slot->starts++;
		slot->ending = WEIR_END_NONE;
		slot->is_proven = false;
		slot->started_at = GetCurrentTimestamp();
		snprintf(title, sizeof(title), "stream %s", slot->name);
	}
	weir_registry_unlock();
	return is_ours;
}

/*
 * Being asked to stop
 */

static void
handle_stop(SIGNAL_ARGS)
{
	int saved_errno = errno;

	weir_stop_requested = true;
	if (is_patient_now)
		SetLatch(MyLatch);
	else
		end_soon();
	errno = saved_errno;
}

static void
end_soon(void)
{
	InterruptPending = true;
	ProcDiePending = true;
	SetLatch(MyLatch);
}

static void
begin_grace(void)
{
	static bool is_begun = false;

	if (is_begun)
		return;
	is_begun = true;
	enable_timeout_after(RegisterTimeout(USER_TIMEOUT, end_soon), STOP_GRACE_MS);
}

void
weir_worker_be_patient(bool is_patient)
{
	is_patient_now = is_patient;
	if (!is_patient && weir_stop_requested)
		begin_grace();
}

/* What is not a commit has nothing that could be cancelled, and goes on. */
static void
handle_cancel(SIGNAL_ARGS)
{
	int saved_errno = errno;

	if (is_cancelable_now)
	{
		InterruptPending = true;
		QueryCancelPending = true;
		SetLatch(MyLatch);
	}
	errno = saved_errno;
}

void
weir_worker_be_cancelable(bool is_cancelable)
{
	is_cancelable_now = is_cancelable;
	if (!is_cancelable)
		QueryCancelPending = false;
}

/*
 * Ending
 */

static void
note_error(ErrorData *error)
{
	if (next_log_hook)
		next_log_hook(error);
	if (error->elevel < ERROR || error->message == NULL)
		return;
	error_sqlstate = error->sqlerrcode;
	snprintf(error_text, sizeof(error_text), "%s", error->message);
}

static WeirEnding
ending_of(int code)
{
	if (weir_stop_requested)
		return slot->is_told ? WEIR_END_DONE : WEIR_END_OUTSIDE;
	return code == 0 ? WEIR_END_DONE : WEIR_END_FAILED;
}

/* Lock: the registry's. */
static int
failures_of(TimestampTz now)
{
	bool is_proven =
		slot->is_proven || TimestampDifferenceExceeds(slot->started_at, now, PROVEN_AFTER_MS);

	if (slot->ending != WEIR_END_FAILED)
		return is_proven ? 0 : slot->failures;
	return is_proven ? 1 : slot->failures + 1;
}

/* 1, 2, 4 ... 60 s after failures; a second after a run that had nothing to do, by when the launcher has
 * had the database looked at. */
static int
retry_s(void)
{
	if (slot->ending == WEIR_END_OUTSIDE)
		return OUTSIDE_RETRY_S;
	if (slot->ending == WEIR_END_DONE)
		return FIRST_RETRY_S;
	return Min(FIRST_RETRY_S << Min(slot->failures - 1, 10), LAST_RETRY_S);
}

static void
give_slot_back(int code)
{
	TimestampTz now = GetCurrentTimestamp();

	weir_registry_lock(LW_EXCLUSIVE);
	slot->pid = 0;
	slot->ending = ending_of(code);
	slot->failures = failures_of(now);
	slot->retry_at = TimestampTzPlusMilliseconds(now, (int64) retry_s() * 1000);
	slot->is_told = false;
	pg_atomic_write_u32(&slot->partition_count, 0);
	weir_registry_unlock();
}

static void
leave_views(WeirRunState state)
{
	for (int i = 0; i < weir_registry_view_count(); i++)
	{
		WeirViewSlot *view = weir_registry_view(i);

		if (view->worker == slot_index)
			weir_registry_leave_view(view, state);
	}
}

void
weir_worker_leave_views(void)
{
	leave_views(WEIR_RUN_STOPPED);
}

/* Runs in: the worker, while it exits. It may hold any lock: an error that nobody caught releases
 * none. */
static void
end(int code, Datum arg)
{
	WeirRunState state;
	bool is_failed;

	(void) arg;
	LWLockReleaseAll();
	is_failed = ending_of(code) == WEIR_END_FAILED;
	state = is_failed ? WEIR_RUN_RETRYING : WEIR_RUN_STOPPED;
	leave_views(state);
	if (is_failed && error_text[0] == '\0')
		snprintf(error_text, sizeof(error_text), "%s", "the worker ended without saying why");
	weir_condition_set(&slot->condition, title, state, error_sqlstate,
					   is_failed ? error_text : NULL);
	give_slot_back(code);
	if (slot->ending == WEIR_END_DONE)
		weir_registry_mark(slot->database_oid);
	else
		weir_registry_wake_launcher();
}
