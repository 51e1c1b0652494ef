/* SPDX-License-Identifier: PostgreSQL
 *
 * Kafka's messages in the worker: one reader of one stream.
 *
 * Each partition has a queue of its own, so one that is held back is simply not taken from: what
 * librdkafka has fetched of it waits within the fetch budget, and fetching stops by itself. Messages
 * are looked at first and taken after, so that a step may take a part of a batch.
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
	int64 low;          /* as last told */
	int64 end;          /* last stable offset, as last told */
	TimestampTz end_at; /* when; 0: never */
	bool is_at_end;     /* position = end of partition, by an end note or by what was told */
	TimestampTz at_end_since;
	bool is_idle;    /* docs/semantics.md, rule 3; changed by weir_source_look() only */
	int64 lost_from; /* data deleted before they were read: [lost_from, lost_to); equal: none */
	int64 lost_to;
} WeirSourcePartition;

/* Opens a reader in the current memory context, whose reset closes it. Waits on the latch until the
 * partitions and their ranges are known; errors name the stream. */
extern WeirSource *weir_source_open(const WeirStream *stream);

extern int weir_source_partition_count(const WeirSource *source);
extern WeirSourcePartition *weir_source_partition(const WeirSource *source, int partition);

/* Begins to fetch a partition at an offset. */
extern void weir_source_start(WeirSource *source, int partition, int64 offset);

/* The messages of a partition that are there and not taken, in the order of offsets; fetches if there
 * are none. Never waits. They live until the next peek of the same partition.
 * Result: how many. */
extern int weir_source_peek(WeirSource *source, int partition, const WeirMessage **messages);
/* The first `count` of them were applied. */
extern void weir_source_take(WeirSource *source, int partition, int count);

/* Serves librdkafka and the periodic question for ends and partitions (every idle_timeout / 2): brings
 * is_at_end and is_idle up to date, finds new partitions, raises errors that waiting does not mend.
 * Result: true if a partition's idleness or the number of partitions has changed. */
extern bool weir_source_look(WeirSource *source);

/* Until a message may be there, the latch is set, or the time is up. */
extern void weir_source_wait(WeirSource *source, int timeout_ms);

/* The newest trouble that waiting may mend, or NULL: for statistics. */
extern const char *weir_source_trouble(const WeirSource *source);

/* Group offsets, as a courtesy to lag monitors; never read, failures only counted. */
extern void weir_source_commit_group(WeirSource *source, const char *group, const int64 *positions);

#endif
