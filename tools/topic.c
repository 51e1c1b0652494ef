/* SPDX-License-Identifier: PostgreSQL
 *
 * weir-topic: a Kafka client for tests.
 *
 * Tests need exact messages (a null key, a header twice, an aborted transaction) and exact answers
 * (ends of a partition, every message in order); the usual command-line clients give neither on both
 * of our brokers. Everything waits until it is true on the broker, so that a test need not.
 *
 * Not here: joining consumer groups. On the embedded broker topics are created by weir-broker itself, and
 * transactions hide nothing.
 */
#define _GNU_SOURCE
#include <librdkafka/rdkafka.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROPERTIES 64
#define MAX_HEADERS 64
#define MAX_PRODUCERS 16
#define NAME_BYTES 64
#define FROM_THE_BEGINNING (INT64_MIN / 2) /* an offset: before the end by more than there is */

typedef struct Pair
{
	const char *name;
	const char *value; /* NULL is a header's null */
} Pair;

typedef struct Settings
{
	const char *bootstrap;
	Pair properties[MAX_PROPERTIES];
	int nproperties;
	int timeout_ms;

	int32_t partition; /* RD_KAFKA_PARTITION_UA: any, or all */
	const char *key;
	const char *key_separator;
	int64_t timestamp_ms; /* 0: now */
	Pair headers[MAX_HEADERS];
	int nheaders;
	const char *codec;
	bool is_null;
	bool is_binary;

	int64_t offset; /* below 0: so many before the end */
	int64_t limit;  /* messages, -1: all */
	bool is_json;
	bool is_uncommitted;

	const char *transactional_id;
	int64_t symbols;
	uint64_t seed;
	int64_t rate; /* messages a second, 0: as many as the broker takes */
} Settings;

typedef struct Command
{
	const char *name;
	const char *usage;
	const char *options; /* letters of the table in settings_parse() that mean something here */
	int min_words;
	int max_words;
	void (*run)(const Settings *settings, char **words, int nwords);
} Command;

static rd_kafka_t *handle; /* the one at work, to be asked what went wrong */
static char last_error[512];
static int64_t undelivered;

/*
 * Result: never. Adds what librdkafka said last, which waits in its queue. _exit, for its threads are
 * still running.
 */
static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (handle != NULL)
		rd_kafka_poll(handle, 0);
	fflush(stdout);
	fputs("weir-topic: ", stderr);
	vfprintf(stderr, format, args);
	if (last_error[0] != '\0')
		fprintf(stderr, " (%s)", last_error);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

static int64_t
number_parse(const char *word, const char *what, int64_t min, int64_t max)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(word, &end, 10);
	if (errno != 0 || end == word || *end != '\0' || value < min || value > max)
		die("%s is a number from %" PRId64 " to %" PRId64 ", not \"%s\"", what, min, max, word);
	return value;
}

static int64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------------------------------------
 * Handles
 */

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	(void) rk;
	(void) err;
	(void) opaque;
	snprintf(last_error, sizeof(last_error), "%s", reason);
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void) rk;
	(void) opaque;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	undelivered++;
	snprintf(last_error, sizeof(last_error), "%s", rd_kafka_err2str(message->err));
}

static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void) rk;
	(void) level;
	(void) facility;
	(void) text;
}

static void
property_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[512];

	if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
		die("%s", text);
}

/* The caller's own properties come last, so that -X wins. */
static rd_kafka_t *
handle_open(const Settings *settings, rd_kafka_type_t type, const Pair *defaults)
{
	char text[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bool is_debugging = false;

	if (settings->bootstrap == NULL)
		die("no broker: give -b or set WEIR_BOOTSTRAP");
	property_set(conf, "bootstrap.servers", settings->bootstrap);
	property_set(conf, "reconnect.backoff.max.ms", "200");
	for (const Pair *pair = defaults; pair->name != NULL; pair++)
		property_set(conf, pair->name, pair->value);
	for (int i = 0; i < settings->nproperties; i++)
	{
		property_set(conf, settings->properties[i].name, settings->properties[i].value);
		is_debugging |= strcmp(settings->properties[i].name, "debug") == 0;
	}
	if (!is_debugging)
		rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	if (type == RD_KAFKA_PRODUCER)
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	handle = rd_kafka_new(type, conf, text, sizeof(text));
	if (handle == NULL)
		die("%s", text);
	return handle;
}

/* Reads and administers. A consumer's metadata requests create no topic. */
static rd_kafka_t *
reader_open(const Settings *settings, bool is_committed)
{
	const Pair defaults[] = {
		{"enable.auto.commit", "false"},
		{"enable.partition.eof", "true"},
		{"auto.offset.reset", "error"},
		{"allow.auto.create.topics", "false"},
		{"fetch.wait.max.ms", "10"}, /* the embedded broker waits all of it */
		{"isolation.level", is_committed ? "read_committed" : "read_uncommitted"},
		{NULL, NULL},
	};

	return handle_open(settings, RD_KAFKA_CONSUMER, defaults);
}

static void
reader_close(rd_kafka_t *rk)
{
	handle = NULL;
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static rd_kafka_t *
writer_open(const Settings *settings, const char *linger_ms, const char *transactional_id)
{
	char timeout_ms[16];
	const Pair defaults[] = {
		{"enable.idempotence", "true"},
		{"linger.ms", linger_ms},
		{"batch.size", "262144"},
		{"queue.buffering.max.messages", "300000"},
		{"queue.buffering.max.kbytes", "262144"},
		{"message.timeout.ms", timeout_ms},
		{"compression.codec", settings->codec != NULL ? settings->codec : "none"},
		{transactional_id != NULL ? "transactional.id" : NULL, transactional_id},
		{NULL, NULL},
	};

	snprintf(timeout_ms, sizeof(timeout_ms), "%d", settings->timeout_ms);
	return handle_open(settings, RD_KAFKA_PRODUCER, defaults);
}

/* Waits until the broker has everything. Result: whether it took everything. */
static bool
writer_flush(const Settings *settings, rd_kafka_t *rk)
{
	return rd_kafka_flush(rk, settings->timeout_ms + 5000) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		   undelivered == 0;
}

static void
writer_close(const Settings *settings, rd_kafka_t *rk)
{
	if (!writer_flush(settings, rk))
		die("%" PRId64 " messages were not delivered", undelivered + rd_kafka_outq_len(rk));
	rd_kafka_destroy(rk);
}

/*
 * Result: the number of partitions; -1 while the topic is unknown, or a partition has no leader.
 *
 * Asks for all topics: to be asked for one by its name makes the embedded broker create it.
 */
static int
partitions_look(const Settings *settings, rd_kafka_t *rk, const char *topic,
				rd_kafka_resp_err_t *err)
{
	const rd_kafka_metadata_t *metadata;
	int count = -1;

	*err = rd_kafka_metadata(rk, 1, NULL, &metadata, settings->timeout_ms);
	if (*err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return -1;
	*err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	for (int i = 0; i < metadata->topic_cnt; i++)
	{
		const rd_kafka_metadata_topic_t *found = &metadata->topics[i];

		if (strcmp(found->topic, topic) != 0)
			continue;
		*err = found->err;
		count = found->partition_cnt > 0 ? found->partition_cnt : -1;
		for (int j = 0; j < found->partition_cnt; j++)
			count = found->partitions[j].leader < 0 ? -1 : count;
	}
	rd_kafka_metadata_destroy(metadata);
	return count;
}

static int
partitions_count(const Settings *settings, rd_kafka_t *rk, const char *topic)
{
	rd_kafka_resp_err_t err;
	int count = partitions_look(settings, rk, topic, &err);

	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("topic \"%s\": %s", topic, rd_kafka_err2str(err));
	if (count < 0)
		die("topic \"%s\": a partition has no leader", topic);
	return count;
}

/* A creation is done in the controller first and seen here later. wanted -1: until it is gone. */
static void
partitions_await(const Settings *settings, rd_kafka_t *rk, const char *topic, int wanted)
{
	int64_t deadline = clock_ms() + settings->timeout_ms;
	rd_kafka_resp_err_t err;

	while (partitions_look(settings, rk, topic, &err) != wanted)
	{
		if (clock_ms() > deadline)
			die("topic \"%s\" did not become what was asked: %s", topic, rd_kafka_err2str(err));
		usleep(20000);
	}
}

/* ------------------------------------------------------------------------------------------------
 * create, delete, delete-records
 */

/* The embedded broker names one that is not there, and a request would wait for it. */
static bool
has_controller(const Settings *settings, rd_kafka_t *rk)
{
	const rd_kafka_metadata_t *metadata;
	rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 1, NULL, &metadata, settings->timeout_ms);
	int32_t id = rd_kafka_controllerid(rk, 0);
	bool is_there = false;

	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("%s", rd_kafka_err2str(err));
	for (int i = 0; i < metadata->broker_cnt; i++)
		is_there |= metadata->brokers[i].id == id;
	rd_kafka_metadata_destroy(metadata);
	return is_there;
}

static rd_kafka_AdminOptions_t *
admin_options(const Settings *settings, rd_kafka_t *rk, rd_kafka_admin_op_t operation)
{
	char text[512];
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, operation);

	if (!has_controller(settings, rk))
		die("this broker cannot do that; on the embedded one, weir-broker creates topics");
	if (rd_kafka_AdminOptions_set_request_timeout(options, settings->timeout_ms, text,
												  sizeof(text)) != RD_KAFKA_RESP_ERR_NO_ERROR ||
		rd_kafka_AdminOptions_set_operation_timeout(options, settings->timeout_ms, text,
													sizeof(text)) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("%s", text);
	return options;
}

static rd_kafka_event_t *
admin_result(rd_kafka_queue_t *queue, rd_kafka_AdminOptions_t *options)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, -1);

	if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
		die("this broker cannot do that; on the embedded one topics are made by weir-broker "
			"--topic, "
			"or its command \"topic\"");
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("%s", rd_kafka_event_error_string(event));
	rd_kafka_AdminOptions_destroy(options);
	return event;
}

static void
topic_result_check(const rd_kafka_topic_result_t *result)
{
	const char *text = rd_kafka_topic_result_error_string(result);
	rd_kafka_resp_err_t err = rd_kafka_topic_result_error(result);

	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("topic \"%s\": %s", rd_kafka_topic_result_name(result),
			text != NULL ? text : rd_kafka_err2str(err));
}

static void
run_create(const Settings *settings, char **words, int nwords)
{
	char text[512];
	int npartitions = (int) number_parse(words[1], "PARTITIONS", 1, 10000);
	rd_kafka_t *rk = reader_open(settings, true);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_AdminOptions_t *options = admin_options(settings, rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_NewTopic_t *topic =
		rd_kafka_NewTopic_new(words[0], npartitions, 1, text, sizeof(text));
	rd_kafka_event_t *event;
	size_t count;

	if (topic == NULL)
		die("%s", text);
	for (int i = 2; i < nwords; i++)
	{
		char *equals = strchr(words[i], '=');

		if (equals == NULL)
			die("a topic's configuration is NAME=VALUE, not \"%s\"", words[i]);
		*equals = '\0';
		rd_kafka_NewTopic_set_config(topic, words[i], equals + 1);
	}
	rd_kafka_CreateTopics(rk, &topic, 1, options, queue);
	event = admin_result(queue, options);
	topic_result_check(
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)[0]);
	rd_kafka_event_destroy(event);
	partitions_await(settings, rk, words[0], npartitions);
	rd_kafka_NewTopic_destroy(topic);
	rd_kafka_queue_destroy(queue);
	reader_close(rk);
}

static void
run_delete(const Settings *settings, char **words, int nwords)
{
	rd_kafka_t *rk = reader_open(settings, true);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_AdminOptions_t *options = admin_options(settings, rk, RD_KAFKA_ADMIN_OP_DELETETOPICS);
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(words[0]);
	rd_kafka_event_t *event;
	size_t count;

	(void) nwords;
	rd_kafka_DeleteTopics(rk, &topic, 1, options, queue);
	event = admin_result(queue, options);
	topic_result_check(
		rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)[0]);
	rd_kafka_event_destroy(event);
	partitions_await(settings, rk, words[0], -1);
	rd_kafka_DeleteTopic_destroy(topic);
	rd_kafka_queue_destroy(queue);
	reader_close(rk);
}

/* Deletes what stands before OFFSET; -1 is the end. */
static void
run_delete_records(const Settings *settings, char **words, int nwords)
{
	rd_kafka_t *rk = reader_open(settings, true);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_AdminOptions_t *options = admin_options(settings, rk, RD_KAFKA_ADMIN_OP_DELETERECORDS);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	const rd_kafka_topic_partition_list_t *results;
	rd_kafka_DeleteRecords_t *request;
	rd_kafka_event_t *event;

	(void) nwords;
	rd_kafka_topic_partition_list_add(list, words[0],
									  (int32_t) number_parse(words[1], "PARTITION", 0, INT32_MAX))
		->offset = number_parse(words[2], "OFFSET", -1, INT64_MAX);
	request = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(rk, &request, 1, options, queue);
	event = admin_result(queue, options);
	results = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
	if (results->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("partition %s of topic \"%s\": %s", words[1], words[0],
			rd_kafka_err2str(results->elems[0].err));
	rd_kafka_event_destroy(event);
	rd_kafka_DeleteRecords_destroy(request);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_queue_destroy(queue);
	reader_close(rk);
}

/* ------------------------------------------------------------------------------------------------
 * offsets, consume
 */

static void
on_alarm(int signo)
{
	static const char text[] = "weir-topic: no answer from the leader of a partition\n";

	(void) signo;
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? 2 : 1);
}

/* The alarm: librdkafka 2.0 waits for a leader that is down for ever, whatever the time-out. */
static int64_t
offset_high(const Settings *settings, rd_kafka_t *rk, const char *topic, int32_t partition,
			int64_t *low)
{
	int64_t high;
	rd_kafka_resp_err_t err;

	handle = rk;
	signal(SIGALRM, on_alarm);
	alarm((unsigned int) settings->timeout_ms / 1000 + 1);
	err = rd_kafka_query_watermark_offsets(rk, topic, partition, low, &high, settings->timeout_ms);
	alarm(0);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("partition %d of topic \"%s\": %s", partition, topic, rd_kafka_err2str(err));
	return high;
}

/* The isolation level of a handle decides which end it is told. */
static void
run_offsets(const Settings *settings, char **words, int nwords)
{
	rd_kafka_t *all = reader_open(settings, false);
	rd_kafka_t *committed = reader_open(settings, true);
	int npartitions = partitions_count(settings, all, words[0]);

	(void) nwords;
	for (int32_t partition = 0; partition < npartitions; partition++)
	{
		int64_t low;
		int64_t high = offset_high(settings, all, words[0], partition, &low);
		int64_t stable = offset_high(settings, committed, words[0], partition, &low);

		printf("%d %" PRId64 " %" PRId64 " %" PRId64 "\n", partition, low, high, stable);
	}
	reader_close(all);
	reader_close(committed);
}

/* The group is property group.id. */
static void
run_committed(const Settings *settings, char **words, int nwords)
{
	rd_kafka_t *rk = reader_open(settings, true);
	int npartitions = partitions_count(settings, rk, words[0]);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(npartitions);
	rd_kafka_resp_err_t err;

	(void) nwords;
	rd_kafka_topic_partition_list_add_range(list, words[0], 0, npartitions - 1);
	err = rd_kafka_committed(rk, list, settings->timeout_ms);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("offsets of the group: %s", rd_kafka_err2str(err));
	for (int i = 0; i < list->cnt; i++)
		if (list->elems[i].offset >= 0)
			printf("%d %" PRId64 "\n", list->elems[i].partition, list->elems[i].offset);
	rd_kafka_topic_partition_list_destroy(list);
	reader_close(rk);
}

static void
json_string_print(const void *data, size_t length)
{
	const unsigned char *bytes = data;

	if (bytes == NULL)
	{
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (size_t i = 0; i < length; i++)
	{
		if (bytes[i] == '"' || bytes[i] == '\\')
			printf("\\%c", bytes[i]);
		else if (bytes[i] < 0x20)
			printf("\\u%04x", bytes[i]);
		else
			putchar(bytes[i]);
	}
	putchar('"');
}

static void
json_message_print(const rd_kafka_message_t *message)
{
	rd_kafka_headers_t *headers;

	printf("{\"partition\": %d, \"offset\": %" PRId64 ", \"timestamp\": %" PRId64 ", \"key\": ",
		   message->partition, message->offset, rd_kafka_message_timestamp(message, NULL));
	json_string_print(message->key, message->key_len);
	printf(", \"value\": ");
	json_string_print(message->payload, message->len);
	printf(", \"headers\": [");
	if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		const char *name;
		const void *value;
		size_t length;

		for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &length) ==
						   RD_KAFKA_RESP_ERR_NO_ERROR;
			 i++)
		{
			printf(i == 0 ? "[" : ", [");
			json_string_print(name, strlen(name));
			printf(", ");
			json_string_print(value, length);
			printf("]");
		}
	}
	printf("]}\n");
}

static void
message_print(const Settings *settings, const rd_kafka_message_t *message)
{
	if (settings->is_json)
	{
		json_message_print(message);
		return;
	}
	if (message->len > 0)
		fwrite(message->payload, 1, message->len, stdout);
	putchar('\n');
}

/* A true offset: librdkafka may wait half a second before it looks up what BEGINNING is. */
static int64_t
offset_first(const Settings *settings, rd_kafka_t *rk, const char *topic, int32_t partition)
{
	int64_t low;
	int64_t high = offset_high(settings, rk, topic, partition, &low);

	if (settings->offset >= 0)
		return settings->offset;
	return high + settings->offset > low ? high + settings->offset : low;
}

/* Prints a partition from an offset to its end. Result: how many. */
static int64_t
partition_print(const Settings *settings, rd_kafka_topic_t *topic, int32_t partition,
				int64_t offset, int64_t limit)
{
	int64_t deadline = clock_ms() + settings->timeout_ms;
	int64_t count = 0;
	bool is_end = false;

	if (rd_kafka_consume_start(topic, partition, offset) != 0)
		die("partition %d: %s", partition, rd_kafka_err2str(rd_kafka_last_error()));
	while (!is_end && count != limit)
	{
		rd_kafka_message_t *message = rd_kafka_consume(topic, partition, 100);

		if (message == NULL)
		{
			if (clock_ms() > deadline)
				die("no answer for partition %d", partition);
			continue;
		}
		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			is_end = true;
		else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
			die("partition %d: %s", partition, rd_kafka_message_errstr(message));
		else
		{
			message_print(settings, message);
			count++;
			deadline = clock_ms() + settings->timeout_ms;
		}
		rd_kafka_message_destroy(message);
	}
	rd_kafka_consume_stop(topic, partition);
	return count;
}

/* One partition after the other, so that the output is the same each time. */
static void
run_consume(const Settings *settings, char **words, int nwords)
{
	rd_kafka_t *rk = reader_open(settings, !settings->is_uncommitted);
	int npartitions = partitions_count(settings, rk, words[0]);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, words[0], NULL);
	int64_t left = settings->limit;

	(void) nwords;
	if (settings->partition >= npartitions)
		die("topic \"%s\" has no partition %d", words[0], settings->partition);
	for (int32_t partition = 0; partition < npartitions && left != 0; partition++)
	{
		if (settings->partition == RD_KAFKA_PARTITION_UA || settings->partition == partition)
		{
			int64_t offset = offset_first(settings, rk, words[0], partition);
			int64_t count = partition_print(settings, topic, partition, offset, left);

			left -= left > 0 ? count : 0;
		}
	}
	rd_kafka_topic_destroy(topic);
	reader_close(rk);
}

/* ------------------------------------------------------------------------------------------------
 * produce
 */

static rd_kafka_headers_t *
headers_copy(const Settings *settings)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new((size_t) settings->nheaders);

	for (int i = 0; i < settings->nheaders; i++)
		rd_kafka_header_add(headers, settings->headers[i].name, -1, settings->headers[i].value, -1);
	return headers;
}

/* A value of NULL is a tombstone. */
static void
message_send(const Settings *settings, rd_kafka_t *rk, const char *topic, const char *key,
			 size_t key_length, const char *value, size_t length)
{
	rd_kafka_resp_err_t err;
	rd_kafka_headers_t *headers = settings->nheaders > 0 ? headers_copy(settings) : NULL;

	for (;;)
	{
		err = rd_kafka_producev(
			rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(settings->partition),
			RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_length),
			RD_KAFKA_V_VALUE((void *) value, length), RD_KAFKA_V_TIMESTAMP(settings->timestamp_ms),
			RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
		if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			break;
		rd_kafka_poll(rk, 100);
	}
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("topic \"%s\": %s", topic, rd_kafka_err2str(err));
	rd_kafka_poll(rk, 0);
}

static void
line_send(const Settings *settings, rd_kafka_t *rk, const char *topic, const char *line,
		  size_t length)
{
	const char *key = settings->key;
	size_t key_length = key != NULL ? strlen(key) : 0;

	if (settings->key_separator != NULL)
	{
		const char *separator = strstr(line, settings->key_separator);

		if (separator == NULL)
			die("no \"%s\" between key and value in \"%s\"", settings->key_separator, line);
		key = line;
		key_length = (size_t) (separator - line);
		line = separator + strlen(settings->key_separator);
		length -= (size_t) (line - key);
	}
	message_send(settings, rk, topic, key, key_length, settings->is_null ? NULL : line,
				 settings->is_null ? 0 : length);
}

static void
run_produce(const Settings *settings, char **words, int nwords)
{
	rd_kafka_t *rk = writer_open(settings, "5", NULL);
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	(void) nwords;
	if (settings->is_null && settings->key_separator == NULL)
		line_send(settings, rk, words[0], "", 0);
	else if (settings->is_binary)
	{
		FILE *memory = open_memstream(&line, &size);
		int byte;

		while ((byte = getchar()) != EOF)
			fputc(byte, memory);
		fclose(memory);
		line_send(settings, rk, words[0], line, size);
	}
	else
	{
		while ((length = getline(&line, &size, stdin)) >= 0)
		{
			if (length > 0 && line[length - 1] == '\n')
				line[--length] = '\0';
			line_send(settings, rk, words[0], line, (size_t) length);
		}
	}
	free(line);
	writer_close(settings, rk);
}

/* ------------------------------------------------------------------------------------------------
 * transaction: commands on stdin, each answered by ok or error: WHY
 */

typedef struct Writer
{
	char id[NAME_BYTES];
	rd_kafka_t *rk;
	bool is_open; /* between begin and commit or abort */
} Writer;

typedef struct Transactions
{
	const Settings *settings;
	const char *topic;
	Writer writers[MAX_PRODUCERS];
	int nwriters;
	Writer *current;
} Transactions;

static const char *
error_text(rd_kafka_error_t *error)
{
	static char text[512];

	if (error == NULL)
		return NULL;
	snprintf(text, sizeof(text), "%s", rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return text;
}

/* Makes a producer the current one; the first time it also takes over what its id had open. */
static const char *
writer_use(Transactions *transactions, const char *id)
{
	Writer *writer = transactions->writers;

	for (int i = 0; i < transactions->nwriters; i++, writer++)
	{
		if (strcmp(writer->id, id) == 0)
		{
			transactions->current = writer;
			return NULL;
		}
	}
	if (transactions->nwriters == MAX_PRODUCERS || strlen(id) >= NAME_BYTES || *id == '\0')
		return "too many producers, or not an id";
	snprintf(writer->id, sizeof(writer->id), "%s", id);
	writer->rk = writer_open(transactions->settings, "5", writer->id);
	transactions->nwriters++;
	transactions->current = writer;
	return error_text(rd_kafka_init_transactions(writer->rk, transactions->settings->timeout_ms));
}

static const char *
writer_begin(Writer *writer)
{
	const char *why = error_text(rd_kafka_begin_transaction(writer->rk));

	writer->is_open = why == NULL;
	return why;
}

static const char *
writer_end(Writer *writer, const Settings *settings, bool is_commit)
{
	writer->is_open = false;
	if (is_commit)
		return error_text(rd_kafka_commit_transaction(writer->rk, settings->timeout_ms));
	rd_kafka_flush(writer->rk, settings->timeout_ms); /* else it forgets what it has not yet sent */
	return error_text(rd_kafka_abort_transaction(writer->rk, settings->timeout_ms));
}

static const char *
writer_produce(Transactions *transactions, char *text)
{
	Settings settings = *transactions->settings;
	char *rest;
	long partition = strtol(text, &rest, 10);

	if (rest == text || *rest != ' ' || partition < 0)
		return "usage: produce PARTITION TEXT";
	settings.partition = (int32_t) partition;
	message_send(&settings, transactions->current->rk, transactions->topic, NULL, 0, rest + 1,
				 strlen(rest + 1));
	return NULL;
}

/* Result: NULL, or why not. */
static const char *
transaction_line(Transactions *transactions, char *line)
{
	char *text = strchr(line, ' ');

	if (text != NULL)
		*text++ = '\0';
	if (strcmp(line, "begin") == 0)
		return writer_begin(transactions->current);
	if (strcmp(line, "produce") == 0 && text != NULL)
		return writer_produce(transactions, text);
	if (strcmp(line, "open") == 0)
		return writer_flush(transactions->settings, transactions->current->rk) ? NULL : last_error;
	if (strcmp(line, "commit") == 0 || strcmp(line, "abort") == 0)
		return writer_end(transactions->current, transactions->settings, line[0] == 'c');
	if (strcmp(line, "use") == 0 && text != NULL)
		return writer_use(transactions, text);
	return "commands are begin, produce PARTITION TEXT, open, commit, abort, use ID";
}

static void
run_transaction(const Settings *settings, char **words, int nwords)
{
	Transactions transactions = {.settings = settings, .topic = words[0]};
	const char *why = writer_use(
		&transactions, settings->transactional_id != NULL ? settings->transactional_id : words[0]);
	char *line = NULL;
	size_t size = 0;

	(void) nwords;
	if (why != NULL)
		die("%s", why);
	while (getline(&line, &size, stdin) >= 0)
	{
		line[strcspn(line, "\r\n")] = '\0';
		why = transaction_line(&transactions, line);
		printf(why == NULL ? "ok\n" : "error: %s\n", why);
		fflush(stdout);
	}
	free(line);
	for (int i = 0; i < transactions.nwriters; i++)
	{
		if (transactions.writers[i].is_open)
			writer_end(&transactions.writers[i], settings, false);
		rd_kafka_destroy(transactions.writers[i].rk);
	}
}

/* ------------------------------------------------------------------------------------------------
 * generate: ticker messages of about 303 bytes, the same on every machine
 *
 * Integers only, in units of the last digit that is printed, so that no compiler's floating point
 * shows, and because printf would cost more than Kafka does.
 */

#define EVENTS_START_MS INT64_C(1759276800000) /* 2025-10-01 00:00 UTC */
#define EVENTS_SPAN_MS (INT64_C(30) * 86400000)
#define LATE_PERCENT 30
#define LATE_MAX_MS 1800000
#define MESSAGE_BYTES 512
#define LOOK_EVERY 1024 /* messages */

typedef struct Generator
{
	uint64_t state;
	int64_t *prices; /* by symbol, in 1/10000 */
	int64_t day;     /* what date[] holds */
	char date[32];
} Generator;

/* splitmix64 */
static uint64_t
random_next(Generator *generator)
{
	uint64_t bits = generator->state += UINT64_C(0x9E3779B97F4A7C15);

	bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
	return bits ^ (bits >> 31);
}

static int64_t
random_below(Generator *generator, int64_t limit)
{
	return (int64_t) (random_next(generator) % (uint64_t) limit);
}

static char *
text_put(char *out, const char *text)
{
	return stpcpy(out, text);
}

/* At least `digits` digits. */
static char *
digits_put(char *out, uint64_t value, int digits)
{
	char reversed[24];
	int length = 0;

	while (value != 0 || length < digits)
	{
		reversed[length++] = (char) ('0' + value % 10);
		value /= 10;
	}
	while (length > 0)
		*out++ = reversed[--length];
	return out;
}

static char *
decimal_put(char *out, const char *name, int64_t value, int decimals)
{
	static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000};
	uint64_t units = value < 0 ? -(uint64_t) value : (uint64_t) value;

	out = text_put(out, name);
	if (value < 0)
		*out++ = '-';
	out = digits_put(out, units / powers[decimals], 1);
	*out++ = '.';
	return digits_put(out, units % powers[decimals], decimals);
}

static char *
timestamp_put(Generator *generator, char *out, int64_t time_ms)
{
	int64_t day = time_ms / 86400000;
	int64_t in_day = time_ms % 86400000;

	if (generator->day != day)
	{
		time_t seconds = (time_t) (day * 86400);
		struct tm date;

		gmtime_r(&seconds, &date);
		strftime(generator->date, sizeof(generator->date), "%Y-%m-%dT", &date);
		generator->day = day;
	}
	out = text_put(out, generator->date);
	out = digits_put(out, (uint64_t) (in_day / 3600000), 2);
	*out++ = ':';
	out = digits_put(out, (uint64_t) (in_day / 60000 % 60), 2);
	*out++ = ':';
	out = digits_put(out, (uint64_t) (in_day / 1000 % 60), 2);
	*out++ = '.';
	out = digits_put(out, (uint64_t) (in_day % 1000), 3);
	return text_put(out, "000\"}");
}

static int64_t
event_time(Generator *generator, int64_t number, int64_t count)
{
	int64_t time_ms = (int64_t) ((__int128) EVENTS_SPAN_MS * number / count);

	if (random_below(generator, 100) < LATE_PERCENT)
		time_ms -= random_below(generator, LATE_MAX_MS);
	return EVENTS_START_MS + (time_ms < 0 ? 0 : time_ms);
}

static size_t
symbol_format(int64_t symbol, char *out)
{
	char *end = digits_put(text_put(out, "S"), (uint64_t) symbol, 5);

	return (size_t) (text_put(end, "USDT") - out);
}

/* Result: bytes written to `out`. */
static size_t
ticker_format(Generator *generator, int64_t symbol, const char *name, int64_t time_ms, char *out)
{
	int64_t last = generator->prices[symbol];
	int64_t price = last + (random_below(generator, 2001) - 1000) * last / 1000000 + 1;
	int64_t open = price + (random_below(generator, 50001) - 25000) * price / 1000000;
	int64_t high =
		(price > open ? price : open) * (1000000 + random_below(generator, 20001)) / 1000000;
	int64_t low =
		(price < open ? price : open) * (1000000 - random_below(generator, 20001)) / 1000000;
	int64_t volume = random_below(generator, 100000000); /* in 1/100000 */
	char *end = out;

	generator->prices[symbol] = price;
	end = text_put(end, "{\"symbol\": \"");
	end = text_put(end, name);
	end = digits_put(text_put(end, "\", \"event_time\": "), (uint64_t) time_ms, 1);
	end = decimal_put(end, ", \"price\": ", price, 4);
	end = decimal_put(end, ", \"open\": ", open, 4);
	end = decimal_put(end, ", \"high\": ", high, 4);
	end = decimal_put(end, ", \"low\": ", low, 4);
	end = decimal_put(end, ", \"volume\": ", volume, 5);
	end =
		decimal_put(end, ", \"quote_volume\": ", (int64_t) ((__int128) volume * price / 100000), 4);
	end = digits_put(text_put(end, ", \"number_trades\": "),
					 (uint64_t) random_below(generator, 5000), 1);
	end = decimal_put(end, ", \"price_change\": ", price - open, 4);
	end = decimal_put(end, ", \"price_change_percent\": ", (price - open) * 100000 / open, 3);
	end = timestamp_put(generator, text_put(end, ", \"timestamp\": \""), time_ms);
	return (size_t) (end - out);
}

static void
generator_init(Generator *generator, const Settings *settings)
{
	*generator = (Generator){.state = settings->seed, .day = -1};
	generator->prices = malloc((size_t) settings->symbols * sizeof(*generator->prices));
	if (generator->prices == NULL)
		die("out of memory for %" PRId64 " symbols", settings->symbols);
	for (int64_t i = 0; i < settings->symbols; i++)
		generator->prices[i] =
			100000 + random_below(generator, 22361) * random_below(generator, 22361);
}

#define LOOKS_PER_SECOND 50

/* Sends what is queued, and waits until message `number` is due, if there is a rate. */
static void
pace(const Settings *settings, rd_kafka_t *rk, int64_t started_ms, int64_t number)
{
	int64_t due_ms = settings->rate > 0 ? started_ms + number * 1000 / settings->rate : 0;

	do
		rd_kafka_poll(rk, settings->rate > 0 ? 1000 / LOOKS_PER_SECOND : 0);
	while (clock_ms() < due_ms);
}

static void
run_generate(const Settings *settings, char **words, int nwords)
{
	int64_t look_every = settings->rate > 0 ? settings->rate / LOOKS_PER_SECOND + 1 : LOOK_EVERY;
	int64_t started_ms = clock_ms();
	int64_t count = number_parse(words[1], "COUNT", 0, INT64_C(1000000000));
	rd_kafka_t *rk = writer_open(settings, "50", NULL);
	int npartitions = partitions_count(settings, rk, words[0]);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, words[0], NULL);
	Generator generator;

	(void) nwords;
	generator_init(&generator, settings);
	for (int64_t i = 0; i < count; i++)
	{
		int64_t symbol = random_below(&generator, settings->symbols);
		char name[NAME_BYTES];
		char message[MESSAGE_BYTES];
		size_t name_length = symbol_format(symbol, name);
		size_t length =
			ticker_format(&generator, symbol, name, event_time(&generator, i, count), message);

		while (rd_kafka_produce(topic, (int32_t) (symbol % npartitions), RD_KAFKA_MSG_F_COPY,
								message, length, name, name_length, NULL) != 0)
		{
			if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
				die("topic \"%s\": %s", words[0], rd_kafka_err2str(rd_kafka_last_error()));
			rd_kafka_poll(rk, 20);
		}
		if (i % look_every == 0)
			pace(settings, rk, started_ms, i);
	}
	free(generator.prices);
	rd_kafka_topic_destroy(topic);
	writer_close(settings, rk);
}

/* ------------------------------------------------------------------------------------------------
 * The command line
 */

static const Command commands[] = {
	{"create", "NAME PARTITIONS [CONFIG=VALUE]...   create a topic", "", 2, 100, run_create},
	{"delete", "NAME   delete a topic", "", 1, 1, run_delete},
	{"delete-records", "NAME PARTITION OFFSET   delete what stands before OFFSET", "", 3, 3,
	 run_delete_records},
	{"offsets", "NAME   print: partition, low, high, last stable", "", 1, 1, run_offsets},
	{"committed", "NAME   print: partition, offset that a group has; it is -X group.id=...", "", 1,
	 1, run_committed},
	{"produce", "NAME   send each line of stdin", "pkKTHzNB", 1, 1, run_produce},
	{"consume", "NAME   print messages up to the end, a partition after the other", "ponju", 1, 1,
	 run_consume},
	{"transaction", "NAME   obey stdin: begin, produce PARTITION TEXT, open, commit, abort, use ID",
	 "iTHz", 1, 1, run_transaction},
	{"generate", "NAME COUNT   send ticker messages, about 303 bytes, partition = symbol % all",
	 "zsSr", 2, 2, run_generate},
	{NULL, NULL, NULL, 0, 0, NULL},
};

static void
help_print(void)
{
	printf("weir-topic: a Kafka client for tests\n\n"
		   "  weir-topic [-b BOOTSTRAP] [-X PROPERTY=VALUE]... [-t SECONDS] COMMAND ...\n"
		   "      -b is $WEIR_BOOTSTRAP by default, -t 30\n\nCommands\n");
	for (const Command *command = commands; command->name != NULL; command++)
		printf("  %s %s\n", command->name, command->usage);
	printf("\nproduce\n"
		   "  -p PARTITION  -k KEY  -T TIMESTAMP_MS  -H NAME[=VALUE]...  -z CODEC\n"
		   "  --key-sep TEXT  the key stands before TEXT in each line\n"
		   "  --null          no value: one message with -k, or one a line with --key-sep\n"
		   "  --binary        stdin is one message\n"
		   "consume\n"
		   "  -p PARTITION  -o OFFSET (-N: N before the end)  -n COUNT  --json  --uncommitted\n"
		   "transaction\n"
		   "  --id ID         transactional.id, default NAME; `use` starts or takes another\n"
		   "  open            wait until the broker has the messages, stay open; what is open at\n"
		   "                  the end of stdin is aborted\n"
		   "generate\n"
		   "  --symbols N (10)  --seed N (42)  --rate N a second (no limit)  -z CODEC (none)\n");
}

static Pair
pair_parse(char *text)
{
	char *equals = strchr(text, '=');

	if (equals != NULL)
		*equals++ = '\0';
	return (Pair){text, equals};
}

static void
option_apply(Settings *settings, int letter, char *value)
{
	switch (letter)
	{
		case 'b':
			settings->bootstrap = value;
			break;
		case 'X':
			if (settings->nproperties == MAX_PROPERTIES || strchr(value, '=') == NULL)
				die("-X takes PROPERTY=VALUE, at most %d times", MAX_PROPERTIES);
			settings->properties[settings->nproperties++] = pair_parse(value);
			break;
		case 't':
			settings->timeout_ms = (int) number_parse(value, "-t", 1, 3600) * 1000;
			break;
		case 'p':
			settings->partition = (int32_t) number_parse(value, "-p", 0, INT32_MAX);
			break;
		case 'k':
			settings->key = value;
			break;
		case 'K':
			settings->key_separator = value;
			break;
		case 'T':
			settings->timestamp_ms = number_parse(value, "-T", 1, INT64_MAX);
			break;
		case 'H':
			if (settings->nheaders == MAX_HEADERS)
				die("more than %d headers", MAX_HEADERS);
			settings->headers[settings->nheaders++] = pair_parse(value);
			break;
		case 'z':
			settings->codec = value;
			break;
		case 'N':
			settings->is_null = true;
			break;
		case 'B':
			settings->is_binary = true;
			break;
		case 'o':
			settings->offset = number_parse(value, "-o", -INT32_MAX, INT64_MAX);
			break;
		case 'n':
			settings->limit = number_parse(value, "-n", 0, INT64_MAX);
			break;
		case 'j':
			settings->is_json = true;
			break;
		case 'u':
			settings->is_uncommitted = true;
			break;
		case 'i':
			settings->transactional_id = value;
			break;
		case 's':
			settings->symbols = number_parse(value, "--symbols", 1, 100000000);
			break;
		case 'S':
			settings->seed = (uint64_t) number_parse(value, "--seed", 0, INT64_MAX);
			break;
		case 'r':
			settings->rate = number_parse(value, "--rate", 1, 1000000000);
			break;
		case 'h':
			help_print();
			exit(0);
		case 'V':
			printf("librdkafka %s\n", rd_kafka_version_str());
			exit(0);
		default:
			die("see --help");
	}
}

/* Result: the letters that were given, for the check whether the command knows them. */
static void
settings_parse(int argc, char **argv, Settings *settings, char *given)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},          {"version", no_argument, NULL, 'V'},
		{"key-sep", required_argument, NULL, 'K'}, {"null", no_argument, NULL, 'N'},
		{"binary", no_argument, NULL, 'B'},        {"json", no_argument, NULL, 'j'},
		{"uncommitted", no_argument, NULL, 'u'},   {"id", required_argument, NULL, 'i'},
		{"symbols", required_argument, NULL, 's'}, {"seed", required_argument, NULL, 'S'},
		{"rate", required_argument, NULL, 'r'},    {NULL, 0, NULL, 0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "hb:X:t:p:k:T:H:z:o:n:", options, NULL)) != -1)
	{
		if (strchr("bXth", letter) == NULL && strchr(given, letter) == NULL)
			given[strlen(given)] = (char) letter; /* each once: it stays terminated */
		option_apply(settings, letter, optarg);
	}
}

int
main(int argc, char **argv)
{
	Settings settings = {
		.bootstrap = getenv("WEIR_BOOTSTRAP"),
		.timeout_ms = 30000,
		.partition = RD_KAFKA_PARTITION_UA,
		.offset = FROM_THE_BEGINNING,
		.limit = -1,
		.symbols = 10,
		.seed = 42,
	};
	char given[64] = "";
	int nwords;

	settings_parse(argc, argv, &settings, given);
	if (optind == argc)
		die("no command, see --help");
	nwords = argc - optind - 1;
	for (const Command *command = commands; command->name != NULL; command++)
	{
		if (strcmp(argv[optind], command->name) != 0)
			continue;
		if (nwords < command->min_words || nwords > command->max_words)
			die("usage: weir-topic %s %s", command->name, command->usage);
		if (given[strspn(given, command->options)] != '\0')
			die("%s takes no -%c, see --help", command->name,
				given[strspn(given, command->options)]);
		command->run(&settings, argv + optind + 1, nwords);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	die("unknown command \"%s\", see --help", argv[optind]);
}
