/* SPDX-License-Identifier: PostgreSQL
 *
 * The options of live tables: the validator of weir_live.
 *
 * They are settings only: what a view is and whom it belongs to is said by the table's constraint.
 * A change of them is announced to the launcher, since CREATE and ALTER pass here.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_foreign_table.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "option_value.h"
#include "registry.h"
#include "start.h"

PG_FUNCTION_INFO_V1(weir_live_validator);

static const char *const names[] = {"enabled", "start_at", "notify"};

#define NAMES "enabled, start_at, notify"

static void
refuse_name(const char *name)
{
	WeirNearest nearest = {.source = name};

	for (int i = 0; i < (int) lengthof(names); i++)
		weir_nearest_offer(&nearest, names[i]);
	ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			errmsg("unknown option \"%s\" for a live table", name),
			errdetail("Options of a live table: " NAMES "."),
			nearest.match ? errhint("Perhaps you meant the option \"%s\".", nearest.match) : 0);
}

static void
refuse_value(const char *name, const char *value, const char *accepted)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid value for option \"%s\"", name),
			errdetail("\"%s\" is not accepted. Accepted: %s.", value, accepted));
}

static void
check_option(const char *name, const char *value)
{
	WeirStart start;
	bool flag;

	if (strcmp(name, "start_at") == 0)
	{
		if (!weir_start_parse(value, &start))
			refuse_value(name, value, WEIR_START_ACCEPTED);
	}
	else if (strcmp(name, "enabled") == 0 || strcmp(name, "notify") == 0)
	{
		if (!parse_bool(value, &flag))
			refuse_value(name, value, "true, false");
	}
	else
		refuse_name(name);
}

/* Runs in: any backend, at CREATE and ALTER of what takes options, with all that it will have. */
Datum
weir_live_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *element = lfirst_node(DefElem, cell);

		if (catalog != ForeignTableRelationId)
			ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					errmsg("option \"%s\" belongs to a live table", element->defname));
		check_option(element->defname, defGetString(element));
	}
	if (catalog == ForeignTableRelationId)
		weir_registry_announce();
	PG_RETURN_VOID();
}
