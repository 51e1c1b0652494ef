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

#include "ahead.h"
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

/* For messages that are decoded many at a time: how many values are made of each, the maker's own reading,
 * and another one like it, in the current memory context. */
extern int weir_row_maker_field_count(const WeirRowMaker *maker);
extern WeirReading *weir_row_maker_reading(const WeirRowMaker *maker);
extern WeirReading *weir_row_maker_make_reading(const WeirRowMaker *maker);

/* As weir_row_begin(), of message `i` of those. */
extern bool weir_row_take(WeirRowMaker *maker, const WeirDecoded *decoded, int i, WeirFlaw *flaw);

/* The values of its columns from the one with number `from` on, by attribute number - 1, in the current
 * memory context. Result: the number of the first one that cannot be read, with *flaw, or their count. */
extern int weir_row_fill(WeirRowMaker *maker, const WeirMessage *message, int from, Datum *values,
						 bool *nulls, WeirFlaw *flaw);
/* That of one of them. Result: false, and *flaw, if it cannot be read. */
extern bool weir_row_value(WeirRowMaker *maker, int i, const WeirMessage *message, Datum *value,
						   bool *is_null, WeirFlaw *flaw);

#endif
