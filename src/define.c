/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.create_view(), weir.drop_view(), weir.validate(): continuous views by plain DDL.
 *
 * What is made here a user could have typed: two views, a table, a foreign table and comments. So
 * privileges, event triggers, dependencies and dumps are PostgreSQL's own. Each statement is shown at
 * DEBUG1. What is not plain DDL is one row of weir.run, which says that the view runs in this database.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

#include "catalog.h"
#include "compat.h"
#include "query.h"
#include "registry.h"
#include "rewrite.h"
#include "run.h"
#include "windowing.h"

PG_FUNCTION_INFO_V1(weir_create_view);
PG_FUNCTION_INFO_V1(weir_drop_view);
PG_FUNCTION_INFO_V1(weir_validate);

#define LONGEST_SUFFIX "_closed"

/* A view in the making. */
typedef struct Definition
{
	const char *given; /* the name as it was given */
	Oid schema_oid;
	const char *schema;
	const char *name;
	/* quoted and qualified */
	char *view;
	char *query;
	char *closed;
	char *live;
	const char *start_at;
	bool is_enabled;
	bool has_notify;
	WeirRewrite *rewrite;
	WeirQuery *meaning;
} Definition;

static void read_name(Definition *definition, const char *given);
static Oid find_existing(const Definition *definition);
static void understand(Definition *definition, const char *query);
static void check_names(const Definition *definition);
static void create_query(const Definition *definition);
static void create_closed(const Definition *definition);
static void create_live(const Definition *definition);
static void create_union(const Definition *definition);
static void start(const Definition *definition);
static char *text_argument(FunctionCallInfo fcinfo, int position, const char *name);
static bool boolean_argument(FunctionCallInfo fcinfo, int position, const char *name);
static void run(const char *format, ...) pg_attribute_printf(1, 2);

/* weir.create_view(name, query, if_not_exists, start_at, enabled, notify) */
Datum
weir_create_view(PG_FUNCTION_ARGS)
{
	Definition definition = {0};
	Oid existing_oid;

	read_name(&definition, text_argument(fcinfo, 0, "name"));
	existing_oid =
		boolean_argument(fcinfo, 2, "if_not_exists") ? find_existing(&definition) : InvalidOid;
	if (OidIsValid(existing_oid))
	{
		ereport(NOTICE, errcode(ERRCODE_DUPLICATE_TABLE),
				errmsg("continuous view \"%s\" already exists, skipping", definition.name));
		PG_RETURN_OID(existing_oid);
	}
	definition.start_at = text_argument(fcinfo, 3, "start_at");
	definition.is_enabled = boolean_argument(fcinfo, 4, "enabled");
	definition.has_notify = boolean_argument(fcinfo, 5, "notify");
	check_names(&definition);
	understand(&definition, text_argument(fcinfo, 1, "query"));

	SPI_connect();
	create_query(&definition);
	create_closed(&definition);
	create_live(&definition);
	create_union(&definition);
	start(&definition);
	SPI_finish();
	PG_RETURN_OID(get_relname_relid(definition.name, definition.schema_oid));
}

/* --- arguments ------------------------------------------------------------------------------------ */

static void
check_argument(FunctionCallInfo fcinfo, int position, const char *name)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", name));
}

static char *
text_argument(FunctionCallInfo fcinfo, int position, const char *name)
{
	check_argument(fcinfo, position, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(position));
}

static bool
boolean_argument(FunctionCallInfo fcinfo, int position, const char *name)
{
	check_argument(fcinfo, position, name);
	return PG_GETARG_BOOL(position);
}

static char *
qualified(const Definition *definition, const char *suffix)
{
	return quote_qualified_identifier(definition->schema,
									  psprintf("%s%s", definition->name, suffix));
}

/* A name as in SQL: folded unless it is quoted, in the schema that is named or comes first. */
static void
read_name(Definition *definition, const char *given)
{
	RangeVar *range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(given)));
	int len = strlen(range->relname);
	int max = NAMEDATALEN - 1 - (int) strlen(LONGEST_SUFFIX);

	if (len > max)
		ereport(ERROR, errcode(ERRCODE_NAME_TOO_LONG),
				errmsg("name \"%s\" of a continuous view is too long", range->relname),
				errdetail("The names of its relations end in _query, _closed and _live."),
				errhint("Use at most %d bytes.", max));
	definition->given = given;
	definition->schema_oid = RangeVarGetCreationNamespace(range);
	definition->schema = get_namespace_name(definition->schema_oid);
	if (isAnyTempNamespace(definition->schema_oid))
		ereport(ERROR, errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				errmsg("a continuous view cannot be temporary"),
				errdetail("It is kept up to date by another process."));
	definition->name = range->relname;
	definition->view = qualified(definition, "");
	definition->query = qualified(definition, "_query");
	definition->closed = qualified(definition, "_closed");
	definition->live = qualified(definition, "_live");
}

/* The view of that name, if it is a continuous one. */
static Oid
find_existing(const Definition *definition)
{
	Oid relation_oid = get_relname_relid(definition->name, definition->schema_oid);

	return OidIsValid(relation_oid) && OidIsValid(weir_view_of_relation(relation_oid))
			   ? relation_oid
			   : InvalidOid;
}

/* Before anything is made, and with what to do. */
static void
check_names(const Definition *definition)
{
	static const char *const suffixes[] = {"", "_query", "_closed", "_live"};

	for (int i = 0; i < (int) lengthof(suffixes); i++)
	{
		char *name = psprintf("%s%s", definition->name, suffixes[i]);
		Oid relation_oid = get_relname_relid(name, definition->schema_oid);

		if (!OidIsValid(relation_oid))
			continue;
		ereport(
			ERROR, errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists", name),
			errdetail("A continuous view \"%s\" has relations \"%s\", \"%s_query\", \"%s_closed\" "
					  "and \"%s_live\".",
					  definition->name, definition->name, definition->name, definition->name,
					  definition->name),
			OidIsValid(weir_view_of_relation(relation_oid))
				? errhint("Use if_not_exists => true, or drop it by weir.drop_view().")
				: errhint("Rename or drop it, or choose another name."));
	}
}

static void
check_select(const WeirQuery *meaning)
{
	AclResult result = pg_class_aclcheck(meaning->stream_oid, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FOREIGN_TABLE, get_rel_name(meaning->stream_oid));
}

static WeirQuery *
compile(WeirRewrite *rewrite)
{
	ErrorContextCallback callback = {error_context_stack, weir_rewrite_point, rewrite};
	WeirQuery *meaning;

	error_context_stack = &callback;
	meaning = weir_query_compile_text(rewrite->query, rewrite->text);
	error_context_stack = callback.previous;
	return meaning;
}

static void
understand(Definition *definition, const char *query)
{
	definition->rewrite = weir_rewrite(query);
	definition->meaning = compile(definition->rewrite);
	check_select(definition->meaning);
}

/* --- statements ----------------------------------------------------------------------------------- */

static void
run(const char *format, ...)
{
	StringInfoData statement;
	int needed;

	initStringInfo(&statement);
	do
	{
		va_list arguments;

		va_start(arguments, format);
		needed = appendStringInfoVA(&statement, format, arguments);
		va_end(arguments);
		if (needed > 0)
			enlargeStringInfo(&statement, needed);
	} while (needed > 0);
	ereport(DEBUG1, errmsg_internal("pg_weir runs: %s", statement.data));
	if (SPI_execute(statement.data, false, 0) < 0)
		elog(ERROR, "SPI_execute failed: %s", statement.data);
}

static void
comment(const char *kind, const char *name, const char *text)
{
	run("COMMENT ON %s %s IS %s", kind, name, quote_literal_cstr(text));
}

static void
create_query(const Definition *definition)
{
	/* the line break ends a comment that the text may end with */
	run("CREATE VIEW %s AS\n%s\n", definition->query, definition->rewrite->text);
	comment("VIEW", definition->query,
			"Definition of a continuous view: the answer over the whole topic");
}

/* The finish column that a target just shows; 0: it computes something. */
static AttrNumber
shown_column(const TargetEntry *target)
{
	return IsA(target->expr, Var) ? ((Var *) target->expr)->varattno : InvalidAttrNumber;
}

/* The window, and counts. Keys and other aggregates may be NULL. */
static bool
is_never_null(const WeirQuery *meaning, const TargetEntry *target)
{
	AttrNumber column = shown_column(target);
	int aggregate = column - WEIR_FINISH_FIRST_KEY - meaning->key_count;

	if (meaning->is_copy)
		return false;
	if (column == WEIR_FINISH_WINDOW_START || column == WEIR_FINISH_WINDOW_END)
		return true;
	if (aggregate < 0 || column == InvalidAttrNumber)
		return false;
	return meaning->aggregates[aggregate].function_oid == F_COUNT_ ||
		   meaning->aggregates[aggregate].function_oid == F_COUNT_ANY;
}

static char *
collation_clause(Form_pg_attribute attribute)
{
	Oid collation = attribute->attcollation;

	if (!OidIsValid(collation) || collation == get_typcollation(attribute->atttypid))
		return "";
	return psprintf(" COLLATE %s", DatumGetCString(DirectFunctionCall1(
									   regcollationout, ObjectIdGetDatum(collation))));
}

/* The columns of the view, which PostgreSQL has named and typed. */
static char *
column_definitions(const Definition *definition)
{
	Relation rel = relation_open(
		get_relname_relid(psprintf("%s_query", definition->name), definition->schema_oid),
		AccessShareLock);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), i);
		const TargetEntry *target = list_nth_node(TargetEntry, definition->meaning->targets, i);

		appendStringInfo(&text, "%s    %s %s%s%s", i > 0 ? ",\n" : "",
						 quote_identifier(NameStr(attribute->attname)),
						 format_type_with_typemod(attribute->atttypid, attribute->atttypmod),
						 collation_clause(attribute),
						 is_never_null(definition->meaning, target) ? " NOT NULL" : "");
	}
	relation_close(rel, NoLock);
	return text.data;
}

/* The column that shows the window's start, or a key. */
static const char *
column_showing(const WeirQuery *meaning, AttrNumber column)
{
	ListCell *cell;

	foreach (cell, meaning->targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (shown_column(target) == column)
			return quote_identifier(target->resname);
	}
	elog(ERROR, "no target shows column %d", column);
}

/* One row for a window and a key. A key may be NULL, which a primary key does not take. Rows of a copy
 * may be equal. */
static char *
unique_clause(const WeirQuery *meaning)
{
	StringInfoData text;

	if (meaning->is_copy)
		return "";
	initStringInfo(&text);
	appendStringInfo(&text, ",\n    %s (%s",
					 meaning->key_count > 0 ? "UNIQUE NULLS NOT DISTINCT" : "PRIMARY KEY",
					 column_showing(meaning, WEIR_FINISH_WINDOW_START));
	for (int i = 0; i < meaning->key_count; i++)
		appendStringInfo(&text, ", %s", column_showing(meaning, WEIR_FINISH_FIRST_KEY + i));
	appendStringInfoChar(&text, ')');
	return text.data;
}

static void
create_closed(const Definition *definition)
{
	run("CREATE TABLE %s (\n%s%s\n)", definition->closed, column_definitions(definition),
		unique_clause(definition->meaning));
	/* for a publication of all tables, which must be able to name a row that is deleted */
	if (definition->meaning->key_count > 0 || definition->meaning->is_copy)
		run("ALTER TABLE %s REPLICA IDENTITY FULL", definition->closed);
	comment("TABLE", definition->closed,
			definition->meaning->is_copy
				? "Rows of a continuous copy: inserted once"
				: "Closed rows of a continuous view: final, inserted once");
}

static void
append_option(StringInfo options, const char *name, const char *value)
{
	appendStringInfo(options, "%s%s %s", options->len > 0 ? ", " : "", name,
					 quote_literal_cstr(value));
}

static char *
options_clause(const Definition *definition)
{
	StringInfoData options;

	initStringInfo(&options);
	if (strcmp(definition->start_at, "earliest") != 0)
		append_option(&options, "start_at", definition->start_at);
	if (!definition->is_enabled)
		append_option(&options, "enabled", "false");
	if (definition->has_notify)
		append_option(&options, "notify", "true");
	return options.len > 0 ? psprintf(" OPTIONS (%s)", options.data) : "";
}

static void
create_live(const Definition *definition)
{
	run("CREATE FOREIGN TABLE %s (\n%s,\n"
		"    CONSTRAINT definition CHECK (weir.defined_by(%s::regclass, %s::regclass))\n"
		") SERVER weir%s",
		definition->live, column_definitions(definition), quote_literal_cstr(definition->query),
		quote_literal_cstr(definition->closed), options_clause(definition));
	comment("FOREIGN TABLE", definition->live,
			definition->meaning->is_copy ? "A continuous copy at work: it has no open windows"
										 : "Live rows of a continuous view: its open windows");
}

static char *
column_names(const WeirQuery *meaning)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, meaning->targets)
		appendStringInfo(&text, "%s, ", quote_identifier(lfirst_node(TargetEntry, cell)->resname));
	return text.data;
}

static void
create_union(const Definition *definition)
{
	char *columns = column_names(definition->meaning);

	run("CREATE VIEW %s AS\n"
		"SELECT %strue AS is_closed FROM %s\n"
		"UNION ALL\n"
		"SELECT %sfalse FROM %s",
		definition->view, columns, definition->closed, columns, definition->live);
	comment("VIEW", definition->view,
			definition->meaning->is_copy ? "Continuous copy: its rows"
										 : "Continuous view: closed and open windows");
}

/* What the worker will read in the catalog means what the text meant. */
static void
check_stored(const Definition *definition, Oid query_oid)
{
	WeirQuery *stored = weir_query_compile(weir_query_of_view(query_oid));

	if (strcmp(weir_query_fingerprint(stored), weir_query_fingerprint(definition->meaning)) != 0)
		elog(ERROR, "view \"%s\" does not mean what its text means", definition->query);
}

static void
start(const Definition *definition)
{
	Oid live_oid = get_relname_relid(psprintf("%s_live", definition->name), definition->schema_oid);
	const char *why;
	WeirView *view = weir_view_read(live_oid, &why);

	if (view == NULL)
		elog(ERROR, "live table \"%s\" is not usable: %s", definition->live, why);
	check_stored(definition, view->query_oid);
	weir_run_start(live_oid);
	weir_registry_announce();
	if (definition->is_enabled)
		weir_registry_warn(view->stream_oid);
}

/* --- dropping ------------------------------------------------------------------------------------- */

static char *
relation_text(Oid relation_oid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation_oid)),
									  get_rel_name(relation_oid));
}

static void
drop_relation(const char *kind, Oid relation_oid)
{
	if (OidIsValid(relation_oid))
		run("DROP %s %s", kind, relation_text(relation_oid));
}

/* weir.drop_view(name, keep_closed, if_exists) */
Datum
weir_drop_view(PG_FUNCTION_ARGS)
{
	char *name = text_argument(fcinfo, 0, "name");
	bool keeps_closed = boolean_argument(fcinfo, 1, "keep_closed");
	Oid live_oid;
	Oid union_oid;
	WeirView *view;
	const char *why;

	if (boolean_argument(fcinfo, 2, "if_exists") && !OidIsValid(weir_view_find(name)))
	{
		ereport(NOTICE, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("continuous view \"%s\" does not exist, skipping", name));
		PG_RETURN_VOID();
	}
	live_oid = weir_view_resolve(name, true);
	view = weir_view_read(live_oid, &why); /* NULL: its link is gone */
	union_oid = weir_view_union(live_oid, view ? view->closed_oid : InvalidOid);

	SPI_connect();
	drop_relation("VIEW", union_oid);
	weir_run_forget(live_oid);
	drop_relation("FOREIGN TABLE", live_oid);
	if (view != NULL)
		drop_relation("VIEW", view->query_oid);
	if (view != NULL && !keeps_closed)
		drop_relation("TABLE", view->closed_oid);
	weir_registry_announce();
	SPI_finish();
	PG_RETURN_VOID();
}

/* --- validating ----------------------------------------------------------------------------------- */

static void
put(ReturnSetInfo *result, const char *what, const char *value)
{
	Datum values[2];
	bool is_null[2] = {false, value == NULL};

	if (value == NULL)
		return;
	values[0] = CStringGetTextDatum(what);
	values[1] = CStringGetTextDatum(value);
	tuplestore_putvalues(result->setResult, result->setDesc, values, is_null);
}

static char *
expression_text(const WeirQuery *meaning, Expr *expr)
{
	return deparse_expression(
		(Node *) expr, deparse_context_for(get_rel_name(meaning->stream_oid), meaning->stream_oid),
		false, false);
}

static void
put_meaning(ReturnSetInfo *result, const WeirRewrite *rewrite, const WeirQuery *meaning)
{
	put(result, "stream", relation_text(meaning->stream_oid));
	if (meaning->time_attnum != 0)
		put(result, "event time", get_attname(meaning->stream_oid, meaning->time_attnum, false));
	if (meaning->is_copy)
		put(result, "copy", "each event is a row");
	else
		put(result, "window", column_showing(meaning, WEIR_FINISH_WINDOW_START));
	for (int i = 0; i < meaning->key_count; i++)
		put(result, "key", expression_text(meaning, meaning->keys[i].expr));
	for (int i = 0; i < meaning->aggregate_count; i++)
		put(result, "aggregate", format_procedure(meaning->aggregates[i].function_oid));
	put(result, "can raise on input", meaning->can_raise_input ? "true" : "false");
	put(result, "can raise at close", meaning->can_raise_finish ? "true" : "false");
	put(result, "query", rewrite->text);
	put(result, "fingerprint", weir_query_fingerprint(meaning));
}

static void
put_error(ReturnSetInfo *result, const ErrorData *error)
{
	put(result, "error", error->message);
	put(result, "detail", error->detail);
	put(result, "hint", error->hint);
	if (error->internalpos > 0)
		put(result, "position", psprintf("%d", error->internalpos));
}

/* weir.validate(query): in a subtransaction, so that an error becomes rows. */
Datum
weir_validate(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	InitMaterializedSRF(fcinfo, 0);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		WeirRewrite *rewrite = weir_rewrite(query);

		put_meaning(result, rewrite, compile(rewrite));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		put_error(result, error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	PG_RETURN_VOID();
}
