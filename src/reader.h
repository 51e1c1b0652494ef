/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages of a topic, from one offset to another of each partition, as they arrive.
 *
 * A partition is done when a message or an end-of-partition note at or beyond its end was seen, so commit
 * markers at the end do not hang a reader, and a slow broker is an error with the position in it, never
 * fewer messages.
 */
#ifndef WEIR_READER_H
#define WEIR_READER_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "client.h"

typedef struct WeirReader WeirReader;

/* Result: in the current memory context, as long as the client. */
extern WeirReader *weir_reader_create(const WeirStream *stream, WeirClient *client,
									  int partition_count);

/* Before the start: the offsets [first, end) of a partition. */
extern void weir_reader_want(WeirReader *reader, int32 partition, int64 first, int64 end);
/* How many offsets are wanted. */
extern int64 weir_reader_wanted(const WeirReader *reader);
extern void weir_reader_start(WeirReader *reader);

/* Result: the next message, which lives until the next call, or NULL: all is read. */
extern const WeirMessage *weir_reader_next(WeirReader *reader);

/* The same, for an end that may never be reached: silence is no error. NULL: none came until then;
 * `until` 0: none is there now. */
extern const WeirMessage *weir_reader_next_until(WeirReader *reader, TimestampTz until);

#endif
