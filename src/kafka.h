/* SPDX-License-Identifier: PostgreSQL
 *
 * librdkafka's one home: handles, messages, background jobs.
 *
 * Two kinds of threads meet here, so kafka.c uses no PostgreSQL symbol, and memory that a thread may
 * see is malloc'ed. Everything that can block runs as a job on a thread of its own; the caller waits
 * on the file descriptor (client.c does, beside its latch) and may walk away at any time.
 *
 * Whoever holds a WeirKafka calls weir_kafka_close() once, on every path; it never blocks.
 */
#ifndef WEIR_KAFKA_H
#define WEIR_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct WeirKafka WeirKafka; /* a consumer or a producer */

/* Which kind of handle. */
typedef enum WeirScope
{
	WEIR_SCOPE_BOTH,
	WEIR_SCOPE_CONSUMER,
	WEIR_SCOPE_PRODUCER
} WeirScope;

typedef struct WeirProperty
{
	const char *name; /* librdkafka's own: "bootstrap.servers" */
	const char *value;
	WeirScope scope; /* the handles that take it */
} WeirProperty;

/* What kind of trouble it is: decides SQLSTATE and hint. */
typedef enum WeirTrouble
{
	WEIR_TROUBLE_NONE = 0,
	WEIR_TROUBLE_OTHER,
	WEIR_TROUBLE_CONFIG,      /* librdkafka refuses a property */
	WEIR_TROUBLE_UNREACHABLE, /* no broker takes the connection; may work later */
	/* mistakes in a configuration, down to AUTHORIZATION: kafka.c goes by this range */
	WEIR_TROUBLE_RESOLVE,       /* a bootstrap name does not resolve */
	WEIR_TROUBLE_ADVERTISED,    /* the broker answers, but the name it advertises is of no use */
	WEIR_TROUBLE_TLS,           /* TLS hand-shake fails */
	WEIR_TROUBLE_TLS_TO_PLAIN,  /* we speak TLS, the port does not */
	WEIR_TROUBLE_PLAIN_TO_TLS,  /* the port wants TLS, we speak plain text */
	WEIR_TROUBLE_PLAIN_TO_SASL, /* the port wants a log-in, we have none */
	WEIR_TROUBLE_AUTHENTICATION,
	WEIR_TROUBLE_AUTHORIZATION,
	WEIR_TROUBLE_NO_TOPIC,
	WEIR_TROUBLE_NO_PARTITION,
	WEIR_TROUBLE_NO_LEADER,
	WEIR_TROUBLE_OUT_OF_RANGE, /* the data at the offset are deleted, or not yet written */
	WEIR_TROUBLE_TIMEOUT,
	WEIR_TROUBLE_TOO_LARGE, /* a message larger than the broker takes */
	WEIR_TROUBLE_FENCED     /* idempotent producer: fatal, a new handle is needed */
} WeirTrouble;

/* Does librdkafka try again by itself? */
extern bool weir_trouble_is_passing(WeirTrouble trouble);

typedef struct WeirFault
{
	WeirTrouble trouble;
	char text[480]; /* librdkafka's own words */
} WeirFault;

typedef struct WeirRange
{
	int32_t partition;
	bool has_leader;   /* a survey: without one, or without its answer, */
	bool is_known;     /* the offsets below are not known */
	int64_t low;       /* oldest offset that is there */
	int64_t stable;    /* last stable offset: everything below is committed or aborted */
	int64_t at;        /* where a time was asked for: the first message of that time or later; the
					  * stable end, if there is none */
	int64_t newest_ms; /* a list: timestamp of the last message; -1: there is none */
} WeirRange;

typedef enum WeirTimestampType
{
	WEIR_TIMESTAMP_NONE,
	WEIR_TIMESTAMP_CREATE,
	WEIR_TIMESTAMP_APPEND
} WeirTimestampType;

typedef struct WeirHeader
{
	const char *name;
	const char *value; /* NULL is a null header */
	size_t value_len;
} WeirHeader;

/* One message of a batch, or a note about a partition. Pointers live until weir_kafka_release(). */
typedef enum WeirArrival
{
	WEIR_ARRIVAL_MESSAGE,
	WEIR_ARRIVAL_END, /* nothing more at present: `offset` is the next one */
	WEIR_ARRIVAL_FAULT /* of one partition, or of the handle (partition -1): see weir_kafka_fault() */
} WeirArrival;

typedef struct WeirMessage
{
	WeirArrival arrival;
	int32_t partition;
	int64_t offset;
	const char *payload; /* NULL: a tombstone */
	size_t payload_len;
	const char *key; /* NULL: none */
	size_t key_len;
	int64_t timestamp_ms;
	WeirTimestampType timestamp_type;
	const void *origin; /* librdkafka's message, for weir_message_header(); NULL: it was made up */
} WeirMessage;

static inline int64_t
weir_message_timestamp_ms(const WeirMessage *message, WeirTimestampType *type)
{
	*type = message->timestamp_type;
	return message->timestamp_ms;
}

/* Result: header number `i`, or false when there is none. */
extern bool weir_message_header(const WeirMessage *message, size_t i, WeirHeader *header);

/* What a topic looks like; the answer of a describe job. */
typedef struct WeirTopic
{
	int partition_count;
	WeirRange *ranges; /* by partition number; NULL for a producer */
	int near_count;
	char **near_topics; /* when there is no such topic: all names that the broker tells */
} WeirTopic;

/* One of all topics; what a list job tells. */
typedef struct WeirListed
{
	char *name;
	int partition_count;
	WeirRange *ranges; /* by partition number; as after a survey, some may not be known */
} WeirListed;

typedef struct WeirList
{
	int count;
	WeirListed *topics; /* by name */
} WeirList;

typedef struct WeirJob WeirJob;

/* Opens a handle; reads nothing yet. librdkafka's complaints about properties are a CONFIG fault.
 * Result: NULL and *fault, or a handle. */
extern WeirKafka *weir_kafka_open(WeirScope side, const WeirProperty *properties,
								  int property_count, int timeout_ms, WeirFault *fault);

/* Gives the handle up: unsent messages are dropped, threads end in the background. Never blocks.
 * Frees a batch that was not released. */
extern void weir_kafka_close(WeirKafka *kafka);

/* Readable when weir_kafka_serve() has something to do or a job is done. */
extern int weir_kafka_fd(const WeirKafka *kafka);

/* Takes what librdkafka has to say (errors, logs, deliveries) into the handle. Never blocks. */
extern void weir_kafka_serve(WeirKafka *kafka);

/* Makes librdkafka's threads look now for work that they would else see within a second. */
extern void weir_kafka_wake(WeirKafka *kafka);

/* The newest trouble librdkafka told of; NONE when all is well. */
extern const WeirFault *weir_kafka_fault(const WeirKafka *kafka);

/* No broker can be reached, for a reason that waiting does not mend. */
extern bool weir_kafka_is_hopeless(const WeirKafka *kafka);

/* The oldest log line not yet taken, or NULL; severity as in syslog. */
extern const char *weir_kafka_log(WeirKafka *kafka, int *severity);

/* Asks for a topic's partitions and, for a consumer, their offset ranges; on a thread of its own.
 * A topic that the broker is about to create is waited for. */
extern WeirJob *weir_kafka_describe(WeirKafka *kafka, const char *topic, int timeout_ms,
									WeirFault *fault);
/* The same, and where each partition is at a time, in ms since 1970, by the records' timestamps. */
extern WeirJob *weir_kafka_describe_at(WeirKafka *kafka, const char *topic, int64_t time_ms,
									   int timeout_ms, WeirFault *fault);
/* The same for who asks again and again: a partition without a leader, or whose leader does not
 * answer, is marked so in its range and does not keep the others from being told. */
extern WeirJob *weir_kafka_survey(WeirKafka *kafka, const char *topic, int timeout_ms,
								  WeirFault *fault);
/* Asks for all topics that the user may see, with the ends of their partitions if `with_ends`. */
extern WeirJob *weir_kafka_list(WeirKafka *kafka, bool with_ends, int timeout_ms, WeirFault *fault);
extern bool weir_job_is_done(WeirJob *job);
/* After it is done. Result: NULL and *fault, or the answer, which lives as long as the job; *fault
 * may then be the trouble that a survey had with some partition. */
extern const WeirTopic *weir_job_topic(WeirJob *job, WeirFault *fault);
/* Likewise of a list job. */
extern const WeirList *weir_job_list(WeirJob *job, WeirFault *fault);
/* The names that the broker told when the topic was not found. */
extern const WeirTopic *weir_job_near(WeirJob *job);
/* Also before it is done: the thread then ends by itself. */
extern void weir_job_free(WeirJob *job);

/* Reading all partitions as one. Each is started once. */
extern bool weir_kafka_start(WeirKafka *kafka, const char *topic, int32_t partition, int64_t offset,
							 WeirFault *fault);
/* The next messages, at most `max` (<= WEIR_FETCH_MAX), without waiting; releases the batch before.
 * Result: how many; *messages lives until the next call, release or close. */
#define WEIR_FETCH_MAX 1000
extern int weir_kafka_fetch(WeirKafka *kafka, int max, const WeirMessage **messages);
extern void weir_kafka_release(WeirKafka *kafka);
/* What a message of arrival FAULT is about. */
extern void weir_message_fault(const WeirKafka *kafka, const WeirMessage *message,
							   WeirFault *fault);

/*
 * Reading each partition for itself, with a queue of its own that librdkafka fills up to its limits:
 * a partition that nobody fetches from stops by itself and costs no more than what is in its queue.
 * A handle is read either so or as one.
 */

/* Begins at an offset; a partition that was started is stopped before: then it may wait some
 * milliseconds for librdkafka's threads. At most `batch_max` messages come at once. */
extern bool weir_kafka_partition_start(WeirKafka *kafka, const char *topic, int32_t partition,
									   int64_t offset, int batch_max, WeirFault *fault);
extern void weir_kafka_partition_stop(WeirKafka *kafka, int32_t partition);
/* As weir_kafka_fetch(); *messages lives until the next call for the same partition. */
extern int weir_kafka_partition_fetch(WeirKafka *kafka, int32_t partition,
									  const WeirMessage **messages);
/* Is there something to fetch? */
extern bool weir_kafka_partition_has(const WeirKafka *kafka, int32_t partition);
/* The high watermark, which counts open transactions in, as the last fetch told; -1: none did. */
extern int64_t weir_kafka_partition_high(const WeirKafka *kafka, int32_t partition);
/* Before a wait: what was taken may have made room that librdkafka's threads do not see. */
extern void weir_kafka_rest(WeirKafka *kafka);

/* Writing. Copies key, payload and headers; partition -1: by key, as librdkafka's default partitioner does.
 * timestamp_ms 0: now.
 * Result: true; false with trouble TIMEOUT when the local queue is full: serve, wait, try again. */
extern bool weir_kafka_produce(WeirKafka *kafka, const char *topic, int32_t partition,
							   int64_t timestamp_ms, const char *key, size_t key_len,
							   const char *payload, size_t payload_len, const WeirHeader *headers,
							   size_t header_count, WeirFault *fault);
typedef struct WeirDelivery
{
	int64_t produced;
	int64_t delivered;
	int64_t failed;
	WeirFault first; /* of the failed ones */
} WeirDelivery;
extern const WeirDelivery *weir_kafka_delivery(const WeirKafka *kafka);

extern const char *weir_kafka_version(void);
extern int weir_kafka_version_number(void); /* 0xMMmmrrpp */

/* Consumer, with property group.id: commits offsets of all partitions to the group, some time from now. */
extern void weir_kafka_offer_offsets(WeirKafka *kafka, const int64_t *offsets, int count);

#endif
