/* SPDX-License-Identifier: PostgreSQL
 *
 * What was done, counted and told: one line that refreshes on a terminal, a line from time to time
 * on a pipe, and a last line with the whole count.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "moment.h"
#include "report.h"

#define REFRESH_US (SECOND_US / 5)

void
report_init(Report *report, const Settings *settings, int64_t default_interval_us)
{
	*report = (Report){
		.is_terminal = isatty(STDERR_FILENO) && strcmp(settings->log, "text") == 0,
		.interval_us = settings->report_interval_us != NO_LIMIT ? settings->report_interval_us
																: default_interval_us,
		.started_us = monotonic_us(),
		.lag_ms = -1,
	};
	report->last_us = report->started_us;
	report->due_us = report->started_us + (report->is_terminal ? REFRESH_US : report->interval_us);
}

static void
add_count(Text *line, const char *what, int64_t count)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%" PRId64, count);
	text_addf(line, "%s%s ", line->len > 0 ? "  " : "", what);
	text_add_grouped(line, digits);
}

static void
add_market(Text *line, const Report *report)
{
	if (report->symbol[0] != '\0')
		text_add_string(line, report->symbol);
	if (report->price[0] != '\0')
	{
		text_add_string(line, " ");
		text_add_grouped(line, report->price);
	}
	if (report->change[0] != '\0')
		text_addf(line, "  %s%s %%", report->change[0] == '-' ? "" : "+", report->change);
	if (report->volume[0] != '\0')
	{
		text_add_string(line, "  vol ");
		text_add_grouped(line, report->volume);
	}
}

static int64_t
rate_since_last(Report *report, int64_t time_us)
{
	int64_t passed_us = time_us - report->last_us;
	int64_t sent = report->produced - report->last_produced;

	report->last_us = time_us;
	report->last_produced = report->produced;
	return passed_us > 0 ? (int64_t) ((double) sent * SECOND_US / (double) passed_us) : 0;
}

static void
tell(Report *report, int64_t time_us)
{
	Text line = {0};

	add_market(&line, report);
	add_count(&line, "msgs", report->produced);
	add_count(&line, "late", report->late);
	if (report->skipped > 0)
		add_count(&line, "bad", report->skipped);
	if (report->failed > 0)
		add_count(&line, "failed", report->failed);
	if (report->missed > 0)
		add_count(&line, "missed polls", report->missed);
	if (report->lag_ms >= 0)
		text_addf(&line, "  lag %" PRId64 " ms", report->lag_ms);
	else
		text_addf(&line, "  %" PRId64 "/s", rate_since_last(report, time_us));
	if (report->is_terminal)
		log_status(line.data);
	else
		log_info("%s", line.data);
	text_free(&line);
}

void
report_tick(Report *report)
{
	int64_t time_us = monotonic_us();

	if (time_us < report->due_us || (report->interval_us == 0 && !report->is_terminal))
		return;
	tell(report, time_us);
	report->due_us = time_us + (report->is_terminal ? REFRESH_US : report->interval_us);
}

void
report_poll(Report *report, int sent, int wanted)
{
	report->polls++;
	if (report->is_terminal || report->interval_us > 0)
		report_tick(report);
	else
		log_info("sent %d/%d", sent, wanted);
}

void
report_end(Report *report)
{
	double seconds = (double) (monotonic_us() - report->started_us) / SECOND_US;
	Text line = {0};

	if (report->is_terminal)
		tell(report, monotonic_us());
	text_addf(&line, "produced %" PRId64 ", delivered %" PRId64 ", failed %" PRId64,
			  report->produced, report->delivered, report->failed);
	if (report->skipped > 0)
		text_addf(&line, ", skipped %" PRId64, report->skipped);
	if (report->polls > 0)
		text_addf(&line, "; polls %" PRId64 ", missed %" PRId64, report->polls, report->missed);
	text_addf(&line, "; %.1f s", seconds);
	log_info("%s", line.data);
	text_free(&line);
}

int
report_exit_code(const Report *report)
{
	return report->failed > 0 || report->delivered < report->produced ? EXIT_UNDELIVERED
																	  : EXIT_DELIVERED;
}
