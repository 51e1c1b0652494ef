/* SPDX-License-Identifier: PostgreSQL
 *
 * Event time of one view: the largest time of each partition, and the watermark W.
 *
 * The rules are those of docs/semantics.md: W is the least, over partitions that are not idle, of
 * (largest event time seen - lateness); it never goes back. Plain values, no locks; memory is the
 * caller's. Layer 0.
 */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Before anything was seen. */
#define WEIR_CLOCK_NONE INT64_MIN

typedef struct WeirPartitionClock
{
	int64_t max_us; /* M: largest valid event time; WEIR_CLOCK_NONE until one was seen */
	bool is_idle;
} WeirPartitionClock;

typedef struct WeirClock
{
	int64_t lateness_us;
	int64_t watermark_us; /* W; WEIR_CLOCK_NONE: no window has closed yet */
	int32_t partition_count;
	WeirPartitionClock *partitions;
	int64_t
		lowest_us; /* the least M of partitions that are not idle; WEIR_CLOCK_NONE if one has none */
} WeirClock;

extern void weir_clock_init(WeirClock *clock, int64_t lateness_us, WeirPartitionClock *partitions,
							int32_t partition_count);

/* After partitions, idleness or lateness were changed from outside. */
extern void weir_clock_refresh(WeirClock *clock);

/* An event of a partition has this time; a partition with events is not idle.
 * Result: W has advanced. */
extern bool weir_clock_see(WeirClock *clock, int32_t partition, int64_t time_us);

/* Idleness of a partition. Result: W has advanced. */
extern bool weir_clock_set_idle(WeirClock *clock, int32_t partition, bool is_idle);

/* All partitions are idle, and the stream closes by the wall clock: W is at least this.
 * Result: W has advanced. */
extern bool weir_clock_push(WeirClock *clock, int64_t watermark_us);

extern bool weir_clock_is_all_idle(const WeirClock *clock);

/* The partition that holds W back: the one with the least time of those that are not idle, the first
 * of equals; -1: all are idle. */
extern int32_t weir_clock_holder(const WeirClock *clock);

/* Has W closed a window that ends here? */
static inline bool
weir_clock_has_closed(const WeirClock *clock, int64_t end_us)
{
	return clock->watermark_us >= end_us && clock->watermark_us != WEIR_CLOCK_NONE;
}

#endif
