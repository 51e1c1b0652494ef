/* SPDX-License-Identifier: PostgreSQL
 *
 * Where messages go: topics of Kafka, or stdout.
 *
 * At least once: an idempotent producer, acks=all, and no time-out. A message stays in the local queue
 * until a broker has it or the program ends; a full queue holds up the source. So what is not delivered
 * at the end is all that was lost, and it is counted.
 *
 * With a transactional id a message counts as delivered when its transaction has been committed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "log.h"
#include "moment.h"
#include "sink.h"
#include "stop.h"
#include "text.h"
#include "topics.h"

#define SERVE_EVERY 512          /* messages */
#define TELL_US (30 * SECOND_US) /* of trouble that may go on */
#define UNIT_US SECOND_US        /* of a source that does not poll */

struct Sink
{
	const Settings *settings;
	Report *report;
	const char *const *names;
	int ntopics;
	int *npartitions;

	/* NULL in a dry run */
	rd_kafka_t *handle;
	rd_kafka_topic_t **topics;

	bool is_down;   /* all brokers; said once */
	bool is_broken; /* for ever */
	char last_failure[256];
	int64_t told_us;
	int since_served;

	/* transactions */
	bool is_open;
	int64_t opened_us;
	int64_t uncommitted; /* that the broker has */
};

/* ------------------------------------------------------------------------------------------------
 * What librdkafka tells
 */

/* A login that is refused is refused again with each try. */
static void
tell_now_and_then(Sink *sink, const char *reason)
{
	if (sink->told_us != 0 && monotonic_us() - sink->told_us < TELL_US)
		return;
	log_warning("%s", reason);
	sink->told_us = monotonic_us();
}

static void
on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
	Sink *sink = opaque;
	char text[512];

	if (code == RD_KAFKA_RESP_ERR__FATAL)
	{
		rd_kafka_fatal_error(handle, text, sizeof(text));
		log_error("nothing more can be sent: %s", text);
		sink->is_broken = true;
	}
	else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !sink->is_down)
	{
		log_warning("broker: up -> down: %s", reason);
		sink->is_down = true;
	}
	else if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && code != RD_KAFKA_RESP_ERR__TRANSPORT &&
			 code != RD_KAFKA_RESP_ERR__RESOLVE)
		tell_now_and_then(sink, reason);
}

static void
on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
	(void) handle;
	(void) level;
	log_info("librdkafka: %s: %s", facility, text);
}

/* Steady failure is told once. */
static void
count_failure(Sink *sink, const char *topic, const char *why)
{
	sink->report->failed++;
	if (strcmp(sink->last_failure, why) == 0)
		return;
	snprintf(sink->last_failure, sizeof(sink->last_failure), "%s", why);
	log_error("topic \"%s\": a message was not delivered: %s", topic, why);
}

static void
update_undelivered(const Sink *sink)
{
	stop_undelivered = sink->report->produced - sink->report->delivered - sink->report->failed;
}

static void
on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	Sink *sink = opaque;

	(void) handle;
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		count_failure(sink, rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
	else if (sink->settings->transactional_id != NULL)
		sink->uncommitted++;
	else
		sink->report->delivered++;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && sink->is_down)
	{
		log_info("broker: down -> up");
		sink->is_down = false;
	}
}

static void
serve(Sink *sink, int timeout_ms)
{
	rd_kafka_poll(sink->handle, timeout_ms);
	update_undelivered(sink);
	sink->since_served = 0;
	report_tick(sink->report);
}

/* ------------------------------------------------------------------------------------------------
 * Opening
 */

static rd_kafka_conf_t *
configuration(Sink *sink)
{
	const char *id = sink->settings->transactional_id;
	/* a transaction has a time-out of its own */
	const Pair properties[] = {
		{"enable.idempotence", "true"},
		{"linger.ms", "10"},
		{"batch.size", "262144"},
		{"queue.buffering.max.messages", "200000"},
		{"queue.buffering.max.kbytes", "65536"},
		{"log.queue", "true"},
		{id != NULL ? "transactional.id" : "message.timeout.ms", id != NULL ? (char *) id : "0"},
	};
	rd_kafka_conf_t *conf =
		connection_conf(sink->settings, properties, sizeof(properties) / sizeof(properties[0]));

	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_opaque(conf, sink);
	return conf;
}

static void
connect_to_brokers(Sink *sink)
{
	rd_kafka_conf_t *conf = configuration(sink);
	char text[512];
	size_t len = sizeof(text);

	if (rd_kafka_conf_get(conf, "bootstrap.servers", text, &len) != RD_KAFKA_CONF_OK || len <= 1)
		usage_error("no broker: give --brokers, set WEIR_BROKERS, or use --dry-run");
	sink->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (sink->handle == NULL)
		usage_error("%s", text);
	rd_kafka_set_log_queue(sink->handle, NULL);
}

static void
open_topics(Sink *sink)
{
	topics_find(sink->handle, sink->settings, sink->names, sink->ntopics, sink->npartitions);
	sink->is_down = false;
	for (int i = 0; i < sink->ntopics; i++)
	{
		sink->topics[i] = rd_kafka_topic_new(sink->handle, sink->names[i], NULL);
		if (sink->topics[i] == NULL)
			usage_error("topic \"%s\": %s", sink->names[i],
						rd_kafka_err2str(rd_kafka_last_error()));
	}
}

/* Tells of an error of transactions, and frees it. Result: whether there was none. */
static bool
transaction_check(Sink *sink, const char *what, rd_kafka_error_t *error)
{
	if (error == NULL)
		return true;
	log_error("could not %s a transaction: %s", what, rd_kafka_error_string(error));
	sink->is_broken |= rd_kafka_error_is_fatal(error) != 0;
	rd_kafka_error_destroy(error);
	return false;
}

static void
prepare_transactions(Sink *sink)
{
	while (true)
	{
		rd_kafka_error_t *error = rd_kafka_init_transactions(sink->handle, 5 * CONNECTION_ASK_MS);

		if (error == NULL)
			return;
		if (!rd_kafka_error_is_retriable(error) || stop_is_asked())
		{
			transaction_check(sink, "prepare", error);
			connection_give_up();
		}
		rd_kafka_error_destroy(error);
	}
}

Sink *
sink_open(const Settings *settings, Report *report, const char *const *topics, int ntopics)
{
	Sink *sink = allocate(sizeof(Sink));

	sink->settings = settings;
	sink->report = report;
	sink->names = topics;
	sink->ntopics = ntopics;
	sink->npartitions = allocate(sizeof(int) * (size_t) ntopics);
	sink->topics = allocate(sizeof(rd_kafka_topic_t *) * (size_t) ntopics);
	for (int i = 0; i < ntopics; i++)
		sink->npartitions[i] = (int) settings->partitions;
	if (settings->is_dry_run)
		return sink;
	sink->is_down = true;
	connect_to_brokers(sink);
	open_topics(sink);
	if (settings->transactional_id != NULL)
		prepare_transactions(sink);
	return sink;
}

int
sink_partitions(const Sink *sink, int topic)
{
	return sink->npartitions[topic];
}

int64_t
sink_end(Sink *sink, int topic, int32_t partition)
{
	int64_t low;
	int64_t high;

	if (sink->handle == NULL)
		return 0;
	while (true)
	{
		rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
			sink->handle, sink->names[topic], partition, &low, &high, CONNECTION_ASK_MS);

		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			return high;
		rd_kafka_poll(sink->handle, CONNECTION_SLICE_MS);
		if (stop_is_asked())
			connection_give_up();
	}
}

/* ------------------------------------------------------------------------------------------------
 * Sending
 */

static void
print(Sink *sink, const Message *message)
{
	sink->report->produced++;
	if (fwrite(message->value, 1, message->len, stdout) == message->len &&
		putc('\n', stdout) != EOF)
		sink->report->delivered++;
	else
	{
		count_failure(sink, "stdout", "could not write");
		sink->is_broken = true;
	}
	if (++sink->since_served >= SERVE_EVERY)
	{
		sink->since_served = 0;
		report_tick(sink->report);
	}
}

static void
begin_transaction(Sink *sink)
{
	if (sink->is_open || sink->settings->transactional_id == NULL)
		return;
	sink->is_open = transaction_check(sink, "begin", rd_kafka_begin_transaction(sink->handle));
	sink->is_broken |= !sink->is_open;
	sink->opened_us = monotonic_us();
}

/* Result: whether the local queue took it. */
static bool
enqueue(Sink *sink, const Message *message)
{
	while (rd_kafka_produce(sink->topics[message->topic], message->partition, RD_KAFKA_MSG_F_COPY,
							(void *) message->value, message->len, message->key, message->key_len,
							NULL) != 0)
	{
		rd_kafka_resp_err_t code = rd_kafka_last_error();

		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || stop_is_due() || sink->is_broken)
		{
			count_failure(sink, sink->names[message->topic], rd_kafka_err2str(code));
			return false;
		}
		serve(sink, CONNECTION_SLICE_MS);
	}
	return true;
}

void
sink_send(Sink *sink, const Message *message)
{
	if (sink->handle == NULL)
	{
		print(sink, message);
		return;
	}
	begin_transaction(sink);
	sink->report->produced++;
	enqueue(sink, message);
	if (++sink->since_served >= SERVE_EVERY)
		serve(sink, 0);
	if (sink->is_open && sink->settings->interval_us == 0 &&
		monotonic_us() - sink->opened_us > UNIT_US)
		sink_end_unit(sink);
}

/* Result: whether it is committed. What time-outs left undone is tried until a signal's time is over. */
static bool
commit_transaction(Sink *sink)
{
	while (true)
	{
		rd_kafka_error_t *error = rd_kafka_commit_transaction(sink->handle, CONNECTION_SLICE_MS);

		serve(sink, 0);
		if (error == NULL)
			return true;
		if (!rd_kafka_error_is_retriable(error) || stop_is_due())
			return transaction_check(sink, "commit", error);
		rd_kafka_error_destroy(error);
	}
}

void
sink_end_unit(Sink *sink)
{
	if (sink->handle == NULL)
	{
		fflush(stdout);
		return;
	}
	serve(sink, 0);
	if (!sink->is_open)
		return;
	sink->is_open = false;
	if (commit_transaction(sink))
		sink->report->delivered += sink->uncommitted;
	else
	{
		sink->report->failed += sink->uncommitted;
		transaction_check(sink, "abort",
						  rd_kafka_abort_transaction(sink->handle, CONNECTION_ASK_MS));
	}
	sink->uncommitted = 0;
	update_undelivered(sink);
}

void
sink_serve(Sink *sink, int64_t until_us)
{
	do
	{
		int64_t left_us = until_us - monotonic_us();
		int slice_ms = left_us <= 0                           ? 0
					   : left_us < CONNECTION_SLICE_MS * 1000 ? (int) ((left_us + 999) / 1000)
															  : CONNECTION_SLICE_MS;

		if (sink->handle != NULL)
			serve(sink, slice_ms);
		else
		{
			fflush(stdout);
			moment_sleep(left_us < 0                            ? 0
						 : left_us < CONNECTION_SLICE_MS * 1000 ? left_us
																: CONNECTION_SLICE_MS * 1000);
			report_tick(sink->report);
		}
	} while (monotonic_us() < until_us && sink_goes_on(sink));
}

bool
sink_goes_on(const Sink *sink)
{
	return !sink->is_broken && !stop_is_asked();
}

/* ------------------------------------------------------------------------------------------------
 * Closing
 */

static void
flush(Sink *sink)
{
	while (rd_kafka_outq_len(sink->handle) > 0 && !stop_is_due() && !sink->is_broken)
	{
		rd_kafka_flush(sink->handle, CONNECTION_SLICE_MS);
		update_undelivered(sink);
		report_tick(sink->report);
	}
}

static void
disconnect(Sink *sink)
{
	flush(sink);
	if (rd_kafka_outq_len(sink->handle) > 0)
	{
		rd_kafka_purge(sink->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(sink->handle, CONNECTION_SLICE_MS);
		update_undelivered(sink);
	}
	/* the promise of five seconds goes before tidiness */
	if (stop_is_due())
		return;
	for (int i = 0; i < sink->ntopics; i++)
		rd_kafka_topic_destroy(sink->topics[i]);
	rd_kafka_destroy(sink->handle);
}

void
sink_close(Sink *sink)
{
	sink_end_unit(sink);
	if (sink->handle != NULL)
		disconnect(sink);
	else if (fflush(stdout) != 0)
		count_failure(sink, "stdout", "could not write");
	free(sink->topics);
	free(sink->npartitions);
	free(sink);
}
