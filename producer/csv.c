/* SPDX-License-Identifier: PostgreSQL
 *
 * CSV by RFC 4180, with a header: each record as a JSON object.
 */
#include <stdlib.h>
#include <string.h>

#include "csv.h"

typedef struct Value
{
	Text text;
	bool is_quoted;
} Value;

bool
csv_is_open(const char *record, size_t len)
{
	bool is_open = false;

	for (size_t i = 0; i < len; i++)
		is_open ^= record[i] == '"';
	return is_open;
}

/* Reads one value. Result: where the next one begins, or NULL behind the last. */
static const char *
next_value(const char *at, const char *end, Value *value)
{
	text_clear(&value->text);
	text_add(&value->text, "", 0);
	value->is_quoted = at < end && *at == '"';
	if (value->is_quoted)
		at++;
	while (at < end)
	{
		if (value->is_quoted && *at == '"')
		{
			if (at + 1 == end || at[1] != '"')
				break;
			at++;
		}
		else if (!value->is_quoted && *at == ',')
			break;
		text_add(&value->text, at++, 1);
	}
	if (value->is_quoted && at < end)
		at++;
	return at < end && *at == ',' ? at + 1 : NULL;
}

void
csv_header_read(CsvHeader *header, const char *record, size_t len)
{
	Value value = {0};
	const char *end = record + len;
	const char *at = record;

	if (len >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
		at += 3;
	header->names = allocate(sizeof(char *) * (len + 1));
	header->count = 0;
	while (at != NULL)
	{
		at = next_value(at, end, &value);
		header->names[header->count++] = copy_string(value.text.data, value.text.len);
	}
	text_free(&value.text);
}

void
csv_header_free(CsvHeader *header)
{
	for (int i = 0; i < header->count; i++)
		free(header->names[i]);
	free(header->names);
	*header = (CsvHeader){0};
}

static void
add_value(Text *json, const Value *value)
{
	if (value->is_quoted)
		text_add_json(json, value->text.data, value->text.len);
	else if (value->text.len == 0)
		text_add_string(json, "null");
	else if (decimal_is_valid(value->text.data, value->text.len, false))
		text_add(json, value->text.data, value->text.len);
	else
		text_add_json(json, value->text.data, value->text.len);
}

bool
csv_to_json(const CsvHeader *header, const char *record, size_t len, Text *json)
{
	Value value = {0};
	const char *at = record;
	int count = 0;

	text_clear(json);
	while (at != NULL && count < header->count)
	{
		at = next_value(at, record + len, &value);
		text_add(json, count == 0 ? "{" : ",", 1);
		text_add_json(json, header->names[count], strlen(header->names[count]));
		text_add(json, ":", 1);
		add_value(json, &value);
		count++;
	}
	text_add(json, "}", 1);
	text_free(&value.text);
	return at == NULL && count == header->count;
}
