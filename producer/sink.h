/* SPDX-License-Identifier: PostgreSQL
 *
 * Where messages go: topics of Kafka, or stdout.
 *
 * One thread. librdkafka's callbacks run inside of these functions.
 */
#ifndef PRODUCER_SINK_H
#define PRODUCER_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "report.h"

#define ANY_PARTITION (-1)

typedef struct Sink Sink;

typedef struct Message
{
	int topic; /* place in the list given to sink_open() */
	int32_t partition;
	const char *key; /* NULL: none */
	size_t key_len;
	const char *value;
	size_t len;
} Message;

/*
 * Waits for a broker, and makes topics if that is asked for. A topic that is not there, or no broker in
 * time, ends the program. The caller keeps topics[].
 */
Sink *sink_open(const Settings *settings, Report *report, const char *const *topics, int ntopics);

int sink_partitions(const Sink *sink, int topic);
/* Result: the offset that the next message there gets, if nobody else writes. */
int64_t sink_end(Sink *sink, int topic, int32_t partition);

/* Copies the message. Blocks while the local queue is full. */
void sink_send(Sink *sink, const Message *message);
/* A poll is over: with transactions, commits. */
void sink_end_unit(Sink *sink);
/* Waits until this monotonic time, or a signal, and serves callbacks meanwhile; the past serves once. */
void sink_serve(Sink *sink, int64_t until_us);
/* Result: false once a signal has asked for the end, or nothing can be sent any more. */
bool sink_goes_on(const Sink *sink);

/* Waits for deliveries, as long as a signal allows. */
void sink_close(Sink *sink);

#endif
