/* SPDX-License-Identifier: PostgreSQL
 *
 * A message as a whole row, for sessions: what on_error 'row' makes of one that cannot be read, too.
 */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include "postgres.h"

#include "row.h"

/* Sets the maker's columns in arrays by attribute number - 1, in the current memory context.
 * Result: false, and *flaw, if the message cannot be read and the stream does not want it as a row. */
extern bool weir_record_make(WeirRowMaker *maker, const WeirStream *stream,
							 const WeirMessage *message, Datum *values, bool *nulls,
							 WeirFlaw *flaw);

#endif
