/* SPDX-License-Identifier: PostgreSQL
 *
 * Who may write into weir.position by SQL: a restore of a dump, for views that its role owns.
 *
 * Rows of weir.position are dumped, and a dump may be restored by anybody; a policy cannot hold them
 * apart, for COPY knows none. So everybody may insert, and this trigger lets each write of their own
 * views only.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(weir_position_guard);

Datum
weir_position_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple row;
	Datum view;
	bool is_null;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("weir.position_guard() is a trigger function"));
	row = trigger->tg_trigtuple;
	view = heap_getattr(row, 1, RelationGetDescr(trigger->tg_relation), &is_null);
	if (!weir_owns_relation(RelationGetRelid(trigger->tg_relation), GetUserId()) &&
		(is_null || get_rel_relkind(DatumGetObjectId(view)) == '\0' ||
		 !weir_owns_relation(DatumGetObjectId(view), GetUserId())))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied for the position of another owner's view"));
	return PointerGetDatum(row);
}
