/* SPDX-License-Identifier: PostgreSQL
 *
 * synth: a made-up ticker into a topic, and the right answer into a file.
 *
 * Each symbol has a partition that this program chooses, so that offsets are known as messages are
 * made. Nobody else may write to the topic meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "commands.h"
#include "log.h"
#include "moment.h"
#include "report.h"
#include "sink.h"
#include "stop.h"
#include "ticker.h"

#define REPORT_US (10 * SECOND_US)
#define DEFAULT_START "2026-01-01"

typedef struct Synth
{
	const Settings *settings;
	Report report;
	Sink *sink;
	Ticker ticker;
	Answer *answer;   /* NULL if nobody asked */
	int64_t count;    /* 0: no end */
	int64_t *offsets; /* the next of each partition */
	int64_t started_us;
	Text payload;
} Synth;

static int64_t
start_of(const Settings *settings)
{
	int64_t start_us;

	if (settings->start == NULL)
		moment_parse(DEFAULT_START, &start_us);
	else if (strcmp(settings->start, "now") == 0)
		start_us = now_us() / 1000 * 1000;
	else if (!moment_parse(settings->start, &start_us) || start_us < 0)
		usage_error("--start is a time of ISO 8601 since 1970, or now, not \"%s\"",
					settings->start);
	return start_us;
}

static void
check_settings(const Settings *settings)
{
	if (settings->expect != NULL && settings->count == 0 && settings->days == 0)
		usage_error("--expect wants an end: --count or --days");
	/* markers of transactions take offsets */
	if (settings->expect != NULL && settings->transactional_id != NULL)
		usage_error("--expect tells offsets, which --transactional shifts");
	if (settings->disorder_us > settings->lateness_us)
		usage_error("--disorder is more than --lateness: events would be late by chance");
}

/* Without a number of events there is one a second; without a span they come at their rate. */
static void
plan_make(Synth *synth, TickerPlan *plan)
{
	const Settings *settings = synth->settings;

	synth->count = settings->count;
	if (synth->count == 0 && settings->days > 0)
		synth->count = settings->days * (DAY_US / SECOND_US);
	*plan = (TickerPlan){
		.seed = settings->seed,
		.symbols = (int) settings->symbol_count,
		.partitions = sink_partitions(synth->sink, 0),
		.start_us = start_of(settings),
		.step_us = settings->rate > 0 ? SECOND_US / settings->rate : 1000,
		.span_us = settings->days * DAY_US,
		.count = synth->count,
		.disorder_us = settings->disorder_us,
		.lateness_us = settings->lateness_us,
		.late_ppm = settings->late_ppm,
		.bad_ppm = settings->bad_ppm,
	};
}

static void
find_offsets(Synth *synth, int partitions)
{
	synth->offsets = allocate(sizeof(int64_t) * (size_t) partitions);
	for (int i = 0; i < partitions && synth->answer != NULL; i++)
		synth->offsets[i] = sink_end(synth->sink, 0, i);
}

static void
pace(Synth *synth)
{
	int64_t rate = synth->settings->rate;
	int64_t due_us;

	if (rate == 0)
		return;
	due_us = synth->started_us + (int64_t) ((__int128) synth->ticker.next * SECOND_US / rate);
	if (due_us > monotonic_us())
		sink_serve(synth->sink, due_us);
}

static void
send_tick(Synth *synth)
{
	const char *name;
	Tick tick;

	ticker_next(&synth->ticker, &tick);
	ticker_write(&synth->ticker, &tick, &synth->payload);
	name = synth->ticker.symbols[tick.symbol].name;
	sink_send(synth->sink, &(Message){.partition = tick.partition,
									  .key = name,
									  .key_len = strlen(name),
									  .value = synth->payload.data,
									  .len = synth->payload.len});
	if (synth->answer != NULL)
		answer_add(synth->answer, &tick, synth->offsets[tick.partition]++);
	synth->report.late += tick.flaw == TICK_LATE;
}

static void
send_ticks(Synth *synth)
{
	synth->started_us = monotonic_us();
	while (sink_goes_on(synth->sink) && (synth->count == 0 || synth->ticker.next < synth->count))
	{
		pace(synth);
		if (sink_goes_on(synth->sink))
			send_tick(synth);
	}
}

/* An answer to what was sent: also after a signal, but not if messages are missing. */
static int
tell_answer(Synth *synth)
{
	int exit_code = report_exit_code(&synth->report);

	if (synth->answer == NULL)
		return exit_code;
	if (exit_code != EXIT_DELIVERED)
	{
		log_error("no answer is written: messages are missing");
		return exit_code;
	}
	return answer_write(synth->answer, &synth->ticker, synth->settings->expect) ? exit_code
																				: EXIT_SOURCE;
}

int
synth_run(const Command *command, const Settings *settings)
{
	Synth synth = {.settings = settings};
	TickerPlan plan;
	int exit_code;

	(void) command;
	check_settings(settings);
	report_init(&synth.report, settings, REPORT_US);
	synth.sink = sink_open(settings, &synth.report, &settings->topic, 1);
	plan_make(&synth, &plan);
	ticker_init(&synth.ticker, &plan);
	if (settings->expect != NULL)
		synth.answer = answer_new(plan.start_us, plan.symbols);
	find_offsets(&synth, plan.partitions);
	send_ticks(&synth);
	sink_close(synth.sink);
	report_end(&synth.report);
	exit_code = tell_answer(&synth);
	if (synth.answer != NULL)
		answer_free(synth.answer);
	ticker_free(&synth.ticker);
	free(synth.offsets);
	text_free(&synth.payload);
	return exit_code;
}
