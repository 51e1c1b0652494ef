/* SPDX-License-Identifier: PostgreSQL
 *
 * Kafka's messages in the worker: one reader of one stream.
 *
 * Each partition has a queue of its own, so one that is held back is simply not taken from: what
 * librdkafka has fetched of it waits within the fetch budget, and fetching stops by itself. Messages
 * are looked at first and taken after, so that a step may take a part of a batch.
 *
 * The worker's loop: look, peek and take each partition until none has any, wait. Whatever may pass
 * (a broker that is away, no leader, time-outs) is tried again for ever and only told of; what
 * waiting does not mend is an error.
 */
#ifndef WEIR_SOURCE_H
#define WEIR_SOURCE_H

#include "postgres.h"

#include "kafka.h"
#include "stream.h"
#include "utils/timestamp.h"

typedef struct WeirSource WeirSource;

typedef struct WeirSourcePartition
{
	bool is_started;
	int64 next;         /* the next offset to take: the position */
	int64 low;          /* as last told; -1: not yet, for there was no leader */
	int64 end;          /* last stable offset, as last told; -1: not yet */
	int64 high;         /* high watermark: above end there is an open transaction; -1: not yet */
	TimestampTz end_at; /* when low and end were asked for; 0: never */
	bool has_leader;    /* as last told */
	bool is_at_end;     /* position = end of partition, by an end note or by what was told */
	TimestampTz at_end_since; /* 0: not at the end, or not sure since the leader was lost */
	bool is_idle;             /* docs/semantics.md, rule 3; changed by weir_source_look() only */
	TimestampTz lost_at; /* Kafka does not have the position, and nothing is fetched; 0: it has */
	int64 lost_from; /* data deleted before they were read: [lost_from, lost_to); equal: none. */
	int64 lost_to;   /* Who has recorded them sets both to 0. */
} WeirSourcePartition;

/* Opens a reader in the current memory context, whose reset closes it; `stream` must live as long.
 * Waits on the latch until the partitions and, but for those without a leader, their ranges are
 * known; errors name the stream, a time-out is one of them. */
extern WeirSource *weir_source_open(const WeirStream *stream);

extern int weir_source_partition_count(const WeirSource *source);
/* Result: lives as long as the source. */
extern WeirSourcePartition *weir_source_partition(const WeirSource *source, int partition);

/* Begins to fetch a partition at an offset; a partition that was started begins anew. */
extern void weir_source_start(WeirSource *source, int partition, int64 offset);

/* The messages of a partition that are there and not taken, in the order of offsets; fetches if there
 * are none. Never waits. They live until the next peek of the same partition that finds all of them
 * taken. All are of arrival MESSAGE: notes are the source's own affair.
 * Result: how many. */
extern int weir_source_peek(WeirSource *source, int partition, const WeirMessage **messages);
/* The first `count` of them were applied. */
extern void weir_source_take(WeirSource *source, int partition, int count);

/* Serves librdkafka and the periodic question for ends and partitions: brings ends and idleness up
 * to date, finds new partitions (not started), finds lost data, raises errors that waiting does not
 * mend. Cheap enough for each turn of the worker's loop.
 * Result: true if a partition's idleness, its loss or the number of partitions has changed. */
extern bool weir_source_look(WeirSource *source);

/* Asks for ends no later than this, whatever is due. */
extern void weir_source_ask_by(WeirSource *source, TimestampTz when);

/* Until a message may be there that was not when it was last peeked for, the latch is set, or the
 * time is up. May return for no reason. Resets the latch and serves interrupts. */
extern void weir_source_wait(WeirSource *source, int timeout_ms);

/* The newest trouble that waiting may mend, or NULL: for statistics.
 * Result: in the current memory context. */
extern char *weir_source_trouble(const WeirSource *source);

/* Tells the stream's offsets_group, if there is one, where the views are: an offset for each partition. */
extern void weir_source_offer(WeirSource *source, const int64 *offsets);

#endif
