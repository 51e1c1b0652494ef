/* SPDX-License-Identifier: PostgreSQL
 *
 * One view at work: evaluate, clock, window, store, for a batch of events at a time.
 *
 * The worker and weir.simulate() run this same step; they differ in where messages come from and where
 * closed groups go. Positions, clock and counters are those of what was applied, not of what is
 * committed.
 */
#ifndef WEIR_PIPELINE_H
#define WEIR_PIPELINE_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "storage/lwlock.h"

#include "batch.h"
#include "clock.h"
#include "copy.h"
#include "query.h"
#include "registry.h"
#include "reject.h"
#include "seal.h"
#include "store.h"

typedef struct WeirInput WeirInput; /* the definition's input expressions, compiled */

typedef struct WeirPipeline
{
	MemoryContext context;
	const WeirStream *stream;
	WeirQuery *query;
	WeirInput *input;
	const int *columns; /* of each aggregate: weir_input_argument_columns() */
	WeirStore *store;
	WeirHeap *heap; /* the store's */
	WeirCopy *copy; /* of a copy, whose store stays empty; else NULL */
	WeirClock clock;
	int64 *positions;          /* of each partition: the next offset to apply */
	WeirSeal *seals;           /* of each partition: the last message applied */
	int64 *refold_until;       /* of each partition: messages below it were counted before, and only
							 * fill the open windows again */
	int64 refold_watermark_us; /* windows that end by then were closed when those were counted */
	int64 closed_until_us;     /* windows that end by then have rows of an earlier start; or NONE */
	int64 committed_us;        /* windows that end by then are committed; or NONE */
	bool
		is_waiting; /* for a commit: the last step stopped at an event that must not get into a window
							 * which W has closed, but no commit has written yet; or a copy is full */
	int64 counters[WEIR_COUNTER_COUNT];
	WeirRejectList *rejects;        /* of the view */
	WeirRejectList *stream_rejects; /* of the stream */
	bool has_progress;              /* something to commit: offsets, W, rejects */
} WeirPipeline;

/* Result: in the current memory context; NULL if the heap is full. */
extern WeirPipeline *weir_pipeline_create(const WeirStream *stream, TupleDesc stream_desc,
										  WeirQuery *query, WeirHeap heap, int partition_count,
										  int64 reject_room);
extern void weir_pipeline_free(WeirPipeline *pipeline);

/* The stream's columns that a definition's input uses, the event time among them. */
extern Bitmapset *weir_pipeline_columns(const WeirQuery *query);

/* Applies the events [from, count) of a batch; those before the view's position are passed over.
 * `lock` NULL: nobody else sees the store.
 *
 * Runs in: a transaction.
 * Result: how far it came: less than `count` where the heap is full, or is_waiting. */
extern int weir_pipeline_step(WeirPipeline *pipeline, const WeirBatch *batch, int from,
							  LWLock *lock);

/* Messages [from, to) of a partition were deleted before they were read: what the view lacks of them is
 * a reject of the stream, and counted, and its position is behind them. */
extern void weir_pipeline_lose(WeirPipeline *pipeline, int partition, int64 from, int64 to);

/* The first window that ends after this time and has no rows: neither of a commit, nor of an earlier
 * start. Result: false if there is none. */
extern bool weir_pipeline_next_window(const WeirPipeline *pipeline, int64 after_us,
									  WeirWindow *window);

/* Has W closed such a window? Of a copy: has it rows? */
extern bool weir_pipeline_is_due(const WeirPipeline *pipeline);

#endif
