/* SPDX-License-Identifier: PostgreSQL
 *
 * The scan of live rows: the open windows of a view, from shared memory or from the last commit.
 *
 * Which windows are open is decided by the scan's own snapshot: it reads (epoch, generation) of
 * weir.run, and takes from memory the groups that had not closed by then. Where memory is of another
 * epoch, or has forgotten what the snapshot needs, or there is none, it reads the committed chunks
 * under the snapshot. So closed and open rows of one snapshot make a whole, whatever closes meanwhile.
 *
 * Groups are copied under the view's lock and looked at after it was released. A group whose row cannot
 * be made is left out; EXPLAIN ANALYZE counts it.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "chunk.h"
#include "clock.h"
#include "compat.h"
#include "finish.h"
#include "query.h"
#include "registry.h"
#include "run.h"
#include "setting.h"
#include "slice.h"
#include "store.h"

#define ASSUMED_GROUPS 1000
#define COST_OF_COPYING 0.05 /* a group, beside cpu_tuple_cost */

/* In fdw_private. */
enum
{
	PRIVATE_IS_DESCENDING,
};

/* What one statement sees of a view: all its scans share it, so that they agree. In the memory of the
 * statement's executor. */
typedef struct LiveCopy
{
	struct LiveCopy *next;
	MemoryContextCallback forget;
	const EState *estate;
	Oid relid;
	WeirQuery *query;
	WeirStore *store;
	int64 closed_us;    /* windows that end by then are in the closed table */
	const char *source; /* for EXPLAIN */
} LiveCopy;

static LiveCopy *copies = NULL; /* of the statements that run in this process */

typedef struct LiveScan
{
	MemoryContext context;
	const LiveCopy *copy; /* NULL: not yet read */
	WeirFinish *finish;
	bool is_descending;
	WeirWindow *windows; /* all that are open */
	int window_count;
	int window; /* the next one to look at */
	MemoryContext window_context;
	WeirStore *store; /* that has its groups */
	uint32 next;      /* number + 1 of the next group in it that is to be finished */
	const WeirFinished *finished;
	int count;
	int at; /* the next of them */
	int left_out;
} LiveScan;

PG_FUNCTION_INFO_V1(weir_live_handler);
PG_FUNCTION_INFO_V1(weir_live);

/*
 * Planning
 */

static void
rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	(void) relid;
	rel->tuples = ASSUMED_GROUPS;
	set_baserel_size_estimates(root, rel);
}

/* The column that shows the window's start; 0: none, or the view is undefined. */
static AttrNumber
window_column(Oid relid)
{
	const char *why;
	WeirView *view = weir_view_read(relid, &why);

	if (view == NULL)
		return 0;
	return weir_query_compile(weir_query_of_view(view->query_oid))->window_target;
}

/* Also where the live table is part of a UNION ALL. */
static bool
is_window_key(const PathKey *key, const RelOptInfo *rel, Oid relid, AttrNumber attnum)
{
	Oid type_oid;
	int32 typmod;
	Oid collation;
	Var *var;

	if (attnum == InvalidAttrNumber)
		return false;
	get_atttypetypmodcoll(relid, attnum, &type_oid, &typmod, &collation);
	var = makeVar(rel->relid, attnum, type_oid, typmod, collation, 0);
	return find_ec_member_matching_expr(key->pk_eclass, (Expr *) var, rel->relids) != NULL;
}

static void
add_scan_path(PlannerInfo *root, RelOptInfo *rel, List *pathkeys, bool is_descending)
{
	Cost total = rel->baserestrictcost.startup +
				 rel->tuples * (cpu_tuple_cost + COST_OF_COPYING + rel->baserestrictcost.per_tuple);
	ForeignPath *path = weir_create_foreignscan_path(root, rel, rel->rows, total / 2, total,
													 pathkeys, rel->lateral_relids);

	path->fdw_private = list_make1(makeBoolean(is_descending));
	add_path(rel, (Path *) path);
}

/* Windows come in order, so ORDER BY the window needs no sort: a LIMIT over closed and live rows then
 * stops early in the closed ones. */
static void
rel_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	PathKey *key;

	add_scan_path(root, rel, NIL, false);
	if (root->query_pathkeys == NIL)
		return;
	key = linitial(root->query_pathkeys);
	if (!is_window_key(key, rel, relid, window_column(relid)))
		return;
	add_scan_path(root, rel, list_make1(key), weir_pathkey_is_descending(key));
}

static ForeignScan *
scan_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *targets,
		  List *clauses, Plan *outer)
{
	(void) root;
	(void) relid;
	return make_foreignscan(targets, extract_actual_clauses(clauses, false), rel->relid, NIL,
							path->fdw_private, NIL, NIL, outer);
}

/* Making rows may need subtransactions, which parallel workers cannot have. */
static bool
is_parallel_safe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *entry)
{
	const char *why;
	WeirView *view = weir_view_read(entry->relid, &why);

	(void) root;
	(void) rel;
	return view != NULL &&
		   !weir_query_compile(weir_query_of_view(view->query_oid))->can_raise_finish;
}

/*
 * Reading
 */

/* A foreign table cannot have row security: whom policies of the closed table apply to would read in open
 * windows what they hide once the windows have closed. */
static void
check_row_security(Oid relid, Oid user_oid)
{
	const char *why;
	WeirView *view = weir_view_read(relid, &why);

	if (view == NULL || check_enable_rls(view->closed_oid, user_oid, true) != RLS_ENABLED)
		return;
	ereport(
		ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		errmsg("permission denied for live table \"%s\"", get_rel_name(relid)),
		errdetail("Row security of table \"%s\" applies to role \"%s\"; live rows cannot follow "
				  "its policies.",
				  get_rel_name(view->closed_oid), GetUserNameFromId(user_oid, false)),
		errhint("Read the closed table, or a view WITH (security_barrier) that selects the rows "
				"to be seen and belongs to a role that row security does not apply to. ALTER VIEW "
				"... SET (security_invoker) says whose rights a view reads with."));
}

static void
begin(ForeignScanState *node, int flags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	LiveScan *scan = palloc0_object(LiveScan);

	check_row_security(RelationGetRelid(node->ss.ss_currentRelation), weir_scan_user(node));
	scan->context =
		AllocSetContextCreate(CurrentMemoryContext, "weir live scan", ALLOCSET_DEFAULT_SIZES);
	scan->is_descending = boolVal(list_nth(plan->fdw_private, PRIVATE_IS_DESCENDING));
	node->fdw_state = scan;
	(void) flags;
}

static WeirView *
view_of(Oid relid)
{
	const char *why;
	WeirView *view = weir_view_read(relid, &why);

	if (view == NULL)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("live table \"%s\" is undefined", get_rel_name(relid)),
				errdetail_internal("%s", why),
				errhint("Drop it, and create the view anew by weir.create_view()."));
	return view;
}

/* The columns of the live table are those of the definition, by position. */
static void
check_columns(TupleDesc desc, const WeirQuery *query)
{
	bool is_fitting = desc->natts == query->desc->natts;

	for (int i = 0; is_fitting && i < desc->natts; i++)
		is_fitting = !TupleDescAttr(desc, i)->attisdropped &&
					 TupleDescAttr(desc, i)->atttypid == TupleDescAttr(query->desc, i)->atttypid;
	if (!is_fitting)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("columns of the live table are not those of its definition"),
				errhint("Columns of a live table cannot be added, dropped or changed."));
}

/* Result: false if memory is not what this snapshot needs. */
static bool
read_memory(LiveCopy *copy, Oid relid, const WeirRun *run)
{
	WeirViewSlot *slot = weir_registry_exists() ? weir_registry_share_view(relid) : NULL;
	bool is_right;

	if (slot == NULL)
		return false;
	is_right = slot->area != DSM_HANDLE_INVALID && slot->epoch == (uint64) run->epoch &&
			   slot->freed <= (uint64) run->generation &&
			   (uint64) run->generation <= slot->generation;
	if (is_right)
	{
		WeirHeap heap = {.area = weir_heap_attach(slot->area)};

		weir_store_copy(copy->store, &heap, slot->store, (uint64) run->generation);
		weir_heap_detach(heap.area);
	}
	LWLockRelease(&slot->lock);
	return is_right;
}

static void
read_chunk(void *argument, int64 number, const char *data, int len)
{
	LiveCopy *copy = argument;

	weir_chunk_read(copy->store, data, len, psprintf("chunk " INT64_FORMAT, number));
}

/* By the commit that the snapshot sees. */
static int64
closed_until(Oid relid, Snapshot snapshot)
{
	WeirPosition *position = weir_position_find(relid, snapshot);

	if (position == NULL)
		return WEIR_CLOCK_NONE;
	return Max(position->watermark_us, position->closed_until_us);
}

static void
read_commit(LiveCopy *copy, Oid relid, Snapshot snapshot)
{
	weir_chunk_scan(relid, snapshot, read_chunk, copy);
	copy->closed_us = closed_until(relid, snapshot);
	weir_store_free(copy->store, weir_store_due_count(copy->store, copy->closed_us));
}

/* The stored state has the meaning that the definition has now. */
static void
check_meaning(const WeirRun *run, const WeirQuery *query, Oid relid)
{
	if (run->fingerprint == NULL || strcmp(run->fingerprint, weir_query_fingerprint(query)) == 0)
		return;
	ereport(
		ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("live table \"%s\" has another meaning than its stored state", get_rel_name(relid)),
		errdetail("The definition, or the stream, was changed since the view was started."),
		errhint("weir.restart() begins anew with what it means now."));
}

static void
fill_copy(LiveCopy *copy, Relation rel, Snapshot snapshot)
{
	WeirView *view = view_of(copy->relid);
	WeirHeap heap = {.context = CurrentMemoryContext};
	WeirRun *run = weir_run_find(copy->relid, snapshot);

	copy->query = weir_query_compile(weir_query_of_view(view->query_oid));
	check_columns(RelationGetDescr(rel), copy->query);
	copy->store = weir_store_create(copy->query, heap, 0);
	copy->source = "nothing";
	copy->closed_us = WEIR_CLOCK_NONE;
	if (run == NULL)
		return;
	if (weir_slice_is_used(copy->query))
		copy->closed_us = closed_until(copy->relid, snapshot);
	check_meaning(run, copy->query, copy->relid);
	copy->source = "shared memory";
	if (read_memory(copy, copy->relid, run))
		return;
	read_commit(copy, copy->relid, snapshot);
	copy->source = "last commit";
}

static void
forget_copy(void *argument)
{
	for (LiveCopy **link = &copies; *link != NULL; link = &(*link)->next)
		if (*link == argument)
		{
			*link = (*link)->next;
			return;
		}
}

/* The statement's copy, made by its first scan. */
static const LiveCopy *
copy_for(ForeignScanState *node)
{
	Relation rel = node->ss.ss_currentRelation;
	EState *estate = node->ss.ps.state;
	MemoryContext before;
	LiveCopy *copy;

	for (copy = copies; copy != NULL; copy = copy->next)
		if (copy->estate == estate && copy->relid == RelationGetRelid(rel))
			return copy;
	before = MemoryContextSwitchTo(estate->es_query_cxt);
	copy = palloc0_object(LiveCopy);
	copy->estate = estate;
	copy->relid = RelationGetRelid(rel);
	fill_copy(copy, rel, estate->es_snapshot);
	copy->forget.func = forget_copy;
	copy->forget.arg = copy;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, &copy->forget);
	copy->next = copies;
	copies = copy;
	MemoryContextSwitchTo(before);
	return copy;
}

/*
 * Scanning
 */

static void
find_windows(LiveScan *scan)
{
	const WeirStore *store = scan->copy->store;
	int capacity = weir_store_window_count(store) + 16;
	WeirWindow window;

	scan->windows = palloc_array(WeirWindow, capacity);
	for (int64 after_us = scan->copy->closed_us; weir_slice_next_window(store, after_us, &window);
		 after_us = window.end_us)
	{
		if (scan->window_count == capacity)
		{
			capacity *= 2;
			scan->windows = repalloc(scan->windows, sizeof(WeirWindow) * (Size) capacity);
		}
		scan->windows[scan->window_count++] = window;
	}
}

static void
open_window(LiveScan *scan)
{
	const WeirOpenWindow *groups;
	MemoryContext before;

	scan->next = 0;
	if (scan->window < 0 || scan->window >= scan->window_count)
		return;
	MemoryContextReset(scan->window_context);
	before = MemoryContextSwitchTo(scan->window_context);
	scan->store = weir_slice_groups(scan->copy->store, &scan->windows[scan->window], &groups);
	scan->next = groups->first;
	MemoryContextSwitchTo(before);
}

static void
to_first_window(LiveScan *scan)
{
	scan->window = scan->is_descending ? scan->window_count - 1 : 0;
	scan->at = scan->count = 0;
	open_window(scan);
}

static void
start(ForeignScanState *node, LiveScan *scan)
{
	scan->copy = copy_for(node);
	scan->finish = weir_finish_create(scan->copy->query);
	scan->window_context =
		AllocSetContextCreate(scan->context, "weir window", ALLOCSET_DEFAULT_SIZES);
	find_windows(scan);
	to_first_window(scan);
}

/* Finishes the next groups, all of one window. Result: false at the end. */
static bool
finish_some(LiveScan *scan)
{
	const WeirGroup *groups[WEIR_FINISH_MAX];

	while (scan->next == 0)
	{
		scan->window += scan->is_descending ? -1 : 1;
		if (scan->window < 0 || scan->window >= scan->window_count)
			return false;
		open_window(scan);
	}
	scan->at = scan->count = 0;
	while (scan->next != 0 && scan->count < WEIR_FINISH_MAX)
	{
		groups[scan->count] = weir_store_group(scan->store, scan->next - 1);
		scan->next = groups[scan->count++]->next;
	}
	scan->finished =
		weir_finish_groups(scan->finish, weir_store_heap(scan->store), groups, scan->count);
	return true;
}

/* Result: the row of the next group that has one, or NULL at the end. */
static const WeirFinished *
next_row(LiveScan *scan)
{
	for (;;)
	{
		while (scan->at < scan->count)
		{
			const WeirFinished *row = &scan->finished[scan->at++];

			scan->left_out += row->error != NULL;
			if (row->values != NULL)
				return row;
		}
		if (!finish_some(scan))
			return NULL;
	}
}

static TupleTableSlot *
iterate(ForeignScanState *node)
{
	LiveScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	MemoryContext before = MemoryContextSwitchTo(scan->context);
	const WeirFinished *row;
	int pinned;

	ExecClearTuple(slot);
	if (scan->copy == NULL)
		start(node, scan);
	pinned = weir_setting_pin();
	row = next_row(scan);
	weir_setting_unpin(pinned);
	MemoryContextSwitchTo(before);
	if (row == NULL)
		return slot;
	memcpy(slot->tts_values, row->values,
		   sizeof(Datum) * (size_t) slot->tts_tupleDescriptor->natts);
	memcpy(slot->tts_isnull, row->nulls, sizeof(bool) * (size_t) slot->tts_tupleDescriptor->natts);
	return ExecStoreVirtualTuple(slot);
}

/* One statement has one copy. */
static void
rescan(ForeignScanState *node)
{
	LiveScan *scan = node->fdw_state;

	if (scan->copy != NULL)
		to_first_window(scan);
}

static void
end(ForeignScanState *node)
{
	LiveScan *scan = node->fdw_state;

	if (scan == NULL)
		return;
	if (scan->finish)
		weir_finish_free(scan->finish);
	MemoryContextDelete(scan->context);
}

static void
explain(ForeignScanState *node, ExplainState *es)
{
	LiveScan *scan = node->fdw_state;

	if (!es->analyze)
		return;
	ExplainPropertyText("Read From", scan->copy ? scan->copy->source : "nothing", es);
	if (scan->left_out > 0)
		ExplainPropertyInteger("Groups Left Out", NULL, scan->left_out, es);
}

Datum
weir_live_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	(void) fcinfo;
	routine->GetForeignRelSize = rel_size;
	routine->GetForeignPaths = rel_paths;
	routine->GetForeignPlan = scan_plan;
	routine->IsForeignScanParallelSafe = is_parallel_safe;
	routine->BeginForeignScan = begin;
	routine->IterateForeignScan = iterate;
	routine->ReScanForeignScan = rescan;
	routine->EndForeignScan = end;
	routine->ExplainForeignScan = explain;
	PG_RETURN_POINTER(routine);
}

/*
 * weir.live(NULL::crypto_daily_live)
 */

/* The live table's rows as its row type; the executor checks the caller's privileges. */
Datum
weir_live(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid type_oid = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid relid = get_typ_typrelid(type_oid);
	char *sql;

	if (!OidIsValid(relid))
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("argument of weir.live() must be a row of a live table"),
				errhint("Write weir.live(NULL::crypto_daily_live)."));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	sql = psprintf("SELECT * FROM %s",
				   quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
											  get_rel_name(relid)));
	SPI_connect();
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "cannot execute: %s", sql);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	return (Datum) 0;
}
