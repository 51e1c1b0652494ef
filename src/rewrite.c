/* SPDX-License-Identifier: PostgreSQL
 *
 * Writes into a definition what users leave out: the order of first and last, and the schema of the
 * aggregates that are pg_weir's.
 *
 * There is no deparser for raw parse trees, and the names cannot be resolved otherwise: `first` is not
 * in the search path, and pg_catalog's `sum` is before any other. So text is inserted, at places that
 * the parser tells and the scanner confirms. What the user wrote stays as it is, byte for byte. In two
 * steps: `first` and `last` by their names, so that the text can be analysed; then sums of floats, whose
 * types are known only now. Nothing is judged here but what would make the insertion wrong.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "definition.h"
#include "rewrite.h"

/* A token's code, for those that are one character. */
#define TOKEN_END 0

typedef struct Token
{
	int code;
	int at;
} Token;

typedef struct Tokens
{
	int count;
	int room;
	Token *tokens;
} Tokens;

static RawStmt *parse(const char *text);
static List *calls_of(RawStmt *statement);
static void cut(WeirRewrite *rewrite, const RawStmt *statement);
static const char *time_column(WeirRewrite *rewrite, const SelectStmt *select);
static void order_first_and_last(WeirRewrite *rewrite, RawStmt *statement);
static void qualify_float_aggregates(WeirRewrite *rewrite, const List *calls);
static void apply(WeirRewrite *rewrite);

WeirRewrite *
weir_rewrite(const char *source)
{
	WeirRewrite *rewrite = palloc0(sizeof(WeirRewrite));
	ErrorContextCallback callback = {error_context_stack, weir_rewrite_point, rewrite};
	RawStmt *statement;
	List *calls;

	rewrite->source = source;
	rewrite->text = pstrdup(source);
	error_context_stack = &callback;
	statement = parse(source);
	cut(rewrite, statement);
	order_first_and_last(rewrite, statement);
	apply(rewrite);
	statement = parse(rewrite->text);
	calls = calls_of(statement); /* the analysis scribbles on the tree */
	rewrite->query = parse_analyze_fixedparams(statement, rewrite->text, NULL, 0, NULL);
	qualify_float_aggregates(rewrite, calls);
	apply(rewrite);
	rewrite->query = parse_analyze_fixedparams(parse(rewrite->text), rewrite->text, NULL, 0, NULL);
	error_context_stack = callback.previous;
	return rewrite;
}

/* --- places --------------------------------------------------------------------------------------- */

/* A byte of the text -> the byte of the source; what was inserted stands where it was inserted. */
static int
source_place(const WeirRewrite *rewrite, int at)
{
	int inserted = 0;
	ListCell *cell;

	foreach (cell, rewrite->edits)
	{
		const WeirEdit *edit = lfirst(cell);
		int len = strlen(edit->text);

		if (at < edit->at + inserted)
			break;
		if (at < edit->at + inserted + len)
			return edit->at;
		inserted += len;
	}
	return at - inserted;
}

void
weir_rewrite_point(void *arg)
{
	const WeirRewrite *rewrite = arg;
	int position = geterrposition(); /* in characters, from 1 */
	int bytes;

	if (position <= 0)
		return;
	bytes = pg_mbcharcliplen(rewrite->text, strlen(rewrite->text), position - 1);
	bytes = source_place(rewrite, bytes);
	errposition(0);
	internalerrposition(pg_mbstrlen_with_len(rewrite->source, bytes) + 1);
	internalerrquery(rewrite->source);
}

static int
compare_edits(const ListCell *a, const ListCell *b)
{
	const WeirEdit *left = lfirst(a);
	const WeirEdit *right = lfirst(b);

	return (left->at > right->at) - (left->at < right->at);
}

static void
insert(WeirRewrite *rewrite, int at, const char *text)
{
	WeirEdit *edit = palloc(sizeof(WeirEdit));

	edit->at = at;
	edit->text = text;
	rewrite->edits = lappend(rewrite->edits, edit);
}

static void
apply(WeirRewrite *rewrite)
{
	StringInfoData text;
	int copied = 0;
	ListCell *cell;

	list_sort(rewrite->edits, compare_edits);
	initStringInfo(&text);
	foreach (cell, rewrite->edits)
	{
		const WeirEdit *edit = lfirst(cell);

		appendBinaryStringInfo(&text, rewrite->source + copied, edit->at - copied);
		appendStringInfoString(&text, edit->text);
		copied = edit->at;
	}
	appendStringInfoString(&text, rewrite->source + copied);
	rewrite->text = text.data;
}

/* --- parsing -------------------------------------------------------------------------------------- */

static RawStmt *
parse(const char *text)
{
	List *statements = raw_parser(text, RAW_PARSE_DEFAULT);
	RawStmt *statement = statements ? linitial_node(RawStmt, statements) : NULL;

	if (list_length(statements) != 1 || !IsA(statement->stmt, SelectStmt) ||
		((SelectStmt *) statement->stmt)->intoClause != NULL)
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("the definition of a continuous view must be one SELECT"),
				errhint("SELECT weir.tumble(event_time, '1 hour') AS hour, count(*) FROM ... GROUP "
						"BY 1"));
	return statement;
}

/* Without a semicolon: the text goes into CREATE VIEW. */
static void
cut(WeirRewrite *rewrite, const RawStmt *statement)
{
	int end = statement->stmt_location + statement->stmt_len;

	if (statement->stmt_len > 0 && (int) strlen(rewrite->source) > end)
	{
		rewrite->source = pnstrdup(rewrite->source, end);
		rewrite->text = pstrdup(rewrite->source);
	}
}

static bool
collect_calls(Node *node, List **calls)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
		*calls = lappend(*calls, node);
	return raw_expression_tree_walker(node, collect_calls, calls);
}

/* FuncCall *, wherever they stand. */
static List *
calls_of(RawStmt *statement)
{
	List *calls = NIL;

	collect_calls(statement->stmt, &calls);
	return calls;
}

static Tokens
scan(const char *text)
{
	Tokens tokens = {.room = 256};
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE at;
	int code;

	weir_scanner_be_quiet(&extra); /* the parser has warned */
	tokens.tokens = palloc(tokens.room * sizeof(Token));
	do
	{
		code = core_yylex(&value, &at, scanner);
		if (tokens.count == tokens.room)
		{
			tokens.room *= 2;
			tokens.tokens = repalloc(tokens.tokens, tokens.room * sizeof(Token));
		}
		tokens.tokens[tokens.count++] = (Token){code, at};
	} while (code != TOKEN_END);
	scanner_finish(scanner);
	return tokens;
}

/* Where the parenthesis closes that opens a call's arguments. */
static int
closing_place(const Tokens *tokens, int call_at)
{
	int depth = 0;

	for (int i = 0; i < tokens->count; i++)
	{
		const Token *token = &tokens->tokens[i];

		if (token->at < call_at)
			continue;
		if (token->code == '(')
			depth++;
		else if (token->code == ')' && --depth == 0)
			return token->at;
	}
	elog(ERROR, "no closing parenthesis after byte %d", call_at);
}

/* --- first and last ------------------------------------------------------------------------------- */

/* Result: NULL if there is no one stream with an event time; the compiler will say why not. */
static const char *
time_column(WeirRewrite *rewrite, const SelectStmt *select)
{
	RangeVar *range;
	Oid relation_oid;
	AttrNumber attnum;
	WeirDefinition definition = {.text = rewrite->text};

	if (list_length(select->fromClause) != 1 || !IsA(linitial(select->fromClause), RangeVar))
		return NULL;
	range = linitial_node(RangeVar, select->fromClause);
	if (range->alias != NULL && range->alias->colnames != NIL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("column aliases cannot stand in the FROM of a continuous view"),
				errhint("Name columns in the SELECT list: ... AS %s.",
						quote_identifier(strVal(linitial(range->alias->colnames)))),
				weir_definition_place(&definition, range->location));
	relation_oid = RangeVarGetRelid(range, NoLock, true);
	if (!OidIsValid(relation_oid) || !weir_definition_is_stream(relation_oid))
		return NULL;
	attnum = weir_definition_time(relation_oid);
	return attnum > 0 ? get_attname(relation_oid, attnum, false) : NULL;
}

/* first(...), last(...), weir.first(...), weir.last(...) */
static bool
is_first_or_last(const FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));
	int parts = list_length(call->funcname);

	if (call->over != NULL || (strcmp(name, "first") != 0 && strcmp(name, "last") != 0))
		return false;
	return parts == 1 || (parts == 2 && strcmp(strVal(linitial(call->funcname)), "weir") == 0);
}

static bool
ends_with_ctid(const List *order)
{
	Node *last = order ? llast_node(SortBy, order)->node : NULL;
	Node *field;

	if (last == NULL || !IsA(last, ColumnRef))
		return false;
	field = llast(((ColumnRef *) last)->fields);
	return IsA(field, String) && strcmp(strVal(field), "ctid") == 0;
}

static void
order_first_and_last(WeirRewrite *rewrite, RawStmt *statement)
{
	const char *column = time_column(rewrite, castNode(SelectStmt, statement->stmt));
	Tokens tokens = scan(rewrite->source);
	ListCell *cell;

	foreach (cell, calls_of(statement))
	{
		FuncCall *call = lfirst_node(FuncCall, cell);

		if (!is_first_or_last(call))
			continue;
		if (list_length(call->funcname) == 1)
			insert(rewrite, call->location, "weir.");
		if (call->args == NIL || call->agg_distinct || call->agg_within_group || column == NULL ||
			ends_with_ctid(call->agg_order))
			continue;
		insert(rewrite, closing_place(&tokens, call->location),
			   call->agg_order ? ", ctid"
							   : psprintf(" ORDER BY %s, ctid", quote_identifier(column)));
	}
}

/* --- aggregates of floats ------------------------------------------------------------------------- */

static bool
collect_float_aggregates(Node *node, List **aggregates)
{
	static const Oid functions[] = {
		F_SUM_FLOAT4,         F_SUM_FLOAT8,         F_AVG_FLOAT4,        F_AVG_FLOAT8,
		F_VARIANCE_FLOAT4,    F_VARIANCE_FLOAT8,    F_VAR_SAMP_FLOAT4,   F_VAR_SAMP_FLOAT8,
		F_VAR_POP_FLOAT4,     F_VAR_POP_FLOAT8,     F_STDDEV_FLOAT4,     F_STDDEV_FLOAT8,
		F_STDDEV_SAMP_FLOAT4, F_STDDEV_SAMP_FLOAT8, F_STDDEV_POP_FLOAT4, F_STDDEV_POP_FLOAT8,
	};

	if (node == NULL)
		return false;
	for (int i = 0; IsA(node, Aggref) && i < (int) lengthof(functions); i++)
		if (((Aggref *) node)->aggfnoid == functions[i])
			*aggregates = lappend_int(*aggregates, ((Aggref *) node)->location);
	return expression_tree_walker(node, collect_float_aggregates, aggregates);
}

static void
qualify_float_aggregates(WeirRewrite *rewrite, const List *calls)
{
	List *aggregates = NIL; /* their places */
	List *places = NIL;
	ListCell *cell;

	collect_float_aggregates((Node *) rewrite->query->targetList, &aggregates);
	collect_float_aggregates(rewrite->query->havingQual, &aggregates);
	foreach (cell, calls)
	{
		FuncCall *call = lfirst_node(FuncCall, cell);

		if (list_length(call->funcname) == 1 && list_member_int(aggregates, call->location))
			places = list_append_unique_int(places, source_place(rewrite, call->location));
	}
	foreach (cell, places)
		insert(rewrite, lfirst_int(cell), "weir.");
}
