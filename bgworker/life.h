/* SPDX-License-Identifier: PostgreSQL
 *
 * A life of a worker: from loading to the next reason to load again, see worker.c.
 */
#ifndef WEIR_LIFE_H
#define WEIR_LIFE_H

#include "postgres.h"

#include "utils/dsa.h"
#include "utils/timestamp.h"

#include "batch.h"
#include "clock.h"
#include "rate.h"
#include "registry.h"
#include "source.h"
#include "view.h"

typedef struct WeirLife
{
	MemoryContext context;
	WeirWorkerSlot *slot;
	WeirStream *stream;
	TupleDesc desc;
	WeirSource *source;
	int partition_count;
	List *views;           /* WeirWorkerView * */
	WeirBatch *batches[2]; /* one is decoded while the other is applied */
	WeirAhead *ahead;      /* NULL: there is no thread for it */
	dsa_area *area;
	WeirClock head;    /* what the stream's partitions have seen, for alignment */
	List *wanted;      /* the views that were found when the life began */
	char *stream_text; /* the stream as it was then, see describe_stream() */
	int state_memory_kb;
	TimestampTz active_since; /* messages began to come, after all partitions had been idle */
	bool is_quiet;            /* all partitions are idle */
	bool has_reached_end;     /* of all partitions, once */
	int max_rejects;
	TimestampTz last_commit;
	TimestampTz last_offer; /* of offsets to the stream's group */
	TimestampTz last_catalog_look;
	TimestampTz reload_at; /* 0: all views are at work */
	bool is_over;
	int applied;        /* messages in the last turn */
	bool has_committed; /* in the last turn */
	WeirRate rate;
} WeirLife;

/* Applies what there is of each partition, as far as alignment and the views' memory allow. */
extern void weir_life_apply(WeirLife *life);

#endif
