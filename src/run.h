/* SPDX-License-Identifier: PostgreSQL
 *
 * What is stored of a running view: the tables weir.run, weir.position and weir.chunk.
 *
 * They are written as their owner, whoever asks, and read under a snapshot that the caller names: a
 * reader's own, so that it sees what its snapshot sees. What writes needs SPI_connect().
 */
#ifndef WEIR_RUN_H
#define WEIR_RUN_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

#include "reject.h"
#include "seal.h"

typedef struct WeirRun
{
	Oid view_oid;
	bool is_here; /* started in this cluster and database */
	int64 epoch;
	int64 generation;
	int32 starts;
	char *fingerprint; /* NULL: not yet known */
	int counter_count;
	int64 *counters;
} WeirRun;

typedef struct WeirPosition
{
	char *topic;
	int64 watermark_us;    /* WEIR_CLOCK_NONE: none */
	int64 closed_until_us; /* likewise */
	int partition_count;
	int64 *positions;
	int64 *replay_offsets;
	int64 *max_us; /* WEIR_CLOCK_NONE: none */
	WeirSeal *seals;
} WeirPosition;

/* A view is started here, from now on; a new epoch. */
extern void weir_run_start(Oid view_oid);

/* Forgets what is stored of a view: rejects too. */
extern void weir_run_forget(Oid view_oid);

/* Result: NULL if there is none; in the current memory context. */
extern WeirRun *weir_run_find(Oid view_oid, Snapshot snapshot);

/* Takes the row for this transaction, waiting for another that has it. Result: as above. */
extern WeirRun *weir_run_take(Oid view_oid);
extern void weir_run_save(const WeirRun *run);

/* Result: NULL if there is none; in the current memory context. */
extern WeirPosition *weir_position_find(Oid view_oid, Snapshot snapshot);
extern void weir_position_save(Oid view_oid, const WeirPosition *position);
extern void weir_position_delete(Oid view_oid);

extern void weir_run_forget_rejects(Oid relation_oid);

/* A group that is to be left out: weir.skip(). */
typedef struct WeirSkip
{
	int64 window_start_us;
	char *key; /* as text, see key.h */
} WeirSkip;

extern void weir_run_save_skip(Oid view_oid, const WeirSkip *skip);
extern void weir_run_forget_skip(Oid view_oid, const WeirSkip *skip);
/* Result: list of WeirSkip *, in the current memory context. */
extern List *weir_run_skips(Oid view_oid);

/* Records a reject of a stream or view, once for each message. */
extern void weir_run_save_reject(Oid relation_oid, const char *topic, const WeirReject *reject);

/* How many are recorded of a stream or view, up to `limit`: groups, and messages before the positions of
 * `count` partitions. */
extern int64 weir_run_count_rejects(Oid relation_oid, const int64 *positions, int count,
									int64 limit);

extern bool weir_chunk_exists(Oid view_oid, Snapshot snapshot);
/* Calls `use` for each chunk of a view, in their order. Result: the number behind the last; 0: none. */
extern int64 weir_chunk_scan(Oid view_oid, Snapshot snapshot,
							 void (*use)(void *argument, int64 number, const char *data, int len),
							 void *argument);
extern void weir_chunk_save(Oid view_oid, int64 number, const char *data, int len);
extern void weir_chunk_delete_before(Oid view_oid, int64 number);

#endif
