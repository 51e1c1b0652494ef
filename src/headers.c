/* SPDX-License-Identifier: PostgreSQL
 *
 * Headers of a message out of json.
 *
 * Values are texts or null. A text that is written as bytea is, \x and pairs of hexadecimal digits, stands
 * for those bytes, as it does where headers are read.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "headers.h"

typedef struct Parse
{
	const WeirStream *stream;
	const WeirColumn *column;
	WeirHeader *headers;
	size_t count;
} Parse;

static _Noreturn void
refuse(const Parse *parse, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("cannot insert into column \"%s\" of foreign table \"%s\"", parse->column->name,
				   parse->stream->name),
			errdetail("%s", detail),
			errhint("Headers are [{\"name\": \"trace\", \"value\": \"17\"}, ...], or {\"trace\": "
					"\"17\", ...}."));
}

static char *
utf8_of(const JsonbValue *value, size_t *len)
{
	char *text = pnstrdup(value->val.string.val, (Size) value->val.string.len);

	text = pg_server_to_any(text, (int) strlen(text), PG_UTF8);
	*len = strlen(text);
	return text;
}

static bool
is_hex(const char *text, size_t len)
{
	return len >= 2 && len % 2 == 0 && text[0] == '\\' && text[1] == 'x' &&
		   strspn(text + 2, "0123456789abcdef") == len - 2;
}

static void
set_value(WeirHeader *header, const JsonbValue *value)
{
	char *text = utf8_of(value, &header->value_len);

	if (is_hex(text, header->value_len))
		header->value_len = (size_t) hex_decode(text + 2, header->value_len - 2, text);
	header->value = text;
}

static void
add_header(Parse *parse, const JsonbValue *name, const JsonbValue *value)
{
	WeirHeader *header = &parse->headers[parse->count];
	size_t name_len;

	if (name == NULL || name->type != jbvString)
		refuse(parse, "A header has a name, which is text.");
	if (value != NULL && value->type != jbvString && value->type != jbvNull)
		refuse(parse, "The value of a header is text or null.");
	*header = (WeirHeader){.name = utf8_of(name, &name_len)};
	if (value != NULL && value->type == jbvString)
		set_value(header, value);
	parse->count++;
}

static void
add_element(Parse *parse, JsonbValue *element)
{
	JsonbContainer *object;

	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		refuse(parse, "An element is not an object.");
	object = element->val.binary.data;
	add_header(parse, getKeyJsonValueFromContainer(object, "name", 4, NULL),
			   getKeyJsonValueFromContainer(object, "value", 5, NULL));
}

static void
add_members(Parse *parse, Jsonb *jsonb)
{
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue name;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&iterator, &name, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		add_header(parse, &name, &value);
	}
}

WeirHeader *
weir_headers_read(const WeirStream *stream, const WeirColumn *column, Datum datum, size_t *count)
{
	Parse parse = {.stream = stream, .column = column};
	Jsonb *jsonb;

	if (column->type_oid == JSONOID)
		datum = DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(datum)));
	jsonb = DatumGetJsonbP(datum);
	parse.headers = palloc0_array(WeirHeader, JB_ROOT_COUNT(jsonb) + 1);
	if (JB_ROOT_IS_SCALAR(jsonb))
		refuse(&parse, "They are neither an array nor an object.");
	if (JB_ROOT_IS_OBJECT(jsonb))
		add_members(&parse, jsonb);
	else
		for (uint32 i = 0; i < JB_ROOT_COUNT(jsonb); i++)
			add_element(&parse, getIthJsonbValueFromContainer(&jsonb->root, i));
	*count = parse.count;
	return parse.headers;
}
