/* SPDX-License-Identifier: PostgreSQL
 *
 * Rows as payloads: the table of formats that are written, and the wire around them.
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "compat.h"
#include "convert.h"
#include "plain.h"
#include "writing.h"

struct WeirWriting
{
	const WeirStream *stream;
	WeirEncoder *encoder; /* json */
	StringInfoData cell;
};

typedef bool Writer(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out);

/*
 * json
 */

static bool
write_json(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
{
	weir_encoder_run(writing->encoder, datums, is_null, out);
	return true;
}

/*
 * text and raw: the payload is the value of the one column, and NULL is no payload
 */

static bool
write_single(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
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

static void
write_cell(WeirWriting *writing, const WeirColumn *column, Datum datum, StringInfo out)
{
	const WeirCsv *csv = &writing->stream->rules.csv;
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
write_csv(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
{
	int count = 0;

	for (int i = 0; i < writing->stream->column_count; i++)
	{
		const WeirColumn *column = &writing->stream->columns[i];

		if (column->meta != WEIR_META_NONE)
			continue;
		if (count++ > 0)
			appendStringInfoChar(out, writing->stream->rules.csv.delimiter);
		if (is_null[column->attnum - 1])
			appendBinaryStringInfo(out, writing->stream->rules.csv.null_text,
								   (int) writing->stream->rules.csv.null_len);
		else
			write_cell(writing, column, datums[column->attnum - 1], out);
	}
	return true;
}

/*
 * Any
 */

/* A format is one entry. */
static Writer *const writers[WEIR_FORMAT_COUNT] = {
	[WEIR_FORMAT_JSON] = write_json,
	[WEIR_FORMAT_TEXT] = write_single,
	[WEIR_FORMAT_RAW] = write_single,
	[WEIR_FORMAT_CSV] = write_csv,
};

static void
require_schema_id(const WeirStream *stream)
{
	if (!stream->rules.has_wire || stream->schema_id >= 0)
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
	writing->stream = stream;
	initStringInfo(&writing->cell);
	if (stream->rules.format == WEIR_FORMAT_JSON)
		writing->encoder = weir_encoder_create(stream);
	return writing;
}

bool
weir_writing_run(WeirWriting *writing, const Datum *datums, const bool *is_null, StringInfo out)
{
	if (writing->stream->rules.has_wire)
	{
		uint32 schema_id = pg_hton32((uint32) writing->stream->schema_id);

		appendStringInfoChar(out, '\0');
		appendBinaryStringInfo(out, (const char *) &schema_id, sizeof(schema_id));
	}
	return writers[writing->stream->rules.format](writing, datums, is_null, out);
}
