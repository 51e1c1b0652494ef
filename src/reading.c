/* SPDX-License-Identifier: PostgreSQL
 *
 * Payloads in any format: the table of formats that are read, and the wire around them.
 */
#include "reading.h"

#include <stdalign.h>

struct WeirReading
{
	WeirRules rules;
	WeirDecoder *decoder; /* json; of the others, the fields themselves: */
	uint32_t field_count;
	WeirField *fields;
	WeirStep *steps; /* the one step of each */
};

/* A format is one entry. */
typedef WeirReason Reader(WeirReading *reading, const char *payload, size_t payload_len,
						  char *scratch, WeirValue *values, uint32_t *place);

static Reader read_json;
static Reader read_text;
static Reader read_raw;
static Reader read_csv;

static Reader *const readers[WEIR_FORMAT_COUNT] = {
	[WEIR_FORMAT_JSON] = read_json,
	[WEIR_FORMAT_TEXT] = read_text,
	[WEIR_FORMAT_RAW] = read_raw,
	[WEIR_FORMAT_CSV] = read_csv,
};

/* What stands behind it keeps its alignment. */
static size_t
aligned(size_t size)
{
	return (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

size_t
weir_reading_size(const WeirRules *rules, const WeirField *fields, uint32_t field_count)
{
	if (rules->format == WEIR_FORMAT_JSON)
		return aligned(sizeof(WeirReading)) + weir_decoder_size(fields, field_count);
	return aligned(sizeof(WeirReading)) +
		   (aligned(sizeof(WeirField)) + sizeof(WeirStep)) * (field_count + 1);
}

static void
fields_copy(WeirReading *reading, const WeirField *fields, char *memory)
{
	reading->fields = (WeirField *) memory;
	reading->steps =
		(WeirStep *) (memory + aligned(sizeof(WeirField)) * (reading->field_count + 1));
	for (uint32_t i = 0; i < reading->field_count; i++)
	{
		reading->steps[i] = fields[i].steps[0];
		reading->fields[i] = fields[i];
		reading->fields[i].steps = &reading->steps[i];
	}
}

WeirReading *
weir_reading_init(void *memory, const WeirRules *rules, const WeirField *fields,
				  uint32_t field_count)
{
	WeirReading *reading = memory;
	char *rest = (char *) memory + aligned(sizeof(WeirReading));

	*reading = (WeirReading){.rules = *rules, .field_count = field_count};
	if (rules->format == WEIR_FORMAT_JSON)
		reading->decoder = weir_decoder_init(rest, fields, field_count);
	else
		fields_copy(reading, fields, rest);
	return reading;
}

static WeirReason
read_json(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		  WeirValue *values, uint32_t *place)
{
	return weir_decoder_run(reading->decoder, payload, payload_len, scratch, values, place);
}

static WeirReason
read_text(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		  WeirValue *values, uint32_t *place)
{
	(void) scratch;
	return weir_text_read(reading->fields, reading->field_count, payload, payload_len, values,
						  place);
}

static WeirReason
read_raw(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		 WeirValue *values, uint32_t *place)
{
	(void) scratch;
	return weir_raw_read(reading->field_count, payload, payload_len, values, place);
}

static WeirReason
read_csv(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		 WeirValue *values, uint32_t *place)
{
	return weir_csv_read(&reading->rules.csv, reading->fields, reading->field_count, payload,
						 payload_len, scratch, values, place);
}

static WeirReason
read_wire(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		  WeirValue *values, uint32_t *place)
{
	WeirReason reason;

	*place = 0;
	if (payload_len < WEIR_WIRE_BYTES || payload[0] != 0)
		return WEIR_REASON_WIRE;
	reason = readers[reading->rules.format](reading, payload + WEIR_WIRE_BYTES,
											payload_len - WEIR_WIRE_BYTES, scratch, values, place);
	*place += WEIR_WIRE_BYTES;
	for (uint32_t i = 0; i < reading->field_count; i++)
		values[i].place += WEIR_WIRE_BYTES;
	return reason;
}

WeirReason
weir_reading_run(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
				 WeirValue *values, uint32_t *place)
{
	Reader *reader = reading->rules.has_wire ? read_wire : readers[reading->rules.format];

	return reader(reading, payload, payload_len, scratch, values, place);
}
