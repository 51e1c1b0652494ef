/* SPDX-License-Identifier: PostgreSQL
 *
 * The fixed shared memory: which streams and views run, their locks, states and counters.
 *
 * It exists where pg_weir is in shared_preload_libraries. Two arrays of slots: one worker a stream,
 * one view each. A store's own memory is a DSA area that the view's slot points to; it belongs to the
 * worker and is gone with it.
 */
#ifndef WEIR_REGISTRY_H
#define WEIR_REGISTRY_H

#include "postgres.h"

#include "port/atomics.h"
#include "storage/lwlock.h"
#include "utils/dsa.h"
#include "utils/timestamp.h"

#define WEIR_ERROR_LEN 512
#define WEIR_NAME_LEN (4 * NAMEDATALEN) /* a qualified name, quoted */

/* Actual states, of workers and views. */
typedef enum WeirRunState
{
	WEIR_RUN_STOPPED = 0, /* not wanted, or not yet begun -> STARTING */
	WEIR_RUN_STARTING,    /* loads its state, asks Kafka -> RUNNING, and all below */
	WEIR_RUN_RUNNING,     /* -> all others */
	WEIR_RUN_RETRYING,    /* an error; tried again by itself -> STARTING, RUNNING, FAILED */
	WEIR_RUN_FULL,        /* state_memory is used up -> RUNNING */
	WEIR_RUN_FAILED,      /* an error that waits for somebody -> STARTING by resume */
	WEIR_RUN_CHANGED,     /* another meaning than the stored state has -> STARTING by restart */
	WEIR_RUN_UNDEFINED,   /* the link to its definition is gone */
	WEIR_RUN_MOVED,       /* not started in this database: a restored dump -> STARTING by resume */
	WEIR_RUN_COUNT
} WeirRunState;

/* Totals of a view; kept over restarts in weir.run, in this order: append only. */
typedef enum WeirCounter
{
	WEIR_COUNT_MESSAGES = 0, /* applied */
	WEIR_COUNT_BYTES,        /* of their payloads */
	WEIR_COUNT_FILTERED,     /* not wanted by WHERE */
	WEIR_COUNT_FOLDED,       /* counted in a window */
	WEIR_COUNT_LATE,
	WEIR_COUNT_REJECTED,   /* all reasons, late ones too where they are rejects */
	WEIR_COUNT_UNRECORDED, /* of those, the ones beyond the cap */
	WEIR_COUNT_OPENED,     /* groups */
	WEIR_COUNT_CLOSED,     /* groups */
	WEIR_COUNT_ROWS,       /* closed rows written */
	WEIR_COUNT_COMMITS,
	WEIR_COUNT_REPLAYED,     /* events of windows that have rows from an earlier start */
	WEIR_COUNT_LOST,         /* offsets that Kafka deleted before they were read */
	WEIR_COUNT_REJECTS = 16, /* of each kind, from here on: reject.h */
	WEIR_COUNTER_COUNT = 32  /* room for more */
} WeirCounter;

/* How things stand for an error or a change of state; under the registry's lock. */
typedef struct WeirCondition
{
	WeirRunState state;
	TimestampTz since;
	int sqlstate; /* of the last error; 0: none */
	TimestampTz error_at;
	char error[WEIR_ERROR_LEN];
} WeirCondition;

typedef struct WeirViewSlot
{
	/* under the registry's lock */
	Oid database_oid;
	Oid view_oid; /* the live table; InvalidOid: the slot is free */
	Oid stream_oid;
	int worker;       /* index of the worker's slot; -1: none */
	int failed_tries; /* to load it, or to keep it in memory; in a row */
	WeirCondition condition;
	WeirRunState told_state; /* by NOTIFY, to whom the view's option tells it */

	/* the store's lock: the worker takes it to change, sessions share it to copy */
	LWLock lock;

	/* under lock; see docs/engine.md */
	dsa_handle area; /* DSA_HANDLE_INVALID: no store */
	dsa_pointer store;
	uint64 epoch;
	uint64 generation; /* the newest close, maybe not yet committed */
	uint64 freed;      /* the newest close gone from memory */

	/* atomic: written by the worker */
	pg_atomic_uint64 counters[WEIR_COUNTER_COUNT];
	pg_atomic_uint64 watermark_us; /* int64; INT64_MIN: none */
	pg_atomic_uint64
		next_end_us; /* int64: the end of the oldest open window; INT64_MIN: none is open */
	pg_atomic_uint64
		held_us; /* int64: largest event time of the partition that holds W; INT64_MIN */
	pg_atomic_uint32 holder; /* that partition; UINT32_MAX: all are idle */
	pg_atomic_uint64 open_groups;
	pg_atomic_uint64 state_bytes;
	pg_atomic_uint64 commit_us;  /* how long the last commit took */
	pg_atomic_uint64 milli_rate; /* events folded, in 1000 s of late */
} WeirViewSlot;

/* A partition of a stream, for statistics. */
typedef struct WeirPartitionSlot
{
	pg_atomic_uint64 fetched;      /* next offset to fetch */
	pg_atomic_uint64 applied;      /* next offset to apply */
	pg_atomic_uint64 checkpointed; /* next offset by the last commit */
	pg_atomic_uint64 end;          /* last stable offset, as last told */
	pg_atomic_uint64 max_us;       /* int64: largest event time; INT64_MIN: none */
	pg_atomic_uint32 is_idle;
} WeirPartitionSlot;

#define WEIR_PARTITIONS_SHOWN 256

/* Why a worker's last run ended. */
typedef enum WeirEnding
{
	WEIR_END_NONE = 0, /* it runs, or never did */
	WEIR_END_DONE,     /* by itself: nothing to do any more, or it was told */
	WEIR_END_OUTSIDE,  /* by a signal that was not the launcher's: returns after a while */
	WEIR_END_FAILED    /* by an error: returns after a back-off */
} WeirEnding;

typedef struct WeirWorkerSlot
{
	/* under the registry's lock */
	Oid database_oid;
	Oid stream_oid; /* InvalidOid: the slot is free */
	Oid owner_oid;
	char name[WEIR_NAME_LEN]; /* of the stream, as the scanner read it: for messages */
	bool is_wanted;           /* by the catalog, when the database was last looked at */
	bool is_told;             /* the launcher has asked it to stop */
	bool is_proven;           /* it has made progress since it started */
	bool is_suspect; /* its last start came to nothing, and it has committed nothing since */
	pid_t pid;       /* 0: not running */
	int starts;      /* since the server started */
	int failures;    /* in a row */
	WeirEnding ending;
	TimestampTz started_at;
	TimestampTz retry_at; /* not before; 0: at once */
	WeirCondition condition;

	/* atomic */
	pg_atomic_uint64 milli_rate;      /* messages applied, in 1000 s of late */
	pg_atomic_uint32 partition_count; /* may be more than are shown */
	WeirPartitionSlot partitions[WEIR_PARTITIONS_SHOWN];
} WeirWorkerSlot;

/* Is pg_weir in shared_preload_libraries? Without, nothing below may be used but this, _announce and
 * _warn. */
extern bool weir_registry_exists(void);

/* Asks for shared memory and locks; in _PG_init. */
extern void weir_registry_request(void);

/* Warns, with a hint, where a stream's views will not run for now: the library is not loaded at server
 * start, workers are switched off, or there are too few processes. */
extern void weir_registry_warn(Oid stream_oid);

extern int weir_registry_worker_count(void);
extern WeirWorkerSlot *weir_registry_worker(int index);
extern int weir_registry_view_count(void);
extern WeirViewSlot *weir_registry_view(int index);

extern void weir_registry_lock(LWLockMode mode);
extern void weir_registry_unlock(void);

/* The tranche of the areas that hold stores. */
extern int weir_registry_area_tranche(void);

/* Takes a slot for a view of this database, or gives the one it has: no store, counters at zero, the
 * condition as it was. Takes locks. Result: NULL if all are taken. */
extern WeirViewSlot *weir_registry_claim_view(Oid view_oid, Oid stream_oid, int worker);
/* No store from here on. The area stays the caller's to unpin and detach. Takes locks. */
extern void weir_registry_drop_store(WeirViewSlot *slot);
/* No store, and no worker: the slot keeps the view's condition, with `state` where the view was at
 * work. Takes locks. */
extern void weir_registry_leave_view(WeirViewSlot *slot, WeirRunState state);
/* Notes that a view could be loaded and has committed, or that it could not. Takes the registry's lock.
 * Result: how many tries have failed in a row. */
extern int weir_registry_note_try(WeirViewSlot *slot, bool is_good);
/* Frees the slot, with drop_store. Takes locks. */
extern void weir_registry_release_view(WeirViewSlot *slot);

/* Frees a slot that no worker has, and that has no store therefore. Lock: the registry's. */
extern void weir_registry_forget_view(WeirViewSlot *slot);

/* The slot of a view in this database, its lock shared; NULL, and no lock, if there is none. */
extern WeirViewSlot *weir_registry_share_view(Oid view_oid);

/* Changes a state, and logs "what: old -> new" once; the same state with another error is logged too.
 * `what`: the object with its kind: stream "public.ticker". `error` NULL: leaves the last error as it
 * is. Takes the registry's lock; logs without it. */
extern void weir_condition_set(WeirCondition *condition, const char *what, WeirRunState state,
							   int sqlstate, const char *error);
extern const char *weir_state_name(WeirRunState state);

/* This database's views have changed: the launcher looks at them after this transaction's commit. */
extern void weir_registry_announce(void);
/* Has this transaction announced something? */
extern bool weir_registry_is_announced(void);

/*
 * Between launcher, scanner and sessions
 */

/* The launcher's latch is this process's, until it ends. */
extern void weir_registry_set_launcher(void);
extern void weir_registry_wake_launcher(void);

/* A database is to be looked at; InvalidOid: all of them. Wakes the launcher. */
extern void weir_registry_mark(Oid database_oid);
/* Takes the marks. Result: how many, in `marked`; *is_all: every database. */
#define WEIR_MARKS 64
extern int weir_registry_take_marks(Oid marked[WEIR_MARKS], bool *is_all);

/* What the scanner leaves for the launcher: the database it got through, and whether each of its
 * streams has a slot. */
extern void weir_registry_set_visited(Oid database_oid, bool is_complete);
extern bool weir_registry_is_visited(Oid database_oid, bool *is_complete);

#endif
