/* SPDX-License-Identifier: PostgreSQL
 *
 * Where a view begins to read, as option start_at says it: earliest, latest, a time, or offsets.
 */
#ifndef WEIR_START_H
#define WEIR_START_H

#include <stdbool.h>
#include <stdint.h>

typedef enum WeirStartKind
{
	WEIR_START_EARLIEST = 0,
	WEIR_START_LATEST,
	WEIR_START_TIME,   /* the first message of that timestamp, or later, in each partition */
	WEIR_START_OFFSETS /* "0:1200, 3:900"; partitions that are not named begin at the earliest */
} WeirStartKind;

typedef struct WeirStart
{
	WeirStartKind kind;
	int64_t time_us; /* since 2000 */
} WeirStart;

#define WEIR_START_ACCEPTED                                                                        \
	"earliest, latest, a time in ISO 8601, or offsets by partition as in 0:1200, 1:900"

/* Result: false if the text says nothing of these. */
extern bool weir_start_parse(const char *text, WeirStart *start);

/* The offset that a text of kind OFFSETS has for a partition. Result: false if it names it not. */
extern bool weir_start_offset(const char *text, int32_t partition, int64_t *offset);

#endif
