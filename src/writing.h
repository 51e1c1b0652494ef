/* SPDX-License-Identifier: PostgreSQL
 *
 * Rows as payloads in any format.
 */
#ifndef WEIR_WRITING_H
#define WEIR_WRITING_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "stream.h"

typedef struct WeirWriting WeirWriting;

/* Refuses columns that cannot be written. Result: in the current memory context. */
extern WeirWriting *weir_writing_create(const WeirStream *stream);

/* Appends a payload; `datums` and `is_null` are indexed by attribute number - 1.
 * Result: false if the row stands for a message without one. */
extern bool weir_writing_run(WeirWriting *writing, const Datum *datums, const bool *is_null,
							 StringInfo out);

#endif
