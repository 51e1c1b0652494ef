/* SPDX-License-Identifier: PostgreSQL
 *
 * How much of a stream librdkafka may fetch ahead for a worker, and how that is shared by partitions.
 */
#ifndef WEIR_BUDGET_H
#define WEIR_BUDGET_H

#include "postgres.h"

#include "stream.h"

/* Gives a stream's copy properties of its own, in the current memory context.
 * Result: how many messages of a partition to take at once. */
extern int weir_budget_share(WeirStream *stream, int partition_count);

#endif
