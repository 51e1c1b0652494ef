/* SPDX-License-Identifier: PostgreSQL
 *
 * The settings: one table for each type.
 *
 * Each has a default that works, and says when to change it. What belongs to one stream or view is an
 * option of that, not a setting.
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"

#include "inject.h"
#include "setting.h"

bool weir_enabled;
int weir_commit_interval_ms;
int weir_state_memory_kb;
int weir_max_rejects;
int weir_max_views;
int weir_max_scan_messages;
int weir_synchronous_commit;

typedef struct IntSetting
{
	const char *name;
	int *variable;
	int standard;
	int min;
	int max;
	GucContext context;
	int flags;
	const char *what;
	const char *when;
} IntSetting;

static const IntSetting int_settings[] = {
	{"weir.commit_interval", &weir_commit_interval_ms, 1000, 10, 60 * 60 * 1000, PGC_SIGHUP,
	 GUC_UNIT_MS, "How often a stream's worker commits what it has counted.",
	 "Raise it to write less WAL; lower it to read fewer messages again after a crash. What SELECT "
	 "shows does not depend on it."},
	{"weir.max_rejects", &weir_max_rejects, 10000, 0, INT_MAX, PGC_SIGHUP, 0,
	 "How many rejects of a stream or view are kept in weir.rejected.",
	 "Beyond it they are only counted. Raise it to keep more of them for repair; 0 keeps none."},
	{"weir.max_scan_messages", &weir_max_scan_messages, 10000000, 0, INT_MAX, PGC_USERSET, 0,
	 "The most messages that one scan of a stream may read.",
	 "A scan that would read more is an error with an estimate; 0 is no limit. Raise it for a "
	 "session that means to read a large topic."},
	{"weir.max_views", &weir_max_views, 256, 1, 65536, PGC_POSTMASTER, 0,
	 "How many continuous views may run on the server.",
	 "Raise it when a view says that no slot is free; a slot takes less than 2 kB of shared "
	 "memory."},
	{"weir.state_memory", &weir_state_memory_kb, 256 * 1024, 1024, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB,
	 "The most shared memory that the open windows of one stream may take.",
	 "Raise it for a stream that is in state state_full; containers need /dev/shm of that size."},
};

typedef struct BoolSetting
{
	const char *name;
	bool *variable;
	bool standard;
	GucContext context;
	const char *what;
	const char *when;
} BoolSetting;

static const BoolSetting bool_settings[] = {
	{"weir.enabled", &weir_enabled, true, PGC_SIGHUP, "Whether workers run at all.",
	 "Turn it off and reload to stop every worker of the server at once, each after a last commit; "
	 "turned on again they go on where they were."},
};

/* As synchronous_commit has them. */
static const struct config_enum_entry commit_levels[] = {
	{"off", SYNCHRONOUS_COMMIT_OFF, false},
	{"local", SYNCHRONOUS_COMMIT_LOCAL_FLUSH, false},
	{"remote_write", SYNCHRONOUS_COMMIT_REMOTE_WRITE, false},
	{"on", SYNCHRONOUS_COMMIT_REMOTE_FLUSH, false},
	{"remote_apply", SYNCHRONOUS_COMMIT_REMOTE_APPLY, false},
	{NULL, 0, false},
};

/* What only takes effect where the library is loaded at server start is otherwise without effect, but
 * must be known, so that a line in postgresql.conf raises no warning. */
static GucContext
context_here(GucContext context)
{
	if (context == PGC_POSTMASTER && !process_shared_preload_libraries_in_progress)
		return PGC_SIGHUP;
	return context;
}

typedef struct Pin
{
	const char *name;
	const char *value;
} Pin;

static const Pin pins[] = {
	{"extra_float_digits", "1"}, /* the shortest exact text */
	{"bytea_output", "hex"},
};

#define NOT_PINNED (-1)

static bool
is_as_pinned(void)
{
	return extra_float_digits >= 1 && bytea_output == BYTEA_OUTPUT_HEX;
}

int
weir_setting_pin(void)
{
	int level;

	if (is_as_pinned())
		return NOT_PINNED;
	level = NewGUCNestLevel();
	for (size_t i = 0; i < lengthof(pins); i++)
		(void) set_config_option(pins[i].name, pins[i].value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
weir_setting_unpin(int level)
{
	if (level != NOT_PINNED)
		AtEOXact_GUC(false, level);
}

void
weir_setting_pin_process(void)
{
	for (size_t i = 0; i < lengthof(pins); i++)
		SetConfigOption(pins[i].name, pins[i].value, PGC_SUSET, PGC_S_OVERRIDE);
}

void
weir_setting_define(void)
{
	for (size_t i = 0; i < lengthof(int_settings); i++)
	{
		const IntSetting *it = &int_settings[i];

		DefineCustomIntVariable(it->name, it->what, it->when, it->variable, it->standard, it->min,
								it->max, context_here(it->context), it->flags, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(bool_settings); i++)
	{
		const BoolSetting *it = &bool_settings[i];

		DefineCustomBoolVariable(it->name, it->what, it->when, it->variable, it->standard,
								 context_here(it->context), 0, NULL, NULL, NULL);
	}
	DefineCustomEnumVariable(
		"weir.synchronous_commit", "How the commits of workers wait for their WAL.",
		"As synchronous_commit. Rows and positions are lost together, so local is safe; from on, a "
		"slow standby slows the workers.",
		&weir_synchronous_commit, SYNCHRONOUS_COMMIT_LOCAL_FLUSH, commit_levels, PGC_SIGHUP, 0,
		NULL, NULL, NULL);
	DefineCustomStringVariable("weir.stop_at", "Makes processes fail at a point, for tests.",
							   "A point and an action, as in commit:error; the actions are error, "
							   "exit, crash and wait.",
							   &weir_stop_at, "", PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							   weir_inject_check, weir_inject_assign, NULL);
	MarkGUCPrefixReserved("weir");
}
