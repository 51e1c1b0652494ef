/* SPDX-License-Identifier: PostgreSQL
 *
 * How fast librdkafka alone reads a topic: what a scan of ours is compared with.
 *
 * It takes all partitions through one queue in batches of 5000, as a scan does, touches the first
 * byte of each payload and counts; it parses nothing. The clock starts when it is connected and asks
 * for the first message. Stalls of the library count: they are part of what it can do.
 *
 *   weir-consume [-b BOOTSTRAP] [-X PROPERTY=VALUE]... TOPIC
 */
#define _GNU_SOURCE
#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_MESSAGES 5000
#define BATCH_WAIT_MS 10
#define REQUEST_WAIT_MS 30000

typedef struct Count
{
	int64_t messages;
	int64_t bytes;
	int64_t stamp; /* keeps the touching from being optimized away */
} Count;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("weir-consume: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

static double
clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static void
property_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[512];

	if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
		die("%s", text);
}

/* fetch.queue.backoff.ms came with librdkafka 2.2; a queue of 256 MB helps the older ones. */
static rd_kafka_conf_t *
conf_default(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[512];

	property_set(conf, "enable.partition.eof", "true");
	property_set(conf, "auto.offset.reset", "error");
	property_set(conf, "fetch.wait.max.ms", "10");
	property_set(conf, "queued.min.messages", "10000000");
	property_set(conf, "queued.max.messages.kbytes", "262144");
	rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "10", text, sizeof(text));
	return conf;
}

static int
partitions_count(rd_kafka_t *rk, const char *name)
{
	const rd_kafka_metadata_t *metadata;
	rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 1, NULL, &metadata, REQUEST_WAIT_MS);
	int count = 0;

	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("%s", rd_kafka_err2str(err));
	for (int i = 0; i < metadata->topic_cnt; i++)
	{
		if (strcmp(metadata->topics[i].topic, name) == 0)
			count = metadata->topics[i].partition_cnt;
	}
	rd_kafka_metadata_destroy(metadata);
	if (count == 0)
		die("topic \"%s\" does not exist", name);
	return count;
}

static int64_t
offset_low(rd_kafka_t *rk, const char *topic, int32_t partition)
{
	int64_t low;
	int64_t high;
	rd_kafka_resp_err_t err =
		rd_kafka_query_watermark_offsets(rk, topic, partition, &low, &high, REQUEST_WAIT_MS);

	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("partition %d: %s", partition, rd_kafka_err2str(err));
	return low;
}

/*
 * Starts at true offsets: the library may let BEGINNING wait for a timer of half a second. All are
 * asked for first, else the answers would wait behind idle fetches.
 */
static void
partitions_start(rd_kafka_t *rk, rd_kafka_topic_t *topic, int npartitions, rd_kafka_queue_t *queue)
{
	int64_t *lows = calloc((size_t) npartitions, sizeof(*lows));

	if (lows == NULL)
		die("out of memory");
	for (int32_t partition = 0; partition < npartitions; partition++)
		lows[partition] = offset_low(rk, rd_kafka_topic_name(topic), partition);
	for (int32_t partition = 0; partition < npartitions; partition++)
	{
		if (rd_kafka_consume_start_queue(topic, partition, lows[partition], queue) != 0)
			die("partition %d: %s", partition, rd_kafka_err2str(rd_kafka_last_error()));
	}
	free(lows);
}

/* Result: whether it was the end of a partition. */
static bool
message_count(rd_kafka_message_t *message, Count *count)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return true;
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("%s", rd_kafka_message_errstr(message));
	count->messages++;
	count->bytes += (int64_t) message->len;
	if (message->len > 0)
		count->stamp += *(const unsigned char *) message->payload;
	return false;
}

static void
queue_drain(rd_kafka_queue_t *queue, int npartitions, Count *count)
{
	static rd_kafka_message_t *messages[BATCH_MESSAGES];
	int nends = 0;

	while (nends < npartitions)
	{
		ssize_t nmessages =
			rd_kafka_consume_batch_queue(queue, BATCH_WAIT_MS, messages, BATCH_MESSAGES);

		if (nmessages < 0)
			die("%s", rd_kafka_err2str(rd_kafka_last_error()));
		if (nmessages == 0)
			continue;
		for (ssize_t i = 0; i < nmessages; i++)
		{
			nends += message_count(messages[i], count) ? 1 : 0;
			rd_kafka_message_destroy(messages[i]);
		}
	}
}

int
main(int argc, char **argv)
{
	rd_kafka_conf_t *conf = conf_default();
	const char *bootstrap = getenv("WEIR_BOOTSTRAP");
	char text[512];
	int option;
	rd_kafka_t *rk;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	int npartitions;
	Count count = {0};
	double seconds;

	while ((option = getopt(argc, argv, "b:X:")) != -1)
	{
		char *equals = option == 'X' ? strchr(optarg, '=') : NULL;

		if (option == 'b')
			bootstrap = optarg;
		else if (equals != NULL)
		{
			*equals = '\0';
			property_set(conf, optarg, equals + 1);
		}
		else
			die("usage: weir-consume [-b BOOTSTRAP] [-X PROPERTY=VALUE]... TOPIC");
	}
	if (optind != argc - 1 || bootstrap == NULL)
		die("usage: weir-consume [-b BOOTSTRAP] [-X PROPERTY=VALUE]... TOPIC");
	property_set(conf, "bootstrap.servers", bootstrap);
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
	if (rk == NULL)
		die("%s", text);
	npartitions = partitions_count(rk, argv[optind]);
	topic = rd_kafka_topic_new(rk, argv[optind], NULL);
	queue = rd_kafka_queue_new(rk);
	seconds = -clock_s();
	partitions_start(rk, topic, npartitions, queue);
	queue_drain(queue, npartitions, &count);
	seconds += clock_s();
	printf("messages=%" PRId64 " bytes=%" PRId64
		   " seconds=%.3f messages_per_s=%.0f librdkafka=%s\n",
		   count.messages, count.bytes, seconds, (double) count.messages / seconds,
		   rd_kafka_version_str());
	fflush(stdout);
	_exit(count.stamp < 0);
}
