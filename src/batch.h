/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages of one partition, decoded: rows with their event times and their flaws.
 *
 * Decoded once for all views of a stream, with the columns that any of them uses.
 */
#ifndef WEIR_BATCH_H
#define WEIR_BATCH_H

#include "postgres.h"

#include "nodes/bitmapset.h"

#include "row.h"

/* Messages of a batch, at most. */
#define WEIR_BATCH_MAX 500

/* A column of one event that cannot be read. */
typedef struct WeirBatchFlaw
{
	WeirFlaw flaw;
	int next; /* of the same event; -1: the last */
} WeirBatchFlaw;

typedef enum WeirTimeFault
{
	WEIR_TIME_FINE = 0,
	WEIR_TIME_FLAWED, /* the column cannot be read */
	WEIR_TIME_NULL,
	WEIR_TIME_INFINITE,
	WEIR_TIME_AHEAD, /* further ahead than max_ahead */
} WeirTimeFault;

typedef struct WeirEvent
{
	const WeirMessage *message;
	bool is_refused;          /* by the stream: not one for any view */
	WeirFlaw flaw;            /* when refused for the whole message or its time column */
	WeirTimeFault time_fault; /* when refused for its time */
	bool has_time;            /* false where the stream has no event time */
	int64 time_us;
	int first_flaw; /* of single columns; -1: none */
	Datum *values;  /* by attribute number - 1 */
	bool *nulls;
} WeirEvent;

typedef struct WeirBatch
{
	MemoryContext context; /* of what the rows hold; reset by each decode */
	const WeirStream *stream;
	int column_count; /* of the relation, dropped ones too */
	WeirRowMaker *maker;
	WeirAhead *ahead; /* the caller's, or NULL */
	WeirDecoded decoded;
	char *scratch;
	Size scratch_size;
	int count;
	WeirEvent *events;
	Datum *values;
	bool *nulls;
	int flaw_count;
	int flaw_capacity;
	WeirBatchFlaw *flaws;
} WeirBatch;

/* Result: in the current memory context. `attnums`: the columns to make, the event time among them. */
extern WeirBatch *weir_batch_create(const WeirStream *stream, int column_count,
									const Bitmapset *attnums);

/* A thread that decodes for this batch, and for others of the same columns, one at a time. Result: NULL
 * if there is none to be had. */
extern WeirAhead *weir_batch_start_ahead(const WeirBatch *batch);

/* Begins to decode messages, at most WEIR_BATCH_MAX, all of arrival MESSAGE. They must live as long as the
 * batch is looked at. */
extern void weir_batch_begin(WeirBatch *batch, const WeirMessage *messages, int count);
/* Decodes what is not yet: another batch may begin then. */
extern void weir_batch_decode(WeirBatch *batch);
/* Or forgets them: they are not wanted after all. */
extern void weir_batch_drop(WeirBatch *batch);
/* Makes events of what was decoded. `now_us` is what max_ahead counts from where the broker does not stamp
 * messages. */
extern void weir_batch_make(WeirBatch *batch, int64 now_us);

#endif
