/* SPDX-License-Identifier: PostgreSQL
 *
 * Rows made into JSON messages.
 *
 * What is written is what the decoder reads back to the same value, independent of the session's
 * settings (extra_float_digits, DateStyle, TimeZone): so no type's output function is called but
 * numeric's and jsonb's, which follow none. The paths of all columns become a tree once; a row is
 * one walk over it.
 *
 * It does not choose what may be written: an array element before a later one is null, which a
 * json column reads back as 'null'; text of a json column goes out as it stands, and lax content
 * that PostgreSQL takes and the decoder refuses (half a surrogate pair) goes out too.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "convert.h"
#include "isotime.h"

/* Highest element that a row may be written to: below it, all are written, as null if need be. */
#define ELEMENT_MAX 9999

typedef enum PlaceKind
{
	PLACE_LEAF,
	PLACE_OBJECT,
	PLACE_ARRAY
} PlaceKind;

/* One place in the message. */
typedef struct Place
{
	PlaceKind kind;
	const WeirColumn *column; /* of a leaf; of others, the first column that lies within */
	WeirStep step;            /* that leads here from the parent */
	char *prefix;             /* what stands before the value: `,"name":`, or `,` in an array */
	int prefix_len;
	struct Place *child; /* the first: of an object in column order, of an array by element */
	struct Place *next;  /* of the same parent */
} Place;

struct WeirEncoder
{
	Place root;
};

/* A row on its way out. */
typedef struct Row
{
	const Datum *datums;
	const bool *is_null;
	StringInfo out;
} Row;

static void tree_add_column(Place *root, const WeirStream *stream, const WeirColumn *column);
static Place *place_find_or_add(Place *parent, const WeirStep *step, PlaceKind kind,
								const WeirColumn *column);
static void place_insert(Place *parent, Place *place);
static void path_check(const WeirStream *stream, const WeirColumn *column);
static void report_path(const WeirStream *stream, const WeirColumn *column, const char *detail);
static void report_conflict(const WeirStream *stream, const WeirColumn *first,
							const WeirColumn *second, const char *detail);
static bool write_place(const Row *row, const Place *place);
static bool write_object(const Row *row, const Place *place);
static bool write_array(const Row *row, const Place *place);
static void write_value(StringInfo out, const WeirColumn *column, Datum datum);
static void write_bytes(StringInfo out, const WeirColumn *column, Datum datum);
static void write_integer(StringInfo out, int64 value);
static void write_float4(StringInfo out, float4 value);
static void write_float8(StringInfo out, float8 value);
static void write_numeric(StringInfo out, Datum datum);
static void write_text(StringInfo out, Datum datum);
static void write_timestamp(StringInfo out, const WeirColumn *column, Timestamp time_us);
static void write_date(StringInfo out, const WeirColumn *column, DateADT date_day);
static void write_time(StringInfo out, const WeirColumn *column, const char *text, size_t len,
					   bool is_infinite);
static void write_uuid(StringInfo out, Datum datum);
static void write_json(StringInfo out, Datum datum);
static void write_jsonb(StringInfo out, Datum datum);
static void write_infinity(StringInfo out, bool is_negative);
static void write_string(StringInfo out, const char *data, Size len);

WeirEncoder *
weir_encoder_create(const WeirStream *stream)
{
	WeirEncoder *encoder = palloc0(sizeof(WeirEncoder));

	encoder->root.kind = PLACE_OBJECT;
	for (int i = 0; i < stream->column_count; i++)
	{
		if (stream->columns[i].meta == WEIR_META_NONE)
			tree_add_column(&encoder->root, stream, &stream->columns[i]);
	}
	return encoder;
}

void
weir_encoder_run(WeirEncoder *encoder, const Datum *datums, const bool *is_null, StringInfo out)
{
	Row row = {.datums = datums, .is_null = is_null, .out = out};

	if (!write_object(&row, &encoder->root))
		appendBinaryStringInfo(out, "{}", 2);
}

static void
tree_add_column(Place *root, const WeirStream *stream, const WeirColumn *column)
{
	Place *place = root;

	path_check(stream, column);
	for (uint32 i = 0; i < column->step_count; i++)
	{
		bool is_last = i + 1 == column->step_count;
		PlaceKind kind = is_last                     ? PLACE_LEAF
						 : column->steps[i + 1].name ? PLACE_OBJECT
													 : PLACE_ARRAY;

		place = place_find_or_add(place, &column->steps[i], kind, column);
		if (place->column == column)
			continue;
		if (is_last && place->kind == PLACE_LEAF)
			report_conflict(stream, place->column, column, "Both have the same path.");
		if (is_last || place->kind == PLACE_LEAF)
			report_conflict(stream, place->column, column,
							"The path of one leads through the value of the other.");
		if (place->kind != kind)
			report_conflict(stream, place->column, column,
							"The path of one leads through an array where that of the other leads "
							"through an object.");
	}
}

static Place *
place_find_or_add(Place *parent, const WeirStep *step, PlaceKind kind, const WeirColumn *column)
{
	Place *place;
	StringInfoData prefix;

	for (place = parent->child; place != NULL; place = place->next)
	{
		if (step->name == NULL ? place->step.element == step->element
							   : place->step.name_len == step->name_len &&
									 memcmp(place->step.name, step->name, step->name_len) == 0)
			return place;
	}

	initStringInfo(&prefix);
	appendStringInfoChar(&prefix, ',');
	if (step->name != NULL)
	{
		write_string(&prefix, step->name, step->name_len);
		appendStringInfoChar(&prefix, ':');
	}

	place = palloc0(sizeof(Place));
	place->kind = kind;
	place->column = column;
	place->step = *step;
	place->prefix = prefix.data;
	place->prefix_len = prefix.len;
	place_insert(parent, place);
	return place;
}

static void
place_insert(Place *parent, Place *place)
{
	Place **link = &parent->child;

	while (*link != NULL &&
		   (parent->kind == PLACE_OBJECT || (*link)->step.element < place->step.element))
		link = &(*link)->next;
	place->next = *link;
	*link = place;
}

static void
path_check(const WeirStream *stream, const WeirColumn *column)
{
	if (column->steps[0].name == NULL)
		report_path(stream, column, "Its path starts with an element, but a message is an object.");
	for (uint32 i = 0; i < column->step_count; i++)
	{
		if (column->steps[i].name == NULL && column->steps[i].element > ELEMENT_MAX)
			report_path(stream, column,
						psprintf("Its path has element %u; those up to %d can be written.",
								 column->steps[i].element, ELEMENT_MAX));
	}
}

static void
report_path(const WeirStream *stream, const WeirColumn *column, const char *detail)
{
	ereport(
		ERROR, errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		errmsg("cannot write column \"%s\" of foreign table \"%s\"", column->name, stream->name),
		errdetail_internal("%s", detail),
		errhint("Give it another path, or write through a foreign table without it."));
}

static void
report_conflict(const WeirStream *stream, const WeirColumn *first, const WeirColumn *second,
				const char *detail)
{
	ereport(
		ERROR, errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		errmsg("cannot write columns \"%s\" and \"%s\" of foreign table \"%s\" into one message",
			   first->name, second->name, stream->name),
		errdetail_internal("%s", detail),
		errhint("Give one of them another path, or write through a foreign table that has only "
				"one of them."));
}

/* Result: whether there was a value. If not, what was appended is for the caller to take back. */
static bool
write_place(const Row *row, const Place *place)
{
	int attribute;

	if (place->kind == PLACE_OBJECT)
		return write_object(row, place);
	if (place->kind == PLACE_ARRAY)
		return write_array(row, place);

	attribute = place->column->attnum - 1;
	if (row->is_null[attribute])
		return false;
	write_value(row->out, place->column, row->datums[attribute]);
	return true;
}

/* Each member starts with its comma; the first one is then overwritten with the brace. */
static bool
write_object(const Row *row, const Place *place)
{
	StringInfo out = row->out;
	int start = out->len;

	for (const Place *child = place->child; child != NULL; child = child->next)
	{
		int before = out->len;

		appendBinaryStringInfo(out, child->prefix, child->prefix_len);
		if (!write_place(row, child))
			out->len = before;
	}
	if (out->len == start)
		return false;
	out->data[start] = '{';
	appendStringInfoChar(out, '}');
	return true;
}

static bool
write_array(const Row *row, const Place *place)
{
	StringInfo out = row->out;
	int start = out->len;
	uint32 element_count = 0;

	for (const Place *child = place->child; child != NULL; child = child->next)
	{
		int before = out->len;

		for (uint32 i = element_count; i < child->step.element; i++)
			appendBinaryStringInfo(out, ",null", 5);
		appendStringInfoChar(out, ',');
		if (write_place(row, child))
			element_count = child->step.element + 1;
		else
			out->len = before;
	}
	if (element_count == 0)
		return false;
	out->data[start] = '[';
	appendStringInfoChar(out, ']');
	return true;
}

/* What has no equal in JSON that reads back the same is refused: a lower bound other than 1 is lost. */
static void
write_elements(StringInfo out, const WeirColumn *column, Datum datum)
{
	const WeirElement *element = column->element;
	ArrayType *array = DatumGetArrayTypeP(datum);
	WeirColumn single = {
		.type_oid = element->type_oid, .type = element->type, .unit = column->unit};
	Datum *datums;
	bool *nulls;
	int count;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot write an array of %d dimensions into column \"%s\"", ARR_NDIM(array),
					   column->name),
				errdetail("Arrays in messages have one dimension."));
	deconstruct_array(array, element->type_oid, element->len, element->is_by_value, element->align,
					  &datums, &nulls, &count);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		if (nulls[i])
			appendStringInfoString(out, "null");
		else
			write_value(out, &single, datums[i]);
	}
	appendStringInfoChar(out, ']');
}

static void
write_value(StringInfo out, const WeirColumn *column, Datum datum)
{
	if (column->element != NULL)
	{
		write_elements(out, column, datum);
		return;
	}
	switch (column->type)
	{
		case WEIR_TYPE_BOOL:
			appendStringInfoString(out, DatumGetBool(datum) ? "true" : "false");
			return;
		case WEIR_TYPE_INT2:
			write_integer(out, DatumGetInt16(datum));
			return;
		case WEIR_TYPE_INT4:
			write_integer(out, DatumGetInt32(datum));
			return;
		case WEIR_TYPE_INT8:
			write_integer(out, DatumGetInt64(datum));
			return;
		case WEIR_TYPE_FLOAT4:
			write_float4(out, DatumGetFloat4(datum));
			return;
		case WEIR_TYPE_FLOAT8:
			write_float8(out, DatumGetFloat8(datum));
			return;
		case WEIR_TYPE_NUMERIC:
			write_numeric(out, datum);
			return;
		case WEIR_TYPE_TEXT:
			write_text(out, datum);
			return;
		case WEIR_TYPE_TIMESTAMP:
			write_timestamp(out, column, DatumGetTimestamp(datum));
			return;
		case WEIR_TYPE_DATE:
			write_date(out, column, DatumGetDateADT(datum));
			return;
		case WEIR_TYPE_UUID:
			write_uuid(out, datum);
			return;
		case WEIR_TYPE_JSON:
			if (column->type_oid == JSONBOID)
				write_jsonb(out, datum);
			else
				write_json(out, datum);
			return;
		case WEIR_TYPE_BYTES:
		case WEIR_TYPE_COUNT:
			break;
	}
	pg_unreachable();
}

/* As in JSON, but for the quotes: no string of these types has anything to be escaped. */
void
weir_encode_plain(const WeirColumn *column, Datum datum, StringInfo out)
{
	int start = out->len;

	if (column->type == WEIR_TYPE_BYTES || column->type == WEIR_TYPE_TEXT)
	{
		write_bytes(out, column, datum);
		return;
	}
	write_value(out, column, datum);
	if (out->data[start] != '"')
		return;
	out->len -= 2;
	memmove(out->data + start, out->data + start + 1, (size_t) (out->len - start));
	out->data[out->len] = '\0';
}

static void
write_bytes(StringInfo out, const WeirColumn *column, Datum datum)
{
	const text *value = DatumGetTextPP(datum);
	const char *data = VARDATA_ANY(value);
	int len = VARSIZE_ANY_EXHDR(value);
	char *utf8;

	if (column->type == WEIR_TYPE_BYTES)
	{
		appendBinaryStringInfo(out, data, len);
		return;
	}
	utf8 = pg_server_to_any(data, len, PG_UTF8);
	appendBinaryStringInfo(out, utf8, utf8 == data ? len : (int) strlen(utf8));
}

static void
write_integer(StringInfo out, int64 value)
{
	enlargeStringInfo(out, MAXINT8LEN + 1);
	out->len += pg_lltoa(value, out->data + out->len);
}

static void
write_float4(StringInfo out, float4 value)
{
	if (isnan(value))
		appendStringInfoString(out, "\"NaN\"");
	else if (isinf(value))
		write_infinity(out, value < 0);
	else
	{
		enlargeStringInfo(out, FLOAT_SHORTEST_DECIMAL_LEN);
		out->len += float_to_shortest_decimal_buf(value, out->data + out->len);
	}
}

static void
write_float8(StringInfo out, float8 value)
{
	if (isnan(value))
		appendStringInfoString(out, "\"NaN\"");
	else if (isinf(value))
		write_infinity(out, value < 0);
	else
	{
		enlargeStringInfo(out, DOUBLE_SHORTEST_DECIMAL_LEN);
		out->len += double_to_shortest_decimal_buf(value, out->data + out->len);
	}
}

static void
write_numeric(StringInfo out, Datum datum)
{
	Numeric numeric = DatumGetNumeric(datum);

	if (numeric_is_nan(numeric))
		appendStringInfoString(out, "\"NaN\"");
	else
	{
		char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(numeric)));

		if (numeric_is_inf(numeric))
			write_infinity(out, text[0] == '-');
		else
			appendStringInfoString(out, text);
		pfree(text);
	}
}

static void
write_text(StringInfo out, Datum datum)
{
	const text *value = DatumGetTextPP(datum);
	const char *data = VARDATA_ANY(value);
	int len = VARSIZE_ANY_EXHDR(value);
	char *utf8 = pg_server_to_any(data, len, PG_UTF8);

	write_string(out, utf8, utf8 == data ? (Size) len : strlen(utf8));
}

/* A JSON string of UTF-8 bytes. */
static void
write_string(StringInfo out, const char *data, Size len)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[' '] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	const char *end = data + len;

	appendStringInfoChar(out, '"');
	for (const char *p = data; p < end;)
	{
		const char *run = p;
		unsigned char byte;

		while (p < end && (unsigned char) *p >= ' ' && *p != '"' && *p != '\\')
			p++;
		appendBinaryStringInfo(out, run, (int) (p - run));
		if (p == end)
			break;

		byte = (unsigned char) *p++;
		appendStringInfoChar(out, '\\');
		if (byte >= ' ')
			appendStringInfoChar(out, (char) byte);
		else if (letters[byte] != 0)
			appendStringInfoChar(out, letters[byte]);
		else
		{
			appendBinaryStringInfo(out, "u00", 3);
			appendStringInfoChar(out, digits[byte >> 4]);
			appendStringInfoChar(out, digits[byte & 15]);
		}
	}
	appendStringInfoChar(out, '"');
}

/* Without a zone the time goes out without the Z, too; the decoder reads both as UTC. */
static void
write_timestamp(StringInfo out, const WeirColumn *column, Timestamp time_us)
{
	char text[WEIR_TIME_TEXT_MAX];
	size_t len = weir_time_format(time_us, column->unit, text);
	char *zone;

	if (column->unit == WEIR_UNIT_ISO8601 && column->type_oid == TIMESTAMPOID &&
		(zone = memchr(text, 'Z', len)) != NULL)
	{
		len--;
		memmove(zone, zone + 1, (size_t) (text + len - zone));
	}
	write_time(out, column, text, len, TIMESTAMP_NOT_FINITE(time_us));
}

static void
write_date(StringInfo out, const WeirColumn *column, DateADT date_day)
{
	char text[WEIR_TIME_TEXT_MAX];
	size_t len = weir_date_format(date_day, column->unit, text);

	write_time(out, column, text, len, DATE_NOT_FINITE(date_day));
}

static void
write_time(StringInfo out, const WeirColumn *column, const char *text, size_t len, bool is_infinite)
{
	if (is_infinite || column->unit == WEIR_UNIT_ISO8601)
		write_string(out, text, len);
	else
		appendBinaryStringInfo(out, text, (int) len);
}

static void
write_uuid(StringInfo out, Datum datum)
{
	static const char digits[] = "0123456789abcdef";
	const pg_uuid_t *uuid = DatumGetUUIDP(datum);
	char text[UUID_LEN * 2 + 6];
	char *p = text;

	*p++ = '"';
	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid->data[i] >> 4];
		*p++ = digits[uuid->data[i] & 15];
	}
	*p++ = '"';
	appendBinaryStringInfo(out, text, (int) (p - text));
}

static void
write_json(StringInfo out, Datum datum)
{
	const text *value = DatumGetTextPP(datum);
	const char *data = VARDATA_ANY(value);
	int len = VARSIZE_ANY_EXHDR(value);
	char *utf8 = pg_server_to_any(data, len, PG_UTF8);

	appendBinaryStringInfo(out, utf8, utf8 == data ? len : (int) strlen(utf8));
}

static void
write_jsonb(StringInfo out, Datum datum)
{
	Jsonb *jsonb = DatumGetJsonbP(datum);
	StringInfoData text;
	char *utf8;

	if (GetDatabaseEncoding() == PG_UTF8)
	{
		JsonbToCString(out, &jsonb->root, VARSIZE(jsonb));
		return;
	}
	initStringInfo(&text);
	JsonbToCString(&text, &jsonb->root, VARSIZE(jsonb));
	utf8 = pg_server_to_any(text.data, text.len, PG_UTF8);
	appendStringInfoString(out, utf8);
	pfree(text.data);
}

static void
write_infinity(StringInfo out, bool is_negative)
{
	appendStringInfoString(out, is_negative ? "\"-Infinity\"" : "\"Infinity\"");
}
