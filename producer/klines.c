/* SPDX-License-Identifier: PostgreSQL
 *
 * klines: Binance's own candles of a time, page after page, into a topic or to stdout.
 *
 * A candle that has not ended yet is not sent: it would change.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "binance_json.h"
#include "commands.h"
#include "log.h"
#include "moment.h"
#include "poll.h"

#define DEFAULT_URL "https://api.binance.com"
#define PAGE 1000
#define POLITE_US (SECOND_US / 5)
#define MAX_TRIES 5

typedef struct Klines
{
	Poll poll;
	HttpRequest request;
	Rows rows;
	int64_t from_ms;
	int64_t to_ms; /* candles that begin before */
	int64_t next_ms;
	int tries;
} Klines;

static int64_t
moment_ms(const char *option, const char *text, int64_t otherwise_us)
{
	int64_t time_us = otherwise_us;

	if (text != NULL && !moment_parse(text, &time_us) && !moment_parse_number(text, &time_us))
		usage_error("--%s is a date or a time, not \"%s\"", option, text);
	return time_us / 1000;
}

static void
ask(Klines *klines, const char *symbol)
{
	text_clear(&klines->request.url);
	text_addf(&klines->request.url,
			  "%s/api/v3/klines?symbol=%s&interval=%s&startTime=%" PRId64 "&endTime=%" PRId64
			  "&limit=%d",
			  klines->poll.url, symbol, klines->poll.settings->kline_interval, klines->next_ms,
			  klines->to_ms - 1, PAGE);
	poll_fetch(&klines->poll, &klines->request, 1);
}

/* Result: "" if all rows are good. */
static const char *
read_answer(Klines *klines, const char *symbol, char flaw[TROUBLE_BYTES])
{
	const Text *body = &klines->request.body;
	const char *data = body->data != NULL ? body->data : "";

	flaw[0] = '\0';
	if (klines->request.verdict != HTTP_OK)
	{
		if (!binance_read_error(data, body->len, flaw))
			flaw_set(flaw, "%s", klines->request.failure);
		return flaw;
	}
	binance_read_klines(data, body->len, symbol, klines->poll.settings->kline_interval,
						&klines->rows);
	if (klines->rows.flaw[0] != '\0')
		return klines->rows.flaw;
	for (int i = 0; i < klines->rows.count; i++)
	{
		if (klines->rows.items[i].flaw[0] != '\0')
			return klines->rows.items[i].flaw;
	}
	return flaw;
}

/* Result: whether there may be more. */
static bool
send_rows(Klines *klines)
{
	int64_t before_ms = klines->next_ms;

	for (int i = 0; i < klines->rows.count; i++)
	{
		const Row *row = &klines->rows.items[i];

		if (row->id < klines->next_ms || row->id >= klines->to_ms ||
			row->event_ms >= now_us() / 1000)
			continue;
		poll_send_row(&klines->poll, row);
		klines->next_ms = row->id + 1;
	}
	return klines->rows.count >= PAGE && klines->next_ms > before_ms;
}

/* Result: whether to try again. */
static bool
is_worth_a_try(Klines *klines, const char *symbol, const char *flaw)
{
	poll_flaw(&klines->poll, symbol, flaw);
	if (klines->request.verdict == HTTP_REFUSED)
		return false;
	/* an exchange that is away comes back; one that answers nonsense may not */
	return klines->request.verdict != HTTP_OK || ++klines->tries < MAX_TRIES;
}

static void
send_symbol(Klines *klines, const char *symbol)
{
	char flaw[TROUBLE_BYTES];
	bool has_more = true;

	klines->next_ms = klines->from_ms;
	klines->tries = 0;
	while (has_more && sink_goes_on(klines->poll.sink))
	{
		const char *found;

		ask(klines, symbol);
		found = read_answer(klines, symbol, flaw);
		has_more = found[0] == '\0' ? send_rows(klines) : is_worth_a_try(klines, symbol, found);
		if (has_more && !poll_pause(&klines->poll, POLITE_US))
			return;
	}
}

int
klines_run(const Command *command, const Settings *given)
{
	Klines klines = {0};
	Settings settings = *given;
	int exit_code;

	(void) command;
	if (settings.from == NULL)
		usage_error("weir-producer klines wants --from");
	klines.from_ms = moment_ms("from", settings.from, 0);
	klines.to_ms = moment_ms("to", settings.to, now_us());
	/* without a topic, lines to stdout */
	settings.is_dry_run |= settings.topic == NULL;
	poll_open(&klines.poll, &settings, DEFAULT_URL, settings.symbols);
	for (int i = 0; i < klines.poll.nsymbols; i++)
		send_symbol(&klines, klines.poll.symbols[i].name);
	http_request_free(&klines.request);
	rows_free(&klines.rows);
	exit_code = klines.poll.report.skipped > 0 ? EXIT_SOURCE : EXIT_DELIVERED;
	return poll_close(&klines.poll) == EXIT_DELIVERED ? exit_code : EXIT_UNDELIVERED;
}
