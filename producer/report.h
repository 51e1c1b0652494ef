/* SPDX-License-Identifier: PostgreSQL
 *
 * What was done, counted and told: the status line, and the last line.
 */
#ifndef PRODUCER_REPORT_H
#define PRODUCER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "text.h"

typedef struct Report
{
	/* totals */
	int64_t produced;  /* given to the sink */
	int64_t delivered; /* the broker has them */
	int64_t failed;    /* it never will */
	int64_t skipped;   /* not made: bad answers, bad lines */
	int64_t late;      /* synth: events made late */
	int64_t polls;
	int64_t missed; /* polls that were due while another still ran, or while backing off */

	/* for the status line; "" where there is none */
	char symbol[32];
	char price[48];
	char change[32];
	char volume[48];
	int64_t lag_ms; /* below 0: unknown */

	/* how and when to tell */
	bool is_terminal;
	int64_t interval_us;
	int64_t started_us;
	int64_t due_us;
	int64_t last_us;
	int64_t last_produced;
} Report;

/* default_interval_us 0: each poll */
void report_init(Report *report, const Settings *settings, int64_t default_interval_us);
/* Tells, if it is time. */
void report_tick(Report *report);
/* After each poll: "sent 2/2" on a pipe. */
void report_poll(Report *report, int sent, int wanted);
void report_end(Report *report);
/* Result: the exit code that the counts ask for. */
int report_exit_code(const Report *report);

#endif
