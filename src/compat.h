/* SPDX-License-Identifier: PostgreSQL
 *
 * What differs between PostgreSQL 15 and 18: the only place where versions are asked for.
 */
#ifndef WEIR_COMPAT_H
#define WEIR_COMPAT_H

#include "postgres.h"

#include "access/stratnum.h"
#include "access/stratnum.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "parser/parse_relation.h"
#include "parser/scanner.h"
#include "pgtime.h"
#include "storage/lwlock.h"
#include "utils/acl.h"
#include "utils/datetime.h"
#include "utils/dsa.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#else
#include "parser/scansup.h"
#endif

#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

#if PG_VERSION_NUM < 150000
#error "pg_weir needs PostgreSQL 15 or newer"
#endif

/* The wait event that pg_stat_activity shows; a name of our own from 17 on. */
static inline uint32
weir_wait_event(void)
{
#if PG_VERSION_NUM >= 170000
	static uint32 event = 0;

	if (event == 0)
		event = WaitEventExtensionNew("WeirKafka");
	return event;
#else
	return PG_WAIT_EXTENSION;
#endif
}

/* A new kind of lightweight lock, with a name; called once, by the postmaster. */
static inline int
weir_tranche_create(const char *name)
{
#if PG_VERSION_NUM >= 190000
	return LWLockNewTrancheId(name);
#else
	int tranche = LWLockNewTrancheId();

	LWLockRegisterTranche(tranche, name);
	return tranche;
#endif
}

#ifndef DSA_HANDLE_INVALID /* a name since 17 */
#define DSA_HANDLE_INVALID ((dsa_handle) DSM_HANDLE_INVALID)
#endif

static inline ForeignPath *
weir_create_foreignscan_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup_cost,
							 Cost total_cost, List *pathkeys, Relids required_outer)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(root, rel, NULL, rows, 0, startup_cost, total_cost, pathkeys,
								   required_outer, NULL, NIL, NIL);
#elif PG_VERSION_NUM >= 170000
	return create_foreignscan_path(root, rel, NULL, rows, startup_cost, total_cost, pathkeys,
								   required_outer, NULL, NIL, NIL);
#else
	return create_foreignscan_path(root, rel, NULL, rows, startup_cost, total_cost, pathkeys,
								   required_outer, NULL, NIL);
#endif
}

/* Whose user mapping a scan uses: the owner of the view it stands in, or the current user. */
static inline Oid
weir_scan_user(ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	Oid user_oid;

#if PG_VERSION_NUM >= 160000
	user_oid = plan->checkAsUser;
#else
	user_oid = exec_rt_fetch(plan->scan.scanrelid, node->ss.ps.state)->checkAsUser;
#endif
	return OidIsValid(user_oid) ? user_oid : GetUserId();
}

/* Likewise for an insert. */
static inline Oid
weir_insert_user(ResultRelInfo *result_rel, EState *estate)
{
	Oid user_oid = InvalidOid;

#if PG_VERSION_NUM >= 160000
	user_oid = ExecGetResultRelCheckAsUser(result_rel, estate);
#else
	Index index = result_rel->ri_RangeTableIndex;

	if (index == 0 && result_rel->ri_RootResultRelInfo)
		index = result_rel->ri_RootResultRelInfo->ri_RangeTableIndex;
	if (index > 0)
		user_oid = exec_rt_fetch(index, estate)->checkAsUser;
#endif
	return OidIsValid(user_oid) ? user_oid : GetUserId();
}

/* A zone by name, abbreviation or POSIX text, as AT TIME ZONE takes them; lives for ever. */
static inline pg_tz *
weir_zone_lookup(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return DecodeTimezoneNameToTz(name);
#else
	char *word = downcase_truncate_identifier(name, strlen(name), false);
	pg_tz *zone = NULL;
	int west_s = 0;
	int type = DecodeTimezoneAbbrev(0, word, &west_s, &zone);

	if (type == TZ || type == DTZ)
		zone = pg_tzset_offset(-west_s);
	else if (type != DYNTZ)
		zone = pg_tzset(name);
	if (zone == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("time zone \"%s\" not recognized", name));
	return zone;
#endif
}

/* The direction of a path key. */
static inline bool
weir_pathkey_is_descending(const PathKey *key)
{
#if PG_VERSION_NUM >= 180000
	return key->pk_cmptype == COMPARE_GT;
#else
	return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

/* From 18 on, what is grouped by stands in a range table entry of its own: back into the expressions. */
static inline void
weir_flatten_groups(Query *query)
{
#if PG_VERSION_NUM >= 180000
	if (!query->hasGroupRTE)
		return;
	query->targetList = (List *) flatten_group_exprs(NULL, query, (Node *) query->targetList);
	query->havingQual = flatten_group_exprs(NULL, query, query->havingQual);
#else
	(void) query;
#endif
}

/* JSON_OBJECT() and its like, whose mutability check_functions_in_node() does not see. */
static inline bool
weir_is_sql_json(Node *node)
{
#if PG_VERSION_NUM >= 170000
	return IsA(node, JsonConstructorExpr) || IsA(node, JsonExpr);
#elif PG_VERSION_NUM >= 160000
	return IsA(node, JsonConstructorExpr);
#else
	(void) node;
	return false;
#endif
}

/* Is the operator one of a btree order, or the negation of its equality? */
static inline bool
weir_is_comparison(Oid operator_oid)
{
#if PG_VERSION_NUM >= 180000
	return get_op_index_interpretation(operator_oid) != NIL;
#else
	return get_op_btree_interpretation(operator_oid) != NIL;
#endif
}

/* What an ordering operator orders by: an operator family's input type, and which way. */
static inline bool
weir_ordering(Oid operator_oid, Oid *family, Oid *input_type, bool *is_descending)
{
#if PG_VERSION_NUM >= 180000
	CompareType compare;
	bool is_ordering = get_ordering_op_properties(operator_oid, family, input_type, &compare);

	*is_descending = is_ordering && compare == COMPARE_GT;
#else
	int16 strategy;
	bool is_ordering = get_ordering_op_properties(operator_oid, family, input_type, &strategy);

	*is_descending = is_ordering && strategy == BTGreaterStrategyNumber;
#endif
	return is_ordering;
}

static inline bool
weir_owns_relation(Oid relation_oid, Oid role_oid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relation_oid, role_oid);
#else
	return pg_class_ownercheck(relation_oid, role_oid);
#endif
}

static inline bool
weir_may_use_server(Oid server_oid, Oid role_oid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, server_oid, role_oid, ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_foreign_server_aclcheck(server_oid, role_oid, ACL_USAGE) == ACLCHECK_OK;
#endif
}

/* Enters a tuple that was inserted into the table's indexes, none of which can be deferred. */
static inline void
weir_insert_index_tuples(ResultRelInfo *target, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 190000
	ExecInsertIndexTuples(target, estate, 0, slot, NIL, NULL);
#elif PG_VERSION_NUM >= 160000
	ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL, false);
#else
	ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL);
#endif
}

/* The range table of an executor's state that has one relation, to insert into. */
static inline void
weir_init_range_table(EState *estate, Relation rel)
{
	RangeTblEntry *entry = makeNode(RangeTblEntry);

	entry->rtekind = RTE_RELATION;
	entry->relid = RelationGetRelid(rel);
	entry->relkind = rel->rd_rel->relkind;
	entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 180000
	{
		List *permissions = NIL;

		addRTEPermissionInfo(&permissions, entry);
		ExecInitRangeTable(estate, list_make1(entry), permissions, bms_make_singleton(1));
	}
#elif PG_VERSION_NUM >= 160000
	{
		List *permissions = NIL;

		addRTEPermissionInfo(&permissions, entry);
		ExecInitRangeTable(estate, list_make1(entry), permissions);
	}
#else
	ExecInitRangeTable(estate, list_make1(entry));
#endif
}

/* A scanner that does not warn of backslashes; from 19 on none does. */
static inline void
weir_scanner_be_quiet(core_yy_extra_type *extra)
{
#if PG_VERSION_NUM < 190000
	extra->escape_string_warning = false;
#else
	(void) extra;
#endif
}

#endif
