/* SPDX-License-Identifier: PostgreSQL
 *
 * Reading the end of a topic: the last 1,000 messages of each partition, the last 10,000, and so on.
 *
 * The topic is the only memory of a source. A file of positions beside it could disagree with it after
 * a crash; the topic cannot.
 */
#include "connection.h"
#include "log.h"
#include "moment.h"
#include "stop.h"
#include "tail.h"
#include "text.h"

#define FIRST_STEP 1000
#define GIVE_UP_US (30 * SECOND_US) /* without a message */

static void __attribute__((noreturn)) give_up(const char *why)
{
	if (!stop_is_asked())
		log_error("could not read the end of the topic: %s", why);
	connection_give_up();
}

static rd_kafka_t *
consumer_open(const Settings *settings)
{
	static const Pair properties[] = {
		{"enable.partition.eof", "true"},      {"enable.auto.commit", "false"},
		{"allow.auto.create.topics", "false"}, {"fetch.wait.max.ms", "100"},
		{"group.id", "weir-producer"}, /* wanted, never used */
	};
	rd_kafka_conf_t *conf =
		connection_conf(settings, properties, sizeof(properties) / sizeof(properties[0]));
	rd_kafka_t *consumer;
	char text[512];

	consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
	if (consumer == NULL)
		usage_error("%s", text);
	rd_kafka_poll_set_consumer(consumer);
	return consumer;
}

/* Result: where a step back begins; *is_whole if that is the oldest message. */
static int64_t
step_back(rd_kafka_t *consumer, const char *topic, int partition, int64_t step, bool *is_whole)
{
	int64_t low;
	int64_t high;

	while (rd_kafka_query_watermark_offsets(consumer, topic, partition, &low, &high,
											CONNECTION_ASK_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		if (stop_is_asked())
			give_up("ended by a signal");
		rd_kafka_poll(consumer, CONNECTION_SLICE_MS);
	}
	*is_whole &= high - step <= low;
	return high - step > low ? high - step : low;
}

/* Result: whether the whole topic will be read. */
static bool
assign(rd_kafka_t *consumer, const Settings *settings, int npartitions, int64_t step)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(npartitions);
	bool is_whole = true;

	for (int i = 0; i < npartitions; i++)
		rd_kafka_topic_partition_list_add(list, settings->topic, i)->offset =
			step_back(consumer, settings->topic, i, step, &is_whole);
	rd_kafka_assign(consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
	return is_whole;
}

static void
read_to_ends(rd_kafka_t *consumer, int npartitions, const TailReader *reader)
{
	int64_t last_us = monotonic_us();

	while (npartitions > 0)
	{
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, CONNECTION_SLICE_MS);

		if (stop_is_asked())
			give_up("ended by a signal");
		if (message == NULL)
		{
			if (monotonic_us() - last_us > GIVE_UP_US)
				give_up("no answer");
			continue;
		}
		last_us = monotonic_us();
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->payload != NULL)
			reader->use(reader->opaque, message->payload, message->len);
		npartitions -= message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		rd_kafka_message_destroy(message);
	}
}

void
tail_read(const Settings *settings, int npartitions, const TailReader *reader)
{
	rd_kafka_t *consumer = consumer_open(settings);
	bool is_whole = false;

	for (int64_t step = FIRST_STEP; !is_whole && !reader->is_done(reader->opaque); step *= 10)
	{
		is_whole = assign(consumer, settings, npartitions, step);
		read_to_ends(consumer, npartitions, reader);
	}
	rd_kafka_destroy_flags(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
