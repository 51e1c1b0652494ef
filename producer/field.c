/* SPDX-License-Identifier: PostgreSQL
 *
 * A field of a JSON object, found without reading the rest.
 *
 * Replaying a file sends its lines as they are, so a line that is not quite JSON is not refused here: a
 * field that cannot be found is missing.
 */
#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>

#include "field.h"

typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

static void
skip_space(Cursor *cursor)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
										*cursor->at == '\r' || *cursor->at == '\n'))
		cursor->at++;
}

static bool
take(Cursor *cursor, char byte)
{
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != byte)
		return false;
	cursor->at++;
	return true;
}

/* Stands behind the opening quote; then behind the closing one. */
static bool
skip_string(Cursor *cursor)
{
	for (; cursor->at < cursor->end; cursor->at++)
	{
		if (*cursor->at == '"')
		{
			cursor->at++;
			return true;
		}
		if (*cursor->at == '\\')
			cursor->at++;
		if (cursor->at == cursor->end)
			break;
	}
	return false;
}

/* Any value: up to the comma or bracket that ends it. */
static bool
skip_value(Cursor *cursor)
{
	int depth = 0;

	while (cursor->at < cursor->end)
	{
		char byte = *cursor->at;

		if (depth == 0 && (byte == ',' || byte == '}' || byte == ']'))
			return true;
		cursor->at++;
		if (byte == '"' && !skip_string(cursor))
			return false;
		if (byte == '{' || byte == '[')
			depth++;
		if (byte == '}' || byte == ']')
			depth--;
	}
	return false;
}

static void
take_string(const char *from, size_t len, Text *value)
{
	cJSON *string;

	if (memchr(from, '\\', len) == NULL)
	{
		text_add(value, from + 1, len - 2);
		return;
	}
	string = cJSON_ParseWithLength(from, len);
	if (cJSON_IsString(string))
		text_add_string(value, string->valuestring);
	cJSON_Delete(string);
}

static bool
take_value(const char *from, const char *end, Text *value)
{
	size_t len;

	while (end > from && strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	len = (size_t) (end - from);
	if (len == 0 || (len == 4 && memcmp(from, "null", 4) == 0))
		return false;
	if (*from == '"' && len >= 2)
		take_string(from, len, value);
	else
		text_add(value, from, len);
	return true;
}

bool
field_find(const char *json, size_t len, const char *name, Text *value)
{
	Cursor cursor = {json, json + len};
	size_t name_len = strlen(name);

	text_clear(value);
	if (!take(&cursor, '{'))
		return false;
	while (take(&cursor, '"'))
	{
		const char *from = cursor.at;
		bool is_it;

		if (!skip_string(&cursor))
			return false;
		is_it = (size_t) (cursor.at - from) == name_len + 1 && memcmp(from, name, name_len) == 0;
		if (!take(&cursor, ':'))
			return false;
		skip_space(&cursor);
		from = cursor.at;
		if (!skip_value(&cursor))
			return false;
		if (is_it)
			return take_value(from, cursor.at, value);
		if (!take(&cursor, ','))
			return false;
	}
	return false;
}
