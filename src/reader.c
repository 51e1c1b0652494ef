/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages of a topic between offsets.
 *
 * It knows neither rows nor snapshots: which offsets are wanted is the caller's to say.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "reader.h"

typedef struct Part
{
	int64 next; /* the next offset wanted */
	int64 end;  /* the first one not wanted */
	bool is_open;
} Part;

struct WeirReader
{
	const WeirStream *stream;
	WeirClient *client;
	int part_count;
	Part *parts;
	int open_count; /* parts not done */
	const WeirMessage *batch;
	int batch_count;
	int batch_next;
	TimestampTz deadline; /* of the next message; 0: not waiting */
};

WeirReader *
weir_reader_create(const WeirStream *stream, WeirClient *client, int partition_count)
{
	WeirReader *reader = palloc0_object(WeirReader);

	reader->stream = stream;
	reader->client = client;
	reader->part_count = partition_count;
	reader->parts = palloc0_array(Part, partition_count);
	return reader;
}

void
weir_reader_want(WeirReader *reader, int32 partition, int64 first, int64 end)
{
	reader->parts[partition] = (Part){.next = first, .end = end, .is_open = first < end};
	reader->open_count += first < end;
}

int64
weir_reader_wanted(const WeirReader *reader)
{
	int64 count = 0;

	for (int i = 0; i < reader->part_count; i++)
		if (reader->parts[i].is_open)
			count += reader->parts[i].end - reader->parts[i].next;
	return count;
}

void
weir_reader_start(WeirReader *reader)
{
	WeirFault fault;

	for (int i = 0; i < reader->part_count; i++)
		if (reader->parts[i].is_open &&
			!weir_kafka_start(weir_client_kafka(reader->client), reader->stream->topic, i,
							  reader->parts[i].next, &fault))
			weir_client_fail(reader->client, &fault, NULL);
}

static const char *
describe_position(const WeirReader *reader, int32 partition)
{
	for (int i = 0; partition < 0 && i < reader->part_count; i++)
		if (reader->parts[i].is_open)
			partition = i;
	if (partition < 0)
		return psprintf("reading topic \"%s\"", reader->stream->topic);
	return psprintf("reading partition %d of topic \"%s\" at offset " INT64_FORMAT
					", before its end at " INT64_FORMAT,
					partition, reader->stream->topic, reader->parts[partition].next,
					reader->parts[partition].end);
}

/* Result: false if nothing is there. */
static bool
take_batch(WeirReader *reader)
{
	WeirKafka *kafka = weir_client_kafka(reader->client);

	weir_client_serve(reader->client);
	reader->batch_next = 0;
	reader->batch_count = weir_kafka_fetch(kafka, WEIR_FETCH_MAX, &reader->batch);
	if (reader->batch_count == 0 && weir_kafka_is_hopeless(kafka))
		weir_client_fail(reader->client, weir_kafka_fault(kafka), describe_position(reader, -1));
	return reader->batch_count > 0;
}

/* Threads that sleep beside work are woken: the waits are short at first, then longer and longer.
 * Result: milliseconds left; none: it is over. */
static long
wait_for_work(WeirReader *reader, TimestampTz until, int *wait_ms)
{
	long left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

	if (left_ms <= 0)
		return 0;
	weir_client_wait(reader->client, (int) Min(left_ms, *wait_ms));
	weir_kafka_wake(weir_client_kafka(reader->client));
	*wait_ms = Min(*wait_ms * 2, 1000);
	return left_ms;
}

static void
wait_for_batch(WeirReader *reader)
{
	int wait_ms = 5;

	while (!take_batch(reader))
	{
		if (reader->deadline == 0)
			reader->deadline =
				TimestampTzPlusMilliseconds(GetCurrentTimestamp(), reader->stream->timeout_ms);
		if (wait_for_work(reader, reader->deadline, &wait_ms) == 0)
			weir_client_time_out(reader->client, describe_position(reader, -1));
	}
}

static void
reach(WeirReader *reader, Part *part, int64 offset)
{
	reader->deadline = 0; /* progress; a note of a fault is none */
	part->next = offset;
	if (offset < part->end)
		return;
	part->is_open = false;
	reader->open_count--;
}

static void
note_fault(WeirReader *reader, const WeirMessage *message)
{
	const WeirFault *fault = weir_kafka_fault(weir_client_kafka(reader->client));

	/* else the wait's time-out decides */
	if (!weir_trouble_is_passing(fault->trouble))
		weir_client_fail(reader->client, fault, describe_position(reader, message->partition));
}

/* Result: the next wanted message of the batch, or NULL. */
static const WeirMessage *
next_of_batch(WeirReader *reader)
{
	while (reader->batch_next < reader->batch_count)
	{
		const WeirMessage *message = &reader->batch[reader->batch_next++];
		Part *part;

		if (message->arrival == WEIR_ARRIVAL_FAULT)
		{
			note_fault(reader, message);
			continue;
		}
		if (message->partition < 0 || message->partition >= reader->part_count)
			continue;
		part = &reader->parts[message->partition];
		if (!part->is_open)
			continue;
		if (message->arrival == WEIR_ARRIVAL_END || message->offset >= part->end)
		{
			reach(reader, part, message->offset);
			continue;
		}
		reach(reader, part, message->offset + 1);
		return message;
	}
	return NULL;
}

const WeirMessage *
weir_reader_next(WeirReader *reader)
{
	const WeirMessage *message;

	while ((message = next_of_batch(reader)) == NULL && reader->open_count > 0)
	{
		CHECK_FOR_INTERRUPTS();
		wait_for_batch(reader);
	}
	return message;
}

const WeirMessage *
weir_reader_next_until(WeirReader *reader, TimestampTz until)
{
	const WeirMessage *message;
	int wait_ms = 5;

	while ((message = next_of_batch(reader)) == NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (!take_batch(reader) && wait_for_work(reader, until, &wait_ms) == 0)
			break;
	}
	return message;
}
