/* SPDX-License-Identifier: PostgreSQL
 *
 * NOTIFY weir, for views whose option `notify` asks for it.
 *
 * The payload is JSON: {"view": "public.crypto_daily_live", "event": "closed"}, or the event "state" with
 * the state. Who listens asks for the rest.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "notify.h"
#include "registry.h"

/* By the name of now. */
static void
begin_payload(StringInfo payload, Oid live_oid, const char *event)
{
	initStringInfo(payload);
	appendStringInfoString(payload, "{\"view\": ");
	escape_json(payload, quote_qualified_identifier(get_namespace_name(get_rel_namespace(live_oid)),
													get_rel_name(live_oid)));
	appendStringInfo(payload, ", \"event\": \"%s\"", event);
}

static void
send(StringInfo payload)
{
	appendStringInfoChar(payload, '}');
	Async_Notify("weir", payload->data);
	pfree(payload->data);
}

void
weir_notify_closed(const WeirView *view)
{
	StringInfoData payload;

	if (!view->has_notify)
		return;
	begin_payload(&payload, view->live_oid, "closed");
	send(&payload);
}

typedef struct News
{
	Oid view_oid;
	WeirRunState state;
} News;

/* A start is soon over. */
static bool
is_new(const WeirViewSlot *slot, Oid stream_oid)
{
	return slot->database_oid == MyDatabaseId && slot->stream_oid == stream_oid &&
		   slot->condition.state != slot->told_state && slot->condition.state != WEIR_RUN_STARTING;
}

/* Result: what is new, which then is no longer; in the current memory context. */
static News *
take_news(Oid stream_oid, int *count)
{
	News *news = NULL;

	*count = 0;
	weir_registry_lock(LW_EXCLUSIVE);
	for (int i = 0; i < weir_registry_view_count(); i++)
	{
		WeirViewSlot *slot = weir_registry_view(i);

		if (!is_new(slot, stream_oid))
			continue;
		if (news == NULL)
			news = palloc_array(News, weir_registry_view_count());
		news[(*count)++] = (News){slot->view_oid, slot->condition.state};
		slot->told_state = slot->condition.state;
	}
	weir_registry_unlock();
	return news;
}

static void
tell(const News *news)
{
	const char *why;
	WeirView *view = weir_view_read(news->view_oid, &why);
	StringInfoData payload;

	if (view == NULL || !view->has_notify)
		return;
	begin_payload(&payload, news->view_oid, "state");
	appendStringInfo(&payload, ", \"state\": \"%s\"", weir_state_name(news->state));
	send(&payload);
}

void
weir_notify_states(Oid stream_oid)
{
	MemoryContext context = CurrentMemoryContext;
	int count;
	News *news = take_news(stream_oid, &count);

	if (count == 0)
		return;
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < count; i++)
		tell(&news[i]);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	pfree(news);
}
