/* SPDX-License-Identifier: PostgreSQL
 *
 * Asking an exchange again and again: when, and what to do when it does not answer.
 */
#ifndef PRODUCER_POLL_H
#define PRODUCER_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "report.h"
#include "rows.h"
#include "sink.h"

typedef struct PollSymbol
{
	char *name;
	bool is_seen;    /* in this poll */
	bool is_refused; /* the exchange does not know it */
	int64_t ask_again_us;
	Trouble trouble;
} PollSymbol;

typedef struct Poll
{
	const Settings *settings;
	char *url; /* without a slash at its end */
	Report report;
	Sink *sink;
	Http *http;
	PollSymbol *symbols;
	int nsymbols;
	char timestamp[40]; /* of this poll, ISO 8601 */
	int64_t time_ms;

	int64_t start_us;
	int64_t number; /* of the poll */
	Trouble trouble;
	int64_t stranger_told_us; /* of answers to what nobody asked */
	int failures;             /* polls without an answer, in a row */
	int64_t not_before_us;
	uint64_t random;
} Poll;

/* The grid of polls begins anew, as after a long time of catching up. */
void poll_begin(Poll *poll);
void poll_open(Poll *poll, const Settings *settings, const char *default_url, const char *symbols);
/* Waits for the next poll's time. Result: false at the end. */
bool poll_wait(Poll *poll);
/* Asks, and notes how that went. Result: how many have an answer. */
int poll_fetch(Poll *poll, HttpRequest *requests, int count);
/* Sends the rows of an answer; what is wrong with one is told. Result: how many were sent. */
int poll_send(Poll *poll, const Rows *rows);
void poll_send_row(Poll *poll, const Row *row);
/* In the status line. */
void poll_show(Poll *poll, const Row *row);
/* Waits so long, and for the end of a back-off. Result: false at the end. */
bool poll_pause(Poll *poll, int64_t span_us);
/* The answer to one symbol, or the whole of it, is of no use. */
void poll_flaw(Poll *poll, const char *symbol, const char *flaw);
/* The k-th poll is done. Result: false if it was to be the only one. */
bool poll_end(Poll *poll, int sent, int wanted);
/* Result: the exit code. */
int poll_close(Poll *poll);

PollSymbol *poll_symbol(Poll *poll, const char *name);

#endif
