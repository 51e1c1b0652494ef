/* SPDX-License-Identifier: PostgreSQL
 *
 * Formats of payloads: how messages become values, and rows become messages.
 *
 * A format is one entry of the table in format.c, by the words of option format. The wire is apart: what
 * stands before the payload proper, in any format.
 */
#ifndef WEIR_FORMAT_H
#define WEIR_FORMAT_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "stream.h"

/* Reads payloads of a stream; these fields are wanted of each. */
typedef struct WeirReading WeirReading;

/* Result: in the current memory context. `fields` must live as long. */
extern WeirReading *weir_reading_create(const WeirStream *stream, const WeirField *fields,
										uint32 field_count);

/* As weir_decoder_run(), with scratch space of weir_decoder_scratch(). */
extern WeirReason weir_reading_run(WeirReading *reading, const char *payload, size_t payload_len,
								   char *scratch, WeirValue *values, uint32 *place);

/* Writes payloads. */
typedef struct WeirWriting WeirWriting;

/* Refuses columns that cannot be written. Result: in the current memory context. */
extern WeirWriting *weir_writing_create(const WeirStream *stream);

/* Appends a payload; `datums` and `is_null` are indexed by attribute number - 1.
 * Result: false if the row stands for a message without one. */
extern bool weir_writing_run(WeirWriting *writing, const Datum *datums, const bool *is_null,
							 StringInfo out);

/* Bytes of Confluent's wire format before the payload proper: 0, and a schema's number. */
#define WEIR_WIRE_BYTES 5

#endif
