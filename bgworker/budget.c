/* SPDX-License-Identifier: PostgreSQL
 *
 * How much of a stream librdkafka may fetch ahead for a worker, and how that is shared by partitions.
 *
 * librdkafka's limits are for a queue. A scan has one for all partitions; in a worker each has its
 * own, all of them may be full while one waits for the others, and the process lives for ever. So
 * one budget is shared. Half of it is for payloads, half for what librdkafka keeps beside each
 * message. What the limits do not hold is the last answer, which is taken whole and may be ten times
 * as large when it is unpacked: so a partition's part of an answer is kept small, too. Not smaller,
 * for a broker gives nothing of a batch that exceeds the part, but for one partition an answer: with
 * 64 kB, 200 partitions of batches of 100 kB were read at a quarter of the speed.
 *
 * What the server's options say is the whole budget, or wins. A partition cannot do with less than a
 * few batches: a thousand partitions exceed the budget.
 */
#include "postgres.h"

#include "budget.h"

#define BUDGET_KB 24576
#define MESSAGE_OVERHEAD 512 /* bytes, on the safe side */
#define QUEUE_KB_MIN 128
#define QUEUE_MESSAGES_MIN 1000
#define QUEUE_MESSAGES_MAX 100000
#define ANSWER_BYTES 4194304 /* of one broker; as librdkafka, not less than the largest message */
#define ANSWER_PART_MIN 131072
#define ANSWER_PART_MAX 1048576
#define ANSWERS_IN_QUEUE 3 /* parts of answers that fill half of a partition's share */

static const char *
property_value(const WeirStream *stream, const char *name)
{
	for (int i = 0; i < stream->property_count; i++)
		if (strcmp(stream->properties[i].name, name) == 0)
			return stream->properties[i].value;
	return NULL;
}

static int64
property_number(const WeirStream *stream, const char *name, int64 otherwise)
{
	const char *value = property_value(stream, name);

	return value ? strtoll(value, NULL, 10) : otherwise;
}

static int64
clamp(int64 value, int64 min, int64 max)
{
	return Max(min, Min(value, max));
}

static void
set_number(WeirStream *stream, const char *name, int64 value)
{
	weir_stream_set_property(stream, name, psprintf(INT64_FORMAT, value));
}

int
weir_budget_share(WeirStream *stream, int partition_count)
{
	int64 budget_kb = property_number(stream, "queued.max.messages.kbytes", BUDGET_KB);
	int64 half = budget_kb * 1024 / Max(partition_count, 1) / 2;
	int64 messages = clamp(half / MESSAGE_OVERHEAD, QUEUE_MESSAGES_MIN, QUEUE_MESSAGES_MAX);
	int64 part = clamp(half / ANSWERS_IN_QUEUE, ANSWER_PART_MIN, ANSWER_PART_MAX);
	int64 answer = Max(ANSWER_BYTES, property_number(stream, "message.max.bytes", 0));

	messages = property_number(stream, "queued.min.messages", messages);
	part = property_number(stream, "fetch.message.max.bytes", part);
	answer = property_number(stream, "fetch.max.bytes", answer);
	set_number(stream, "queued.max.messages.kbytes", Max(half / 1024, QUEUE_KB_MIN));
	set_number(stream, "queued.min.messages", messages);
	set_number(stream, "fetch.message.max.bytes", part);
	set_number(stream, "fetch.max.bytes", answer);
	return (int) clamp(messages / 4, 100, WEIR_FETCH_MAX);
}
