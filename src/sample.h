/* SPDX-License-Identifier: PostgreSQL
 *
 * A sample of a topic: payloads of its newest messages.
 */
#ifndef WEIR_SAMPLE_H
#define WEIR_SAMPLE_H

#include "postgres.h"

#include "stream.h"

typedef struct WeirPayload
{
	const char *data;
	size_t len;
	int32 partition;
	int64 offset;
} WeirPayload;

typedef struct WeirSample
{
	int count;
	WeirPayload *payloads; /* by partition and offset */
	int tombstone_count;
	bool has_bytes_key; /* some key is no text */
	bool has_bytes;     /* some payload is no text */
} WeirSample;

/* About `count` messages, fewer where they are large. Result: in the current memory context. */
extern WeirSample *weir_sample_take(const WeirStream *stream, int count);

#endif
