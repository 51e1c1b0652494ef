/* SPDX-License-Identifier: PostgreSQL
 *
 * Rejects until they are committed.
 *
 * Payloads are not kept: partition and offset lead to them as long as Kafka has them, and tables of
 * ours would else show more than the stream's owner meant to.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "registry.h"
#include "reject.h"

static const char *const words[] = {
	[WEIR_REJECT_FLAW] = NULL,
	[WEIR_REJECT_TIME_NULL] = "time_missing",
	[WEIR_REJECT_TIME_RANGE] = "time_out_of_range",
	[WEIR_REJECT_TIME_AHEAD] = "time_ahead",
	[WEIR_REJECT_LOST] = "lost",
	[WEIR_REJECT_LATE] = "late",
	[WEIR_REJECT_EXPRESSION] = "expression",
	[WEIR_REJECT_KEY] = "key_too_long",
	[WEIR_REJECT_OVERFLOW] = "overflow",
	[WEIR_REJECT_FINISH] = "finish",
	[WEIR_REJECT_SKIPPED] = "skipped",
};

StaticAssertDecl(WEIR_COUNT_REJECTS + WEIR_REJECT_KINDS <= WEIR_COUNTER_COUNT,
				 "each kind has a counter");

void
weir_reject_count(int64 *counters, WeirRejectKind kind)
{
	counters[WEIR_COUNT_REJECTED]++;
	counters[WEIR_COUNT_REJECTS + kind]++;
}

const char *
weir_reject_kind_name(WeirRejectKind kind)
{
	return kind == WEIR_REJECT_FLAW ? "unreadable" : words[kind];
}

WeirRejectList *
weir_reject_list_create(int64 room)
{
	WeirRejectList *list = palloc0_object(WeirRejectList);

	list->context =
		AllocSetContextCreate(CurrentMemoryContext, "weir rejects", ALLOCSET_DEFAULT_SIZES);
	list->room = room;
	return list;
}

static void
reserve(WeirRejectList *list)
{
	if (list->count < list->capacity)
		return;
	list->capacity = Max(list->capacity * 2, 64);
	if (list->rejects == NULL)
		list->rejects =
			MemoryContextAlloc(list->context, sizeof(WeirReject) * (Size) list->capacity);
	else
		list->rejects = repalloc(list->rejects, sizeof(WeirReject) * (Size) list->capacity);
}

static const char *
keep(WeirRejectList *list, const char *text)
{
	return text ? MemoryContextStrdup(list->context, text) : NULL;
}

static const int64 *
keep_windows(WeirRejectList *list, const WeirReject *reject)
{
	Size size = sizeof(int64) * (Size) reject->window_count;

	if (size == 0)
		return NULL;
	return memcpy(MemoryContextAlloc(list->context, size), reject->windows, size);
}

void
weir_reject_add(WeirRejectList *list, WeirReject reject)
{
	if (list->room <= 0)
	{
		list->unrecorded++;
		return;
	}
	list->room--;
	reserve(list);
	if (reject.reason == NULL)
		reject.reason = words[reject.kind];
	reject.detail = keep(list, reject.detail);
	reject.key = keep(list, reject.key);
	reject.windows = keep_windows(list, &reject);
	list->rejects[list->count++] = reject;
}

static WeirReject
of_event(const WeirEvent *event, WeirRejectKind kind)
{
	return (WeirReject){
		.kind = kind, .partition = event->message->partition, .offset = event->message->offset};
}

static char *
flaw_text(const WeirFlaw *flaw)
{
	char *what = flaw->column ? psprintf("column \"%s\": ", flaw->column->name) : pstrdup("");

	if (flaw->has_place)
		return psprintf("%s%s at byte %u", what, weir_reason_text(flaw->reason), flaw->place);
	return psprintf("%s%s", what, weir_reason_text(flaw->reason));
}

void
weir_reject_flaw(WeirRejectList *list, const WeirEvent *event, const WeirFlaw *flaw,
				 const int64 *windows, int window_count)
{
	WeirReject reject = of_event(event, WEIR_REJECT_FLAW);
	char *detail = flaw_text(flaw);

	reject.reason = weir_reason_name(flaw->reason);
	reject.detail = detail;
	reject.has_time = event->has_time && !event->is_refused;
	reject.time_us = event->time_us;
	reject.windows = windows;
	reject.window_count = window_count;
	weir_reject_add(list, reject);
	pfree(detail);
}

static WeirRejectKind
kind_of_time_fault(WeirTimeFault fault)
{
	switch (fault)
	{
		case WEIR_TIME_NULL:
			return WEIR_REJECT_TIME_NULL;
		case WEIR_TIME_INFINITE:
			return WEIR_REJECT_TIME_RANGE;
		case WEIR_TIME_AHEAD:
			return WEIR_REJECT_TIME_AHEAD;
		case WEIR_TIME_FINE:
		case WEIR_TIME_FLAWED:
			break;
	}
	return WEIR_REJECT_FLAW;
}

WeirRejectKind
weir_reject_kind_of_event(const WeirEvent *event)
{
	return kind_of_time_fault(event->time_fault);
}

void
weir_reject_event(WeirRejectList *list, const WeirEvent *event)
{
	WeirRejectKind kind = weir_reject_kind_of_event(event);
	WeirReject reject = of_event(event, kind);
	char *detail = NULL;

	reject.is_of_stream = true;
	if (kind == WEIR_REJECT_FLAW)
	{
		detail = flaw_text(&event->flaw);
		reject.reason = weir_reason_name(event->flaw.reason);
	}
	reject.detail = detail;
	reject.has_time = kind == WEIR_REJECT_TIME_AHEAD;
	reject.time_us = event->time_us;
	weir_reject_add(list, reject);
	if (detail)
		pfree(detail);
}

Datum
weir_reject_windows(const WeirReject *reject)
{
	Datum *values = palloc_array(Datum, reject->window_count);

	for (int i = 0; i < reject->window_count; i++)
		values[i] = TimestampTzGetDatum(reject->windows[i]);
	return PointerGetDatum(construct_array(values, reject->window_count, TIMESTAMPTZOID, 8,
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

void
weir_reject_list_clear(WeirRejectList *list)
{
	MemoryContextReset(list->context);
	list->rejects = NULL;
	list->count = list->capacity = 0;
	list->unrecorded = 0;
}

void
weir_reject_list_truncate(WeirRejectList *list, int count, int64 unrecorded)
{
	list->room += list->count - count;
	list->count = count;
	list->unrecorded = unrecorded;
}
