/* SPDX-License-Identifier: PostgreSQL
 *
 * A librdkafka handle inside a PostgreSQL process.
 *
 * The handle is tied to a memory context by a reset callback, so that an error closes it like the
 * end of a query does. Waiting is always on the process's latch beside the handle's file
 * descriptor: a cancel acts at once, whatever the broker does.
 *
 * At the end of the process, librdkafka's threads must not meet the destructors of the libraries
 * they use. So from the first handle on, an exit by way of proc_exit() ends with _exit().
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "client.h"
#include "compat.h"

struct WeirClient
{
	WeirKafka *kafka; /* NULL once closed */
	const WeirStream *stream;
	MemoryContextCallback callback;
};

/*
 * The end of the process
 */

static int exit_code = 0;

static void
exit_note(int code, Datum arg)
{
	(void) arg;
	exit_code = code;
}

static void
exit_now(void)
{
	if (proc_exit_inprogress)
		_exit(exit_code);
}

/* Registered after librdkafka has brought its libraries up, so that it runs before theirs. */
static void
exit_prepare(void)
{
	static bool is_prepared = false;

	if (is_prepared)
		return;
	is_prepared = true;
	on_proc_exit(exit_note, (Datum) 0);
	if (atexit(exit_now) != 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not register with atexit")));
}

/*
 * Opening and closing
 */

static void
client_release(void *argument)
{
	WeirClient *client = argument;

	if (client->kafka == NULL)
		return;
	weir_kafka_close(client->kafka);
	client->kafka = NULL;
	ReleaseExternalFD();
}

WeirClient *
weir_client_open(const WeirStream *stream, WeirScope side)
{
	WeirClient *client = palloc0(sizeof(WeirClient));
	WeirFault fault;

	client->stream = stream;
	client->callback.func = client_release;
	client->callback.arg = client;
	if (!AcquireExternalFD())
		ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
						errmsg("could not open server \"%s\"", stream->server_name),
						errdetail("There are too many open files on the local server."),
						errhint("Raise the server's max_files_per_process or the system's limit of "
								"open files.")));
	client->kafka = weir_kafka_open(side, stream->properties, stream->property_count,
									stream->timeout_ms, &fault);
	if (client->kafka == NULL)
	{
		ReleaseExternalFD();
		weir_client_fail(client, &fault, NULL);
	}
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &client->callback);
	exit_prepare();
	return client;
}

WeirKafka *
weir_client_kafka(const WeirClient *client)
{
	return client->kafka;
}

/*
 * Waiting
 */

void
weir_client_serve(WeirClient *client)
{
	const char *line;
	int severity;

	weir_kafka_serve(client->kafka);
	while ((line = weir_kafka_log(client->kafka, &severity)) != NULL)
		ereport(DEBUG1, (errmsg_internal("librdkafka: %s", line)));
}

void
weir_client_wait(WeirClient *client, int timeout_ms)
{
	int events;

	events = WaitLatchOrSocket(MyLatch,
							   WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							   weir_kafka_fd(client->kafka), Max(timeout_ms, 0), weir_wait_event());
	if (events & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	weir_client_serve(client);
}

/*
 * Faults
 */

typedef struct Advice
{
	WeirTrouble trouble;
	int sqlstate;
	const char *message; /* %1$s: the server, %2$s: the topic; not without the server */
	const char *hint;
} Advice;

static const Advice advices[] = {
	{WEIR_TROUBLE_CONFIG, ERRCODE_INVALID_PARAMETER_VALUE,
	 "cannot use the options of server \"%1$s\"", NULL},
	{WEIR_TROUBLE_UNREACHABLE, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	 "could not connect to server \"%1$s\"",
	 "Check that a Kafka broker listens at the address in option bootstrap_servers, and that "
	 "security_protocol is the listener's."},
	{WEIR_TROUBLE_RESOLVE, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	 "could not connect to server \"%1$s\"",
	 "Check the host names in option bootstrap_servers: they must resolve on the database server."},
	{WEIR_TROUBLE_ADVERTISED, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	 "could not connect to a broker of server \"%1$s\"",
	 "A broker answers at bootstrap_servers, but advertises an address that does not work from the "
	 "database server: check advertised.listeners in the broker's configuration."},
	{WEIR_TROUBLE_TLS, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	 "could not make a TLS connection to server \"%1$s\"",
	 "Give the certificate authority that signed the broker's certificate in option ssl_ca_pem of "
	 "the user mapping; a broker that asks for a client certificate needs ssl_certificate_pem and "
	 "ssl_key_pem too."},
	{WEIR_TROUBLE_TLS_TO_PLAIN, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	 "could not make a TLS connection to server \"%1$s\"",
	 "The port speaks no TLS: use the broker's TLS port, or set security_protocol to 'plaintext' "
	 "or 'sasl_plaintext'."},
	{WEIR_TROUBLE_PLAIN_TO_TLS, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	 "could not connect to server \"%1$s\"",
	 "The port seems to speak TLS: set security_protocol to 'ssl' or 'sasl_ssl', or use the "
	 "broker's plain port."},
	{WEIR_TROUBLE_PLAIN_TO_SASL, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	 "could not connect to server \"%1$s\"",
	 "The port seems to want a log-in: set security_protocol to 'sasl_plaintext' or 'sasl_ssl', "
	 "set sasl_mechanism, and give user and password in the user mapping."},
	{WEIR_TROUBLE_AUTHENTICATION, ERRCODE_INVALID_PASSWORD, "could not log in to server \"%1$s\"",
	 "Check user and password in the user mapping, and the server's sasl_mechanism."},
	{WEIR_TROUBLE_AUTHORIZATION, ERRCODE_INSUFFICIENT_PRIVILEGE,
	 "permission denied for topic \"%2$s\" of server \"%1$s\"",
	 "The Kafka user of the user mapping needs an ACL for it: READ and DESCRIBE to select, WRITE "
	 "to insert."},
	{WEIR_TROUBLE_NO_TOPIC, ERRCODE_FDW_TABLE_NOT_FOUND,
	 "topic \"%2$s\" does not exist on server \"%1$s\"", NULL},
	{WEIR_TROUBLE_NO_PARTITION, ERRCODE_FDW_TABLE_NOT_FOUND,
	 "topic \"%2$s\" of server \"%1$s\" has no such partition", NULL},
	{WEIR_TROUBLE_NO_LEADER, ERRCODE_FDW_ERROR,
	 "topic \"%2$s\" of server \"%1$s\" has a partition without a leader",
	 "Its brokers are down or still electing one: try again."},
	{WEIR_TROUBLE_OUT_OF_RANGE, ERRCODE_FDW_ERROR,
	 "messages of topic \"%2$s\" of server \"%1$s\" were deleted while they were read",
	 "The topic's retention removed them, or the topic was made anew: try again."},
	{WEIR_TROUBLE_TIMEOUT, ERRCODE_FDW_ERROR, "timed out waiting for server \"%1$s\"",
	 "Option timeout of the server or the foreign table says how long to wait."},
	{WEIR_TROUBLE_TOO_LARGE, ERRCODE_FDW_ERROR,
	 "message for topic \"%2$s\" is too large for server \"%1$s\"",
	 "Raise max.message.bytes of the topic, and option message_max_bytes of the server."},
	{WEIR_TROUBLE_OTHER, ERRCODE_FDW_ERROR, "could not use topic \"%2$s\" of server \"%1$s\"",
	 NULL},
};

static const Advice *
advice_for(WeirTrouble trouble)
{
	for (int i = 0; i < (int) lengthof(advices); i++)
		if (advices[i].trouble == trouble)
			return &advices[i];
	return &advices[lengthof(advices) - 1];
}

/* Kafka from 3.8.1 on refuses what librdkafka before 2.6.1 sends, whatever the password. */
static bool
is_old_scram(const WeirStream *stream)
{
	for (int i = 0; i < stream->property_count; i++)
		if (strcmp(stream->properties[i].name, "sasl.mechanism") == 0 &&
			strncmp(stream->properties[i].value, "SCRAM", 5) == 0)
			return weir_kafka_version_number() < 0x02060100;
	return false;
}

static const char *
hint_of(const Advice *advice, const WeirStream *stream)
{
	if (advice->trouble == WEIR_TROUBLE_AUTHENTICATION && is_old_scram(stream))
		return psprintf(
			"Check user and password in the user mapping. SCRAM with librdkafka %s fails "
			"against Kafka 3.8.1 and newer whatever the password is: it needs librdkafka "
			"2.6.1, or sasl_mechanism 'PLAIN' over TLS.",
			weir_kafka_version());
	return advice->hint;
}

void
weir_client_fail(const WeirClient *client, const WeirFault *fault, const char *doing)
{
	const WeirStream *stream = client->stream;
	const Advice *advice = advice_for(fault->trouble);
	const char *hint = hint_of(advice, stream);
	char *text = pstrdup(fault->text); /* it may live in the handle, which an error closes */

	ereport(ERROR, (errcode(advice->sqlstate),
					errmsg_internal(advice->message, stream->server_name, stream->topic),
					doing ? errdetail("While %s: %s", doing, text) : errdetail_internal("%s", text),
					hint ? errhint("%s", hint) : 0));
	pg_unreachable();
}

void
weir_client_time_out(const WeirClient *client, const char *doing)
{
	const WeirFault *last = weir_kafka_fault(client->kafka);
	const Advice *advice =
		advice_for(last->trouble != WEIR_TROUBLE_NONE ? last->trouble : WEIR_TROUBLE_TIMEOUT);
	char *text = pstrdup(last->text);

	ereport(ERROR,
			(errcode(advice->sqlstate),
			 errmsg("timed out after %g s waiting for server \"%s\"",
					client->stream->timeout_ms / 1000.0, client->stream->server_name),
			 last->trouble != WEIR_TROUBLE_NONE ? errdetail("While %s: %s", doing, text)
												: errdetail("While %s.", doing),
			 errhint("%s", advice->hint ? advice->hint : advice_for(WEIR_TROUBLE_TIMEOUT)->hint)));
	pg_unreachable();
}

/*
 * Describing the topic
 */

static char *
nearest_name(const WeirTopic *topic, const char *wanted)
{
	const char *best = NULL;
	int best_distance = 1 + (int) strlen(wanted) / 2;

	for (int i = 0; i < topic->near_count; i++)
	{
		const char *name = topic->near_topics[i];
		int distance;

		if (strlen(name) > 249 || strlen(wanted) > 249)
			continue;
		distance =
			varstr_levenshtein_less_equal(name, (int) strlen(name), wanted, (int) strlen(wanted), 1,
										  1, 1, best_distance - 1, true);
		if (distance < best_distance)
		{
			best = name;
			best_distance = distance;
		}
	}
	return best ? pstrdup(best) : NULL;
}

static void
fail_no_topic(const WeirClient *client, WeirJob *job)
{
	const WeirStream *stream = client->stream;
	char *nearest = nearest_name(weir_job_near(job), stream->topic);

	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
		 errmsg("topic \"%s\" does not exist on server \"%s\"", stream->topic, stream->server_name),
		 nearest ? errhint("Perhaps you meant the topic \"%s\".", nearest)
				 : errhint("Create the topic, or check option topic of foreign table \"%s\".",
						   stream->name)));
}

static WeirTopic *
topic_copy(const WeirTopic *topic)
{
	WeirTopic *copy = palloc0(sizeof(WeirTopic));

	copy->partition_count = topic->partition_count;
	if (topic->ranges)
	{
		copy->ranges = palloc_array(WeirRange, topic->partition_count);
		memcpy(copy->ranges, topic->ranges, sizeof(WeirRange) * (size_t) topic->partition_count);
	}
	return copy;
}

#define JOB_GRACE_MS 1000

static void
wait_for_job(WeirClient *client, WeirJob *job, const char *doing)
{
	TimestampTz deadline;

	/* The job keeps its own time and has more to say; but librdkafka 2.0 may not come back to it
	 * while a partition has no leader. */
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
										   client->stream->timeout_ms + JOB_GRACE_MS);
	/* A request for a broker that has no connection yet waits until that broker's thread looks. */
	for (int wait_ms = 5; !weir_job_is_done(job); wait_ms = Min(wait_ms * 2, JOB_GRACE_MS))
	{
		weir_client_wait(client, wait_ms);
		weir_kafka_wake(client->kafka);
		if (GetCurrentTimestamp() >= deadline)
			weir_client_time_out(client, doing);
		if (weir_kafka_is_hopeless(client->kafka))
			weir_client_fail(client, weir_kafka_fault(client->kafka), NULL);
	}
}

static _Noreturn void
fail_job(WeirClient *client, WeirJob *job, const WeirFault *fault, const char *doing)
{
	weir_client_serve(client);
	if (fault->trouble == WEIR_TROUBLE_NO_TOPIC)
		fail_no_topic(client, job);
	if (fault->trouble == WEIR_TROUBLE_TIMEOUT || fault->trouble == WEIR_TROUBLE_UNREACHABLE)
		weir_client_time_out(client, doing);
	weir_client_fail(client, fault, NULL);
}

static void *
topic_answer(WeirClient *client, WeirJob *job)
{
	char *doing = psprintf("asking for the partitions of topic \"%s\"", client->stream->topic);
	const WeirTopic *topic;
	WeirFault fault;

	wait_for_job(client, job, doing);
	topic = weir_job_topic(job, &fault);
	if (topic == NULL)
		fail_job(client, job, &fault, doing);
	return topic_copy(topic);
}

static WeirList *
listed_copy(const WeirList *list)
{
	WeirList *copy = palloc_object(WeirList);

	copy->count = list->count;
	copy->topics = palloc_array(WeirListed, list->count + 1);
	for (int i = 0; i < list->count; i++)
	{
		const WeirListed *topic = &list->topics[i];
		Size size = sizeof(WeirRange) * (Size) topic->partition_count;

		copy->topics[i] = *topic;
		copy->topics[i].name = pstrdup(topic->name);
		copy->topics[i].ranges = memcpy(palloc(size + 1), topic->ranges, size);
	}
	return copy;
}

static void *
list_answer(WeirClient *client, WeirJob *job)
{
	const char *doing = "asking for the topics";
	const WeirList *list;
	WeirFault fault;

	wait_for_job(client, job, doing);
	list = weir_job_list(job, &fault);
	if (list == NULL)
		fail_job(client, job, &fault, doing);
	return listed_copy(list);
}

/* Frees the job, whatever comes of it. */
static void *
answer_of(WeirClient *client, WeirJob *job, const WeirFault *fault,
		  void *(*answer)(WeirClient *client, WeirJob *job))
{
	void *volatile result = NULL;

	if (job == NULL)
		weir_client_fail(client, fault, NULL);
	PG_TRY();
	{
		result = answer(client, job);
	}
	PG_FINALLY();
	{
		weir_job_free(job);
	}
	PG_END_TRY();
	return result;
}

WeirTopic *
weir_client_describe(WeirClient *client)
{
	const WeirStream *stream = client->stream;
	WeirFault fault;
	WeirJob *job = weir_kafka_describe(client->kafka, stream->topic, stream->timeout_ms, &fault);

	return answer_of(client, job, &fault, topic_answer);
}

WeirTopic *
weir_client_describe_at(WeirClient *client, int64 time_ms)
{
	const WeirStream *stream = client->stream;
	WeirFault fault;
	WeirJob *job =
		weir_kafka_describe_at(client->kafka, stream->topic, time_ms, stream->timeout_ms, &fault);

	return answer_of(client, job, &fault, topic_answer);
}

WeirTopic *
weir_client_survey(WeirClient *client)
{
	const WeirStream *stream = client->stream;
	WeirFault fault;
	WeirJob *job = weir_kafka_survey(client->kafka, stream->topic, stream->timeout_ms, &fault);

	return answer_of(client, job, &fault, topic_answer);
}

WeirList *
weir_client_list(WeirClient *client, bool with_ends)
{
	WeirFault fault;
	WeirJob *job = weir_kafka_list(client->kafka, with_ends, client->stream->timeout_ms, &fault);

	return answer_of(client, job, &fault, list_answer);
}
