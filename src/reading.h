/* SPDX-License-Identifier: PostgreSQL
 *
 * Payloads in any format: bytes in, typed values out.
 *
 * A reading is to all formats what a decoder is to JSON: compiled once for a list of wanted fields, and run
 * for each message. Layer 0: it may run on any thread.
 */
#ifndef WEIR_READING_H
#define WEIR_READING_H

#include "decode.h"
#include "plain.h"

/* In the order of the words of option format. */
typedef enum WeirFormat
{
	WEIR_FORMAT_JSON = 0,
	WEIR_FORMAT_TEXT, /* one column */
	WEIR_FORMAT_RAW,  /* one column, of bytes */
	WEIR_FORMAT_CSV,  /* columns by their order */
	WEIR_FORMAT_COUNT
} WeirFormat;

/* How payloads are written. */
typedef struct WeirRules
{
	WeirFormat format;
	bool has_wire; /* a header of Confluent's before each */
	WeirCsv csv;
} WeirRules;

/* Bytes of that header: 0, and a schema's number. */
#define WEIR_WIRE_BYTES 5

typedef struct WeirReading WeirReading;

/* As weir_decoder_size(), weir_decoder_init() and weir_decoder_run(), with scratch space of
 * weir_decoder_scratch(). What rules point to must live as long. */
extern size_t weir_reading_size(const WeirRules *rules, const WeirField *fields,
								uint32_t field_count);
extern WeirReading *weir_reading_init(void *memory, const WeirRules *rules, const WeirField *fields,
									  uint32_t field_count);
extern WeirReason weir_reading_run(WeirReading *reading, const char *payload, size_t payload_len,
								   char *scratch, WeirValue *values, uint32_t *place);

#endif
