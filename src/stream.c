/* SPDX-License-Identifier: PostgreSQL
 *
 * Reads a stream from the catalog.
 *
 * What the validator cannot see is checked here: whether a column's type suits its options, whether
 * a user mapping is there, who owns the server. So these errors come at the first use of a foreign
 * table, not when it is created. Nothing is cached: a scan reads what is committed now.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "option.h"
#include "stream.h"

typedef struct TypeRule
{
	Oid oid;
	WeirType type;
} TypeRule;

static const TypeRule payload_types[] = {
	{TEXTOID, WEIR_TYPE_TEXT},           {VARCHAROID, WEIR_TYPE_TEXT},
	{INT2OID, WEIR_TYPE_INT2},           {INT4OID, WEIR_TYPE_INT4},
	{INT8OID, WEIR_TYPE_INT8},           {FLOAT4OID, WEIR_TYPE_FLOAT4},
	{FLOAT8OID, WEIR_TYPE_FLOAT8},       {NUMERICOID, WEIR_TYPE_NUMERIC},
	{BOOLOID, WEIR_TYPE_BOOL},           {TIMESTAMPTZOID, WEIR_TYPE_TIMESTAMP},
	{TIMESTAMPOID, WEIR_TYPE_TIMESTAMP}, {DATEOID, WEIR_TYPE_DATE},
	{UUIDOID, WEIR_TYPE_UUID},           {JSONOID, WEIR_TYPE_JSON},
	{JSONBOID, WEIR_TYPE_JSON},          {BYTEAOID, WEIR_TYPE_BYTES},
};

#define META_TYPES_MAX 4

/* The types of meta columns; each list ends with InvalidOid or at its full length. */
static const Oid meta_types[WEIR_META_COUNT][META_TYPES_MAX] = {
	[WEIR_META_TOPIC] = {TEXTOID, VARCHAROID},
	[WEIR_META_PARTITION] = {INT4OID, INT8OID},
	[WEIR_META_OFFSET] = {INT8OID},
	[WEIR_META_TIMESTAMP] = {TIMESTAMPTZOID},
	[WEIR_META_TIMESTAMP_TYPE] = {TEXTOID, VARCHAROID},
	[WEIR_META_KEY] = {TEXTOID, VARCHAROID, BYTEAOID},
	[WEIR_META_HEADERS] = {JSONBOID, JSONOID},
	[WEIR_META_PAYLOAD] = {TEXTOID, BYTEAOID, JSONOID, JSONBOID},
	[WEIR_META_ERROR] = {TEXTOID},
};

/* What goes between the double quotes of a message: schema.name, or name alone if the search path
 * finds it. */
static char *
relation_text(Relation rel)
{
	if (RelationIsVisible(RelationGetRelid(rel)))
		return pstrdup(RelationGetRelationName(rel));
	return psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)),
					RelationGetRelationName(rel));
}

static char *
append_type(char *list, Oid type)
{
	return list == NULL ? format_type_be(type) : psprintf("%s, %s", list, format_type_be(type));
}

static _Noreturn void
refuse_type(const WeirStream *stream, const WeirColumn *column, Oid declared_type,
			const char *meaning, const char *accepted, const char *hint)
{
	ereport(ERROR, errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			errmsg("column \"%s\" of foreign table \"%s\" cannot be of type %s", column->name,
				   stream->name, format_type_be(declared_type)),
			errdetail("%s: %s.", meaning, accepted), hint ? errhint("%s", hint) : 0);
}

static void
check_meta_type(const WeirStream *stream, const WeirColumn *column, Oid declared_type,
				const char *meta)
{
	const Oid *types = meta_types[column->meta];
	char *accepted = NULL;

	for (int i = 0; i < META_TYPES_MAX && OidIsValid(types[i]); i++)
	{
		if (types[i] == column->type_oid)
			return;
		accepted = append_type(accepted, types[i]);
	}
	refuse_type(stream, column, declared_type, psprintf("Types for option \"meta\" '%s'", meta),
				accepted, NULL);
}

/* What a format makes of a payload. */
static bool
is_of_format(const WeirStream *stream, WeirType type)
{
	switch (stream->rules.format)
	{
		case WEIR_FORMAT_JSON:
			return type != WEIR_TYPE_BYTES;
		case WEIR_FORMAT_RAW:
			return type == WEIR_TYPE_BYTES;
		case WEIR_FORMAT_TEXT:
		case WEIR_FORMAT_CSV:
			return type != WEIR_TYPE_BYTES && type != WEIR_TYPE_JSON;
		case WEIR_FORMAT_COUNT:
			break;
	}
	return false;
}

static WeirType
payload_type(const WeirStream *stream, const WeirColumn *column, Oid declared_type)
{
	const char *hint = stream->rules.format == WEIR_FORMAT_JSON
						   ? "A jsonb column takes any value; arrays of these types take arrays."
						   : NULL;
	char *accepted = NULL;

	for (int i = 0; i < (int) lengthof(payload_types); i++)
	{
		if (!is_of_format(stream, payload_types[i].type))
			continue;
		if (payload_types[i].oid == column->type_oid)
			return payload_types[i].type;
		accepted = append_type(accepted, payload_types[i].oid);
	}
	if (column->type_oid == BPCHAROID)
		refuse_type(stream, column, declared_type, "Types for values in a message", accepted,
					"Use text or character varying.");
	refuse_type(stream, column, declared_type, "Types for values in a message", accepted, hint);
}

/* An array of what a message may hold. Result: NULL if the type is none. */
static WeirElement *
element_of(const WeirStream *stream, Oid type_oid)
{
	Oid element_oid = get_element_type(type_oid);
	WeirElement *element;

	if (!OidIsValid(element_oid) || get_array_type(element_oid) != type_oid ||
		stream->rules.format != WEIR_FORMAT_JSON)
		return NULL;
	for (int i = 0; i < (int) lengthof(payload_types); i++)
	{
		if (payload_types[i].oid != element_oid || payload_types[i].type == WEIR_TYPE_BYTES)
			continue;
		element = palloc0_object(WeirElement);
		element->type_oid = element_oid;
		element->type = payload_types[i].type;
		get_typlenbyvalalign(element_oid, &element->len, &element->is_by_value, &element->align);
		return element;
	}
	return NULL;
}

static void
check_unit_type(const WeirStream *stream, const WeirColumn *column, Oid declared_type)
{
	WeirType type = column->element ? column->element->type : column->type;

	if (type == WEIR_TYPE_TIMESTAMP || type == WEIR_TYPE_DATE)
		return;
	refuse_type(stream, column, declared_type, "Types for option \"unit\"",
				"timestamp with time zone, timestamp without time zone, date",
				"Change the type, or drop the option.");
}

/* The path that a column without option "path" has. */
static WeirStep *
name_as_path(const char *name, uint32 *step_count)
{
	WeirStep *step = palloc0(sizeof(WeirStep));

	step->name = pg_server_to_any(name, strlen(name), PG_UTF8);
	step->name_len = strlen(step->name);
	*step_count = 1;
	return step;
}

/* Formats without names: which of the payload's columns it is. */
static WeirStep *
number_as_path(const WeirStream *stream, const WeirColumn *column, const char *path,
			   uint32 *step_count)
{
	WeirStep *step = palloc0(sizeof(WeirStep));

	if (path != NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				errmsg("column \"%s\" of foreign table \"%s\" cannot have option \"path\"",
					   column->name, stream->name),
				errdetail("Only messages of format json have paths."));
	for (const WeirColumn *before = stream->columns; before < column; before++)
		step->element += before->meta == WEIR_META_NONE;
	if (step->element > 0 && stream->rules.format != WEIR_FORMAT_CSV)
		ereport(
			ERROR, errcode(ERRCODE_FDW_INVALID_COLUMN_NUMBER),
			errmsg("foreign table \"%s\" has more than one column for the message", stream->name),
			errdetail("In formats text and raw the message is one value."),
			errhint("Other columns take option \"meta\"."));
	*step_count = 1;
	return step;
}

static void
read_column(const WeirStream *stream, WeirColumn *column, Form_pg_attribute attribute)
{
	List *options = GetForeignColumnOptions(stream->relid, attribute->attnum);
	const char *meta = weir_option_get(options, "meta");
	const char *path = weir_option_get(options, "path");
	const char *unit = weir_option_get(options, "unit");

	column->attnum = attribute->attnum;
	column->name = pstrdup(NameStr(attribute->attname));
	column->typmod = attribute->atttypmod;
	column->type_oid = attribute->atttypid; /* a domain is refused: its checks could raise errors */
	if (meta != NULL)
	{
		column->meta = weir_option_meta(meta);
		check_meta_type(stream, column, attribute->atttypid, meta);
		return;
	}
	column->element = element_of(stream, attribute->atttypid);
	column->type =
		column->element ? WEIR_TYPE_JSON : payload_type(stream, column, attribute->atttypid);
	if (unit != NULL)
	{
		check_unit_type(stream, column, attribute->atttypid);
		column->unit = weir_option_unit(unit);
	}
	if (stream->rules.format != WEIR_FORMAT_JSON)
		column->steps = number_as_path(stream, column, path, &column->step_count);
	else if (path != NULL)
		column->steps = weir_option_path(path, &column->step_count);
	else
		column->steps = name_as_path(column->name, &column->step_count);
}

static void
read_columns(WeirStream *stream, TupleDesc desc)
{
	stream->columns = palloc0(Max(desc->natts, 1) * sizeof(WeirColumn));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			read_column(stream, &stream->columns[stream->column_count++], attribute);
	}
	for (int i = 0; i < stream->column_count; i++)
	{
		if (stream->columns[i].meta == WEIR_META_NONE)
			stream->rules.csv.column_count++;
	}
}

/* The options of the user's mapping, else of PUBLIC's. GetUserMapping() would do, but for its hint. */
static List *
mapping_options(const ForeignServer *server, Oid user_oid)
{
	if (!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(user_oid),
							   ObjectIdGetDatum(server->serverid)) &&
		!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
							   ObjectIdGetDatum(server->serverid)))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("user mapping not found for user \"%s\" on server \"%s\"",
					   GetUserNameFromId(user_oid, false), server->servername),
				errdetail("A user mapping says who may use the server, and holds the secrets."),
				errhint("CREATE USER MAPPING FOR PUBLIC SERVER %s;",
						quote_identifier(server->servername)));
	return GetUserMapping(user_oid, server->serverid)->options;
}

static void
read_properties(WeirStream *stream, const ForeignServer *server, Oid user_oid)
{
	List *properties = weir_option_properties(server->options, mapping_options(server, user_oid),
											  server->servername, superuser_arg(server->owner));
	ListCell *cell;

	stream->properties = palloc0(Max(list_length(properties), 1) * sizeof(WeirProperty));
	foreach (cell, properties)
		stream->properties[stream->property_count++] = *(WeirProperty *) lfirst(cell);
}

static void
read_timeout(WeirStream *stream, List *options, const ForeignServer *server)
{
	const char *timeout = weir_option_get(options, "timeout");

	if (timeout == NULL)
		timeout = weir_option_get(server->options, "timeout");
	stream->timeout_ms = (int) (weir_option_duration_us("timeout", timeout) / 1000);
}

static void
read_table_options(WeirStream *stream, List *options, const ForeignServer *server)
{
	const char *topic = weir_option_get(options, "topic");
	const char *on_error = weir_option_get(options, "on_error");

	if (topic == NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				errmsg("option \"topic\" of foreign table \"%s\" is missing", stream->name));
	stream->topic = pstrdup(topic);
	stream->on_error = on_error ? weir_option_on_error(on_error) : WEIR_ON_ERROR_STOP;
	read_timeout(stream, options, server);
}

static void
read_format(WeirStream *stream, List *options)
{
	const char *format = weir_option_get(options, "format");
	const char *wire = weir_option_get(options, "wire");
	const char *schema_id = weir_option_get(options, "schema_id");
	const char *delimiter = weir_option_get(options, "delimiter");
	const char *quote = weir_option_get(options, "quote");
	char *null_text = unconstify(char *, weir_option_get(options, "null"));

	stream->rules.format = format ? weir_option_format(format) : WEIR_FORMAT_JSON;
	stream->rules.has_wire = wire != NULL && pg_strcasecmp(wire, "confluent") == 0;
	stream->schema_id = schema_id ? pg_strtoint32(schema_id) : -1;
	stream->rules.csv.delimiter = delimiter ? delimiter[0] : ',';
	stream->rules.csv.quote = quote ? quote[0] : '"';
	stream->rules.csv.null_text =
		null_text ? pg_server_to_any(null_text, strlen(null_text), PG_UTF8) : "";
	stream->rules.csv.null_len = strlen(stream->rules.csv.null_text);
}

static int64
duration_us(List *options, const char *name)
{
	return weir_option_duration_us(name, weir_option_get(options, name));
}

/* What continuous views go by. */
static void
read_time_options(WeirStream *stream, List *options)
{
	const char *on_late = weir_option_get(options, "on_late");
	const char *on_data_loss = weir_option_get(options, "on_data_loss");
	const char *offsets_group = weir_option_get(options, "offsets_group");

	stream->lateness_us = duration_us(options, "lateness");
	stream->on_late = on_late ? weir_option_on_late(on_late) : WEIR_ON_LATE_REJECT;
	stream->idle_timeout_us = duration_us(options, "idle_timeout");
	stream->idle_close_us = duration_us(options, "idle_close");
	stream->max_ahead_us = duration_us(options, "max_ahead");
	stream->align_us = weir_option_get(options, "align") ? duration_us(options, "align") : -1;
	if (offsets_group != NULL)
		stream->offsets_group = pstrdup(offsets_group);
	stream->on_data_loss =
		on_data_loss ? weir_option_on_data_loss(on_data_loss) : WEIR_ON_DATA_LOSS_STOP;
}

/* A row that is wrong and does not say so would be worse than none. */
static void
check_error_column(const WeirStream *stream)
{
	if (stream->on_error != WEIR_ON_ERROR_ROW)
		return;
	for (int i = 0; i < stream->column_count; i++)
		if (stream->columns[i].meta == WEIR_META_ERROR)
			return;
	ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
			errmsg("foreign table \"%s\" has no column for errors", stream->name),
			errdetail("Option \"on_error\" is 'row'."),
			errhint("ALTER FOREIGN TABLE ... ADD COLUMN error text OPTIONS (meta 'error');"));
}

static const WeirColumn *
find_column(const WeirStream *stream, const char *name)
{
	for (int i = 0; i < stream->column_count; i++)
		if (strcmp(stream->columns[i].name, name) == 0)
			return &stream->columns[i];
	return NULL;
}

/* Nothing tells a wrapper of a column that is renamed or dropped: it is found here. */
static void
read_event_time(WeirStream *stream, List *options)
{
	const char *name = weir_option_get(options, "event_time");
	const WeirColumn *column;

	if (name == NULL)
		return;
	column = find_column(stream, name);
	if (column == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("column \"%s\" of foreign table \"%s\" does not exist", name, stream->name),
				errdetail("Option \"event_time\" names it."),
				errhint("If the column was renamed, set the option to its new name: ALTER FOREIGN "
						"TABLE ... OPTIONS (SET event_time '...')."));
	if (column->type_oid != TIMESTAMPTZOID)
		refuse_type(stream, column, column->type_oid, "Type for option \"event_time\"",
					format_type_be(TIMESTAMPTZOID), NULL);
	stream->time_attnum = column->attnum;
}

WeirStream *
weir_stream_open_local(Relation rel)
{
	WeirStream *stream = palloc0(sizeof(WeirStream));
	ForeignTable *table = GetForeignTable(RelationGetRelid(rel));
	ForeignServer *server = GetForeignServer(table->serverid);

	stream->relid = RelationGetRelid(rel);
	stream->server_oid = server->serverid;
	stream->name = relation_text(rel);
	stream->server_name = server->servername;
	read_table_options(stream, table->options, server);
	read_format(stream, table->options);
	read_time_options(stream, table->options);
	read_columns(stream, RelationGetDescr(rel));
	check_error_column(stream);
	read_event_time(stream, table->options);
	return stream;
}

WeirStream *
weir_stream_open(Relation rel, Oid user_oid)
{
	WeirStream *stream = weir_stream_open_local(rel);

	read_properties(stream, GetForeignServer(stream->server_oid), user_oid);
	return stream;
}

static ForeignServer *
find_server(const char *name, Oid user_oid)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	const char *wrapper = GetForeignDataWrapper(server->fdwid)->fdwname;

	if (!weir_may_use_server(server->serverid, user_oid))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FOREIGN_SERVER, name);
	if (strcmp(wrapper, "weir_kafka") != 0)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("server \"%s\" is not a Kafka cluster", name),
				errdetail("Its foreign-data wrapper is \"%s\", not weir_kafka.", wrapper));
	return server;
}

WeirStream *
weir_stream_open_topic(const char *server_name, char *topic, Oid user_oid)
{
	WeirStream *stream = palloc0(sizeof(WeirStream));
	ForeignServer *server = find_server(server_name, user_oid);

	stream->server_oid = server->serverid;
	stream->server_name = server->servername;
	stream->topic = topic;
	read_timeout(stream, NIL, server);
	read_properties(stream, server, user_oid);
	return stream;
}

/* Behind the server's properties: the last one wins. */
void
weir_stream_set_property(WeirStream *stream, const char *name, char *value)
{
	int count = stream->property_count;
	WeirProperty *properties = palloc_array(WeirProperty, count + 1);

	memcpy(properties, stream->properties, sizeof(WeirProperty) * (size_t) count);
	properties[count] = (WeirProperty){.name = name, .value = value, .scope = WEIR_SCOPE_CONSUMER};
	stream->properties = properties;
	stream->property_count = count + 1;
}
