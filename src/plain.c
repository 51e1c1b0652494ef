/* SPDX-License-Identifier: PostgreSQL
 *
 * Payloads that are text, bytes, or a line of CSV.
 *
 * CSV is RFC 4180 with a choice of delimiter and quote, one line a message and no header; a line break at
 * the end is taken, and one in quotes is part of the value. A field that is quoted is never NULL.
 */
#include "plain.h"

#include <string.h>

#include "lexer.h"
#include "value.h"

/* A field of a line. */
typedef struct Cell
{
	WeirSlice text; /* without quotes */
	const char *begin;
	bool is_quoted;
} Cell;

/* Result: where the first byte stands that is not UTF-8, or NULL. */
static const char *
find_bad_utf8(const char *p, const char *end)
{
	WeirLexer lexer = {.end = end};

	while (p < end)
	{
		if ((unsigned char) *p < 0x80)
		{
			p++;
			continue;
		}
		p = weir_lexer_utf8(&lexer, p);
		if (p == NULL)
			return lexer.place;
	}
	return NULL;
}

/* As COPY writes them, too. Result: false if it is neither. */
static bool
short_boolean(const WeirSlice *text, bool *boolean)
{
	if (text->len != 1)
		return false;
	*boolean = *text->data == 't' || *text->data == 'T' || *text->data == '1';
	return *boolean || *text->data == 'f' || *text->data == 'F' || *text->data == '0';
}

static void
value_read(const WeirSlice *text, const WeirField *field, uint32_t place, WeirValue *value)
{
	WeirToken token = {.kind = WEIR_KIND_STRING, .string = *text, .json = *text};

	if (field->type == WEIR_TYPE_BOOL && short_boolean(text, &value->boolean))
	{
		value->state = WEIR_STATE_SET;
		return;
	}
	token.has_nul = text->len > 0 && memchr(text->data, 0, text->len) != NULL;
	weir_value_set(&token, field->type, field->unit, place, value);
}

WeirReason
weir_text_read(const WeirField *fields, uint32_t field_count, const char *payload,
			   size_t payload_len, WeirValue *values, uint32_t *place)
{
	WeirSlice text = {payload, (uint32_t) payload_len};
	const char *bad;

	*place = 0;
	if (payload_len > WEIR_PAYLOAD_MAX)
		return WEIR_REASON_TOO_LARGE;
	bad = find_bad_utf8(payload, payload + payload_len);
	if (bad != NULL)
	{
		*place = (uint32_t) (bad - payload);
		return WEIR_REASON_UTF8;
	}
	for (uint32_t i = 0; i < field_count; i++)
		value_read(&text, &fields[i], 0, &values[i]);
	return WEIR_REASON_NONE;
}

WeirReason
weir_raw_read(uint32_t field_count, const char *payload, size_t payload_len, WeirValue *values,
			  uint32_t *place)
{
	*place = 0;
	if (payload_len > WEIR_PAYLOAD_MAX)
		return WEIR_REASON_TOO_LARGE;
	for (uint32_t i = 0; i < field_count; i++)
	{
		values[i].state = WEIR_STATE_SET;
		values[i].slice = (WeirSlice){payload, (uint32_t) payload_len};
	}
	return WEIR_REASON_NONE;
}

/*
 * CSV
 */

/* Reads a cell in quotes, from behind the first one. Result: behind the last one, or NULL: there is none. */
static const char *
quoted_read(const WeirCsv *csv, const char *p, const char *end, char **scratch, Cell *cell)
{
	const char *begin = p;
	char *out = *scratch;
	bool has_doubled = false;

	for (; p < end; p++)
	{
		if (*p == csv->quote)
		{
			if (p + 1 == end || p[1] != csv->quote)
				break;
			has_doubled = true;
			p++;
		}
		*out++ = *p;
	}
	if (p == end)
		return NULL;
	cell->is_quoted = true;
	cell->text = (WeirSlice){begin, (uint32_t) (p - begin)};
	if (has_doubled)
	{
		cell->text = (WeirSlice){*scratch, (uint32_t) (out - *scratch)};
		*scratch = out;
	}
	return p + 1;
}

/* Result: behind the cell, or NULL, with the culprit in cell->begin. */
static const char *
cell_read(const WeirCsv *csv, const char *p, const char *end, char **scratch, Cell *cell)
{
	*cell = (Cell){.begin = p};
	if (p < end && *p == csv->quote)
		return quoted_read(csv, p + 1, end, scratch, cell);
	while (p < end && *p != csv->delimiter && *p != '\n' && *p != '\r')
	{
		if (*p == csv->quote)
		{
			cell->begin = p;
			return NULL;
		}
		p++;
	}
	cell->text = (WeirSlice){cell->begin, (uint32_t) (p - cell->begin)};
	return p;
}

static bool
is_null(const WeirCsv *csv, const Cell *cell)
{
	return !cell->is_quoted && cell->text.len == csv->null_len &&
		   memcmp(cell->text.data, csv->null_text, csv->null_len) == 0;
}

static void
cell_give(const WeirCsv *csv, const Cell *cell, uint32_t column, uint32_t place,
		  const WeirField *fields, uint32_t field_count, WeirValue *values)
{
	for (uint32_t i = 0; i < field_count; i++)
	{
		if (fields[i].steps->element != column)
			continue;
		if (is_null(csv, cell))
			values[i].state = WEIR_STATE_MISSING;
		else
			value_read(&cell->text, &fields[i], place, &values[i]);
	}
}

/* What stands behind the last cell: nothing, or one line break. */
static bool
is_end(const char *p, const char *end)
{
	p += p < end && *p == '\r';
	p += p < end && *p == '\n';
	return p == end;
}

WeirReason
weir_csv_read(const WeirCsv *csv, const WeirField *fields, uint32_t field_count,
			  const char *payload, size_t payload_len, char *scratch, WeirValue *values,
			  uint32_t *place)
{
	const char *end = payload + payload_len;
	const char *p = payload;
	const char *bad;
	uint32_t column = 0;

	*place = 0;
	if (payload_len > WEIR_PAYLOAD_MAX)
		return WEIR_REASON_TOO_LARGE;
	bad = find_bad_utf8(payload, end);
	*place = bad ? (uint32_t) (bad - payload) : 0;
	if (bad != NULL)
		return WEIR_REASON_UTF8;
	for (;; p++)
	{
		Cell cell;

		p = cell_read(csv, p, end, &scratch, &cell);
		*place = (uint32_t) (cell.begin - payload);
		if (p == NULL)
			return WEIR_REASON_CSV;
		cell_give(csv, &cell, column++, *place, fields, field_count, values);
		if (p == end || *p != csv->delimiter)
			break;
	}
	*place = (uint32_t) (p - payload);
	if (!is_end(p, end))
		return WEIR_REASON_CSV;
	return column == csv->column_count ? WEIR_REASON_NONE : WEIR_REASON_FIELDS;
}

bool
weir_csv_needs_quotes(const WeirCsv *csv, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == csv->delimiter || text[i] == csv->quote || text[i] == '\n' ||
			text[i] == '\r')
			return true;
	return len == csv->null_len && memcmp(text, csv->null_text, len) == 0;
}
