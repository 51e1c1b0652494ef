/* SPDX-License-Identifier: PostgreSQL
 *
 * Payloads that are text, bytes, or a line of CSV: into the values that the JSON decoder makes.
 *
 * Layer 0: no PostgreSQL header, no allocation, no error but a reason and a place. A text stands for a value
 * as a string does in JSON: the same numbers and times are taken.
 */
#ifndef WEIR_PLAIN_H
#define WEIR_PLAIN_H

#include "decode.h"

/* How a line is written. */
typedef struct WeirCsv
{
	char delimiter;
	char quote;
	const char *null_text; /* what stands for NULL, without quotes */
	size_t null_len;
	uint32_t column_count; /* each message has so many */
} WeirCsv;

/* As weir_decoder_run(), with the same scratch space. Of a field, the element of its one step is the
 * number of its column, from 0. */
extern WeirReason weir_csv_read(const WeirCsv *csv, const WeirField *fields, uint32_t field_count,
								const char *payload, size_t payload_len, char *scratch,
								WeirValue *values, uint32_t *place);

/* The whole payload is the value of every field. */
extern WeirReason weir_text_read(const WeirField *fields, uint32_t field_count, const char *payload,
								 size_t payload_len, WeirValue *values, uint32_t *place);
extern WeirReason weir_raw_read(uint32_t field_count, const char *payload, size_t payload_len,
								WeirValue *values, uint32_t *place);

/* Must a value stand in quotes to be read as it is? */
extern bool weir_csv_needs_quotes(const WeirCsv *csv, const char *text, size_t len);

#endif
