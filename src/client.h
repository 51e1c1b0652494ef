/* SPDX-License-Identifier: PostgreSQL
 *
 * A librdkafka handle inside a PostgreSQL process: lives as long as its memory context, waits on
 * the latch, and turns troubles into PostgreSQL errors with hints.
 */
#ifndef WEIR_CLIENT_H
#define WEIR_CLIENT_H

#include "postgres.h"

#include "stream.h"

typedef struct WeirClient WeirClient;

/* Opens a handle in the current memory context; it closes with that context, on errors too. */
extern WeirClient *weir_client_open(const WeirStream *stream, WeirScope side);

extern WeirKafka *weir_client_kafka(const WeirClient *client);

/* Waits until there is something to do, at most that long; interrupts are served at once. */
extern void weir_client_wait(WeirClient *client, int timeout_ms);

/* Serves librdkafka without waiting, and passes its log lines on. */
extern void weir_client_serve(WeirClient *client);

/* Partitions and offset ranges of the stream's topic, or an error.
 * Result: in the current memory context. */
extern WeirTopic *weir_client_describe(WeirClient *client);
/* With where each partition is at a time, in ms since 1970. */
extern WeirTopic *weir_client_describe_at(WeirClient *client, int64 time_ms);

/* The same, but partitions without a leader do not keep the others from being told.
 * Result: in the current memory context; WeirRange says which are known. */
extern WeirTopic *weir_client_survey(WeirClient *client);

/* All topics of the server. Result: in the current memory context. */
extern WeirList *weir_client_list(WeirClient *client, bool with_ends);

/* Raises the error that a fault stands for. `doing` says at what: "reading partition 3 at offset
 * 17"; NULL when there is nothing to say. */
extern void weir_client_fail(const WeirClient *client, const WeirFault *fault, const char *doing)
	__attribute__((noreturn));

/* Raises the error of a wait that was too long, with librdkafka's last word on why. */
extern void weir_client_time_out(const WeirClient *client, const char *doing)
	__attribute__((noreturn));

#endif
