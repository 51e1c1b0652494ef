/* SPDX-License-Identifier: PostgreSQL
 *
 * How to reach Kafka, for sink.c, which writes, and tail.c, which reads.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"

void
connection_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[512];

	if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
		usage_error("%s", text);
}

rd_kafka_conf_t *
connection_conf(const Settings *settings, const Pair *properties, size_t count)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	/* what is worth knowing comes by the error callback too */
	connection_set(conf, "log_level", "2");
	connection_set(conf, "client.id", "weir-producer");
	connection_set(conf, "reconnect.backoff.max.ms", "2000");
	for (size_t i = 0; i < count; i++)
		connection_set(conf, properties[i].name, properties[i].value);
	if (settings->brokers != NULL)
		connection_set(conf, "bootstrap.servers", settings->brokers);
	for (int i = 0; i < settings->properties.count; i++)
	{
		const Pair *property = &settings->properties.items[i];

		if (strcmp(property->name, "debug") == 0)
			connection_set(conf, "log_level", "7");
		connection_set(conf, property->name, property->value);
	}
	return conf;
}

void
connection_give_up(void)
{
	fflush(stdout);
	/* exit() would run destructors of libraries under those threads */
	_exit(EXIT_NO_BROKER);
}
