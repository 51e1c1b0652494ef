/* SPDX-License-Identifier: PostgreSQL
 *
 * Mutability by what an expression does, not only by how its functions are labelled.
 *
 * A continuous view is computed once, by a worker, and read by everybody: an expression that follows
 * the session's time zone or the clock has no meaning there. PostgreSQL's labels are for functions as
 * a whole, so a few that are STABLE are fine with certain arguments: those are the table of
 * exceptions, by OID, with conditions. It is an allow-list; so is the one of what cannot raise.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "mutable.h"

#define VOLATILE_HINT "A definition must give the same result each time it is computed."

typedef bool (*Condition)(List *args);

/* A function that is not IMMUTABLE, but is where the condition holds. */
typedef struct Exception
{
	Oid function_oid;
	Condition holds;
} Exception;

static bool is_epoch(List *args);
static bool is_plain_interval(List *args);
static bool has_constant_zone(List *args);
static bool has_steady_output(List *args);
static bool has_number_format(List *args);
static bool has_time_format(List *args);

static const Exception exceptions[] = {
	{F_DATE_PART_TEXT_TIMESTAMPTZ, is_epoch},
	{F_EXTRACT_TEXT_TIMESTAMPTZ, is_epoch},
	{F_TIMESTAMPTZ_PL_INTERVAL, is_plain_interval},
	{F_TIMESTAMPTZ_MI_INTERVAL, is_plain_interval},
	{F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT, has_constant_zone},
	{F_CONCAT, has_steady_output},
	{F_CONCAT_WS, has_steady_output},
	{F_FORMAT_TEXT, has_steady_output},
	{F_FORMAT_TEXT_ANY, has_steady_output},
	{F_TO_JSON, has_steady_output},
	{F_TO_JSONB, has_steady_output},
	{F_JSON_BUILD_ARRAY_, has_steady_output},
	{F_JSON_BUILD_ARRAY_ANY, has_steady_output},
	{F_JSON_BUILD_OBJECT_, has_steady_output},
	{F_JSON_BUILD_OBJECT_ANY, has_steady_output},
	{F_JSONB_BUILD_ARRAY_, has_steady_output},
	{F_JSONB_BUILD_ARRAY_ANY, has_steady_output},
	{F_JSONB_BUILD_OBJECT_, has_steady_output},
	{F_JSONB_BUILD_OBJECT_ANY, has_steady_output},
	{F_ARRAY_TO_STRING_ANYARRAY_TEXT, has_steady_output},
	{F_ARRAY_TO_STRING_ANYARRAY_TEXT_TEXT, has_steady_output},
	{F_TO_CHAR_NUMERIC_TEXT, has_number_format},
	{F_TO_CHAR_INT4_TEXT, has_number_format},
	{F_TO_CHAR_INT8_TEXT, has_number_format},
	{F_TO_CHAR_FLOAT4_TEXT, has_number_format},
	{F_TO_CHAR_FLOAT8_TEXT, has_number_format},
	{F_TO_NUMBER, has_number_format},
	{F_TO_CHAR_TIMESTAMP_TEXT, has_time_format},
	{F_TO_CHAR_INTERVAL_TEXT, has_time_format},
	{F_TO_DATE, has_time_format},
};

/* Functions that can raise no error, beside comparisons. */
static const Oid harmless_functions[] = {
	F_INT4_INT2,     F_INT8_INT2,   F_INT8_INT4,   F_FLOAT8_INT2, F_FLOAT8_INT4,  F_FLOAT8_INT8,
	F_FLOAT8_FLOAT4, F_FLOAT4_INT2, F_FLOAT4_INT4, F_FLOAT4_INT8, F_NUMERIC_INT2, F_NUMERIC_INT4,
	F_NUMERIC_INT8,  F_FLOAT8ABS,   F_FLOAT4ABS,   F_FLOAT8UM,    F_FLOAT4UM,     F_NUMERIC_UMINUS,
	F_NUMERIC_ABS,   F_ABS_NUMERIC, F_ABS_FLOAT8,  F_ABS_FLOAT4,
};

/* Types whose comparisons can raise no error. */
static const Oid harmless_types[] = {
	BOOLOID,     INT2OID, INT4OID,   INT8OID, FLOAT4OID,    FLOAT8OID,
	NUMERICOID,  DATEOID, TIMEOID,   OIDOID,  TIMESTAMPOID, TIMESTAMPTZOID,
	INTERVALOID, UUIDOID, BPCHAROID, CHAROID, BYTEAOID,
};

static bool
has_oid(const Oid *oids, int count, Oid oid)
{
	for (int i = 0; i < count; i++)
		if (oids[i] == oid)
			return true;
	return false;
}

/* --- mutability ----------------------------------------------------------------------------------- */

static bool find_mutable(Node *node, void *context);
static bool find_mutable_syntax(Node *node, WeirMutable *found);
static bool is_exempt(Node *node);
static const Exception *exception_of(Oid function_oid);
static bool is_mutable_function(Oid function_oid, void *context);
static char *node_name(Node *node, Oid function_oid);
static const char *hint_for(Node *node, Oid function_oid);

typedef struct Search
{
	WeirMutable *found;
	Oid function_oid; /* the one that is_mutable_function() stopped at */
} Search;

bool
weir_mutable_find(Node *expr, WeirMutable *found)
{
	Search search = {.found = found};

	return find_mutable(expr, &search);
}

static bool
find_mutable(Node *node, void *context)
{
	Search *search = context;
	WeirMutable *found = search->found;

	if (node == NULL)
		return false;
	if (expression_tree_walker(node, find_mutable, context)) /* what is inside is the cause */
		return true;
	if (find_mutable_syntax(node, found))
		return true;
	if (!is_exempt(node) && check_functions_in_node(node, is_mutable_function, search))
	{
		found->name = node_name(node, search->function_oid);
		found->is_volatile = func_volatile(search->function_oid) == PROVOLATILE_VOLATILE;
		found->hint = hint_for(node, search->function_oid);
		found->location = exprLocation(node);
		return true;
	}
	return false;
}

/* What the user wrote it as. */
static char *
node_name(Node *node, Oid function_oid)
{
	if (IsA(node, OpExpr))
		return psprintf("operator %s", format_operator(((OpExpr *) node)->opno));
	if (IsA(node, CoerceViaIO))
		return psprintf("the conversion from %s to %s",
						format_type_be(exprType((Node *) ((CoerceViaIO *) node)->arg)),
						format_type_be(exprType(node)));
	return format_procedure(function_oid);
}

/* What has a syntax of its own, and no function. */
static bool
find_mutable_syntax(Node *node, WeirMutable *found)
{
	static const char *const values[] = {
		[SVFOP_CURRENT_DATE] = "CURRENT_DATE",
		[SVFOP_CURRENT_TIME] = "CURRENT_TIME",
		[SVFOP_CURRENT_TIME_N] = "CURRENT_TIME",
		[SVFOP_CURRENT_TIMESTAMP] = "CURRENT_TIMESTAMP",
		[SVFOP_CURRENT_TIMESTAMP_N] = "CURRENT_TIMESTAMP",
		[SVFOP_LOCALTIME] = "LOCALTIME",
		[SVFOP_LOCALTIME_N] = "LOCALTIME",
		[SVFOP_LOCALTIMESTAMP] = "LOCALTIMESTAMP",
		[SVFOP_LOCALTIMESTAMP_N] = "LOCALTIMESTAMP",
		[SVFOP_CURRENT_ROLE] = "CURRENT_ROLE",
		[SVFOP_CURRENT_USER] = "CURRENT_USER",
		[SVFOP_USER] = "USER",
		[SVFOP_SESSION_USER] = "SESSION_USER",
		[SVFOP_CURRENT_CATALOG] = "CURRENT_CATALOG",
		[SVFOP_CURRENT_SCHEMA] = "CURRENT_SCHEMA",
	};

	if (IsA(node, SQLValueFunction))
	{
		found->name = pstrdup(values[((SQLValueFunction *) node)->op]);
		found->hint = "Use the event time and other columns of the stream.";
	}
	else if (weir_is_sql_json(node))
	{
		found->name = pstrdup("an SQL/JSON expression");
		found->hint = "Use jsonb_build_object() and its like.";
	}
	else if (IsA(node, NextValueExpr))
	{
		found->name = pstrdup("nextval(regclass)");
		found->hint = VOLATILE_HINT;
	}
	else
		return false;
	found->is_volatile = IsA(node, NextValueExpr);
	found->location = exprLocation(node);
	return true;
}

static bool
is_mutable_function(Oid function_oid, void *context)
{
	((Search *) context)->function_oid = function_oid;
	return func_volatile(function_oid) != PROVOLATILE_IMMUTABLE;
}

static bool
is_exempt(Node *node)
{
	const Exception *exception;
	Oid function_oid;
	List *args;

	if (IsA(node, FuncExpr))
	{
		function_oid = ((FuncExpr *) node)->funcid;
		args = ((FuncExpr *) node)->args;
	}
	else if (IsA(node, OpExpr))
	{
		function_oid = get_opcode(((OpExpr *) node)->opno);
		args = ((OpExpr *) node)->args;
	}
	else
		return false;
	exception = exception_of(function_oid);
	return exception != NULL && exception->holds(args);
}

/* NULL: there is none. */
static const Exception *
exception_of(Oid function_oid)
{
	for (int i = 0; i < (int) lengthof(exceptions); i++)
		if (exceptions[i].function_oid == function_oid)
			return &exceptions[i];
	return NULL;
}

static bool
takes_timestamptz(Node *node, Oid function_oid)
{
	Oid *types;
	int count;

	if (IsA(node, CoerceViaIO))
		return exprType((Node *) ((CoerceViaIO *) node)->arg) == TIMESTAMPTZOID;
	get_func_signature(function_oid, &types, &count);
	return has_oid(types, count, TIMESTAMPTZOID);
}

static const char *
hint_for(Node *node, Oid function_oid)
{
	const Exception *exception = exception_of(function_oid);
	Oid result = exprType(node);

	if (func_volatile(function_oid) == PROVOLATILE_VOLATILE)
		return VOLATILE_HINT;
	if (function_oid == F_NOW || function_oid == F_STATEMENT_TIMESTAMP)
		return "Use the event time and other columns of the stream.";
	if (IsA(node, CoerceViaIO) &&
		(result == DATEOID || result == TIMESTAMPOID || result == TIMESTAMPTZOID))
		return "Use weir.to_date() or weir.to_timestamp(), which read ISO 8601 alone, or make it a "
			   "column of "
			   "that type.";
	if (exception != NULL && exception->holds == is_plain_interval)
		return "Use an interval of hours or less, or compute AT TIME ZONE 'UTC'.";
	if (exception != NULL &&
		(exception->holds == has_number_format || exception->holds == has_time_format))
		return "Use a constant format without the locale's patterns: TM, L, D, G.";
	if (exception != NULL && exception->holds == has_steady_output)
		return "Give it texts and numbers: to_char(... AT TIME ZONE 'UTC', 'YYYY-MM-DD "
			   "HH24:MI:SS'), for instance.";
	if (takes_timestamptz(node, function_oid) || result == TIMESTAMPTZOID)
		return "Name the time zone: write the time AT TIME ZONE 'UTC', for instance.";
	return "Use functions that depend on nothing but their arguments.";
}

/* --- conditions of the exceptions ----------------------------------------------------------------- */

/* A constant text argument; NULL: it is not one. */
static const char *
constant_text(List *args, int position)
{
	Const *value;

	if (position >= list_length(args))
		return NULL;
	value = list_nth(args, position);
	if (!IsA(value, Const) || value->constisnull || value->consttype != TEXTOID)
		return NULL;
	return TextDatumGetCString(value->constvalue);
}

/* Seconds since 1970 are the same in all zones. */
static bool
is_epoch(List *args)
{
	const char *field = constant_text(args, 0);

	return field != NULL && pg_strcasecmp(field, "epoch") == 0;
}

/* Hours and less are as long in all zones; days and months are not. */
static bool
is_plain_interval(List *args)
{
	Const *value = lsecond(args);
	Interval *interval;

	if (!IsA(value, Const))
		return false;
	if (value->constisnull)
		return true;
	interval = DatumGetIntervalP(value->constvalue);
	return interval->month == 0 && interval->day == 0;
}

static bool
has_constant_zone(List *args)
{
	return constant_text(args, 2) != NULL;
}

/* Is the text of values of this type free of settings? bytea follows bytea_output, whatever its
 * label says. */
static bool
is_steady_type(Oid type_oid)
{
	Oid element = get_element_type(getBaseType(type_oid));
	Oid output;
	bool is_varlena;

	if (OidIsValid(element))
		return is_steady_type(element);
	if (type_oid == UNKNOWNOID)
		return true;
	if (getBaseType(type_oid) == BYTEAOID)
		return false;
	getTypeOutputInfo(type_oid, &output, &is_varlena);
	return func_volatile(output) == PROVOLATILE_IMMUTABLE;
}

static bool
has_steady_output(List *args)
{
	ListCell *cell;

	foreach (cell, args)
	{
		if (!is_steady_type(exprType(lfirst(cell))))
			return false;
	}
	return true;
}

/* L, D and G take the locale's signs; in PL and SG they are no patterns of their own. */
static bool
has_number_format(List *args)
{
	const char *format = constant_text(args, 1);

	if (format == NULL)
		return false;
	for (const char *at = format; *at != '\0'; at++)
	{
		if (pg_strncasecmp(at, "PL", 2) == 0 || pg_strncasecmp(at, "SG", 2) == 0)
			at++;
		else if (strchr("LDGldg", *at) != NULL)
			return false;
	}
	return true;
}

/* TM takes the locale's names. */
static bool
has_time_format(List *args)
{
	const char *format = constant_text(args, 1);

	if (format == NULL)
		return false;
	for (const char *at = format; *at != '\0'; at++)
		if (pg_strncasecmp(at, "TM", 2) == 0)
			return false;
	return true;
}

/* --- errors --------------------------------------------------------------------------------------- */

static bool find_raising(Node *node, void *context);
static bool can_function_raise(Oid function_oid);
static bool can_operator_raise(Oid operator_oid);

bool
weir_mutable_can_raise(Node *expr)
{
	return find_raising(expr, NULL);
}

static bool
find_raising(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
			return false;
		case T_List:
		case T_TargetEntry:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_CoalesceExpr:
		case T_RelabelType:
			break;
		case T_FuncExpr:
			if (can_function_raise(((FuncExpr *) node)->funcid))
				return true;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr: /* one struct */
			if (can_operator_raise(((OpExpr *) node)->opno))
				return true;
			break;
		case T_ScalarArrayOpExpr:
			if (can_operator_raise(((ScalarArrayOpExpr *) node)->opno) ||
				!IsA(lsecond(((ScalarArrayOpExpr *) node)->args), Const))
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, find_raising, context);
}

static bool
can_function_raise(Oid function_oid)
{
	return !has_oid(harmless_functions, lengthof(harmless_functions), function_oid);
}

/* A comparison of plain types; of texts, equality only, for the order asks the collation. */
static bool
can_operator_raise(Oid operator_oid)
{
	Oid function_oid = get_opcode(operator_oid);
	Oid left;
	Oid right;

	if (!can_function_raise(function_oid) || function_oid == F_TEXTEQ || function_oid == F_TEXTNE)
		return false;
	op_input_types(operator_oid, &left, &right);
	return operator_oid >= FirstNormalObjectId || !weir_is_comparison(operator_oid) ||
		   !has_oid(harmless_types, lengthof(harmless_types), left) ||
		   !has_oid(harmless_types, lengthof(harmless_types), right);
}
