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
	int room; /* a little more: the same for each partition */
	Size bytes;
} Taking;

static int64
share(void *argument, int partition_count)
{
	Taking *taking = argument;
	int64 share = ((int64) taking->wanted + partition_count - 1) / partition_count;

	taking->room = (int) (share * partition_count);
	taking->sample->payloads =
		MemoryContextAlloc(taking->context, sizeof(WeirPayload) * (Size) taking->room);
	return share;
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
	if (message->payload == NULL || sample->count == taking->room ||
		taking->bytes + message->payload_len > BYTES_MAX)
		return true;
	taking->bytes += message->payload_len;
	sample->has_bytes |= !is_text(message->payload, message->payload_len);
	copy = MemoryContextAlloc(taking->context, message->payload_len + 1);
	memcpy(copy, message->payload, message->payload_len);
	sample->payloads[sample->count++] = (WeirPayload){
		.data = copy,
		.len = message->payload_len,
		.partition = message->partition,
		.offset = message->offset,
	};
	return true;
}

/* So that what is made of them does not depend on the order in which they came. */
static int
payload_compare(const void *a, const void *b)
{
	const WeirPayload *left = a;
	const WeirPayload *right = b;

	if (left->partition != right->partition)
		return left->partition < right->partition ? -1 : 1;
	return left->offset < right->offset ? -1 : 1;
}

WeirSample *
weir_sample_take(const WeirStream *stream, int count)
{
	Taking taking = {.context = CurrentMemoryContext, .wanted = count};

	taking.sample = palloc0_object(WeirSample);
	weir_newest_read(stream, share, take, &taking);
	qsort(taking.sample->payloads, (size_t) taking.sample->count, sizeof(WeirPayload),
		  payload_compare);
	return taking.sample;
}
