/* SPDX-License-Identifier: PostgreSQL
 *
 * binance: the 24-hour ticker, one request for all symbols, one message for each.
 *
 * Binance refuses the whole request if it does not know one of its symbols. Then each is asked for
 * alone, once, and the unknown ones are left out for a while.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binance_json.h"
#include "commands.h"
#include "log.h"
#include "moment.h"
#include "poll.h"

#define DEFAULT_URL "https://api.binance.com"
#define REFUSED_US MINUTE_US /* a symbol may be listed later */

typedef struct Binance
{
	Poll poll;
	HttpRequest *requests; /* one for each symbol; the first also for all */
	Rows rows;
} Binance;

/* ["A","B"], as a URL wants it */
static void
build_url(const Binance *binance, HttpRequest *request, const PollSymbol *only)
{
	const Poll *poll = &binance->poll;
	const char *separator = "";

	text_clear(&request->url);
	text_addf(&request->url, "%s/api/v3/ticker/24hr?symbols=%%5B", poll->url);
	for (int i = 0; i < poll->nsymbols; i++)
	{
		if (only != NULL ? only != &poll->symbols[i] : poll->symbols[i].is_refused)
			continue;
		text_addf(&request->url, "%s%%22%s%%22", separator, poll->symbols[i].name);
		separator = ",";
	}
	text_add_string(&request->url, "%5D");
}

/* Reads an answer to the symbols that were asked for. Result: how many messages were sent. */
static int
use_answer(Binance *binance, const HttpRequest *request)
{
	Poll *poll = &binance->poll;

	binance_read_ticker(request->body.data != NULL ? request->body.data : "", request->body.len,
						poll->timestamp, &binance->rows);
	if (binance->rows.flaw[0] != '\0')
		return -1;
	return poll_send(poll, &binance->rows);
}

/* No symbol comes silently short. */
static void
tell_missing(Poll *poll, const char *flaw)
{
	for (int i = 0; i < poll->nsymbols; i++)
	{
		if (!poll->symbols[i].is_seen && !poll->symbols[i].is_refused)
			poll_flaw(poll, poll->symbols[i].name, flaw);
	}
}

static void
refuse(Poll *poll, PollSymbol *symbol, const HttpRequest *request)
{
	char flaw[TROUBLE_BYTES] = "";

	if (!binance_read_error(request->body.data, request->body.len, flaw))
		flaw_set(flaw, "%s", request->failure);
	symbol->is_refused = true;
	symbol->ask_again_us = monotonic_us() + REFUSED_US;
	poll_flaw(poll, symbol->name, flaw);
}

static int
ask_one_by_one(Binance *binance)
{
	Poll *poll = &binance->poll;
	int sent = 0;

	for (int i = 0; i < poll->nsymbols; i++)
		build_url(binance, &binance->requests[i], &poll->symbols[i]);
	poll_fetch(poll, binance->requests, poll->nsymbols);
	for (int i = 0; i < poll->nsymbols; i++)
	{
		const HttpRequest *request = &binance->requests[i];
		PollSymbol *symbol = &poll->symbols[i];
		int count = request->verdict == HTTP_OK ? use_answer(binance, request) : 0;

		if (count > 0)
			sent += count;
		else if (request->verdict == HTTP_REFUSED)
			refuse(poll, symbol, request);
		else if (!symbol->is_seen)
			poll_flaw(poll, symbol->name, count < 0 ? binance->rows.flaw : request->failure);
	}
	return sent;
}

static bool
has_wanted(const Poll *poll)
{
	for (int i = 0; i < poll->nsymbols; i++)
	{
		if (!poll->symbols[i].is_refused)
			return true;
	}
	return false;
}

static int
ask(Binance *binance)
{
	Poll *poll = &binance->poll;
	HttpRequest *request = &binance->requests[0];
	int sent;

	if (!has_wanted(poll))
		return 0;
	build_url(binance, request, NULL);
	poll_fetch(poll, request, 1);
	if (request->verdict == HTTP_REFUSED)
		return ask_one_by_one(binance);
	sent = request->verdict == HTTP_OK ? use_answer(binance, request) : 0;
	if (sent < 0)
		tell_missing(poll, binance->rows.flaw);
	else
		tell_missing(poll, request->verdict == HTTP_OK ? "not in the answer" : request->failure);
	return sent < 0 ? 0 : sent;
}

int
binance_run(const Command *command, const Settings *settings)
{
	Binance binance = {0};
	Poll *poll = &binance.poll;

	if (strcmp(settings->source, "trades") == 0)
		return trades_run(command, settings);
	if (settings->from != NULL)
		usage_error("--from is for --source trades");
	poll_open(poll, settings, DEFAULT_URL, settings->symbols);
	binance.requests = allocate(sizeof(HttpRequest) * (size_t) poll->nsymbols);
	while (poll_wait(poll))
	{
		if (!poll_end(poll, ask(&binance), poll->nsymbols))
			break;
	}
	for (int i = 0; i < poll->nsymbols; i++)
		http_request_free(&binance.requests[i]);
	free(binance.requests);
	rows_free(&binance.rows);
	return poll_close(poll);
}
