/* SPDX-License-Identifier: PostgreSQL
 *
 * The meaning of a continuous view as text: what stored state was computed by.
 *
 * Two definitions with one text mean the same, on any machine, under any names and OIDs. Columns stand
 * by their place in the message, functions and types by qualified names, constants as text under fixed
 * settings. Names of relations and of result columns, lateness and other options of time are left out:
 * they may change while state is kept. pg_node_tree would not do: it has OIDs, and each major release
 * writes it in another way.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "option.h"
#include "query.h"
#include "windowing.h"

typedef struct Printer
{
	StringInfoData text;
	const WeirQuery *query;
	bool is_finish; /* Vars are columns of the group, not of the stream */
} Printer;

static int pin_settings(void);
static void put_stream(Printer *printer);
static void put_window(Printer *printer);
static void put_aggregate(Printer *printer, const WeirAggregate *aggregate);
static void put_column(Printer *printer, AttrNumber attnum);
static void put_list(Printer *printer, const char *what, List *exprs);
static bool put(Node *node, void *context);

char *
weir_query_fingerprint(const WeirQuery *query)
{
	Printer printer = {.query = query};
	int level = pin_settings();

	initStringInfo(&printer.text);
	put_stream(&printer);
	if (!query->is_copy)
		put_window(&printer);
	put_list(&printer, "where", query->where);
	for (int i = 0; i < query->key_count; i++)
		put_list(&printer, "key", list_make1(query->keys[i].expr));
	for (int i = 0; i < query->aggregate_count; i++)
		put_aggregate(&printer, &query->aggregates[i]);
	printer.is_finish = !query->is_copy;
	put_list(&printer, "having", query->having);
	put_list(&printer, "target", query->targets);
	AtEOXact_GUC(true, level);
	return printer.text.data;
}

/* Settings that the text of a constant follows; to be undone with the nest level that is returned. */
static int
pin_settings(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO, YMD"}, {"IntervalStyle", "postgres"}, {"TimeZone", "UTC"},
		{"bytea_output", "hex"},   {"extra_float_digits", "1"},   {"search_path", "pg_catalog"},
	};
	int level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* Of the format, where they are given. */
static void
put_details(Printer *printer, List *options)
{
	static const char *const names[] = {"wire", "delimiter", "quote", "null"};

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		const char *value = weir_option_get(options, names[i]);

		if (value != NULL && pg_strcasecmp(value, "plain") != 0)
			appendStringInfo(&printer->text, "%s %s\n", names[i], quote_literal_cstr(value));
	}
}

/* The column's number among those of the message. */
static int
column_number(Oid stream_oid, AttrNumber attnum)
{
	int number = 0;

	for (AttrNumber i = 1; i < attnum; i++)
		number += OidIsValid(get_atttype(stream_oid, i)) &&
				  weir_option_get(GetForeignColumnOptions(stream_oid, i), "meta") == NULL;
	return number;
}

static void
put_stream(Printer *printer)
{
	List *options = GetForeignTable(printer->query->stream_oid)->options;
	const char *format = weir_option_get(options, "format");

	appendStringInfo(&printer->text, "topic %s\n",
					 quote_literal_cstr(weir_option_get(options, "topic")));
	appendStringInfo(&printer->text, "format %s\n", format ? format : "json");
	put_details(printer, options);
	if (printer->query->is_copy)
		return; /* which keeps nothing that belongs to a time */
	appendStringInfoString(&printer->text, "event time ");
	put_column(printer, printer->query->time_attnum);
	appendStringInfoChar(&printer->text, '\n');
}

static void
put_windowing(Printer *printer, const WeirWindowing *windowing)
{
	const char *zone = weir_windowing_zone(windowing);

	if (windowing->months == 0)
		appendStringInfo(&printer->text, "window width %lld phase %lld",
						 (long long) windowing->width_us, (long long) windowing->phase_us);
	else
		appendStringInfo(&printer->text, "window months %d from %lld shift %lld offset %lld",
						 (int) windowing->months, (long long) windowing->month,
						 (long long) windowing->shift_us, (long long) windowing->offset_us);
	if (windowing->is_local)
		appendStringInfo(&printer->text, " zone %s", quote_literal_cstr(zone));
	appendStringInfoChar(&printer->text, '\n');
}

static void
put_window(Printer *printer)
{
	const WeirHopping *hopping = &printer->query->hopping;

	put_windowing(printer, &printer->query->windowing);
	if (hopping->length == 0)
		return;
	appendStringInfo(&printer->text, "hopping by %d of %d from\n", (int) hopping->slide,
					 (int) hopping->length);
	put_windowing(printer, &hopping->starts);
}

static void
put_aggregate(Printer *printer, const WeirAggregate *aggregate)
{
	appendStringInfo(&printer->text, "aggregate %s",
					 format_procedure_qualified(aggregate->function_oid));
	put((Node *) aggregate->argument, printer);
	for (int i = 0; i < aggregate->order_count; i++)
	{
		appendStringInfo(&printer->text, " by %s%s",
						 aggregate->order[i].is_descending ? "desc" : "asc",
						 aggregate->order[i].is_nulls_first ? " nulls first" : "");
		put((Node *) aggregate->order[i].expr, printer);
	}
	if (aggregate->filter)
	{
		appendStringInfoString(&printer->text, " filter");
		put((Node *) aggregate->filter, printer);
	}
	appendStringInfoChar(&printer->text, '\n');
}

static void
put_list(Printer *printer, const char *what, List *exprs)
{
	ListCell *cell;

	foreach (cell, exprs)
	{
		appendStringInfoString(&printer->text, what);
		put(lfirst(cell), printer);
		appendStringInfoChar(&printer->text, '\n');
	}
}

static const char *
type_text(Oid type_oid, int32 typmod)
{
	return format_type_extended(type_oid, typmod,
								FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* Names quoted, so that each path is written in one way. */
static void
put_path(Printer *printer, const char *path)
{
	uint32 count;
	WeirStep *steps = weir_option_path(path, &count);

	appendStringInfoString(&printer->text, "path ");
	for (uint32 i = 0; i < count; i++)
	{
		if (steps[i].name == NULL)
			appendStringInfo(&printer->text, "[%u]", steps[i].element);
		else
			appendStringInfo(
				&printer->text, ".%s",
				quote_literal_cstr(pg_any_to_server(steps[i].name, steps[i].name_len, PG_UTF8)));
	}
}

/* {path .'a' pg_catalog.text}; without a path, the column's name is the path. */
static void
put_column(Printer *printer, AttrNumber attnum)
{
	Oid stream_oid = printer->query->stream_oid;
	List *options = GetForeignColumnOptions(stream_oid, attnum);
	const char *path = weir_option_get(options, "path");
	const char *meta = weir_option_get(options, "meta");
	const char *unit = weir_option_get(options, "unit");
	const char *format = weir_option_get(GetForeignTable(stream_oid)->options, "format");
	Oid type_oid;
	int32 typmod;
	Oid collation;

	get_atttypetypmodcoll(stream_oid, attnum, &type_oid, &typmod, &collation);
	appendStringInfoString(&printer->text, "{");
	if (meta != NULL)
		appendStringInfo(&printer->text, "meta %s", meta);
	else if (format != NULL && pg_strcasecmp(format, "json") != 0)
		appendStringInfo(&printer->text, "field %d", column_number(stream_oid, attnum));
	else if (path != NULL)
		put_path(printer, path);
	else
		appendStringInfo(&printer->text, "path .%s",
						 quote_literal_cstr(get_attname(stream_oid, attnum, false)));
	if (unit != NULL && pg_strcasecmp(unit, "iso8601") != 0)
		appendStringInfo(&printer->text, " unit %s", unit);
	appendStringInfo(&printer->text, " %s}", type_text(type_oid, typmod));
}

/* --- expressions ---------------------------------------------------------------------------------- */

static void
put_constant(Printer *printer, const Const *constant)
{
	Oid output;
	bool is_varlena;

	getTypeOutputInfo(constant->consttype, &output, &is_varlena);
	appendStringInfo(&printer->text, "%s::%s",
					 constant->constisnull
						 ? "null"
						 : quote_literal_cstr(OidOutputFunctionCall(output, constant->constvalue)),
					 type_text(constant->consttype, constant->consttypmod));
}

/* What a node is beside its arguments; NULL: it has no name here. */
static const char *
node_text(Node *node)
{
	static const char *const booleans[] = {"and", "or", "not"};
	static const char *const tests[] = {"is true",      "is not true", "is false",
										"is not false", "is unknown",  "is not unknown"};

	switch (nodeTag(node))
	{
		case T_FuncExpr:
			return format_procedure_qualified(((FuncExpr *) node)->funcid);
		case T_OpExpr:
			return format_procedure_qualified(get_opcode(((OpExpr *) node)->opno));
		case T_DistinctExpr:
			return psprintf("is distinct by %s",
							format_procedure_qualified(get_opcode(((OpExpr *) node)->opno)));
		case T_NullIfExpr:
			return psprintf("nullif by %s",
							format_procedure_qualified(get_opcode(((OpExpr *) node)->opno)));
		case T_ScalarArrayOpExpr:
			return psprintf(
				"%s by %s", ((ScalarArrayOpExpr *) node)->useOr ? "any" : "all",
				format_procedure_qualified(get_opcode(((ScalarArrayOpExpr *) node)->opno)));
		case T_BoolExpr:
			return booleans[((BoolExpr *) node)->boolop];
		case T_NullTest:
			return ((NullTest *) node)->nulltesttype == IS_NULL ? "is null" : "is not null";
		case T_BooleanTest:
			return tests[((BooleanTest *) node)->booltesttype];
		case T_MinMaxExpr:
			return ((MinMaxExpr *) node)->op == IS_GREATEST ? "greatest" : "least";
		case T_CoalesceExpr:
			return "coalesce";
		case T_CaseExpr:
			return "case";
		case T_CaseTestExpr:
			return "case value";
		case T_RelabelType:
			return "relabel";
		case T_CoerceViaIO:
			return "convert by text";
		case T_ArrayCoerceExpr:
			return "convert elements";
		case T_CoerceToDomain:
			return "to domain";
		case T_CoerceToDomainValue:
			return "domain value";
		case T_ConvertRowtypeExpr:
			return "convert row";
		case T_ArrayExpr:
			return "array";
		case T_RowExpr:
			return "row";
		case T_FieldSelect:
			return psprintf("field %d", ((FieldSelect *) node)->fieldnum);
		case T_SubscriptingRef:
			return psprintf("subscript %d %d",
							list_length(((SubscriptingRef *) node)->refupperindexpr),
							list_length(((SubscriptingRef *) node)->reflowerindexpr));
		default:
			return NULL;
	}
}

static void
put_collation(Printer *printer, Oid collation)
{
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID)
		appendStringInfo(
			&printer->text, " collate %s",
			DatumGetCString(DirectFunctionCall1(regcollationout, ObjectIdGetDatum(collation))));
}

/* A walker: text is appended, nothing is looked for. */
static bool
put(Node *node, void *context)
{
	Printer *printer = context;
	const char *text;

	if (node == NULL)
		return false;
	if (IsA(node, TargetEntry) || IsA(node, List))
		return expression_tree_walker(node, put, context);
	appendStringInfoChar(&printer->text, ' ');
	if (IsA(node, Const))
		put_constant(printer, (Const *) node);
	else if (IsA(node, Var) && printer->is_finish)
		appendStringInfo(&printer->text, "$%d", ((Var *) node)->varattno);
	else if (IsA(node, Var))
		put_column(printer, ((Var *) node)->varattno);
	else if (IsA(node, CaseWhen)) /* has no type */
	{
		appendStringInfoString(&printer->text, "(when");
		expression_tree_walker(node, put, context);
		appendStringInfoChar(&printer->text, ')');
		return false;
	}
	else
	{
		text = node_text(node);
		if (text == NULL) /* rare, and as exact as can be */
			text = nodeToString(node);
		appendStringInfo(&printer->text, "(%s", text);
		expression_tree_walker(node, put, context);
		appendStringInfo(&printer->text, ")::%s", type_text(exprType(node), exprTypmod(node)));
	}
	put_collation(printer, exprCollation(node));
	put_collation(printer, exprInputCollation(node));
	return false;
}
