/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages of a stream as rows: the columns that are wanted, and what is wrong with a message.
 *
 * One maker serves a scan or a worker; it is run for a message at a time. No error that a message can
 * cause is raised: what cannot be read is a flaw.
 */
#ifndef WEIR_ROW_H
#define WEIR_ROW_H

#include "postgres.h"

#include "nodes/bitmapset.h"

#include "stream.h"

/* What is wrong with a message, and where. */
typedef struct WeirFlaw
{
	WeirReason reason;
	const WeirColumn *column; /* NULL: the whole message */
	uint32 place;             /* byte of the payload */
	bool has_place;
} WeirFlaw;

typedef struct WeirRowMaker WeirRowMaker;

/* Result: in the current memory context. `attnums` NULL: all columns. */
extern WeirRowMaker *weir_row_maker_create(const WeirStream *stream, const Bitmapset *attnums);

/* How many columns it makes, and which. */
extern int weir_row_maker_count(const WeirRowMaker *maker);
extern const WeirColumn *weir_row_maker_column(const WeirRowMaker *maker, int i);

/* Reads a message. Result: false, and *flaw, if the whole of it cannot be read. */
extern bool weir_row_begin(WeirRowMaker *maker, const WeirMessage *message, WeirFlaw *flaw);

/* The value of its column `i`, in the current memory context.
 * Result: false, and *flaw, if it cannot be read. */
extern bool weir_row_value(WeirRowMaker *maker, int i, const WeirMessage *message, Datum *value,
						   bool *is_null, WeirFlaw *flaw);

#endif
