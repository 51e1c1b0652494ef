/* SPDX-License-Identifier: PostgreSQL
 *
 * Asking an exchange again and again.
 *
 * Poll k begins at start + k * interval, so that polls do not drift. One whose time passes while another
 * runs, or while we back off, is counted and not made up.
 *
 * An exchange that says when to come back is obeyed. One that fails is asked after 1, 2, 4 … intervals,
 * or seconds if that is less, up to a minute, each time with some chance in it, so that a thousand
 * feeders do not come back together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "moment.h"
#include "poll.h"
#include "stop.h"

#define REPORT_US (10 * SECOND_US) /* of a command that does not poll */
#define CAP_US MINUTE_US
#define THROTTLED_US (10 * SECOND_US) /* if the exchange does not say */
#define STRANGER_US MINUTE_US

static char *
base_url(const Settings *settings, const char *default_url)
{
	const char *url = settings->url != NULL ? settings->url : default_url;
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return copy_string(url, len);
}

static void
symbols_open(Poll *poll, const char *list)
{
	char **names;

	poll->nsymbols = list_split(list, &names);
	if (poll->nsymbols == 0)
		usage_error("no symbols");
	poll->symbols = allocate(sizeof(PollSymbol) * (size_t) poll->nsymbols);
	for (int i = 0; i < poll->nsymbols; i++)
	{
		if (strspn(names[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != strlen(names[i]) ||
			strlen(names[i]) >= SYMBOL_BYTES)
			usage_error("a symbol is upper-case letters and digits, not \"%s\"", names[i]);
		if (poll_symbol(poll, names[i]) != NULL)
			usage_error("symbol \"%s\" is named twice", names[i]);
		poll->symbols[i].name = names[i];
	}
	free(names);
}

void
poll_open(Poll *poll, const Settings *settings, const char *default_url, const char *symbols)
{
	*poll = (Poll){.settings = settings, .random = (uint64_t) now_us()};
	poll->url = base_url(settings, default_url);
	symbols_open(poll, symbols);
	report_init(&poll->report, settings, settings->interval_us > 0 ? 0 : REPORT_US);
	poll->sink = sink_open(settings, &poll->report, &settings->topic, 1);
	poll->http = http_open(settings, poll->sink);
	poll_begin(poll);
}

void
poll_begin(Poll *poll)
{
	poll->start_us = monotonic_us();
	poll->number = -1;
}

/* The first poll whose time is not before this. */
static int64_t
number_from(const Poll *poll, int64_t time_us)
{
	int64_t interval_us = poll->settings->interval_us;

	return (time_us - poll->start_us + interval_us - 1) / interval_us;
}

bool
poll_wait(Poll *poll)
{
	int64_t from_us = monotonic_us();
	bool is_first = poll->number < 0 && poll->not_before_us <= from_us;
	int64_t number;

	if (poll->not_before_us > from_us)
		from_us = poll->not_before_us;
	number = is_first ? 0 : number_from(poll, from_us);
	if (number <= poll->number)
		number = poll->number + 1;
	poll->report.missed += number - poll->number - 1;
	poll->number = number;
	sink_serve(poll->sink, poll->start_us + number * poll->settings->interval_us);
	poll->time_ms = now_us() / 1000;
	moment_format_ms(poll->time_ms * 1000, poll->timestamp);
	for (int i = 0; i < poll->nsymbols; i++)
	{
		poll->symbols[i].is_seen = false;
		if (poll->symbols[i].ask_again_us < monotonic_us())
			poll->symbols[i].is_refused = false;
	}
	return sink_goes_on(poll->sink);
}

bool
poll_pause(Poll *poll, int64_t span_us)
{
	int64_t until_us = monotonic_us() + span_us;

	if (until_us < poll->not_before_us)
		until_us = poll->not_before_us;
	sink_serve(poll->sink, until_us);
	return sink_goes_on(poll->sink);
}

static int64_t
back_off_us(Poll *poll)
{
	int64_t interval_us = poll->settings->interval_us;
	int64_t first_us = interval_us > 0 && interval_us < SECOND_US ? interval_us : SECOND_US;
	int64_t span_us = CAP_US;

	if (poll->failures < 20 && first_us << poll->failures < CAP_US)
		span_us = first_us << poll->failures;
	poll->random = poll->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return span_us / 2 + (int64_t) ((poll->random >> 33) % (uint64_t) (span_us / 2 + 1));
}

/* How long the whole source is left alone because of this answer; 0: not at all. */
static int64_t
pause_us(Poll *poll, const HttpRequest *request)
{
	switch (request->verdict)
	{
		case HTTP_THROTTLED:
			return request->retry_after_us > 0 ? request->retry_after_us : THROTTLED_US;
		case HTTP_BLOCKED:
			return CAP_US;
		case HTTP_FAILED:
			return request->retry_after_us > 0 ? request->retry_after_us : back_off_us(poll);
		case HTTP_OK:
		case HTTP_REFUSED:
			break;
	}
	return 0;
}

/* The answer that wants the longest pause says what is told. */
int
poll_fetch(Poll *poll, HttpRequest *requests, int count)
{
	const char *failure = "";
	int64_t longest_us = 0;
	int answered = 0;

	http_fetch(poll->http, requests, count);
	for (int i = 0; i < count; i++)
	{
		int64_t span_us = pause_us(poll, &requests[i]);

		answered += requests[i].verdict == HTTP_OK;
		if (span_us > longest_us)
		{
			longest_us = span_us;
			failure = requests[i].failure;
		}
	}
	poll->failures = longest_us > 0 ? poll->failures + 1 : 0;
	if (longest_us > 0)
		poll->not_before_us = monotonic_us() + longest_us;
	trouble_tell(&poll->trouble, poll->url, failure);
	return answered;
}

PollSymbol *
poll_symbol(Poll *poll, const char *name)
{
	for (int i = 0; i < poll->nsymbols; i++)
	{
		if (poll->symbols[i].name != NULL && strcmp(poll->symbols[i].name, name) == 0)
			return &poll->symbols[i];
	}
	return NULL;
}

void
poll_flaw(Poll *poll, const char *name, const char *flaw)
{
	PollSymbol *symbol = poll_symbol(poll, name);

	poll->report.skipped++;
	if (symbol != NULL)
		trouble_tell(&symbol->trouble, name, flaw);
	else if (monotonic_us() - poll->stranger_told_us > STRANGER_US || poll->stranger_told_us == 0)
	{
		log_warning("%s: %s", name[0] != '\0' ? name : "an answer", flaw);
		poll->stranger_told_us = monotonic_us();
	}
}

void
poll_show(Poll *poll, const Row *row)
{
	Report *report = &poll->report;

	snprintf(report->symbol, sizeof(report->symbol), "%s", row->symbol);
	snprintf(report->price, sizeof(report->price), "%s", row->price);
	snprintf(report->change, sizeof(report->change), "%.31s", row->change);
	snprintf(report->volume, sizeof(report->volume), "%s", row->volume);
	report->lag_ms = now_us() / 1000 - row->event_ms;
	if (report->lag_ms < 0)
		report->lag_ms = 0;
}

void
poll_send_row(Poll *poll, const Row *row)
{
	sink_send(poll->sink, &(Message){.partition = ANY_PARTITION,
									 .key = row->symbol,
									 .key_len = strlen(row->symbol),
									 .value = row->payload.data,
									 .len = row->payload.len});
}

int
poll_send(Poll *poll, const Rows *rows)
{
	int sent = 0;

	for (int i = 0; i < rows->count; i++)
	{
		const Row *row = &rows->items[i];
		PollSymbol *symbol = poll_symbol(poll, row->symbol);

		const char *flaw = row->flaw[0] != '\0' ? row->flaw
						   : symbol == NULL     ? "nobody asked for it"
						   : symbol->is_seen    ? "a second answer"
												: "";

		if (symbol != NULL)
			symbol->is_seen = true;
		if (flaw[0] != '\0')
		{
			poll_flaw(poll, row->symbol, flaw);
			continue;
		}
		trouble_tell(&symbol->trouble, row->symbol, "");
		poll_send_row(poll, row);
		if (sent == 0)
			poll_show(poll, row);
		sent++;
	}
	return sent;
}

bool
poll_end(Poll *poll, int sent, int wanted)
{
	sink_end_unit(poll->sink);
	report_poll(&poll->report, sent, wanted);
	return !poll->settings->is_once;
}

int
poll_close(Poll *poll)
{
	int exit_code;

	http_close(poll->http);
	sink_close(poll->sink);
	report_end(&poll->report);
	for (int i = 0; i < poll->nsymbols; i++)
		free(poll->symbols[i].name);
	free(poll->symbols);
	free(poll->url);
	exit_code = report_exit_code(&poll->report);
	if (exit_code == EXIT_DELIVERED && poll->settings->is_once &&
		(poll->report.skipped > 0 || poll->report.produced == 0))
		return EXIT_SOURCE;
	return exit_code;
}
