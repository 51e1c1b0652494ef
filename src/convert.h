/* SPDX-License-Identifier: PostgreSQL
 *
 * Between decoded values and Datums, both ways: the edge where PostgreSQL's types are made and read.
 */
#ifndef WEIR_CONVERT_H
#define WEIR_CONVERT_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "stream.h"

/* A decoded value as a Datum of the column's type: typmod applied, in the database's encoding.
 * MISSING is NULL; a JSON null is NULL too, but 'null' for json and jsonb columns. Raises no error
 * that a message can cause: a value that the type does not take is a reason.
 * Result: reason; *datum and *is_null, in the current memory context. */
extern WeirReason weir_value_to_datum(const WeirColumn *column, const WeirValue *value,
									  Datum *datum, bool *is_null);

/* Writes rows of a stream as JSON. */
typedef struct WeirEncoder WeirEncoder;

/* Refuses columns whose paths cannot be written beside each other (`a` and `a.b`).
 * Result: in the current memory context. */
extern WeirEncoder *weir_encoder_create(const WeirStream *stream);

/* Appends one JSON object in UTF-8 to `out`; SQL NULLs are left out, so that a json 'null' is told
 * apart. `datums` and `is_null` are indexed by attribute number - 1. */
extern void weir_encoder_run(WeirEncoder *encoder, const Datum *datums, const bool *is_null,
							 StringInfo out);

/* Appends a value as text in UTF-8, or the bytes of a bytea; not of json. */
extern void weir_encode_plain(const WeirColumn *column, Datum datum, StringInfo out);

#endif
