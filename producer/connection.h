/* SPDX-License-Identifier: PostgreSQL
 *
 * How to reach Kafka: what the user has said, as librdkafka wants it.
 */
#ifndef PRODUCER_CONNECTION_H
#define PRODUCER_CONNECTION_H

#include <librdkafka/rdkafka.h>

#include "options.h"

/* For one answer of a broker, and for a look at signals. */
#define CONNECTION_ASK_MS 2000
#define CONNECTION_SLICE_MS 100

/* A property that is not known ends the program. */
void connection_set(rd_kafka_conf_t *conf, const char *name, const char *value);
/* Our own properties, then the user's, which win by coming last. Quiet, unless the user debugs. */
rd_kafka_conf_t *connection_conf(const Settings *settings, const Pair *properties, size_t count);
/* Ends the program while librdkafka's threads may run. */
void connection_give_up(void) __attribute__((noreturn));

#endif
