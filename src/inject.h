/* SPDX-License-Identifier: PostgreSQL
 *
 * Faults on demand, for tests: named points in the code at which a process fails, or waits.
 *
 * Setting weir.stop_at names one point and what happens there: "commit:crash". Unset, a point costs
 * one comparison.
 */
#ifndef WEIR_INJECT_H
#define WEIR_INJECT_H

#include "postgres.h"

#include "utils/guc.h"

extern char *weir_stop_at;

extern bool weir_inject_check(char **value, void **extra, GucSource source);
extern void weir_inject_assign(const char *value, void *extra);

extern void weir_inject_here(const char *point);

/* A point; its name has lower-case letters and underscores. May raise an error, end the process, or
 * wait for the setting to change, answering interrupts. */
static inline void
weir_inject(const char *point)
{
	if (unlikely(weir_stop_at != NULL && weir_stop_at[0] != '\0'))
		weir_inject_here(point);
}

#endif
