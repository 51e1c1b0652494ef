/* SPDX-License-Identifier: PostgreSQL
 *
 * Compiles a definition: window, keys, aggregates and expressions, out of the parse tree.
 *
 * The order is that of the meaning: what is grouped by is known before what is computed from it, so
 * that each expression of the SELECT list becomes one over groups. Nothing is evaluated but constants;
 * nothing is kept. definition.c has looked at the shape, mutable.c judges expressions.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "definition.h"
#include "mutable.h"
#include "query.h"
#include "windowing.h"

#define KNOWN_AGGREGATES                                                                           \
	"count, sum, avg, min, max, bool_and, bool_or, every, stddev and variance with their "         \
	"variants, weir.first, weir.last"

/* What is grouped by, and the column of finish expressions that stands for it. */
typedef struct GroupItem
{
	Node *expr; /* as parsed */
	AttrNumber attnum;
} GroupItem;

typedef struct Compiler
{
	WeirDefinition definition;
	WeirQuery *meaning;
	const char *time_name;
	List *items;      /* GroupItem * */
	List *ends;       /* FuncExpr *: tumble_end(), hop_end(), until the window is known */
	List *aggregates; /* Aggref *, all different */
	FuncExpr *window; /* as planned; NULL: not seen yet */
	Node *other_time; /* date_bin() or date_trunc() of another column; NULL: none */
} Compiler;

/* A call that makes windows. */
typedef struct WindowCall
{
	bool is_ours; /* weir.tumble(), weir.hop() and their ends */
	bool is_end;
	Expr *ts;
	Expr *width;
	Expr *slide; /* NULL: they tumble */
	Expr *unit;  /* of date_trunc(), in the place of width */
	Expr *zone;
	Expr *origin;
} WindowCall;

static void compile_stream(Compiler *compiler);
static void compile_copy(Compiler *compiler);
static void compile_groups(Compiler *compiler);
static void compile_where(Compiler *compiler);
static void compile_aggregates(Compiler *compiler);
static void compile_finish(Compiler *compiler);
static void check_targets(const Compiler *compiler);
static void note_raising(WeirQuery *meaning);

WeirQuery *
weir_query_compile(Query *query)
{
	return weir_query_compile_text(query, NULL);
}

WeirQuery *
weir_query_compile_text(Query *query, const char *text)
{
	Compiler compiler = {.definition = {.query = copyObject(query), .text = text}};

	weir_flatten_groups(compiler.definition.query);
	weir_definition_check(&compiler.definition);
	compiler.meaning = palloc0(sizeof(WeirQuery));
	compile_stream(&compiler);
	compiler.meaning->is_copy = weir_query_is_copy(compiler.definition.query);
	if (!compiler.meaning->is_copy)
		compile_groups(&compiler);
	compile_where(&compiler);
	if (compiler.meaning->is_copy)
		compile_copy(&compiler);
	else
	{
		compile_aggregates(&compiler);
		compile_finish(&compiler);
	}
	check_targets(&compiler);
	note_raising(compiler.meaning);
	return compiler.meaning;
}

Query *
weir_query_of_view(Oid view_oid)
{
	Relation rel = relation_open(view_oid, AccessShareLock);
	Query *query;
	ListCell *cell;

	if (rel->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("relation \"%s\" is not a view", RelationGetRelationName(rel)));
	query = copyObject(get_view_query(rel));
	/* ALTER VIEW ... RENAME COLUMN leaves the tree as it was */
	foreach (cell, query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (!target->resjunk)
			target->resname =
				pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel), target->resno - 1)->attname));
	}
	relation_close(rel, NoLock);
	return query;
}

bool
weir_query_is_copy(const Query *query)
{
	return !query->hasAggs && query->groupClause == NIL && query->havingQual == NULL;
}

Oid
weir_query_stream(const Query *query)
{
	List *from = query->jointree ? query->jointree->fromlist : NIL;

	if (list_length(from) != 1 || !IsA(linitial(from), RangeTblRef))
		return InvalidOid;
	return rt_fetch(linitial_node(RangeTblRef, from)->rtindex, query->rtable)->relid;
}

static void
compile_stream(Compiler *compiler)
{
	Query *query = compiler->definition.query;
	WeirQuery *meaning = compiler->meaning;

	meaning->stream_oid = weir_query_stream(query);
	meaning->stream_index = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
	meaning->time_attnum = weir_definition_time(meaning->stream_oid);
	if (meaning->time_attnum != InvalidAttrNumber)
		compiler->time_name = get_attname(meaning->stream_oid, meaning->time_attnum, false);
}

/* --- expressions ---------------------------------------------------------------------------------- */

static int
place(const Compiler *compiler, Node *node)
{
	return weir_definition_place(&compiler->definition, exprLocation(node));
}

static _Noreturn void
refuse_mutable(const Compiler *compiler, const WeirMutable *found)
{
	ereport(
		ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		errmsg("%s cannot stand in a continuous view", found->name),
		found->is_volatile ? errdetail("It is volatile: each call may give another result.")
						   : errdetail("Its result follows the session's settings or the clock."),
		errhint("%s", found->hint), weir_definition_place(&compiler->definition, found->location));
}

/* A planned expression that means the same everywhere. */
static Expr *
plan(const Compiler *compiler, Node *expr)
{
	Expr *planned = expression_planner((Expr *) copyObject(expr));
	WeirMutable found;

	if (weir_mutable_find((Node *) planned, &found))
		refuse_mutable(compiler, &found);
	return planned;
}

static bool
check_input_columns(Node *node, void *context)
{
	const Compiler *compiler = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varattno <= 0)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			((Var *) node)->varattno == 0
				? errmsg("a whole row cannot stand in a continuous view")
				: errmsg(
					  "system column \"%s\" cannot stand in a continuous view",
					  get_attname(compiler->meaning->stream_oid, ((Var *) node)->varattno, false)),
			((Var *) node)->varattno == 0
				? errhint("Name the columns.")
				: errhint("Columns with option \"meta\" show what Kafka keeps beside a message: "
						  "topic, partition, offset."),
			place(compiler, node));
	return expression_tree_walker(node, check_input_columns, context);
}

/* A planned expression over the stream's columns. */
static Expr *
plan_input(Compiler *compiler, Node *expr)
{
	Expr *planned = plan(compiler, expr);

	check_input_columns((Node *) planned, compiler);
	if (weir_mutable_can_raise((Node *) planned))
		compiler->meaning->can_raise_input = true;
	return planned;
}

static void
compile_where(Compiler *compiler)
{
	Node *quals = compiler->definition.query->jointree->quals;

	if (quals != NULL)
		compiler->meaning->where = make_ands_implicit(plan_input(compiler, quals));
}

/* --- windows and keys ----------------------------------------------------------------------------- */

static bool read_window_call(Expr *expr, WindowCall *call);
static bool is_event_time(const Compiler *compiler, Expr *expr);
static void compile_window(Compiler *compiler, FuncExpr *function, const WindowCall *call);
static void compile_ends(Compiler *compiler);
static void compile_key(Compiler *compiler, TargetEntry *target);
static void add_item(Compiler *compiler, Node *expr, AttrNumber attnum);
static _Noreturn void refuse_time(const Compiler *compiler, Node *call);
static _Noreturn void refuse_without_window(const Compiler *compiler);

static void
compile_groups(Compiler *compiler)
{
	Query *query = compiler->definition.query;
	ListCell *cell;

	compiler->meaning->keys = palloc0(Max(list_length(query->groupClause), 1) * sizeof(WeirKey));
	foreach (cell, query->groupClause)
	{
		TargetEntry *target =
			get_sortgroupclause_tle(lfirst_node(SortGroupClause, cell), query->targetList);
		Expr *planned = expression_planner((Expr *) copyObject(target->expr));
		WindowCall call;

		if (!read_window_call(planned, &call))
			compile_key(compiler, target);
		else if (!is_event_time(compiler, call.ts))
		{
			if (call.is_ours)
				refuse_time(compiler, (Node *) target->expr);
			compiler->other_time = (Node *) target->expr;
			compile_key(compiler, target);
		}
		else if (call.is_end)
		{
			compiler->ends = lappend(compiler->ends, planned);
			add_item(compiler, (Node *) target->expr, WEIR_FINISH_WINDOW_END);
		}
		else
		{
			compile_window(compiler, (FuncExpr *) planned, &call);
			add_item(compiler, (Node *) target->expr, WEIR_FINISH_WINDOW_START);
		}
	}
	if (compiler->window == NULL)
		refuse_without_window(compiler);
	compile_ends(compiler);
}

/* weir.tumble(ts, width, zone, origin), weir.hop(ts, width, slide, zone, origin), and their ends. */
static bool
read_our_call(FuncExpr *function, WindowCall *call)
{
	Oid oid = function->funcid;
	bool is_hop_end = weir_definition_is_ours(oid, "hop_end");
	bool is_hop = is_hop_end || weir_definition_is_ours(oid, "hop");
	int zone = is_hop ? 3 : 2;
	int count = list_length(function->args);

	call->is_end = is_hop_end || weir_definition_is_ours(oid, "tumble_end");
	call->is_ours = is_hop || call->is_end || weir_definition_is_ours(oid, "tumble");
	if (!call->is_ours)
		return false;
	call->ts = linitial(function->args);
	call->width = lsecond(function->args);
	call->slide = is_hop ? lthird(function->args) : NULL;
	call->zone = count > zone ? list_nth(function->args, zone) : NULL;
	call->origin = count > zone + 1 ? list_nth(function->args, zone + 1) : NULL;
	return true;
}

/* Result: false if the expression makes no windows. */
static bool
read_window_call(Expr *expr, WindowCall *call)
{
	FuncExpr *function = (FuncExpr *) expr;

	if (!IsA(expr, FuncExpr))
		return false;
	*call = (WindowCall){0};
	if (read_our_call(function, call))
		return true;
	if (function->funcid != F_DATE_BIN_INTERVAL_TIMESTAMPTZ_TIMESTAMPTZ &&
		function->funcid != F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT)
		return false;
	call->ts = lsecond(function->args);
	if (function->funcid == F_DATE_BIN_INTERVAL_TIMESTAMPTZ_TIMESTAMPTZ)
	{
		call->width = linitial(function->args);
		call->origin = lthird(function->args);
	}
	else
	{
		call->unit = linitial(function->args);
		call->zone = lthird(function->args);
	}
	return true;
}

static bool
is_event_time(const Compiler *compiler, Expr *expr)
{
	return IsA(expr, Var) && ((Var *) expr)->varattno == compiler->meaning->time_attnum;
}

static _Noreturn void
refuse_time(const Compiler *compiler, Node *call)
{
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("the window of a continuous view must be over the stream's event time"),
			errdetail("That is column \"%s\".", compiler->time_name),
			errhint("Group by weir.tumble(%s, ...), or change option \"event_time\" of the stream.",
					quote_identifier(compiler->time_name)),
			place(compiler, call));
}

static _Noreturn void
refuse_without_window(const Compiler *compiler)
{
	char *hint = psprintf("GROUP BY weir.tumble(%s, '1 hour'), for instance.",
						  quote_identifier(compiler->time_name));

	if (compiler->other_time != NULL)
		refuse_time(compiler, compiler->other_time);
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("a continuous view must have a window"),
			errdetail("Without one, no group would ever be complete."), errhint("%s", hint));
}

/* For an error context: points at the window, whose arguments window.c refused. */
typedef struct Pin
{
	const Compiler *compiler;
	Node *node;
} Pin;

static void
point(void *arg)
{
	const Pin *pin = arg;

	if (geterrposition() == 0)
		place(pin->compiler, pin->node);
}

static Datum
constant(const Compiler *compiler, Expr *expr, const char *what)
{
	if (!IsA(expr, Const))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("the %s of a continuous view's window must be a constant", what),
				place(compiler, (Node *) expr));
	return ((Const *) expr)->constvalue; /* not NULL: the functions are strict */
}

static void
refuse_unit(const Compiler *compiler, const char *unit, Node *node)
{
	ereport(
		ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		errmsg("unit \"%s\" cannot be the width of a continuous view's window", unit),
		errhint("Use millisecond, second, minute, hour, day, week, month, quarter, year or decade; "
				"or weir.tumble()."),
		place(compiler, node));
}

/* What date_trunc() cuts to, as a width; counted from the default origin it gives the same starts. */
static Interval
unit_width(const Compiler *compiler, const char *unit, Node *node)
{
	static const struct
	{
		const char *name;
		Interval width;
	} units[] = {
		{"microsecond", {.time = 1}},
		{"millisecond", {.time = 1000}},
		{"second", {.time = USECS_PER_SEC}},
		{"minute", {.time = USECS_PER_MINUTE}},
		{"hour", {.time = USECS_PER_HOUR}},
		{"day", {.day = 1}},
		{"week", {.day = 7}},
		{"month", {.month = 1}},
		{"quarter", {.month = 3}},
		{"year", {.month = 12}},
		{"decade", {.month = 120}},
	};

	for (int i = 0; i < (int) lengthof(units); i++)
		if (pg_strcasecmp(units[i].name, unit) == 0 ||
			pg_strcasecmp(psprintf("%ss", units[i].name), unit) == 0)
			return units[i].width;
	refuse_unit(compiler, unit, node);
	return (Interval){0};
}

/* Windows as WeirQuery has them. */
static void
make_windowing(const Compiler *compiler, Node *node, const WindowCall *call,
			   WeirWindowing *windowing, WeirHopping *hopping)
{
	Pin pin = {compiler, node};
	ErrorContextCallback callback = {error_context_stack, point, &pin};
	const char *zone = NULL;
	TimestampTz origin = 0;
	Interval width;

	if (call->zone)
		zone = TextDatumGetCString(constant(compiler, call->zone, "time zone"));
	if (call->origin)
		origin = DatumGetTimestampTz(constant(compiler, call->origin, "origin"));
	if (call->unit)
		width =
			unit_width(compiler, TextDatumGetCString(constant(compiler, call->unit, "unit")), node);
	else
		width = *DatumGetIntervalP(constant(compiler, call->width, "width"));
	if (!call->is_ours && call->origin) /* date_bin(): a day is 24 hours */
	{
		if (width.month != 0)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("date_bin() has no windows of months or years"),
					errhint("Use weir.tumble()."), place(compiler, node));
		zone = "UTC";
		width.time += width.day * USECS_PER_DAY;
		width.day = 0;
	}
	error_context_stack = &callback;
	if (call->slide)
	{
		weir_hopping_make(hopping, &width,
						  DatumGetIntervalP(constant(compiler, call->slide, "slide")), zone,
						  call->origin ? &origin : NULL);
		*windowing = hopping->slices;
	}
	else
	{
		hopping->length = 0;
		weir_windowing_make(windowing, &width, zone, call->origin ? &origin : NULL);
	}
	error_context_stack = callback.previous;
}

static void
compile_window(Compiler *compiler, FuncExpr *function, const WindowCall *call)
{
	if (compiler->window != NULL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a continuous view cannot have two windows"),
				errhint("Make a continuous view of each width, or compute the wider one from the "
						"closed rows of the other."),
				place(compiler, (Node *) function));
	compiler->window = function;
	make_windowing(compiler, (Node *) function, call, &compiler->meaning->windowing,
				   &compiler->meaning->hopping);
}

static void
compile_ends(Compiler *compiler)
{
	ListCell *cell;

	foreach (cell, compiler->ends)
	{
		WindowCall call;
		WeirWindowing windowing;
		WeirHopping hopping;
		const WeirQuery *meaning = compiler->meaning;

		read_window_call(lfirst(cell), &call);
		make_windowing(compiler, lfirst(cell), &call, &windowing, &hopping);
		if (!weir_windowing_equal(&windowing, &meaning->windowing) ||
			!weir_hopping_equal(&hopping, &meaning->hopping))
			ereport(
				ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("weir.%s() is not the end of the continuous view's window",
					   call.slide ? "hop_end" : "tumble_end"),
				meaning->hopping.length > 0
					? errhint("Use weir.hop_end() with the same arguments as weir.hop().")
					: errhint("Use weir.tumble_end() with the same arguments as weir.tumble()."),
				place(compiler, lfirst(cell)));
	}
}

static void
add_item(Compiler *compiler, Node *expr, AttrNumber attnum)
{
	GroupItem *item = palloc(sizeof(GroupItem));

	item->expr = expr;
	item->attnum = attnum;
	compiler->items = lappend(compiler->items, item);
}

/* Do equal values have equal bytes? As btree asks before it merges equal keys. */
static bool
is_image_equal(const TypeCacheEntry *type, Oid collation)
{
	Oid function = get_opfamily_proc(type->btree_opf, type->btree_opintype, type->btree_opintype,
									 BTEQUALIMAGE_PROC);

	return OidIsValid(function) &&
		   DatumGetBool(
			   OidFunctionCall1Coll(function, collation, ObjectIdGetDatum(type->btree_opintype)));
}

static void
compile_key(Compiler *compiler, TargetEntry *target)
{
	WeirQuery *meaning = compiler->meaning;
	WeirKey *key = &meaning->keys[meaning->key_count];
	TypeCacheEntry *type;

	key->expr = plan_input(compiler, (Node *) target->expr);
	key->type_oid = exprType((Node *) key->expr);
	key->typmod = exprTypmod((Node *) key->expr);
	key->collation = exprCollation((Node *) key->expr);
	get_typlenbyval(key->type_oid, &key->len, &key->is_by_value);
	type = lookup_type_cache(key->type_oid, TYPECACHE_EQ_OPR_FINFO | TYPECACHE_HASH_PROC_FINFO |
												TYPECACHE_CMP_PROC | TYPECACHE_BTREE_OPFAMILY);
	if (!OidIsValid(type->eq_opr_finfo.fn_oid) || !OidIsValid(type->hash_proc_finfo.fn_oid) ||
		!OidIsValid(type->cmp_proc))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a key of a continuous view cannot be of type %s",
					   format_type_be(key->type_oid)),
				errdetail("Keys need a hash function and a btree order."),
				errhint("Group by a part of it, or by its text."),
				place(compiler, (Node *) target->expr));
	if (!weir_portable_find(key->type_oid, &key->portable))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a key of a continuous view cannot be of type %s",
					   format_type_be(key->type_oid)),
				errdetail("Keys are stored by their type's binary send and receive functions."),
				errhint("Group by its text."), place(compiler, (Node *) target->expr));
	fmgr_info(type->eq_opr_finfo.fn_oid, &key->equal);
	fmgr_info(type->hash_proc_finfo.fn_oid, &key->hash);
	key->is_image_equal = is_image_equal(type, key->collation);
	add_item(compiler, (Node *) target->expr, WEIR_FINISH_FIRST_KEY + meaning->key_count);
	meaning->key_count++;
}

/* --- aggregates ----------------------------------------------------------------------------------- */

static bool collect_aggregates(Node *node, void *context);
static void compile_aggregate(Compiler *compiler, Aggref *aggref, WeirAggregate *aggregate);
static void check_aggregate(const Compiler *compiler, Aggref *aggref);
static void compile_order(Compiler *compiler, Aggref *aggref, WeirAggregate *aggregate);
static _Noreturn void refuse_unknown(const Compiler *compiler, Aggref *aggref);

static void
compile_aggregates(Compiler *compiler)
{
	Query *query = compiler->definition.query;
	WeirQuery *meaning = compiler->meaning;
	ListCell *cell;

	collect_aggregates((Node *) query->targetList, compiler);
	collect_aggregates(query->havingQual, compiler);
	if (compiler->aggregates == NIL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a continuous view must have aggregates"),
				errhint("To see which groups there are, add count(*)."));
	meaning->aggregates = palloc0(list_length(compiler->aggregates) * sizeof(WeirAggregate));
	foreach (cell, compiler->aggregates)
		compile_aggregate(compiler, lfirst_node(Aggref, cell),
						  &meaning->aggregates[meaning->aggregate_count++]);
}

static bool
collect_aggregates(Node *node, void *context)
{
	Compiler *compiler = context;

	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		compiler->aggregates = list_append_unique(compiler->aggregates, node);
		return false;
	}
	return expression_tree_walker(node, collect_aggregates, context);
}

static void
compile_aggregate(Compiler *compiler, Aggref *aggref, WeirAggregate *aggregate)
{
	const WeirKernel *kernel;

	check_aggregate(compiler, aggref);
	kernel = weir_kernel_find(aggref->aggfnoid);
	if (kernel == NULL)
		refuse_unknown(compiler, aggref);
	aggregate->function_oid = aggref->aggfnoid;
	aggregate->result_type = aggref->aggtype;
	aggregate->collation = aggref->inputcollid;
	if (aggref->args != NIL)
		aggregate->argument =
			plan_input(compiler, (Node *) linitial_node(TargetEntry, aggref->args)->expr);
	if (aggref->aggfilter != NULL)
		aggregate->filter = plan_input(compiler, (Node *) aggref->aggfilter);
	if (weir_kernel_is_ordered(kernel))
		compile_order(compiler, aggref, aggregate);
	else if (aggref->aggorder != NIL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("ORDER BY cannot stand in an aggregate of a continuous view"),
				errdetail("Only first and last have an order."),
				errhint("Drop it: the result does not depend on the order."),
				place(compiler, (Node *) aggref));
	weir_kernel_bind(aggregate);
}

static char *
function_name(Oid function_oid)
{
	return format_procedure(function_oid);
}

static void
check_aggregate(const Compiler *compiler, Aggref *aggref)
{
	if (aggref->aggkind != AGGKIND_NORMAL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("ordered-set aggregate %s cannot stand in a continuous view",
					   function_name(aggref->aggfnoid)),
				errdetail("It would have to keep all values."),
				errhint("Aggregates that can: " KNOWN_AGGREGATES "."),
				place(compiler, (Node *) aggref));
	if (aggref->aggdistinct != NIL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("DISTINCT cannot stand in an aggregate of a continuous view"),
				errdetail("It would have to keep all values."),
				errhint("Group by the value, and aggregate in an ordinary view over the continuous "
						"view."),
				place(compiler, (Node *) aggref));
}

static bool
is_float(const Aggref *aggref)
{
	Oid type = aggref->aggargtypes ? linitial_oid(aggref->aggargtypes) : InvalidOid;

	return type == FLOAT4OID || type == FLOAT8OID;
}

static _Noreturn void
refuse_unknown(const Compiler *compiler, Aggref *aggref)
{
	List *name = list_make2(makeString("weir"), makeString(get_func_name(aggref->aggfnoid)));
	Oid type = aggref->aggargtypes ? linitial_oid(aggref->aggargtypes) : InvalidOid;

	if (list_length(aggref->aggargtypes) == 1 && is_float(aggref) &&
		OidIsValid(LookupFuncName(name, 1, &type, true)))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("aggregate %s cannot stand in a continuous view",
					   function_name(aggref->aggfnoid)),
				errdetail("Its result depends on the order of the values."),
				errhint("Use weir.%s().", get_func_name(aggref->aggfnoid)),
				place(compiler, (Node *) aggref));
	ereport(
		ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		errmsg("aggregate %s cannot stand in a continuous view", function_name(aggref->aggfnoid)),
		errhint("Aggregates that can: " KNOWN_AGGREGATES "."), place(compiler, (Node *) aggref));
}

static bool
is_ctid(const Compiler *compiler, Expr *expr)
{
	return IsA(expr, Var) && ((Var *) expr)->varno == (int) compiler->meaning->stream_index &&
		   ((Var *) expr)->varattno == SelfItemPointerAttributeNumber;
}

static void
fill_order(Compiler *compiler, SortGroupClause *clause, Expr *expr, WeirOrder *order)
{
	Oid family;
	Oid input_type;

	if (!weir_ordering(clause->sortop, &family, &input_type, &order->is_descending))
		elog(ERROR, "operator %u is not a valid ordering operator", clause->sortop);
	order->expr = plan_input(compiler, (Node *) expr);
	order->type_oid = exprType((Node *) order->expr);
	order->collation = exprCollation((Node *) order->expr);
	get_typlenbyval(order->type_oid, &order->len, &order->is_by_value);
	order->is_nulls_first = clause->nulls_first;
	fmgr_info(get_opfamily_proc(family, input_type, input_type, BTORDER_PROC), &order->compare);
}

/* first and last: the order that is written out, but for the ctid at its end, which always holds. */
static void
compile_order(Compiler *compiler, Aggref *aggref, WeirAggregate *aggregate)
{
	int count = list_length(aggref->aggorder);
	const char *name = get_func_name(aggref->aggfnoid);
	ListCell *cell;

	aggregate->order = palloc0(Max(count, 1) * sizeof(WeirOrder));
	foreach (cell, aggref->aggorder)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, cell);
		Expr *expr = get_sortgroupclause_tle(clause, aggref->args)->expr;

		if (foreach_current_index(cell) < count - 1)
			fill_order(compiler, clause, expr, &aggregate->order[aggregate->order_count++]);
		else if (is_ctid(compiler, expr) && clause->sortop == TIDLessOperator)
			return;
	}
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("the order of weir.%s() in a continuous view must end with ctid", name),
			errdetail("Without it, events with equal times would have no order."),
			errhint("weir.%s(... ORDER BY %s, ctid)", name, quote_identifier(compiler->time_name)),
			place(compiler, (Node *) aggref));
}

/* --- what is computed from groups ----------------------------------------------------------------- */

static Node *to_finish(Node *node, void *context);

static Expr *
plan_finish(Compiler *compiler, Node *expr)
{
	return plan(compiler, to_finish(copyObject(expr), compiler));
}

static void
describe_target(WeirQuery *meaning, const TargetEntry *target)
{
	Node *expr = (Node *) target->expr;

	TupleDescInitEntry(meaning->desc, target->resno, target->resname, exprType(expr),
					   exprTypmod(expr), 0);
	TupleDescInitEntryCollation(meaning->desc, target->resno, exprCollation(expr));
}

static void
compile_targets(Compiler *compiler, Expr *(*plan_target)(Compiler *compiler, Node *expr))
{
	WeirQuery *meaning = compiler->meaning;
	ListCell *cell;

	foreach (cell, compiler->definition.query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (!target->resjunk)
			meaning->targets =
				lappend(meaning->targets,
						makeTargetEntry(plan_target(compiler, (Node *) target->expr),
										list_length(meaning->targets) + 1, target->resname, false));
	}
	meaning->desc = CreateTemplateTupleDesc(list_length(meaning->targets));
	foreach (cell, meaning->targets)
		describe_target(meaning, lfirst_node(TargetEntry, cell));
}

static void
compile_finish(Compiler *compiler)
{
	Query *query = compiler->definition.query;

	if (query->havingQual != NULL)
		compiler->meaning->having = make_ands_implicit(plan_finish(compiler, query->havingQual));
	compile_targets(compiler, plan_finish);
}

/* --- a copy --------------------------------------------------------------------------------------- */

static void
compile_copy(Compiler *compiler)
{
	if (compiler->definition.query->hasTargetSRFs)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("weir.hop() cannot stand in a continuous copy"),
				errdetail("Without GROUP BY each event is one row."),
				errhint("GROUP BY weir.hop(...), with aggregates."));
	compile_targets(compiler, plan_input);
}

static Node *
finish_var(AttrNumber attnum, Node *expr)
{
	return (Node *) makeVar(1, attnum, exprType(expr), exprTypmod(expr), exprCollation(expr), 0);
}

/* Puts columns of the group where what is grouped by and aggregates stand. */
static Node *
to_finish(Node *node, void *context)
{
	Compiler *compiler = context;
	ListCell *cell;

	if (node == NULL)
		return NULL;
	foreach (cell, compiler->items)
	{
		GroupItem *item = lfirst(cell);

		if (equal(item->expr, node))
			return finish_var(item->attnum, node);
	}
	foreach (cell, compiler->aggregates)
	{
		if (equal(lfirst(cell), node))
			return finish_var(WEIR_FINISH_FIRST_KEY + compiler->meaning->key_count +
								  foreach_current_index(cell),
							  node);
	}
	if (IsA(node, Var))
		ereport(ERROR, errcode(ERRCODE_GROUPING_ERROR),
				errmsg("column \"%s\" must appear in GROUP BY or in an aggregate",
					   get_attname(compiler->meaning->stream_oid, ((Var *) node)->varattno, false)),
				place(compiler, node));
	return expression_tree_mutator(node, to_finish, context);
}

/* --- what the closed table needs ------------------------------------------------------------------ */

/* The target that is just this column of the group; 0: there is none. */
static AttrNumber
target_of(const WeirQuery *meaning, AttrNumber attnum)
{
	ListCell *cell;

	foreach (cell, meaning->targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (IsA(target->expr, Var) && ((Var *) target->expr)->varattno == attnum)
			return target->resno;
	}
	return InvalidAttrNumber;
}

static void
check_selected(const Compiler *compiler)
{
	WeirQuery *meaning = compiler->meaning;
	ListCell *cell;

	meaning->window_target = target_of(meaning, WEIR_FINISH_WINDOW_START);
	if (meaning->window_target == InvalidAttrNumber)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("the start of the window must be a column of a continuous view"),
				errdetail("Closed rows are unique by window and keys."),
				errhint("Add the expression of GROUP BY to the SELECT list."),
				place(compiler, (Node *) compiler->window));
	foreach (cell, compiler->items)
	{
		GroupItem *item = lfirst(cell);

		if (item->attnum >= WEIR_FINISH_FIRST_KEY &&
			target_of(meaning, item->attnum) == InvalidAttrNumber)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("each key must be a column of a continuous view"),
					errdetail("Closed rows are unique by window and keys."),
					errhint("Add the expression of GROUP BY to the SELECT list."),
					place(compiler, item->expr));
	}
}

static _Noreturn void
refuse_name(const Compiler *compiler, const TargetEntry *target, const char *what, const char *hint)
{
	Query *query = compiler->definition.query;
	Node *expr = (Node *) list_nth_node(TargetEntry, query->targetList, target->resno - 1)->expr;

	ereport(ERROR, errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("%s", what), errhint("%s", hint),
			place(compiler, expr));
}

static void
check_name(const Compiler *compiler, const TargetEntry *target)
{
	ListCell *cell;

	if (strcmp(target->resname, "?column?") == 0)
		refuse_name(compiler, target,
					psprintf("column %d of a continuous view has no name", target->resno),
					"Name it: AS ...");
	if (strcmp(target->resname, "is_closed") == 0)
		refuse_name(
			compiler, target, "column name \"is_closed\" is reserved in continuous views",
			"Give it another name. The view tells by is_closed whether a window has closed.");
	foreach (cell, compiler->meaning->targets)
	{
		TargetEntry *other = lfirst_node(TargetEntry, cell);

		if (other->resno < target->resno && strcmp(other->resname, target->resname) == 0)
			refuse_name(
				compiler, target,
				psprintf("column name \"%s\" stands twice in a continuous view", other->resname),
				"Give one of them another name: AS ...");
	}
}

static void
check_targets(const Compiler *compiler)
{
	ListCell *cell;

	foreach (cell, compiler->meaning->targets)
		check_name(compiler, lfirst_node(TargetEntry, cell));
	if (!compiler->meaning->is_copy)
		check_selected(compiler);
}

static void
note_raising(WeirQuery *meaning)
{
	if (meaning->is_copy)
		return; /* nothing is finished */
	meaning->can_raise_finish = weir_mutable_can_raise((Node *) meaning->targets) ||
								weir_mutable_can_raise((Node *) meaning->having);
	for (int i = 0; i < meaning->aggregate_count; i++)
		if (meaning->aggregates[i].kernel->can_raise)
			meaning->can_raise_finish = true;
}
