/* SPDX-License-Identifier: PostgreSQL
 *
 * The end by SIGINT or SIGTERM. The flags that a handler sets are the program's only globals beside
 * how it logs.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "moment.h"
#include "stop.h"

#define GRACE_US (4 * SECOND_US) /* of the five that are promised */
#define YEAR_US (365 * DAY_US)

_Atomic int64_t stop_undelivered;

static _Atomic int64_t deadline_us;
static bool is_json; /* fixed before there are signals */

/* Only what a handler may call. */
static void
tell(const char *text, int64_t count)
{
	char line[160] = "";
	char digits[24];
	size_t at = sizeof(digits);
	size_t len;

	strcpy(line, is_json ? "{\"level\":\"warning\",\"message\":\"" : "\nweir-producer: warning: ");
	strcat(line, text);
	len = strlen(line);
	do
		digits[--at] = (char) ('0' + count % 10);
	while ((count /= 10) > 0);
	memcpy(line + len, digits + at, sizeof(digits) - at);
	len += sizeof(digits) - at;
	strcpy(line + len, is_json ? "\"}\n" : "\n");
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		_exit(131);
}

static void
on_signal(int signal_number)
{
	if (deadline_us != 0)
	{
		tell("ended by a second signal; messages not delivered: ", stop_undelivered);
		_exit(128 + signal_number);
	}
	deadline_us = monotonic_us() + GRACE_US;
	tell("finishing; a second signal ends it at once; messages to deliver: ", stop_undelivered);
}

void
stop_on_signals(bool logs_json)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = 0};

	is_json = logs_json;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool
stop_is_asked(void)
{
	return deadline_us != 0;
}

bool
stop_is_due(void)
{
	return stop_is_asked() && monotonic_us() >= deadline_us;
}

int64_t
stop_left_us(void)
{
	int64_t left_us = deadline_us - monotonic_us();

	if (!stop_is_asked())
		return YEAR_US;
	return left_us > 0 ? left_us : 0;
}
