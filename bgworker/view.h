/* SPDX-License-Identifier: PostgreSQL
 *
 * A continuous view in the worker: loaded from its last commit, published to readers, given up.
 */
#ifndef WEIR_BGWORKER_VIEW_H
#define WEIR_BGWORKER_VIEW_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/dsa.h"

#include "catalog.h"
#include "finish.h"
#include "pipeline.h"
#include "rate.h"
#include "registry.h"
#include "run.h"
#include "source.h"

/* What a view's start needs to know of its stream. */
typedef struct WeirStreamFacts
{
	const WeirStream *stream;
	TupleDesc desc;
	int partition_count;
	const int64 *lows; /* of each partition: the oldest offset */
	const int64 *ends; /* the last stable one */
	dsa_area *area;
	int worker; /* index of the worker's slot */
} WeirStreamFacts;

typedef struct WeirWorkerView
{
	WeirView *view;
	WeirViewSlot *slot;
	WeirPipeline *pipeline;
	WeirFinish *finish;
	WeirRun *run;  /* as committed */
	List *skips;   /* WeirSkip *: groups to be left out */
	int64 *loaded; /* positions when it was loaded, by partition */
	TimestampTz loaded_at;
	int64 *committed;  /* positions, by partition */
	int64 next_chunk;  /* number of the next one */
	int64 full_bytes;  /* what a full set of chunks took */
	int64 chain_bytes; /* what was written since */
	bool *is_unsealed; /* by partition: the last message applied was not seen again yet */
	bool *is_held;     /* by partition: the last step found no memory for its next event */
	bool is_full;      /* any is */
	bool is_waiting;   /* an event waits for a commit: see pipeline.h */
	bool is_published; /* readers find its store */
	WeirRate rate;     /* of folded events */
	uint64 checked_at; /* catalog changes that were seen when its link was last checked */

	/* a commit in progress */
	bool is_closing; /* windows close in it */
	int due_count;   /* windows, or slices of one end, that are not needed after it */
	uint64 due_generation;
	int reject_count;        /* before groups that cannot be finished were added */
	int64 reject_unrecorded; /* likewise */
	int64 commit_counters[WEIR_COUNTER_COUNT];
	int64 commit_next_chunk;
	int64 commit_full_bytes;
	int64 commit_chain_bytes;

	/* after one that failed, or left the view out */
	int failures;
	int left_out; /* in a row: its tables were locked */
	TimestampTz retry_at;
} WeirWorkerView;

/* Loads a view, in a transaction of its own, and publishes it. States and errors go to its slot.
 * Result: in the current memory context; NULL if it cannot run, and *retry_ms says after what time
 * trying again may help; 0: it does not. */
extern WeirWorkerView *weir_worker_view_load(WeirView *view, const WeirStreamFacts *facts,
											 int *retry_ms);

/* From where it needs a partition's messages: its position, or the last message that it has applied. */
extern int64 weir_worker_view_start_offset(const WeirWorkerView *view, int partition, int64 low);
/* Looks whether messages of a partition, before they are applied, are of the topic that it knows.
 * Result: false if they are not. */
extern bool weir_worker_view_check_seal(WeirWorkerView *view, const WeirMessage *messages,
										int count);
/* Looks whether a partition has what the view has applied of it. Result: false if it has not, and a new
 * leader has had the time to find its end. */
extern bool weir_worker_view_check_end(const WeirWorkerView *view, int partition,
									   const WeirSourcePartition *source);
/* Then: its memory is given back, and it waits for a restart. `how`: what shows it. */
extern void weir_worker_view_fail_topic(WeirWorkerView *view, const char *how);

/* Shows its store to readers, once it is whole. */
extern void weir_worker_view_publish(WeirWorkerView *view, dsa_area *area);

/* Applies a batch, as far as the view's memory goes.
 *
 * Runs in: a transaction. Result: how far it came. */
extern int weir_worker_view_step(WeirWorkerView *view, const WeirBatch *batch);

/* Sets its state; a change is logged. `error` NULL: leaves the last one. */
extern void weir_worker_view_set_state(const WeirWorkerView *view, WeirRunState state, int sqlstate,
									   const char *error);

/* Brings the slot's numbers up to date. */
extern void weir_worker_view_show(WeirWorkerView *view);

/* Its commits do not succeed, and there is no memory to wait for that: its memory is given back, and it
 * comes again from its last commit. Result: after what time to load it, in ms. */
extern int weir_worker_view_set_aside(WeirWorkerView *view);
extern bool weir_worker_view_is_failing(const WeirWorkerView *view);

/* Takes a view away from readers and frees its slot's store; the slot keeps its condition. */
extern void weir_worker_view_unload(WeirWorkerView *view);

/* The stored form of where the view is now. */
extern WeirPosition *weir_worker_view_position(const WeirWorkerView *view);

/* It folds the open windows of a restored dump again: nothing is to be committed until that is done. */
extern bool weir_worker_view_is_refolding(const WeirWorkerView *view);

#endif
