/* SPDX-License-Identifier: PostgreSQL
 *
 * An exchange's answer as rows, read strictly: what is not as documented is a flaw with a reason, never
 * a guess. cJSON's numbers are doubles, so only counts, times and ids are read as numbers; an exchange
 * gives prices as strings, and their digits are copied.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define MAX_EXACT 9007199254740992.0 /* of a double */

void
rows_clear(Rows *rows)
{
	rows->count = 0;
	rows->flaw[0] = '\0';
}

void
rows_free(Rows *rows)
{
	for (int i = 0; i < rows->room; i++)
		text_free(&rows->items[i].payload);
	free(rows->items);
	memset(rows, 0, sizeof(*rows));
}

Row *
rows_add(Rows *rows)
{
	Row *row;
	Text payload;

	if (rows->count == rows->room)
	{
		int room = rows->room * 2 + 8;

		rows->items = reallocate(rows->items, sizeof(Row) * (size_t) room);
		memset(rows->items + rows->room, 0, sizeof(Row) * (size_t) (room - rows->room));
		rows->room = room;
	}
	row = &rows->items[rows->count++];
	payload = row->payload;
	memset(row, 0, sizeof(*row));
	row->payload = payload;
	text_clear(&row->payload);
	return row;
}

void
flaw_set(char flaw[TROUBLE_BYTES], const char *format, ...)
{
	va_list args;

	if (flaw[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(flaw, TROUBLE_BYTES, format, args);
	va_end(args);
	for (char *at = flaw; *at != '\0'; at++)
	{
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
}

cJSON *
json_parse(const char *body, size_t len, char flaw[TROUBLE_BYTES])
{
	const char *end = NULL;
	cJSON *document;
	size_t at = 0;

	while (at < len && strchr(" \t\r\n", body[at]) != NULL && body[at] != '\0')
		at++;
	if (at == len)
		flaw_set(flaw, "an empty answer");
	else if (body[at] == '<')
		flaw_set(flaw, "HTML or XML instead of JSON");
	if (flaw[0] != '\0')
		return NULL;
	document = cJSON_ParseWithLengthOpts(body, len, &end, false);
	if (document == NULL)
	{
		flaw_set(flaw, "no JSON from byte %zu on", end != NULL ? (size_t) (end - body) : 0);
		return NULL;
	}
	for (at = (size_t) (end - body); at < len && strchr(" \t\r\n", body[at]) != NULL; at++)
	{
		if (body[at] == '\0')
			break;
	}
	if (at == len)
		return document;
	flaw_set(flaw, "more behind the JSON from byte %zu on", at);
	cJSON_Delete(document);
	return NULL;
}

static const cJSON *
find(const cJSON *item, const char *name)
{
	if (cJSON_IsArray(item))
		return cJSON_GetArrayItem(item, atoi(name));
	return cJSON_GetObjectItemCaseSensitive(item, name);
}

static const cJSON *
find_typed(const cJSON *item, const char *name, int is_wanted(const cJSON *const), const char *type,
		   char flaw[TROUBLE_BYTES])
{
	const cJSON *found = find(item, name);

	if (found == NULL)
		flaw_set(flaw, "%s is missing", name);
	else if (!is_wanted(found))
		flaw_set(flaw, "%s is not a %s", name, type);
	else
		return found;
	return NULL;
}

static int
is_string(const cJSON *const item)
{
	return cJSON_IsString(item);
}

static int
is_number(const cJSON *const item)
{
	return cJSON_IsNumber(item);
}

static int
is_bool(const cJSON *const item)
{
	return cJSON_IsBool(item);
}

const char *
json_text(const cJSON *item, const char *name, char flaw[TROUBLE_BYTES])
{
	const cJSON *found = find_typed(item, name, is_string, "string", flaw);

	return found != NULL ? found->valuestring : "";
}

const char *
json_decimal(const cJSON *item, const char *name, bool may_be_negative, char flaw[TROUBLE_BYTES])
{
	const cJSON *found = find_typed(item, name, is_string, "string with a decimal number", flaw);
	size_t len;

	if (found == NULL)
		return "0";
	len = strlen(found->valuestring);
	if (len < DECIMAL_BYTES && decimal_is_valid(found->valuestring, len, true) &&
		(may_be_negative || found->valuestring[0] != '-'))
		return found->valuestring;
	flaw_set(flaw, "%s is no decimal number: \"%.40s\"", name, found->valuestring);
	return "0";
}

int64_t
json_integer(const cJSON *item, const char *name, char flaw[TROUBLE_BYTES])
{
	const cJSON *found = find_typed(item, name, is_number, "number", flaw);

	if (found == NULL)
		return 0;
	if (found->valuedouble >= 0 && found->valuedouble < MAX_EXACT &&
		found->valuedouble == floor(found->valuedouble))
		return (int64_t) found->valuedouble;
	flaw_set(flaw, "%s is no whole number from 0 on: %g", name, found->valuedouble);
	return 0;
}

bool
json_bool(const cJSON *item, const char *name, char flaw[TROUBLE_BYTES])
{
	const cJSON *found = find_typed(item, name, is_bool, "boolean", flaw);

	return cJSON_IsTrue(found);
}

void
json_symbol(const cJSON *item, const char *name, Row *row)
{
	const char *symbol = json_text(item, name, row->flaw);

	if (row->flaw[0] != '\0')
		return;
	if (symbol[0] == '\0' || strlen(symbol) >= SYMBOL_BYTES)
		flaw_set(row->flaw, "%s is no symbol: \"%.40s\"", name, symbol);
	else
		snprintf(row->symbol, sizeof(row->symbol), "%s", symbol);
}
