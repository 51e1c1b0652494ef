/* SPDX-License-Identifier: PostgreSQL
 *
 * coinbase: the ticker of each product, all asked for at the same time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coinbase_json.h"
#include "commands.h"
#include "poll.h"

#define DEFAULT_URL "https://api.exchange.coinbase.com"
#define DEFAULT_USER "weir-producer" /* as librdkafka is told to call itself */

typedef struct Coinbase
{
	Poll poll;
	HttpRequest *requests; /* one for each product */
	Rows rows;
	const char *user;
} Coinbase;

static const char *
user_of(const Settings *settings)
{
	const char *user = settings->user != NULL ? settings->user : DEFAULT_USER;

	for (int i = 0; i < settings->properties.count && settings->user == NULL; i++)
	{
		if (strcmp(settings->properties.items[i].name, "client.id") == 0)
			user = settings->properties.items[i].value;
	}
	return user;
}

static void
build_urls(Coinbase *coinbase)
{
	for (int i = 0; i < coinbase->poll.nsymbols; i++)
		text_addf(&coinbase->requests[i].url, "%s/products/%s/ticker", coinbase->poll.url,
				  coinbase->poll.symbols[i].name);
}

/* Result: how many messages were sent. */
static int
use_answer(Coinbase *coinbase, const HttpRequest *request, const char *product)
{
	const char *data = request->body.data != NULL ? request->body.data : "";
	char flaw[TROUBLE_BYTES] = "";

	if (request->verdict == HTTP_OK)
	{
		coinbase_read_ticker(data, request->body.len, product, coinbase->user, &coinbase->rows);
		if (coinbase->rows.flaw[0] == '\0')
			return poll_send(&coinbase->poll, &coinbase->rows);
		flaw_set(flaw, "%s", coinbase->rows.flaw);
	}
	else if (!coinbase_read_error(data, request->body.len, flaw))
		flaw_set(flaw, "%s", request->failure);
	poll_flaw(&coinbase->poll, product, flaw);
	return 0;
}

static int
ask(Coinbase *coinbase)
{
	Poll *poll = &coinbase->poll;
	int sent = 0;

	poll_fetch(poll, coinbase->requests, poll->nsymbols);
	for (int i = 0; i < poll->nsymbols; i++)
		sent += use_answer(coinbase, &coinbase->requests[i], poll->symbols[i].name);
	return sent;
}

int
coinbase_run(const Command *command, const Settings *settings)
{
	Coinbase coinbase = {.user = user_of(settings)};
	Poll *poll = &coinbase.poll;

	(void) command;
	poll_open(poll, settings, DEFAULT_URL, settings->products);
	coinbase.requests = allocate(sizeof(HttpRequest) * (size_t) poll->nsymbols);
	build_urls(&coinbase);
	while (poll_wait(poll))
	{
		if (!poll_end(poll, ask(&coinbase), poll->nsymbols))
			break;
	}
	for (int i = 0; i < poll->nsymbols; i++)
		http_request_free(&coinbase.requests[i]);
	free(coinbase.requests);
	rows_free(&coinbase.rows);
	return poll_close(poll);
}
