/* SPDX-License-Identifier: PostgreSQL
 *
 * The foreign data wrapper weir_live: open windows as rows.
 */
#include "postgres.h"

#include "foreign/fdwapi.h"

PG_FUNCTION_INFO_V1(weir_live_handler);

static void
rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	(void) root;
	(void) rel;
	(void) relid;
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("live rows cannot be read yet"));
}

Datum
weir_live_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	(void) fcinfo;
	routine->GetForeignRelSize = rel_size;
	PG_RETURN_POINTER(routine);
}
