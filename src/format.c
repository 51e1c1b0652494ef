/* SPDX-License-Identifier: PostgreSQL
 *
 * The table of formats, and the wire around them.
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "compat.h"
#include "convert.h"
#include "decode.h"
#include "format.h"
#include "plain.h"

struct WeirReading
{
	const struct Format *format;
	bool has_wire;
	const WeirField *fields;
	uint32 field_count;
	WeirDecoder *decoder; /* json */
	WeirCsv csv;          /* csv */
};

struct WeirWriting
{
	const struct Format *format;
	const WeirStream *stream;
	WeirEncoder *encoder; /* json */
	WeirCsv csv;          /* csv */
	StringInfoData cell;
};

typedef struct Format
{
	WeirReason (*read)(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
					   WeirValue *values, uint32 *place);
	bool (*write)(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out);
} Format;

/*
 * json
 */

static WeirReason
json_read(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		  WeirValue *values, uint32 *place)
{
	return weir_decoder_run(reading->decoder, payload, payload_len, scratch, values, place);
}

static bool
json_write(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
{
	weir_encoder_run(writing->encoder, datums, is_null, out);
	return true;
}

/*
 * text and raw: the payload is the value of the one column, and NULL is no payload
 */

static WeirReason
text_read(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		  WeirValue *values, uint32 *place)
{
	(void) scratch;
	return weir_text_read(reading->fields, reading->field_count, payload, payload_len, values,
						  place);
}

static WeirReason
raw_read(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		 WeirValue *values, uint32 *place)
{
	(void) scratch;
	return weir_raw_read(reading->field_count, payload, payload_len, values, place);
}

static bool
single_write(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
{
	for (int i = 0; i < writing->stream->column_count; i++)
	{
		const WeirColumn *column = &writing->stream->columns[i];

		if (column->meta != WEIR_META_NONE || is_null[column->attnum - 1])
			continue;
		weir_encode_plain(column, datums[column->attnum - 1], out);
		return true;
	}
	return false;
}

/*
 * csv
 */

static WeirReason
csv_read(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		 WeirValue *values, uint32 *place)
{
	return weir_csv_read(&reading->csv, reading->fields, reading->field_count, payload, payload_len,
						 scratch, values, place);
}

static void
write_cell(WeirWriting *writing, const WeirColumn *column, Datum datum, StringInfo out)
{
	const WeirCsv *csv = &writing->csv;
	StringInfo cell = &writing->cell;

	resetStringInfo(cell);
	weir_encode_plain(column, datum, cell);
	if (!weir_csv_needs_quotes(csv, cell->data, (size_t) cell->len))
	{
		appendBinaryStringInfo(out, cell->data, cell->len);
		return;
	}
	appendStringInfoChar(out, csv->quote);
	for (int i = 0; i < cell->len; i++)
	{
		if (cell->data[i] == csv->quote)
			appendStringInfoChar(out, csv->quote);
		appendStringInfoChar(out, cell->data[i]);
	}
	appendStringInfoChar(out, csv->quote);
}

static bool
csv_write(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
{
	int count = 0;

	for (int i = 0; i < writing->stream->column_count; i++)
	{
		const WeirColumn *column = &writing->stream->columns[i];

		if (column->meta != WEIR_META_NONE)
			continue;
		if (count++ > 0)
			appendStringInfoChar(out, writing->csv.delimiter);
		if (is_null[column->attnum - 1])
			appendBinaryStringInfo(out, writing->csv.null_text, (int) writing->csv.null_len);
		else
			write_cell(writing, column, datums[column->attnum - 1], out);
	}
	return true;
}

/* By the words of option format. */
static const Format formats[] = {
	[WEIR_FORMAT_JSON] = {json_read, json_write},
	[WEIR_FORMAT_TEXT] = {text_read, single_write},
	[WEIR_FORMAT_RAW] = {raw_read, single_write},
	[WEIR_FORMAT_CSV] = {csv_read, csv_write},
};

static WeirCsv
csv_of(const WeirStream *stream)
{
	WeirCsv csv = {.delimiter = stream->delimiter,
				   .quote = stream->quote,
				   .null_text = stream->null_text,
				   .null_len = strlen(stream->null_text)};

	for (int i = 0; i < stream->column_count; i++)
		csv.column_count += stream->columns[i].meta == WEIR_META_NONE;
	return csv;
}

/*
 * Reading
 */

WeirReading *
weir_reading_create(const WeirStream *stream, const WeirField *fields, uint32 field_count)
{
	WeirReading *reading = palloc0_object(WeirReading);

	reading->format = &formats[stream->format];
	reading->has_wire = stream->has_wire;
	reading->fields = fields;
	reading->field_count = field_count;
	reading->csv = csv_of(stream);
	if (stream->format == WEIR_FORMAT_JSON)
		reading->decoder =
			weir_decoder_init(palloc(weir_decoder_size(fields, field_count)), fields, field_count);
	return reading;
}

static WeirReason
wire_read(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
		  WeirValue *values, uint32 *place)
{
	WeirReason reason;

	*place = 0;
	if (payload_len < WEIR_WIRE_BYTES || payload[0] != 0)
		return WEIR_REASON_WIRE;
	reason = reading->format->read(reading, payload + WEIR_WIRE_BYTES,
								   payload_len - WEIR_WIRE_BYTES, scratch, values, place);
	*place += WEIR_WIRE_BYTES;
	for (uint32 i = 0; i < reading->field_count; i++)
		values[i].place += WEIR_WIRE_BYTES;
	return reason;
}

WeirReason
weir_reading_run(WeirReading *reading, const char *payload, size_t payload_len, char *scratch,
				 WeirValue *values, uint32 *place)
{
	if (unlikely(reading->has_wire))
		return wire_read(reading, payload, payload_len, scratch, values, place);
	return reading->format->read(reading, payload, payload_len, scratch, values, place);
}

/*
 * Writing
 */

static void
require_schema_id(const WeirStream *stream)
{
	if (!stream->has_wire || stream->schema_id >= 0)
		return;
	ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
			errmsg("cannot insert into foreign table \"%s\" without option \"schema_id\"",
				   stream->name),
			errdetail("Messages of wire 'confluent' begin with the number of their schema."),
			errhint("ALTER FOREIGN TABLE ... OPTIONS (ADD schema_id '...'), with the number that "
					"the schema registry has for what is written."));
}

WeirWriting *
weir_writing_create(const WeirStream *stream)
{
	WeirWriting *writing = palloc0_object(WeirWriting);

	require_schema_id(stream);
	writing->format = &formats[stream->format];
	writing->stream = stream;
	writing->csv = csv_of(stream);
	initStringInfo(&writing->cell);
	if (stream->format == WEIR_FORMAT_JSON)
		writing->encoder = weir_encoder_create(stream);
	return writing;
}

bool
weir_writing_run(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
{
	if (writing->stream->has_wire)
	{
		uint32 schema_id = pg_hton32((uint32) writing->stream->schema_id);

		appendStringInfoChar(out, '\0');
		appendBinaryStringInfo(out, (const char *) &schema_id, sizeof(schema_id));
	}
	return writing->format->write(writing, datums, is_null, out);
}
