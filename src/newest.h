/* SPDX-License-Identifier: PostgreSQL
 *
 * The last messages of each partition of a topic, cheap on a topic of any size.
 */
#ifndef WEIR_NEWEST_H
#define WEIR_NEWEST_H

#include "postgres.h"

#include "stream.h"

/* Takes a message, which lives until it returns. Result: false if it does not count. */
typedef bool (*WeirTake)(void *argument, const WeirMessage *message);

/* How many messages of each partition are wanted, where there are so many partitions. */
typedef int64 (*WeirShare)(void *argument, int partition_count);

/* Takes the last `share` messages of each partition, if there are so many within reach, and maybe some
 * before them; those of a partition by offset, but in runs, later ones first. */
extern void weir_newest_read(const WeirStream *stream, WeirShare share, WeirTake take,
							 void *argument);

#endif
