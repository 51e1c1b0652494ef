/* SPDX-License-Identifier: PostgreSQL
 *
 * How fast librdkafka alone sends: what weir-producer is compared with.
 *
 * It sends the lines of a file, which it holds in memory, with the key that each begins with, up to a tab,
 * and the properties that weir-producer sets, and waits until all are delivered. The clock starts when the
 * file is in memory.
 *
 *   weir-produce [-b BOOTSTRAP] TOPIC FILE
 */
#define _GNU_SOURCE
#include <librdkafka/rdkafka.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_EVERY 1000 /* messages */

static int64_t failed = 0;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("weir-produce: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void) rk;
	(void) opaque;
	failed += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static double
clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static rd_kafka_t *
open_producer(const char *bootstrap)
{
	static const char *const properties[][2] = {{"enable.idempotence", "true"},
												{"linger.ms", "10"},
												{"batch.size", "262144"},
												{"queue.buffering.max.messages", "200000"},
												{"queue.buffering.max.kbytes", "65536"}};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[512];
	rd_kafka_t *rk;

	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
		if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], text, sizeof(text)) !=
			RD_KAFKA_CONF_OK)
			die("%s", text);
	rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, text, sizeof(text));
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (rk == NULL)
		die("%s", text);
	return rk;
}

static char *
read_file(const char *name, size_t *len)
{
	FILE *file = fopen(name, "rb");
	char *bytes;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0)
		die("cannot read %s", name);
	*len = (size_t) ftell(file);
	rewind(file);
	bytes = malloc(*len + 1);
	if (bytes == NULL || fread(bytes, 1, *len, file) != *len)
		die("cannot read %s", name);
	fclose(file);
	return bytes;
}

static void
send_line(rd_kafka_t *rk, rd_kafka_topic_t *topic, char *line, size_t len)
{
	char *tab = memchr(line, '\t', len);
	size_t key_len = tab == NULL ? 0 : (size_t) (tab - line);
	char *value = tab == NULL ? line : tab + 1;

	while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value,
							len - (size_t) (value - line), line, key_len, NULL) != 0)
	{
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("%s", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(rk, 10);
	}
}

int
main(int argc, char **argv)
{
	const char *bootstrap = getenv("WEIR_BOOTSTRAP");
	rd_kafka_topic_t *topic;
	rd_kafka_t *rk;
	size_t len;
	char *bytes;
	double start;
	int64_t sent = 0;
	int option;

	while ((option = getopt(argc, argv, "b:")) == 'b')
		bootstrap = optarg;
	if (argc - optind != 2 || bootstrap == NULL)
		die("usage: weir-produce [-b BOOTSTRAP] TOPIC FILE");
	bytes = read_file(argv[optind + 1], &len);
	start = clock_s();
	rk = open_producer(bootstrap);
	topic = rd_kafka_topic_new(rk, argv[optind], NULL);
	for (char *line = bytes; line < bytes + len; sent++)
	{
		char *end = memchr(line, '\n', (size_t) (bytes + len - line));

		if (end == NULL)
			end = bytes + len;
		send_line(rk, topic, line, (size_t) (end - line));
		if (sent % POLL_EVERY == 0)
			rd_kafka_poll(rk, 0);
		line = end + 1;
	}
	rd_kafka_flush(rk, 60000);
	if (failed > 0 || rd_kafka_outq_len(rk) > 0)
		die("not all messages were delivered");
	printf("messages_per_s=%.0f\n", (double) sent / (clock_s() - start));
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(rk);
	return 0;
}
