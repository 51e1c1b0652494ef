/* SPDX-License-Identifier: PostgreSQL
 *
 * What a session says of messages that cannot be read: an error, or one warning for all that were left
 * out.
 */
#ifndef WEIR_FLAW_H
#define WEIR_FLAW_H

#include "postgres.h"

#include "row.h"

/* Messages left out. */
typedef struct WeirSkipped
{
	int64 count;
	char *first; /* why and where; NULL: it has been told */
} WeirSkipped;

/* What to do with a message that cannot be read, by the stream's on_error: an error, or it is counted.
 * `context` keeps what is said of the first. */
extern void weir_flaw_meet(const WeirStream *stream, const WeirMessage *message,
						   const WeirFlaw *flaw, WeirSkipped *skipped, MemoryContext context);

/* Warns of those that were left out since the last call. */
extern void weir_flaw_tell(const WeirStream *stream, WeirSkipped *skipped);

#endif
