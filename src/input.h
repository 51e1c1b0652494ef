/* SPDX-License-Identifier: PostgreSQL
 *
 * The input expressions of a definition: WHERE, keys, arguments, FILTER and orders, for a batch.
 *
 * An argument is evaluated only for events that WHERE and its FILTER let through, as PostgreSQL does.
 * An event whose expressions raise an error is found by halves of the batch, each tried in a
 * subtransaction.
 */
#ifndef WEIR_INPUT_H
#define WEIR_INPUT_H

#include "postgres.h"

#include "access/tupdesc.h"

#include "batch.h"
#include "query.h"

typedef enum WeirRowState
{
	WEIR_ROW_WANTED,
	WEIR_ROW_FILTERED, /* WHERE says no */
	WEIR_ROW_FLAWED,   /* a column that the view needs cannot be read */
	WEIR_ROW_RAISED,   /* an expression raised an error */
	WEIR_ROW_KEY,      /* the key is too long */
	WEIR_ROW_SKIPPED   /* refused by the stream, or applied before */
} WeirRowState;

/* An event as the view sees it. */
typedef struct WeirInputRow
{
	WeirRowState state;
	const WeirFlaw *flaw; /* FLAWED */
	ErrorData *error;     /* RAISED */
	uint32 key_hash;
	int key_len;
	const char *key;
	const Datum *
		values; /* WANTED: of a copy the row; arguments and orders, by weir_input_argument_columns() */
	const bool *nulls;
	WeirWindow window; /* of hopping ones: from the slice's start to the end of its last window */
	bool has_window;   /* false: no window of the range of times holds it */
} WeirInputRow;

typedef struct WeirInput WeirInput;

/* Result: in the current memory context. */
extern WeirInput *weir_input_create(const WeirQuery *query, TupleDesc stream_desc);
extern void weir_input_free(WeirInput *input);

/* Evaluates the events [from, batch->count); those whose offset is below `position` are SKIPPED.
 * Result: rows by number of event, until the next call. */
extern const WeirInputRow *weir_input_run(WeirInput *input, const WeirBatch *batch, int from,
										  int64 position);

/* Where each aggregate's argument, or presence if it has none but a filter, stands in a row's values;
 * -1: nowhere, it counts every event. Its orders follow. */
extern const int *weir_input_argument_columns(const WeirInput *input);

/* All columns of the stream that the input looks at, the event time among them if there is one. */
extern Bitmapset *weir_input_columns(const WeirQuery *query);

#endif
