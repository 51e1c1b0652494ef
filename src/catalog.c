/* SPDX-License-Identifier: PostgreSQL
 *
 * Continuous views as the catalog has them.
 *
 * What belongs together is said by one CHECK constraint of the live table, weir.defined_by(query,
 * closed), whose regclass constants PostgreSQL itself tracks, dumps and restores. It is known by the
 * function's OID, not by its name, and only where it is the table's own. Here are no locks and no
 * cache: each call reads what is committed, and a relation may be gone when the caller opens it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/primnodes.h"
#include "parser/parse_func.h"
#include "rewrite/rewriteSupport.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "catalog.h"
#include "compat.h"
#include "definition.h"
#include "option.h"
#include "query.h"

PG_FUNCTION_INFO_V1(weir_defined_by);

/* What a live table's constraint says. */
typedef struct Link
{
	Oid query_oid;
	Oid closed_oid;
	int count; /* of such constraints */
} Link;

static Link read_link(Oid live_oid);
static bool read_constraint(HeapTuple tuple, TupleDesc desc, Link *link);
static const char *check_link(const WeirView *view, const Link *link);
static void read_options(WeirView *view);
static char *relation_name(Oid relation_oid);
static Oid owner_of(Oid relation_oid);
static Query *query_of(Oid view_oid, Oid *rule_oid);
static void read_version(WeirView *view);

/* weir.defined_by(query, closed): says nothing; that it stands in a constraint is what it is for. */
Datum
weir_defined_by(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_BOOL(true);
}

bool
weir_view_is_live(Oid relation_oid)
{
	ForeignServer *server;

	if (!SearchSysCacheExists1(FOREIGNTABLEREL, ObjectIdGetDatum(relation_oid)))
		return false;
	server = GetForeignServer(GetForeignTable(relation_oid)->serverid);
	return strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, "weir_live") == 0;
}

WeirView *
weir_view_read(Oid live_oid, const char **why)
{
	WeirView *view = palloc0(sizeof(WeirView));
	Link link;

	*why = "it is not a live table";
	if (!weir_view_is_live(live_oid))
		return NULL;
	link = read_link(live_oid);
	view->live_oid = live_oid;
	view->query_oid = link.query_oid;
	view->closed_oid = link.closed_oid;
	view->owner_oid = owner_of(live_oid);
	view->name = relation_name(live_oid);
	*why = check_link(view, &link);
	if (*why != NULL)
		return NULL;
	view->stream_oid = weir_query_stream(query_of(view->query_oid, NULL));
	read_version(view);
	read_options(view);
	*why = weir_definition_is_stream(view->stream_oid) ? NULL : "its definition reads no stream";
	return *why == NULL ? view : NULL;
}

bool
weir_view_is_same(const WeirView *a, const WeirView *b)
{
	return a->live_oid == b->live_oid && a->query_oid == b->query_oid &&
		   a->closed_oid == b->closed_oid && a->stream_oid == b->stream_oid &&
		   a->owner_oid == b->owner_oid && a->definition_xmin == b->definition_xmin &&
		   ItemPointerEquals((ItemPointer) (uintptr_t) &a->definition_tid,
							 (ItemPointer) (uintptr_t) &b->definition_tid);
}

/* As PL/pgSQL tells whether a function was replaced. */
static void
read_version(WeirView *view)
{
	HeapTuple tuple = SearchSysCache2(RULERELNAME, ObjectIdGetDatum(view->query_oid),
									  CStringGetDatum(ViewSelectRuleName));

	if (!HeapTupleIsValid(tuple))
		return;
	view->definition_xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	view->definition_tid = tuple->t_self;
	ReleaseSysCache(tuple);
}

/* Result: what is wrong; NULL: nothing. */
static const char *
check_link(const WeirView *view, const Link *link)
{
	if (link->count == 0)
		return "its link to a definition, the constraint weir.defined_by(...), is gone";
	if (link->count > 1)
		return "it has more than one constraint weir.defined_by(...)";
	if (query_of(link->query_oid, NULL) == NULL)
		return "what its constraint weir.defined_by(...) names as definition is not a view";
	if (get_rel_relkind(link->closed_oid) != RELKIND_RELATION &&
		get_rel_relkind(link->closed_oid) != RELKIND_PARTITIONED_TABLE)
		return "what its constraint weir.defined_by(...) names as closed table is not a table";
	if (owner_of(link->query_oid) != view->owner_oid)
		return "it and its definition have different owners";
	return NULL;
}

static Link
read_link(Oid live_oid)
{
	Link link = {0};
	Relation catalog = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(live_oid));
	scan = systable_beginscan(catalog, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (read_constraint(tuple, RelationGetDescr(catalog), &link))
			link.count++;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return link;
}

static bool
is_regclass(const Node *node)
{
	return IsA(node, Const) && ((const Const *) node)->consttype == REGCLASSOID &&
		   !((const Const *) node)->constisnull;
}

static Oid
defined_by_oid(void)
{
	const Oid types[] = {REGCLASSOID, REGCLASSOID};

	return LookupFuncName(list_make2(makeString("weir"), makeString("defined_by")), 2, types, true);
}

/* Result: false if it is another constraint. */
static bool
read_constraint(HeapTuple tuple, TupleDesc desc, Link *link)
{
	Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	FuncExpr *call;
	bool is_null;
	Datum expr;

	if (constraint->contype != CONSTRAINT_CHECK || !constraint->conislocal)
		return false;
	expr = heap_getattr(tuple, Anum_pg_constraint_conbin, desc, &is_null);
	if (is_null)
		return false;
	call = stringToNode(TextDatumGetCString(expr));
	if (!IsA(call, FuncExpr) || call->funcid != defined_by_oid() ||
		!is_regclass(linitial(call->args)) || !is_regclass(lsecond(call->args)))
		return false;
	link->query_oid = DatumGetObjectId(linitial_node(Const, call->args)->constvalue);
	link->closed_oid = DatumGetObjectId(lsecond_node(Const, call->args)->constvalue);
	return true;
}

static void
read_options(WeirView *view)
{
	List *options = GetForeignTable(view->live_oid)->options;
	const char *enabled = weir_option_get(options, "enabled");
	const char *notify = weir_option_get(options, "notify");
	const char *start_at = weir_option_get(options, "start_at");

	view->is_enabled = true;
	if (enabled != NULL)
		(void) parse_bool(enabled, &view->is_enabled);
	if (notify != NULL)
		(void) parse_bool(notify, &view->has_notify);
	view->start_at = start_at ? start_at : "earliest";
}

static char *
relation_name(Oid relation_oid)
{
	char *name = get_rel_name(relation_oid);

	if (name == NULL)
		return pstrdup("(dropped)");
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation_oid)), name);
}

static Oid
owner_of(Oid relation_oid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation_oid));
	Oid owner_oid = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner_oid = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner_oid;
}

/* The parse tree of a view, read without a lock. NULL: it is no view. */
static Query *
query_of(Oid view_oid, Oid *rule_oid)
{
	HeapTuple tuple;
	Datum action;
	bool is_null;
	Query *query = NULL;

	if (get_rel_relkind(view_oid) != RELKIND_VIEW)
		return NULL;
	tuple = SearchSysCache2(RULERELNAME, ObjectIdGetDatum(view_oid),
							CStringGetDatum(ViewSelectRuleName));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	action = SysCacheGetAttr(RULERELNAME, tuple, Anum_pg_rewrite_ev_action, &is_null);
	if (!is_null)
		query = linitial_node(Query, stringToNode(TextDatumGetCString(action)));
	if (rule_oid != NULL)
		*rule_oid = ((Form_pg_rewrite) GETSTRUCT(tuple))->oid;
	ReleaseSysCache(tuple);
	return query;
}

/* --- all views ------------------------------------------------------------------------------------ */

/* Foreign tables of weir_live, as OIDs in their order. */
static List *
live_tables(void)
{
	List *oids = NIL;
	Relation catalog = table_open(ForeignTableRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid relation_oid = ((Form_pg_foreign_table) GETSTRUCT(tuple))->ftrelid;

		if (weir_view_is_live(relation_oid))
			oids = lappend_oid(oids, relation_oid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	list_sort(oids, list_oid_cmp);
	return oids;
}

/* One live table per definition and per closed table: the older one has it. */
static bool
is_taken(List *views, const WeirView *view)
{
	ListCell *cell;

	foreach (cell, views)
	{
		const WeirView *other = lfirst(cell);

		if (other->query_oid == view->query_oid || other->closed_oid == view->closed_oid)
			return true;
	}
	return false;
}

static List *
read_views(void)
{
	List *views = NIL;
	ListCell *cell;

	foreach (cell, live_tables())
	{
		const char *why;
		WeirView *view = weir_view_read(lfirst_oid(cell), &why);

		if (view != NULL && !is_taken(views, view))
			views = lappend(views, view);
	}
	return views;
}

List *
weir_views_of_stream(Oid stream_oid)
{
	List *views = NIL;
	ListCell *cell;

	foreach (cell, read_views())
	{
		WeirView *view = lfirst(cell);

		if (!OidIsValid(stream_oid) || view->stream_oid == stream_oid)
			views = lappend(views, view);
	}
	return views;
}

/* --- by name -------------------------------------------------------------------------------------- */

/* Relations on the other side of dependencies, as OIDs: of a view's rule on them, or of rules on it. */
static List *
read_by(Oid view_oid)
{
	List *oids = NIL;
	Oid rule_oid;
	Relation catalog;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	if (query_of(view_oid, &rule_oid) == NULL)
		return NIL;
	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RewriteRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(rule_oid));
	scan = systable_beginscan(catalog, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->refclassid == RelationRelationId && depend->refobjid != view_oid)
			oids = list_append_unique_oid(oids, depend->refobjid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return oids;
}

static Oid
view_of_rule(Oid rule_oid)
{
	Relation catalog = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid view_oid = InvalidOid;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(rule_oid));
	scan = systable_beginscan(catalog, RewriteOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		view_oid = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return view_oid;
}

/* The views that read a relation. */
static List *
readers_of(Oid relation_oid)
{
	List *oids = NIL;
	Relation catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation_oid));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == RewriteRelationId)
			oids = list_append_unique_oid(oids, view_of_rule(depend->objid));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return oids;
}

Oid
weir_view_union(Oid live_oid, Oid closed_oid)
{
	List *readers = readers_of(live_oid);
	const char *live_name = get_rel_name(live_oid);
	Oid union_oid = InvalidOid;
	ListCell *cell;

	foreach (cell, OidIsValid(closed_oid) ? readers_of(closed_oid) : readers)
	{
		Oid view_oid = lfirst_oid(cell);
		const char *name = get_rel_name(view_oid);

		if (name == NULL || !list_member_oid(readers, view_oid))
			continue;
		if (get_rel_namespace(view_oid) == get_rel_namespace(live_oid) &&
			strcmp(psprintf("%s_live", name), live_name) == 0)
			return view_oid;
		if (!OidIsValid(union_oid))
			union_oid = view_oid;
	}
	return union_oid;
}

static Oid
linked_to(Oid relation_oid)
{
	ListCell *cell;

	foreach (cell, live_tables())
	{
		Link link = read_link(lfirst_oid(cell));

		if (link.query_oid == relation_oid || link.closed_oid == relation_oid)
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

Oid
weir_view_of_relation(Oid relation_oid)
{
	Oid live_oid;
	ListCell *cell;

	if (weir_view_is_live(relation_oid))
		return relation_oid;
	live_oid = linked_to(relation_oid);
	if (OidIsValid(live_oid))
		return live_oid;
	foreach (cell, read_by(relation_oid))
	{
		if (weir_view_is_live(lfirst_oid(cell)))
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/* By this name, or by what the view was called when its live table got its name. */
Oid
weir_view_find(const char *name)
{
	RangeVar *range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));
	Oid relation_oid = RangeVarGetRelid(range, NoLock, true);
	Oid live_oid = OidIsValid(relation_oid) ? weir_view_of_relation(relation_oid) : InvalidOid;

	if (OidIsValid(live_oid))
		return live_oid;
	range->relname = psprintf("%s_live", range->relname);
	relation_oid = RangeVarGetRelid(range, NoLock, true);
	return OidIsValid(relation_oid) && weir_view_is_live(relation_oid) ? relation_oid : InvalidOid;
}

Oid
weir_view_resolve(const char *name, bool must_own)
{
	Oid live_oid = weir_view_find(name);

	if (!OidIsValid(live_oid))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("continuous view \"%s\" does not exist", name),
				errhint("weir.create_view() makes one."));
	if (must_own && !weir_owns_relation(live_oid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_TABLE, get_rel_name(live_oid));
	return live_oid;
}
