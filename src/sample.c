/* SPDX-License-Identifier: PostgreSQL
 *
 * A sample of a topic.
 *
 * The newest messages, since they tell what is to come; of all partitions alike, since producers may
 * differ by key.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "compat.h"
#include "newest.h"
#include "sample.h"

#define BYTES_MAX (32 * 1024 * 1024)

typedef struct Taking
{
	MemoryContext context;
	WeirSample *sample;
	int wanted;
	Size bytes;
} Taking;

static int64
share(void *argument, int partition_count)
{
	const Taking *taking = argument;

	return (taking->wanted + partition_count - 1) / partition_count;
}

static bool
is_text(const char *data, size_t len)
{
	return memchr(data, 0, len) == NULL &&
		   pg_encoding_verifymbstr(PG_UTF8, data, (int) len) == (int) len;
}

static bool
take(void *argument, const WeirMessage *message)
{
	Taking *taking = argument;
	WeirSample *sample = taking->sample;
	char *copy;

	if (message->key != NULL && !is_text(message->key, message->key_len))
		sample->has_bytes_key = true;
	sample->tombstone_count += message->payload == NULL;
	if (message->payload == NULL || sample->count == taking->wanted ||
		taking->bytes + message->payload_len > BYTES_MAX)
		return true;
	taking->bytes += message->payload_len;
	copy = MemoryContextAlloc(taking->context, message->payload_len + 1);
	memcpy(copy, message->payload, message->payload_len);
	sample->payloads[sample->count++] = (WeirPayload){copy, message->payload_len};
	return true;
}

WeirSample *
weir_sample_take(const WeirStream *stream, int count)
{
	Taking taking = {.context = CurrentMemoryContext, .wanted = count};

	taking.sample = palloc0_object(WeirSample);
	taking.sample->payloads = palloc_array(WeirPayload, count);
	weir_newest_read(stream, share, take, &taking);
	return taking.sample;
}
