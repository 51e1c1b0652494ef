/* SPDX-License-Identifier: PostgreSQL
 *
 * Reading the end of a topic, to go on where an earlier run stopped.
 */
#ifndef PRODUCER_TAIL_H
#define PRODUCER_TAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

typedef struct TailReader
{
	void (*use)(void *opaque, const char *payload, size_t len);
	/* Result: whether enough is known; asked after each step back. */
	bool (*is_done)(void *opaque);
	void *opaque;
} TailReader;

/* Reads further and further back, until it is done or has the whole topic; messages come again. */
void tail_read(const Settings *settings, int npartitions, const TailReader *reader);

#endif
