/* SPDX-License-Identifier: PostgreSQL
 *
 * The foreign data wrapper weir_kafka: the list of callbacks, and the planner's side of a scan.
 *
 * The planner asks no broker: how many messages there are is not known before the scan starts, so
 * a fixed number is assumed. What the scan itself keeps (range.c) is taken off the executor's
 * filter.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"

#include "compat.h"
#include "infer.h"
#include "insert.h"
#include "range.h"
#include "scan.h"

/* Nothing better is known at planning time. */
#define ASSUMED_MESSAGES 1000000
#define COST_OF_CONNECTING 1000
#define COST_OF_DECODING 0.02 /* a message, beside cpu_tuple_cost */

PG_FUNCTION_INFO_V1(weir_kafka_handler);

static void
rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	(void) relid;
	rel->tuples = ASSUMED_MESSAGES;
	set_baserel_size_estimates(root, rel);
}

static List *
taken_clauses(RelOptInfo *rel, Oid relid)
{
	List *clauses = NIL;
	ListCell *cell;

	foreach (cell, rel->baserestrictinfo)
	{
		Expr *clause = lfirst_node(RestrictInfo, cell)->clause;

		if (weir_range_takes(relid, rel->relid, clause))
			clauses = lappend(clauses, clause);
	}
	return clauses;
}

static void
rel_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	double share = clauselist_selectivity(root, taken_clauses(rel, relid), 0, JOIN_INNER, NULL);
	double messages = clamp_row_est(ASSUMED_MESSAGES * share);
	Cost startup = COST_OF_CONNECTING + rel->baserestrictcost.startup;
	Cost total =
		startup + messages * (cpu_tuple_cost + COST_OF_DECODING + rel->baserestrictcost.per_tuple);

	add_path(rel, (Path *) weir_create_foreignscan_path(root, rel, rel->rows, startup, total, NIL,
														rel->lateral_relids));
}

/* Result: integer list of attribute numbers; 0 stands for the whole row. */
static List *
used_attnums(RelOptInfo *rel, List *local_clauses)
{
	Bitmapset *used = NULL;
	List *attnums = NIL;
	int member = -1;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	pull_varattnos((Node *) local_clauses, rel->relid, &used);
	while ((member = bms_next_member(used, member)) >= 0)
	{
		int attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (attnum >= 0)
			attnums = lappend_int(attnums, attnum);
	}
	return attnums;
}

/* A LIMIT that stops the scan, not one of groups or of sorted rows, which first reads all. */
static bool
has_limit(const Query *query)
{
	return query->limitCount && !query->sortClause && !query->groupClause && !query->groupingSets &&
		   !query->distinctClause && !query->hasAggs && !query->hasWindowFuncs;
}

static ForeignScan *
scan_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *target,
		  List *restrictions, Plan *outer)
{
	List *taken = NIL;
	List *local = NIL;
	List *private;
	ListCell *cell;

	(void) path;
	foreach (cell, restrictions)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

		if (restriction->pseudoconstant)
			continue;
		if (weir_range_takes(relid, rel->relid, restriction->clause))
			taken = lappend(taken, restriction->clause);
		else
			local = lappend(local, restriction->clause);
	}
	/* in the order of WeirScanPrivate */
	private = list_make2(used_attnums(rel, local), makeBoolean(has_limit(root->parse)));
	/* The taken clauses are checked again only where a row is re-read, which no stream can be. */
	return make_foreignscan(target, local, rel->relid, taken, private, NIL, taken, outer);
}

static int
updatable(Relation rel)
{
	(void) rel;
	return 1 << CMD_INSERT;
}

Datum
weir_kafka_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	(void) fcinfo;
	routine->GetForeignRelSize = rel_size;
	routine->GetForeignPaths = rel_paths;
	routine->GetForeignPlan = scan_plan;
	routine->BeginForeignScan = weir_scan_begin;
	routine->IterateForeignScan = weir_scan_next;
	routine->ReScanForeignScan = weir_scan_again;
	routine->EndForeignScan = weir_scan_end;
	routine->ExplainForeignScan = weir_scan_explain;

	routine->IsForeignRelUpdatable = updatable;
	routine->BeginForeignModify = weir_insert_begin_modify;
	routine->ExecForeignInsert = weir_insert_row;
	routine->EndForeignModify = weir_insert_end;
	routine->BeginForeignInsert = weir_insert_begin;
	routine->EndForeignInsert = weir_insert_end;
	routine->ExplainForeignModify = weir_insert_explain;

	routine->ImportForeignSchema = weir_infer_import;
	PG_RETURN_POINTER(routine);
}
