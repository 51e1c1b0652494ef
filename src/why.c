/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.why(): which window of a view closes next, at which W, and what holds W back; in words.
 *
 * Everything comes from the registry, as the worker last showed it, some milliseconds ago at most.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "clock.h"
#include "compat.h"
#include "query.h"
#include "registry.h"

PG_FUNCTION_INFO_V1(weir_why);

/* What was read of the slots, at one moment or nearly so. */
typedef struct Standing
{
	bool is_there;
	WeirRunState state;
	char error[WEIR_ERROR_LEN];
	int64 watermark_us;
	int64 next_end_us;
	int64 held_us;
	int holder; /* -1: all partitions are idle */
	int64 lag;  /* messages, of the holder; -1: not known */
	bool is_copy;
} Standing;

static void
read_holder(Standing *standing, int worker)
{
	const WeirPartitionSlot *partition;

	standing->lag = -1;
	if (worker < 0 || standing->holder < 0 || standing->holder >= WEIR_PARTITIONS_SHOWN)
		return;
	partition = &weir_registry_worker(worker)->partitions[standing->holder];
	standing->lag =
		(int64) (pg_atomic_read_u64((pg_atomic_uint64 *) (uintptr_t) &partition->end) -
				 pg_atomic_read_u64((pg_atomic_uint64 *) (uintptr_t) &partition->applied));
}

static void
read_slot(Standing *standing, WeirViewSlot *slot)
{
	uint32 holder = pg_atomic_read_u32(&slot->holder);

	standing->is_there = true;
	standing->state = slot->condition.state;
	snprintf(standing->error, sizeof(standing->error), "%s", slot->condition.error);
	standing->watermark_us = (int64) pg_atomic_read_u64(&slot->watermark_us);
	standing->next_end_us = (int64) pg_atomic_read_u64(&slot->next_end_us);
	standing->held_us = (int64) pg_atomic_read_u64(&slot->held_us);
	standing->holder = holder == PG_UINT32_MAX ? -1 : (int) holder;
	read_holder(standing, slot->worker);
}

static void
read_standing(Standing *standing, Oid live_oid)
{
	memset(standing, 0, sizeof(*standing));
	if (!weir_registry_exists())
		return;
	weir_registry_lock(LW_SHARED);
	for (int i = 0; i < weir_registry_view_count(); i++)
	{
		WeirViewSlot *slot = weir_registry_view(i);

		if (slot->view_oid == live_oid && slot->database_oid == MyDatabaseId)
			read_slot(standing, slot);
	}
	weir_registry_unlock();
}

static void
tell_holder(StringInfo text, const Standing *standing)
{
	if (standing->holder < 0)
	{
		appendStringInfoString(text, "; all partitions are idle, so W stays where it is");
		return;
	}
	appendStringInfo(text, "; W is held by partition %d", standing->holder);
	if (standing->lag > 0)
		appendStringInfo(text, ", which has " INT64_FORMAT " messages to go", standing->lag);
	else if (standing->lag == 0)
		appendStringInfoString(text, ", caught up");
	if (standing->held_us == WEIR_CLOCK_NONE)
		appendStringInfoString(text, ", which has had no event");
	else
		appendStringInfo(text, ", whose latest event time is %s",
						 timestamptz_to_str(standing->held_us));
}

static void
tell(StringInfo text, const Standing *standing)
{
	if (!standing->is_there || standing->state == WEIR_RUN_STOPPED)
	{
		appendStringInfoString(text, "the view does not run");
		return;
	}
	if (standing->state != WEIR_RUN_RUNNING)
	{
		appendStringInfo(text, "the view is %s", weir_state_name(standing->state));
		if (standing->error[0] != '\0')
			appendStringInfo(text, ": %s", standing->error);
		return;
	}
	if (standing->is_copy)
	{
		appendStringInfoString(text,
							   "a copy has no windows: each event is a row with the next commit");
		return;
	}
	if (standing->next_end_us == WEIR_CLOCK_NONE)
		appendStringInfoString(text, "no window is open");
	else
		appendStringInfo(text, "the next window closes at W >= %s",
						 timestamptz_to_str(standing->next_end_us));
	if (standing->watermark_us == WEIR_CLOCK_NONE)
		appendStringInfoString(text, "; there is no W yet");
	else
		appendStringInfo(text, "; W = %s", timestamptz_to_str(standing->watermark_us));
	tell_holder(text, standing);
}

static bool
is_copy(Oid live_oid)
{
	const char *why;
	WeirView *view = weir_view_read(live_oid, &why);

	return view != NULL && weir_query_is_copy(weir_query_of_view(view->query_oid));
}

Datum
weir_why(PG_FUNCTION_ARGS)
{
	Oid live_oid = weir_view_resolve(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	Standing standing;
	StringInfoData text;

	read_standing(&standing, live_oid);
	standing.is_copy = is_copy(live_oid);
	initStringInfo(&text);
	tell(&text, &standing);
	PG_RETURN_TEXT_P(cstring_to_text(text.data));
}
