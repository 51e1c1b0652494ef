/* SPDX-License-Identifier: PostgreSQL
 *
 * The topics to write to: found, waited for, made.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "log.h"
#include "moment.h"
#include "stop.h"
#include "text.h"
#include "topics.h"

#define FIRST_ASK_MS 500
#define TELL_US (30 * SECOND_US) /* that it still waits */

/*
 * Result: what the cluster has. Asks for all topics: to ask for one by its name makes some brokers
 * create it.
 */
static const rd_kafka_metadata_t *
wait_for_metadata(rd_kafka_t *handle, const Settings *settings)
{
	int64_t start_us = monotonic_us();
	int64_t told_us = 0;
	const rd_kafka_metadata_t *metadata;

	while (true)
	{
		int64_t left_us = settings->wait_us - (monotonic_us() - start_us);
		int long_ms = told_us == 0 ? FIRST_ASK_MS : CONNECTION_ASK_MS;
		int ask_ms = left_us < long_ms * 1000 ? (int) (left_us / 1000) + 1 : long_ms;
		rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 1, NULL, &metadata, ask_ms);
		int64_t waited_us = monotonic_us() - start_us;

		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		{
			if (told_us != 0)
				log_info("broker: down -> up");
			return metadata;
		}
		rd_kafka_poll(handle, CONNECTION_SLICE_MS);
		if (waited_us >= settings->wait_us)
		{
			log_error("no broker answered within %.1f s: %s", (double) waited_us / SECOND_US,
					  rd_kafka_err2str(code));
			connection_give_up();
		}
		if (stop_is_asked())
			connection_give_up();
		if (told_us == 0 || monotonic_us() - told_us > TELL_US)
		{
			log_warning("waiting for a broker: %s", rd_kafka_err2str(code));
			told_us = monotonic_us();
		}
	}
}

/* Result: the partitions of a topic, 0 if it is not there or a partition has no leader yet. */
static int
count_partitions(const rd_kafka_metadata_t *metadata, const char *name)
{
	for (int i = 0; i < metadata->topic_cnt; i++)
	{
		const rd_kafka_metadata_topic_t *topic = &metadata->topics[i];

		if (strcmp(topic->topic, name) == 0 && topic->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			return topic->partition_cnt;
	}
	return 0;
}

static rd_kafka_NewTopic_t *
new_topic(const Settings *settings, const char *name)
{
	char text[512];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
		name, (int) settings->partitions, (int) settings->replication_factor, text, sizeof(text));

	if (topic == NULL)
		usage_error("topic \"%s\": %s", name, text);
	for (int i = 0; i < settings->topic_properties.count; i++)
		rd_kafka_NewTopic_set_config(topic, settings->topic_properties.items[i].name,
									 settings->topic_properties.items[i].value);
	return topic;
}

/* Result: NULL if it was created, or was there. text is for the reason. */
static const char *
creation_failure(rd_kafka_event_t *event, char text[512])
{
	const rd_kafka_topic_result_t *result;
	const char *reason;
	size_t count;

	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return rd_kafka_event_error_string(event);
	result =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)[0];
	if (rd_kafka_topic_result_error(result) == RD_KAFKA_RESP_ERR_NO_ERROR ||
		rd_kafka_topic_result_error(result) == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return NULL;
	reason = rd_kafka_topic_result_error_string(result);
	snprintf(text, 512, "%s",
			 reason != NULL ? reason : rd_kafka_err2str(rd_kafka_topic_result_error(result)));
	return text;
}

static void
create_topic(rd_kafka_t *handle, const Settings *settings, const char *name)
{
	rd_kafka_NewTopic_t *topic = new_topic(settings, name);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_event_t *event;
	const char *failure;
	char text[512];

	rd_kafka_AdminOptions_set_request_timeout(options, 5 * CONNECTION_ASK_MS, text, sizeof(text));
	rd_kafka_AdminOptions_set_operation_timeout(options, 5 * CONNECTION_ASK_MS, text, sizeof(text));
	rd_kafka_CreateTopics(handle, &topic, 1, options, queue);
	event = rd_kafka_queue_poll(queue, -1);
	failure = creation_failure(event, text);
	if (failure != NULL)
	{
		log_error("could not create topic \"%s\": %s", name, failure);
		connection_give_up();
	}
	log_info("created topic \"%s\" with %" PRId64 " partitions", name, settings->partitions);
	rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(topic);
}

/* Result: whether it is there now. One that is missing is created once. */
static bool
find_topic(rd_kafka_t *handle, const Settings *settings, const rd_kafka_metadata_t *metadata,
		   const char *name, bool *is_created, int *npartitions)
{
	*npartitions = count_partitions(metadata, name);
	if (*npartitions > 0)
		return true;
	if (*is_created)
		return false;
	if (!settings->creates_topic)
	{
		log_error("topic \"%s\" does not exist; --create-topic makes it", name);
		connection_give_up();
	}
	create_topic(handle, settings, name);
	*is_created = true;
	return false;
}

void
topics_find(rd_kafka_t *handle, const Settings *settings, const char *const *names, int count,
			int *npartitions)
{
	bool *is_created = allocate(sizeof(bool) * (size_t) count);
	bool is_complete = false;

	/* a creation is done in the controller first and seen here later */
	while (!is_complete)
	{
		const rd_kafka_metadata_t *metadata = wait_for_metadata(handle, settings);

		is_complete = true;
		for (int i = 0; i < count; i++)
			is_complete &=
				find_topic(handle, settings, metadata, names[i], &is_created[i], &npartitions[i]);
		rd_kafka_metadata_destroy(metadata);
		if (!is_complete)
			rd_kafka_poll(handle, CONNECTION_SLICE_MS);
		if (stop_is_asked())
			connection_give_up();
	}
	free(is_created);
}
