/* SPDX-License-Identifier: PostgreSQL
 *
 * The topics to write to: found, waited for, made.
 */
#ifndef PRODUCER_TOPICS_H
#define PRODUCER_TOPICS_H

#include "connection.h"

/*
 * Waits for a broker, makes topics that are missing if that is asked for, and counts their partitions. No
 * broker in time, or a topic that is not there, ends the program.
 */
void topics_find(rd_kafka_t *handle, const Settings *settings, const char *const *names, int count,
				 int *npartitions);

#endif
