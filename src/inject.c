/* SPDX-License-Identifier: PostgreSQL
 *
 * Faults on demand, for tests.
 *
 * The setting is one for the process, so that a test sets it for a session by SET, and for workers in
 * postgresql.conf and a reload. A point fires each time it is passed.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#include "compat.h"
#include "inject.h"

#define POINT_LEN 64

typedef enum Action
{
	ACTION_ERROR,
	ACTION_EXIT,
	ACTION_CRASH,
	ACTION_WAIT
} Action;

static const char *const action_names[] = {"error", "exit", "crash", "wait"};

typedef struct StopAt
{
	char point[POINT_LEN];
	Action action;
} StopAt;

char *weir_stop_at;
static StopAt stop_at;

static bool
parse(const char *value, StopAt *parsed)
{
	const char *colon = strchr(value, ':');

	memset(parsed, 0, sizeof(StopAt));
	if (value[0] == '\0')
		return true;
	if (colon == NULL || colon - value >= POINT_LEN)
		return false;
	memcpy(parsed->point, value, colon - value);
	for (size_t i = 0; i < lengthof(action_names); i++)
	{
		if (strcmp(colon + 1, action_names[i]) == 0)
		{
			parsed->action = (Action) i;
			return true;
		}
	}
	return false;
}

bool
weir_inject_check(char **value, void **extra, GucSource source)
{
	StopAt parsed;

	(void) extra;
	(void) source;
	if (parse(*value, &parsed))
		return true;
	GUC_check_errdetail("It is a point, a colon and one of error, exit, crash, wait.");
	return false;
}

void
weir_inject_assign(const char *value, void *extra)
{
	(void) extra;
	parse(value, &stop_at);
}

static bool
is_at(const char *point)
{
	return strcmp(stop_at.point, point) == 0;
}

static void
wait_for_change(const char *point)
{
	while (is_at(point) && stop_at.action == ACTION_WAIT)
	{
		WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, weir_wait_event());
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}

void
weir_inject_here(const char *point)
{
	if (!is_at(point))
		return;
	switch (stop_at.action)
	{
		case ACTION_ERROR:
			ereport(ERROR, errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
					errmsg("stopped at \"%s\"", point), errdetail("weir.stop_at asks for it."));
			break;
		case ACTION_EXIT:
			proc_exit(1);
			break;
		case ACTION_CRASH:
			kill(getpid(), SIGKILL);
			pause();
			break;
		case ACTION_WAIT:
			ereport(LOG, errmsg("waiting at \"%s\"", point));
			wait_for_change(point);
			break;
	}
}
