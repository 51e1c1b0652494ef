/* SPDX-License-Identifier: PostgreSQL
 *
 * Closed rows into a view's closed table, in the transaction of a commit.
 */
#ifndef WEIR_BGWORKER_SINK_H
#define WEIR_BGWORKER_SINK_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"

typedef struct WeirSink WeirSink;

#define WEIR_SINK_MAX 256

/* Opens the closed table for rows of this shape, its lock held; runs as the current user, who must be
 * the view's owner. Columns are matched by position. Needs SPI_connect(). */
extern WeirSink *weir_sink_open(Oid closed_oid, TupleDesc desc);
/* Writes a row, at the latest with the next flush: until then its values must live. */
extern void weir_sink_write(WeirSink *sink, Datum *values, const bool *nulls);
/* The same of a row that is a tuple of the shape already; its header is the sink's. */
extern void weir_sink_write_tuple(WeirSink *sink, HeapTuple tuple, TupleDesc desc);
/* After every WEIR_SINK_MAX rows at the latest. */
extern void weir_sink_flush(WeirSink *sink);
/* Without it, after an error, the transaction's end cleans up. */
extern void weir_sink_close(WeirSink *sink);

#endif
