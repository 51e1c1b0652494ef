/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.pause() and weir.resume(): whether a view is wanted to run.
 *
 * That is an option of its live table, so it is dumped, restored and replicated with it; the functions
 * type what the owner could. They change what is wanted; the worker follows after the commit.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "registry.h"
#include "run.h"

PG_FUNCTION_INFO_V1(weir_pause);
PG_FUNCTION_INFO_V1(weir_resume);

static void set_enabled(Oid live_oid, bool is_enabled);

/* A view whose link is gone can be paused too: it needs nothing but the live table. */
Datum
weir_pause(PG_FUNCTION_ARGS)
{
	Oid live_oid = weir_view_resolve(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);

	SPI_connect();
	set_enabled(live_oid, false);
	SPI_finish();
	weir_registry_announce();
	PG_RETURN_VOID();
}

Datum
weir_resume(PG_FUNCTION_ARGS)
{
	Oid live_oid = weir_view_resolve(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	const char *why;
	WeirView *view = weir_view_read(live_oid, &why);

	if (view == NULL)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot resume view \"%s\"", get_rel_name(live_oid)),
				errdetail_internal("%s", why),
				errhint("Drop it, and create it anew by weir.create_view()."));
	SPI_connect();
	set_enabled(live_oid, true);
	weir_run_start(live_oid);
	SPI_finish();
	weir_registry_announce();
	weir_registry_warn(view->stream_oid);
	PG_RETURN_VOID();
}

/* Result: NULL if the option is not set. */
static DefElem *
find_enabled(Oid live_oid)
{
	ListCell *cell;

	foreach (cell, GetForeignTable(live_oid)->options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "enabled") == 0)
			return option;
	}
	return NULL;
}

/* What is so already is left alone, and takes no lock. */
static void
set_enabled(Oid live_oid, bool is_enabled)
{
	DefElem *option = find_enabled(live_oid);
	char *sql;

	if ((option ? defGetBoolean(option) : true) == is_enabled)
		return;
	sql = psprintf("ALTER FOREIGN TABLE %s OPTIONS (%s enabled '%s')",
				   quote_qualified_identifier(get_namespace_name(get_rel_namespace(live_oid)),
											  get_rel_name(live_oid)),
				   option ? "SET" : "ADD", is_enabled ? "true" : "false");
	ereport(DEBUG1, errmsg_internal("%s", sql));
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "cannot execute: %s", sql);
}
