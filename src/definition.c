/* SPDX-License-Identifier: PostgreSQL
 *
 * The shape of a definition: one SELECT over one stream, with GROUP BY.
 *
 * What is refused here is refused by the look of the parse tree, before anything is compiled, so that
 * the error names what the user wrote. It does not look into expressions, but for finding where a
 * thing stands.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "definition.h"
#include "option.h"
#include "query.h"

/* How a node is looked for. */
typedef struct Finder
{
	bool (*matches)(Node *node);
	Node *found;
} Finder;

static void check_clauses(const WeirDefinition *definition);
static void check_parts(const WeirDefinition *definition);
static void check_from(const WeirDefinition *definition);
static void check_relation(Oid relation_oid, char kind);
static void check_time(Oid relation_oid);

void
weir_definition_check(const WeirDefinition *definition)
{
	check_clauses(definition);
	check_parts(definition);
	check_from(definition);
}

int
weir_definition_place(const WeirDefinition *definition, int location)
{
	if (definition->text == NULL || location < 0)
		return 0;
	return errposition(pg_mbstrlen_with_len(definition->text, location) + 1);
}

static _Noreturn void
refuse(const WeirDefinition *definition, int location, const char *what, const char *hint)
{
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s cannot stand in a continuous view", what), errhint("%s", hint),
			weir_definition_place(definition, location));
}

static int
sort_location(const Query *query)
{
	SortGroupClause *clause = linitial(query->sortClause);

	return exprLocation(
		(Node *) get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr);
}

static void
check_clauses(const WeirDefinition *definition)
{
	Query *query = definition->query;

	if (query->cteList)
	{
		CommonTableExpr *cte = linitial_node(CommonTableExpr, query->cteList);

		refuse(definition, cte->location, psprintf("WITH query \"%s\"", cte->ctename),
			   "Write one SELECT over the stream.");
	}
	if (query->setOperations)
		refuse(definition, -1, "UNION, INTERSECT or EXCEPT",
			   "Make a continuous view of each part, and an ordinary view over them.");
	if (query->distinctClause)
		refuse(definition, -1, "DISTINCT", "Groups are distinct by GROUP BY.");
	if (query->groupingSets)
		refuse(definition, exprLocation((Node *) query->groupingSets),
			   "GROUPING SETS, ROLLUP or CUBE", "Make a continuous view of each grouping.");
	if (query->sortClause)
		refuse(definition, sort_location(query), "ORDER BY",
			   "Sort in the query that reads the view.");
	if (query->limitCount || query->limitOffset)
		refuse(definition, exprLocation(query->limitCount ? query->limitCount : query->limitOffset),
			   query->limitCount ? "LIMIT" : "OFFSET", "Limit in the query that reads the view.");
	if (query->rowMarks)
		refuse(definition, -1, "FOR UPDATE or FOR SHARE", "Messages cannot be locked.");
}

static bool
find_node(Node *node, void *context)
{
	Finder *finder = context;

	if (node == NULL)
		return false;
	if (finder->matches(node))
	{
		finder->found = node;
		return true;
	}
	return expression_tree_walker(node, find_node, context);
}

/* Where such a node stands first in the query's expressions. */
static Node *
first_node(const Query *query, bool (*matches)(Node *node))
{
	Finder finder = {.matches = matches};

	if (!find_node((Node *) query->targetList, &finder) &&
		!find_node(query->jointree->quals, &finder))
		find_node(query->havingQual, &finder);
	return finder.found;
}

static bool
is_sublink(Node *node)
{
	return IsA(node, SubLink);
}

static bool
is_window_function(Node *node)
{
	return IsA(node, WindowFunc);
}

/* weir.hop() and weir.hop_end() make windows; query.c looks at them. */
static bool
is_set_returning(Node *node)
{
	return (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcretset &&
			!weir_definition_is_ours(((FuncExpr *) node)->funcid, "hop") &&
			!weir_definition_is_ours(((FuncExpr *) node)->funcid, "hop_end")) ||
		   (IsA(node, OpExpr) && ((OpExpr *) node)->opretset);
}

static bool
is_grouping(Node *node)
{
	return IsA(node, GroupingFunc);
}

/* "window function rank()" */
static char *
function_text(const char *kind, Node *node)
{
	char *name = NULL;

	if (node != NULL && IsA(node, WindowFunc))
		name = get_func_name(((WindowFunc *) node)->winfnoid);
	if (node != NULL && IsA(node, FuncExpr))
		name = get_func_name(((FuncExpr *) node)->funcid);
	return name ? psprintf("%s %s()", kind, name) : pstrdup(kind);
}

static void
check_parts(const WeirDefinition *definition)
{
	const Query *query = definition->query;
	Node *found;

	if (query->hasSubLinks)
		refuse(definition, exprLocation(first_node(query, is_sublink)), "a subquery",
			   "Join with other relations in an ordinary view over the continuous view.");
	if (query->hasWindowFuncs)
	{
		found = first_node(query, is_window_function);
		refuse(definition, exprLocation(found), function_text("window function", found),
			   "Use it in an ordinary view over the continuous view.");
	}
	if (query->hasTargetSRFs)
	{
		found = first_node(query, is_set_returning);
		if (found != NULL)
			refuse(definition, exprLocation(found), function_text("set-returning function", found),
				   "Use it in an ordinary view over the continuous view.");
	}
	found = first_node(query, is_grouping);
	if (found != NULL)
		refuse(definition, exprLocation(found), "GROUPING()", "There are no grouping sets.");
}

/* "a subquery in FROM" */
static const char *
source_text(const RangeTblEntry *rte)
{
	switch (rte->rtekind)
	{
		case RTE_SUBQUERY:
			return "a subquery in FROM";
		case RTE_FUNCTION:
			return "a function in FROM";
		case RTE_TABLEFUNC:
			return "a table function in FROM";
		case RTE_VALUES:
			return "VALUES in FROM";
		default:
			return "what is no relation in FROM";
	}
}

static void
check_from(const WeirDefinition *definition)
{
	List *from = definition->query->jointree->fromlist;
	RangeTblEntry *rte;

	if (from == NIL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a continuous view must read a stream"),
				errhint("Name a foreign table of weir_kafka in FROM."));
	if (list_length(from) > 1 || !IsA(linitial(from), RangeTblRef))
		refuse(
			definition, -1, "a join",
			"Join in an ordinary view over the continuous view: SELECT ... FROM the_view JOIN ...");
	rte = rt_fetch(linitial_node(RangeTblRef, from)->rtindex, definition->query->rtable);
	if (rte->rtekind != RTE_RELATION)
		refuse(definition, -1, source_text(rte), "Write one SELECT over the stream.");
	check_relation(rte->relid, rte->relkind);
	if (!weir_query_is_copy(definition->query))
		check_time(rte->relid);
	if (rte->inh && has_subclass(rte->relid))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("foreign table \"%s\" has children", get_rel_name(rte->relid)),
				errhint("Write FROM ONLY %s.", quote_identifier(get_rel_name(rte->relid))));
}

static void
check_relation(Oid relation_oid, char kind)
{
	const char *name = get_rel_name(relation_oid);

	if (!weir_definition_is_stream(relation_oid))
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("relation \"%s\" is not a stream", name),
				kind == RELKIND_FOREIGN_TABLE
					? errdetail("It is a foreign table of another foreign-data wrapper.")
					: errdetail_relkind_not_supported(kind),
				errhint("A continuous view reads a foreign table of weir_kafka."));
}

static void
check_time(Oid relation_oid)
{
	const char *name = get_rel_name(relation_oid);

	if (weir_definition_time(relation_oid) == InvalidAttrNumber)
		ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				errmsg("option \"event_time\" of foreign table \"%s\" is missing", name),
				errdetail("It names the column that says when an event happened."),
				errhint("ALTER FOREIGN TABLE %s OPTIONS (ADD event_time '...');",
						quote_identifier(name)));
}

bool
weir_definition_is_ours(Oid function_oid, const char *name)
{
	char *found = get_func_name(function_oid);

	return found != NULL && strcmp(found, name) == 0 &&
		   get_func_namespace(function_oid) == get_namespace_oid("weir", true);
}

bool
weir_definition_is_stream(Oid relation_oid)
{
	ForeignServer *server;

	if (get_rel_relkind(relation_oid) != RELKIND_FOREIGN_TABLE)
		return false;
	server = GetForeignServer(GetForeignTable(relation_oid)->serverid);
	return strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, "weir_kafka") == 0;
}

AttrNumber
weir_definition_time(Oid stream_oid)
{
	const char *column = weir_option_get(GetForeignTable(stream_oid)->options, "event_time");
	AttrNumber attnum;

	if (column == NULL)
		return InvalidAttrNumber;
	attnum = get_attnum(stream_oid, column);
	if (attnum <= 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("column \"%s\" of foreign table \"%s\" does not exist", column,
					   get_rel_name(stream_oid)),
				errdetail("Option \"event_time\" names it."));
	if (get_atttype(stream_oid, attnum) != TIMESTAMPTZOID)
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				errmsg("column \"%s\" of foreign table \"%s\" must be timestamp with time zone",
					   column, get_rel_name(stream_oid)),
				errdetail("Option \"event_time\" names it."));
	return attnum;
}
