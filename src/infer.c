/* SPDX-License-Identifier: PostgreSQL
 *
 * Foreign tables made from samples: weir.infer() and IMPORT FOREIGN SCHEMA.
 *
 * A table is named like its topic, folded: crypto-prices is crypto_prices. Where two topics fold to one
 * name, each keeps its own. LIMIT TO and EXCEPT take the names of tables, as PostgreSQL wants it; a topic
 * that is named there by its own name has a table of that name.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "client.h"
#include "compat.h"
#include "infer.h"
#include "option.h"
#include "sample.h"
#include "shape.h"

PG_FUNCTION_INFO_V1(weir_infer);

/* Of so many messages, one may be bad: the table then skips it. */
#define BAD_SHARE 10

/* What is asked for. */
typedef struct How
{
	int sample;
	bool is_flat;
	List *metas; /* of char *, words of option meta */
} How;

/*
 * A statement
 */

/* What stands behind OPTIONS, if anything does. */
static void
put_option(StringInfo out, bool *has_options, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(out, "%s%s %s", *has_options ? ", " : " OPTIONS (", name,
					 quote_literal_cstr(value));
	*has_options = true;
}

static void
put_column(StringInfo out, const WeirShapeColumn *column)
{
	bool has_options = false;

	appendStringInfo(out, "    %s %s", quote_identifier(column->name), column->type);
	put_option(out, &has_options, "path", column->path);
	put_option(out, &has_options, "unit", column->unit);
	appendStringInfoString(out, has_options ? "),\n" : ",\n");
}

static bool
has_column(const WeirShape *shape, const char *name)
{
	for (int i = 0; i < shape->column_count; i++)
		if (strcmp(shape->columns[i].name, name) == 0)
			return true;
	return false;
}

static const char *
meta_type(WeirMeta meta, const WeirSample *sample)
{
	switch (meta)
	{
		case WEIR_META_PARTITION:
			return "integer";
		case WEIR_META_OFFSET:
			return "bigint";
		case WEIR_META_TIMESTAMP:
			return "timestamptz";
		case WEIR_META_HEADERS:
		case WEIR_META_PAYLOAD:
			return "jsonb";
		case WEIR_META_KEY:
			return sample->has_bytes_key ? "bytea" : "text";
		default:
			return "text";
	}
}

static void
put_meta_column(StringInfo out, const char *word, const WeirShape *shape, const WeirSample *sample)
{
	const char *name = has_column(shape, word) ? psprintf("kafka_%s", word) : word;
	bool has_options = false;

	appendStringInfo(out, "    %s %s", quote_identifier(name),
					 meta_type(weir_option_meta(word), sample));
	put_option(out, &has_options, "meta", word);
	appendStringInfoString(out, "),\n");
}

/* The column of event time: a time that no message is without. Result: NULL if there is none. */
static const char *
find_event_time(const WeirShape *shape)
{
	static const char *const words[][7] = {{"event", NULL},
										   {"timestamp", "ts", "time", "t", "e", "datetime", NULL}};
	const char *first = NULL;

	for (int rank = 0; rank < (int) lengthof(words); rank++)
		for (int i = 0; i < shape->column_count; i++)
		{
			const WeirShapeColumn *column = &shape->columns[i];

			if (column->type_oid != TIMESTAMPTZOID || !column->is_full)
				continue;
			if (weir_shape_has_word(column->name, words[rank]))
				return column->name;
			if (first == NULL)
				first = column->name;
		}
	return first;
}

static bool
has_error_column(const How *how)
{
	ListCell *cell;

	foreach (cell, how->metas)
		if (weir_option_meta(lfirst(cell)) == WEIR_META_ERROR)
			return true;
	return false;
}

/* What is not JSON is one column. */
static char *
write_single(const WeirStream *stream, const char *name, const How *how, const WeirSample *sample)
{
	static const WeirShape nothing = {0};
	StringInfoData out;
	ListCell *cell;
	bool has_options = false;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE FOREIGN TABLE %s (\n    message %s,\n", quote_identifier(name),
					 sample->has_bytes ? "bytea" : "text");
	foreach (cell, how->metas)
		put_meta_column(&out, lfirst(cell), &nothing, sample);
	out.len -= 2; /* the last comma */
	appendStringInfo(&out, "\n) SERVER %s", quote_identifier(stream->server_name));
	put_option(&out, &has_options, "topic", stream->topic);
	put_option(&out, &has_options, "format", sample->has_bytes ? "raw" : "text");
	put_option(&out, &has_options, "on_error", has_error_column(how) ? "row" : NULL);
	appendStringInfoChar(&out, ')');
	return out.data;
}

static char *
write_statement(const WeirStream *stream, const char *name, const How *how,
				const WeirSample *sample, const WeirShape *shape, bool has_wire)
{
	StringInfoData out;
	ListCell *cell;
	bool has_options = false;

	initStringInfo(&out);
	appendStringInfo(&out, "CREATE FOREIGN TABLE %s (\n", quote_identifier(name));
	for (int i = 0; i < shape->column_count; i++)
		put_column(&out, &shape->columns[i]);
	foreach (cell, how->metas)
		put_meta_column(&out, lfirst(cell), shape, sample);
	if (shape->column_count == 0 && how->metas == NIL)
		put_meta_column(&out, "payload", shape, sample);
	out.len -= 2; /* the last comma */
	appendStringInfo(&out, "\n) SERVER %s", quote_identifier(stream->server_name));
	put_option(&out, &has_options, "topic", stream->topic);
	put_option(&out, &has_options, "wire", has_wire ? "confluent" : NULL);
	put_option(&out, &has_options, "event_time", find_event_time(shape));
	put_option(&out, &has_options, "on_error",
			   has_error_column(how)  ? "row"
			   : shape->bad_count > 0 ? "skip"
									  : NULL);
	appendStringInfoChar(&out, ')');
	return out.data;
}

/*
 * A topic
 */

/* Result: true if every message begins so, and has been taken off it. */
static bool
take_wire_off(WeirSample *sample)
{
	for (int i = 0; i < sample->count; i++)
		if (sample->payloads[i].len <= WEIR_WIRE_BYTES || sample->payloads[i].data[0] != 0)
			return false;
	for (int i = 0; i < sample->count; i++)
	{
		sample->payloads[i].data += WEIR_WIRE_BYTES;
		sample->payloads[i].len -= WEIR_WIRE_BYTES;
	}
	return sample->count > 0;
}

static bool
is_json(const WeirSample *sample, const WeirShape *shape)
{
	return shape->bad_count * BAD_SHARE <= sample->count;
}

static void
tell_not_json(const WeirStream *stream, const WeirSample *sample, const WeirShape *shape)
{
	ereport(NOTICE,
			errmsg("topic \"%s\" becomes one column of type %s", stream->topic,
				   sample->has_bytes ? "bytea" : "text"),
			errdetail("Of %d messages %d are not JSON objects: %s.", sample->count,
					  shape->bad_count, weir_reason_text(shape->bad_reason)));
}

static void
tell_of_compromises(const WeirStream *stream, const How *how, const WeirSample *sample,
					const WeirShape *shape)
{
	if (shape->bad_count > 0 && !has_error_column(how))
		ereport(NOTICE, errmsg("some messages of topic \"%s\" will be skipped", stream->topic),
				errdetail("Of %d messages %d are not JSON objects: %s. Option on_error is 'skip'.",
						  sample->count, shape->bad_count, weir_reason_text(shape->bad_reason)));
	if (shape->left_out_count > 0)
		ereport(NOTICE,
				errmsg("messages of topic \"%s\" have more members than a table can have "
					   "columns",
					   stream->topic),
				errdetail("%d are left out.", shape->left_out_count));
}

static char *infer_in_context(const WeirStream *stream, const char *name, const How *how,
							  int elevel);

/* Result: the statement; NULL, with a notice, if no table can be made; or an error, by `elevel`. */
static char *
infer(const WeirStream *stream, const char *name, const How *how, int elevel)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "weir infer", ALLOCSET_DEFAULT_SIZES);
	char *statement;

	MemoryContextSwitchTo(context);
	statement = infer_in_context(stream, name, how, elevel);
	MemoryContextSwitchTo(outer);
	if (statement != NULL)
		statement = pstrdup(statement);
	MemoryContextDelete(context);
	return statement;
}

static char *
infer_in_context(const WeirStream *stream, const char *name, const How *how, int elevel)
{
	WeirSample *sample = weir_sample_take(stream, how->sample);
	bool has_wire = take_wire_off(sample);
	WeirShape *shape = weir_shape_find(sample, how->is_flat);

	if (sample->count == 0)
	{
		ereport(elevel, errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
				errmsg(elevel == ERROR ? "cannot infer columns of topic \"%s\""
									   : "topic \"%s\" is left out",
					   stream->topic),
				errdetail("It has no messages to look at."));
		return NULL;
	}
	if (!is_json(sample, shape))
	{
		tell_not_json(stream, sample, shape);
		return write_single(stream, name, how, sample);
	}
	tell_of_compromises(stream, how, sample, shape);
	return write_statement(stream, name, how, sample, shape, has_wire);
}

static List *
split_metas(const char *text)
{
	List *words = NIL;
	ListCell *cell;

	if (!SplitIdentifierString(pstrdup(text), ',', &words))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid value for option \"meta_columns\": \"%s\"", text),
				errhint("Separate words by commas: 'partition, offset'."));
	foreach (cell, words)
		(void) weir_option_meta(lfirst(cell));
	return words;
}

static How
read_options(List *options)
{
	const char *sample = weir_option_get(options, "sample");
	const char *nested = weir_option_get(options, "nested");
	const char *metas = weir_option_get(options, "meta_columns");
	How how = {.sample = 1000, .is_flat = true};

	weir_option_check_import(options);
	if (sample != NULL)
		how.sample = pg_strtoint32(sample);
	if (nested != NULL)
		how.is_flat = pg_strcasecmp(nested, "jsonb") != 0;
	if (metas != NULL)
		how.metas = split_metas(metas);
	return how;
}

/*
 * Names of tables
 */

static WeirList *
list_topics(const char *server_name)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "weir list", ALLOCSET_DEFAULT_SIZES);
	WeirStream *stream;
	WeirClient *client;
	WeirList *list;

	MemoryContextSwitchTo(context);
	stream = weir_stream_open_topic(server_name, "*", GetUserId());
	client = weir_client_open(stream, WEIR_SCOPE_CONSUMER);
	MemoryContextSwitchTo(outer);
	list = weir_client_list(client, false);
	MemoryContextDelete(context); /* closes the handle */
	return list;
}

/* The folded name, if no other topic's is the same. */
static const char *
table_name(const WeirList *list, const char *topic)
{
	const char *name = weir_shape_fold(topic);

	for (int i = 0; i < list->count; i++)
		if (strcmp(list->topics[i].name, topic) != 0 &&
			strcmp(weir_shape_fold(list->topics[i].name), name) == 0)
			return topic;
	return name;
}

static void
check_topic(const WeirList *list, const char *topic, const char *server_name)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->topics[i].name, topic) == 0)
			return;
	ereport(ERROR, errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
			errmsg("topic \"%s\" does not exist on server \"%s\"", topic, server_name),
			errhint("weir.topics() lists the topics of a server."));
}

static bool
is_listed(List *tables, const char *name)
{
	ListCell *cell;

	foreach (cell, tables)
		if (strcmp(lfirst_node(RangeVar, cell)->relname, name) == 0)
			return true;
	return false;
}

/* Result: NULL if the statement does not want the topic. */
static const char *
wanted_name(const ImportForeignSchemaStmt *statement, const WeirList *list, const char *topic)
{
	const char *name = table_name(list, topic);
	bool is_own = is_listed(statement->table_list, topic);

	switch (statement->list_type)
	{
		case FDW_IMPORT_SCHEMA_LIMIT_TO:
			if (is_own)
				return topic;
			return is_listed(statement->table_list, name) ? name : NULL;
		case FDW_IMPORT_SCHEMA_EXCEPT:
			if (is_own || is_listed(statement->table_list, name))
				return NULL;
			break;
		case FDW_IMPORT_SCHEMA_ALL:
			break;
	}
	/* Kafka's own, and its tools' */
	return topic[0] == '_' ? NULL : name;
}

static void
warn_of_unknown(const ImportForeignSchemaStmt *statement, const WeirList *list)
{
	ListCell *cell;

	foreach (cell, statement->table_list)
	{
		const char *name = lfirst_node(RangeVar, cell)->relname;
		bool is_known = false;

		for (int i = 0; i < list->count && !is_known; i++)
			is_known = strcmp(list->topics[i].name, name) == 0 ||
					   strcmp(table_name(list, list->topics[i].name), name) == 0;
		if (!is_known)
			ereport(WARNING, errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
					errmsg("server \"%s\" has no topic for table \"%s\"", statement->server_name,
						   name));
	}
}

/*
 * The two ways to ask
 */

List *
weir_infer_import(ImportForeignSchemaStmt *statement, Oid server_oid)
{
	How how = read_options(statement->options);
	WeirList *list = list_topics(statement->server_name);
	List *statements = NIL;

	(void) server_oid;
	warn_of_unknown(statement, list);
	for (int i = 0; i < list->count; i++)
	{
		char *topic = list->topics[i].name;
		const char *name = wanted_name(statement, list, topic);
		char *made = NULL;

		if (name != NULL)
			made = infer(weir_stream_open_topic(statement->server_name, topic, GetUserId()), name,
						 &how, NOTICE);
		if (made != NULL)
			statements = lappend(statements, made);
	}
	return statements;
}

static List *
add_argument(List *options, FunctionCallInfo fcinfo, int number, char *name)
{
	char *value;

	if (PG_ARGISNULL(number))
		return options;
	value = text_to_cstring(PG_GETARG_TEXT_PP(number));
	return lappend(options, makeDefElem(name, (Node *) makeString(value), -1));
}

/* weir.infer(server, topic, sample, nested, meta_columns) */
Datum
weir_infer(PG_FUNCTION_ARGS)
{
	List *options = NIL;
	char *server_name;
	char *topic;
	WeirList *list;
	How how;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	server_name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	topic = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!PG_ARGISNULL(2))
		options = list_make1(
			makeDefElem("sample", (Node *) makeString(psprintf("%d", PG_GETARG_INT32(2))), -1));
	options = add_argument(options, fcinfo, 3, "nested");
	options = add_argument(options, fcinfo, 4, "meta_columns");
	how = read_options(options);
	list = list_topics(server_name);
	check_topic(list, topic, server_name);
	PG_RETURN_TEXT_P(cstring_to_text(infer(weir_stream_open_topic(server_name, topic, GetUserId()),
										   table_name(list, topic), &how, ERROR)));
}
