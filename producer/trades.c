/* SPDX-License-Identifier: PostgreSQL
 *
 * binance --source trades: each trade once, in the order of ids, without a gap.
 *
 * Pages of up to 1,000 trades are asked for by the next id. Where an earlier run stopped is read from
 * the topic itself. A page that does not begin with the next id, or has a trade that cannot be read, is
 * asked for again; what stays that way is told, counted and passed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binance_json.h"
#include "commands.h"
#include "field.h"
#include "log.h"
#include "moment.h"
#include "poll.h"
#include "tail.h"

#define DEFAULT_URL "https://api.binance.com"
#define DEFAULT_TOPIC "crypto-trades"
#define PAGE 1000
#define POLITE_US (SECOND_US / 5) /* from page to page while catching up */
#define MAX_TRIES 3
#define UNKNOWN (-1)

typedef struct Cursor
{
	PollSymbol *symbol;
	int64_t next_id;  /* UNKNOWN: to be found by start_ms, or the latest */
	int64_t start_ms; /* UNKNOWN: none */
	bool has_more;
	int tries; /* at the same id */
	HttpRequest request;
} Cursor;

typedef struct Trades
{
	Poll poll;
	Cursor *cursors; /* one for each symbol */
	Rows rows;
	Text scratch;
} Trades;

/* ------------------------------------------------------------------------------------------------
 * Where to begin
 */

static Cursor *
find_cursor(Trades *trades, const char *name)
{
	for (int i = 0; i < trades->poll.nsymbols; i++)
	{
		if (strcmp(trades->cursors[i].symbol->name, name) == 0)
			return &trades->cursors[i];
	}
	return NULL;
}

static void
use_old_message(void *opaque, const char *payload, size_t len)
{
	Trades *trades = opaque;
	Cursor *cursor;
	int64_t id;

	if (!field_find(payload, len, "symbol", &trades->scratch))
		return;
	cursor = find_cursor(trades, trades->scratch.data);
	if (cursor == NULL || !field_find(payload, len, "trade_id", &trades->scratch))
		return;
	id = strtoll(trades->scratch.data, NULL, 10);
	if (id >= cursor->next_id)
		cursor->next_id = id + 1;
}

static bool
is_found(void *opaque)
{
	const Trades *trades = opaque;

	for (int i = 0; i < trades->poll.nsymbols; i++)
	{
		if (trades->cursors[i].next_id == UNKNOWN)
			return false;
	}
	return true;
}

/* What the topic says goes before --from: to begin there again would repeat. */
static void
find_starts(Trades *trades)
{
	const Settings *settings = trades->poll.settings;
	const TailReader reader = {use_old_message, is_found, trades};
	int64_t from_us = 0;
	int64_t id = UNKNOWN;

	if (settings->from != NULL && strspn(settings->from, "0123456789") == strlen(settings->from))
		id = strtoll(settings->from, NULL, 10);
	else if (settings->from != NULL && !moment_parse(settings->from, &from_us))
		usage_error("--from is a date or the id of a trade, not \"%s\"", settings->from);
	if (!settings->is_dry_run)
		tail_read(settings, sink_partitions(trades->poll.sink, 0), &reader);
	for (int i = 0; i < trades->poll.nsymbols; i++)
	{
		Cursor *cursor = &trades->cursors[i];

		if (cursor->next_id != UNKNOWN)
			log_info("%s: going on with trade %" PRId64, cursor->symbol->name, cursor->next_id);
		else if (id != UNKNOWN)
			cursor->next_id = id;
		else if (settings->from != NULL)
			cursor->start_ms = from_us / 1000;
	}
}

/* ------------------------------------------------------------------------------------------------
 * Pages
 */

static void
build_url(const Trades *trades, Cursor *cursor)
{
	Text *url = &cursor->request.url;

	text_clear(url);
	text_addf(url, "%s/api/v3/aggTrades?symbol=%s", trades->poll.url, cursor->symbol->name);
	if (cursor->next_id != UNKNOWN)
		text_addf(url, "&fromId=%" PRId64 "&limit=%d", cursor->next_id, PAGE);
	else if (cursor->start_ms != UNKNOWN)
		text_addf(url, "&startTime=%" PRId64 "&limit=1", cursor->start_ms);
	else
		text_add_string(url, "&limit=1");
}

/* Result: whether to pass what is wrong, having asked often enough. */
static bool
is_patience_over(Trades *trades, Cursor *cursor, const char *flaw)
{
	poll_flaw(&trades->poll, cursor->symbol->name, flaw);
	if (++cursor->tries < MAX_TRIES)
		return false;
	cursor->tries = 0;
	return true;
}

/* Result: whether the page goes on. */
static bool
use_trade(Trades *trades, Cursor *cursor, const Row *row)
{
	char gap[TROUBLE_BYTES];

	if (row->flaw[0] != '\0')
	{
		if (!is_patience_over(trades, cursor, row->flaw))
			return false;
		log_warning("%s: trade %" PRId64 " is left out", cursor->symbol->name, cursor->next_id);
		cursor->next_id++;
		return true;
	}
	if (row->id < cursor->next_id)
		return true;
	if (row->id > cursor->next_id)
	{
		snprintf(gap, sizeof(gap), "trades %" PRId64 " to %" PRId64 " are not in the answer",
				 cursor->next_id, row->id - 1);
		if (!is_patience_over(trades, cursor, gap))
			return false;
		log_warning("%s: they are left out", cursor->symbol->name);
	}
	poll_send_row(&trades->poll, row);
	cursor->next_id = row->id + 1;
	cursor->tries = 0;
	trouble_tell(&cursor->symbol->trouble, cursor->symbol->name, "");
	return true;
}

static void
use_page(Trades *trades, Cursor *cursor)
{
	const Rows *rows = &trades->rows;
	int64_t before = cursor->next_id;

	for (int i = 0; i < rows->count; i++)
	{
		if (!use_trade(trades, cursor, &rows->items[i]))
			return;
	}
	if (rows->count > 0)
		poll_show(&trades->poll, &rows->items[rows->count - 1]);
	cursor->has_more = rows->count >= PAGE && cursor->next_id > before;
}

/* The first trade of a time, or the latest: where pages begin. */
static void
use_start(Trades *trades, Cursor *cursor)
{
	const Rows *rows = &trades->rows;

	if (rows->count == 0)
		return;
	if (rows->items[0].flaw[0] != '\0')
	{
		poll_flaw(&trades->poll, cursor->symbol->name, rows->items[0].flaw);
		return;
	}
	cursor->next_id = rows->items[0].id;
	cursor->has_more = true;
}

/* Result: whether the answer was of use. */
static bool
use_answer(Trades *trades, Cursor *cursor)
{
	const HttpRequest *request = &cursor->request;
	const char *name = cursor->symbol->name;
	char flaw[TROUBLE_BYTES] = "";
	int64_t skipped = trades->poll.report.skipped;

	cursor->has_more = false;
	if (request->verdict != HTTP_OK)
	{
		if (!binance_read_error(request->body.data != NULL ? request->body.data : "",
								request->body.len, flaw))
			flaw_set(flaw, "%s", request->failure);
		poll_flaw(&trades->poll, name, flaw);
		return false;
	}
	binance_read_trades(request->body.data != NULL ? request->body.data : "", request->body.len,
						name, &trades->rows);
	if (trades->rows.flaw[0] != '\0')
		poll_flaw(&trades->poll, name, trades->rows.flaw);
	else if (cursor->next_id == UNKNOWN)
		use_start(trades, cursor);
	else
		use_page(trades, cursor);
	return trades->poll.report.skipped == skipped;
}

/* Asks for the next page of those symbols, at the same time. Result: how many answers were of use. */
static int
ask(Trades *trades, bool only_more)
{
	int count = trades->poll.nsymbols;
	HttpRequest *requests = allocate(sizeof(HttpRequest) * (size_t) count);
	Cursor **asked = allocate(sizeof(Cursor *) * (size_t) count);
	int nasked = 0;
	int useful = 0;

	for (int i = 0; i < count; i++)
	{
		Cursor *cursor = &trades->cursors[i];

		if (only_more && !cursor->has_more)
			continue;
		build_url(trades, cursor);
		requests[nasked] = cursor->request;
		asked[nasked++] = cursor;
	}
	poll_fetch(&trades->poll, requests, nasked);
	for (int i = 0; i < nasked; i++)
	{
		asked[i]->request = requests[i];
		useful += use_answer(trades, asked[i]);
	}
	free(requests);
	free(asked);
	return useful;
}

static bool
has_more(const Trades *trades)
{
	for (int i = 0; i < trades->poll.nsymbols; i++)
	{
		if (trades->cursors[i].has_more)
			return true;
	}
	return false;
}

/* One poll: up to the latest trade, politely. Result: how many symbols answered at first. */
static int
catch_up(Trades *trades)
{
	int useful = ask(trades, false);
	bool is_behind = has_more(trades);

	while (has_more(trades))
	{
		sink_end_unit(trades->poll.sink);
		if (!poll_pause(&trades->poll, POLITE_US))
			break;
		ask(trades, true);
	}
	if (is_behind)
		poll_begin(&trades->poll);
	return useful;
}

int
trades_run(const Command *command, const Settings *given)
{
	Trades trades = {0};
	Settings settings = *given;
	Poll *poll = &trades.poll;

	if (settings.topic == command->topic)
		settings.topic = DEFAULT_TOPIC;
	poll_open(poll, &settings, DEFAULT_URL, settings.symbols);
	trades.cursors = allocate(sizeof(Cursor) * (size_t) poll->nsymbols);
	for (int i = 0; i < poll->nsymbols; i++)
		trades.cursors[i] =
			(Cursor){.symbol = &poll->symbols[i], .next_id = UNKNOWN, .start_ms = UNKNOWN};
	find_starts(&trades);
	while (poll_wait(poll))
	{
		if (!poll_end(poll, catch_up(&trades), poll->nsymbols))
			break;
	}
	for (int i = 0; i < poll->nsymbols; i++)
		http_request_free(&trades.cursors[i].request);
	free(trades.cursors);
	rows_free(&trades.rows);
	text_free(&trades.scratch);
	return poll_close(poll);
}
