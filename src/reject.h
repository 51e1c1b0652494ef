/* SPDX-License-Identifier: PostgreSQL
 *
 * Rejects: messages and groups that were kept out, with a reason, until they are committed.
 */
#ifndef WEIR_REJECT_H
#define WEIR_REJECT_H

#include "postgres.h"

#include "batch.h"
#include "window.h"

/* Why a view kept an event or a group out, beside the reasons of reason.h. The words are stored. */
typedef enum WeirRejectKind
{
	WEIR_REJECT_FLAW,       /* the word is the flaw's reason */
	WEIR_REJECT_TIME_NULL,  /* the stream: no event time */
	WEIR_REJECT_TIME_RANGE, /* the stream: infinite, or no window of the view's can hold it */
	WEIR_REJECT_TIME_AHEAD, /* the stream: further ahead than max_ahead */
	WEIR_REJECT_LOST,       /* the stream: deleted before it was read; from an offset on */
	WEIR_REJECT_LATE,
	WEIR_REJECT_EXPRESSION, /* an expression of the definition raised an error */
	WEIR_REJECT_KEY,        /* too long */
	WEIR_REJECT_OVERFLOW,   /* an aggregate cannot hold the value */
	WEIR_REJECT_FINISH,     /* a group whose row cannot be made or written */
	WEIR_REJECT_SKIPPED,    /* a group that weir.skip() names */
	WEIR_REJECT_KINDS
} WeirRejectKind;

typedef struct WeirReject
{
	WeirRejectKind kind;
	bool is_of_stream;
	int32 partition;
	int64 offset; /* -1: a group, not a message */
	const char *reason;
	const char *detail; /* NULL: none */
	bool has_time;
	int64 time_us;
	int window_count;
	const int64 *windows; /* starts */
	const char *key;      /* of a group, as text; NULL: none */
} WeirReject;

typedef struct WeirRejectList
{
	MemoryContext context;
	int count;
	int capacity;
	WeirReject *rejects;
	int64 room;       /* how many more may be recorded */
	int64 unrecorded; /* those beyond */
} WeirRejectList;

/* Result: an empty list in a context of its own. */
extern WeirRejectList *weir_reject_list_create(int64 room);

/* Counts a reject, as one and as one of its kind. */
extern void weir_reject_count(int64 *counters, WeirRejectKind kind);

/* For statistics: the word of a kind; "unreadable" for flaws, which have words of their own. */
extern const char *weir_reject_kind_name(WeirRejectKind kind);

/* Adds a reject; fills the reason's word. `detail`, `windows` and `key` are copied. */
extern void weir_reject_add(WeirRejectList *list, WeirReject reject);

/* Of an event that the stream refused. */
extern WeirRejectKind weir_reject_kind_of_event(const WeirEvent *event);
extern void weir_reject_event(WeirRejectList *list, const WeirEvent *event);

/* A column of an event, which a view needs, cannot be read. `windows`: starts of those that hold it. */
extern void weir_reject_flaw(WeirRejectList *list, const WeirEvent *event, const WeirFlaw *flaw,
							 const int64 *windows, int window_count);

/* The windows as timestamptz[]; only where there are some. */
extern Datum weir_reject_windows(const WeirReject *reject);

/* Forgets what was added since it had so many, recorded and beyond. */
extern void weir_reject_list_truncate(WeirRejectList *list, int count, int64 unrecorded);

/* Forgets all: they were committed. Room is kept. */
extern void weir_reject_list_clear(WeirRejectList *list);

#endif
