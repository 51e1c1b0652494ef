/* SPDX-License-Identifier: PostgreSQL
 *
 * Closed rows into a view's closed table.
 *
 * A plain table without triggers, rules, row security or columns of its own takes many rows at a time, as
 * COPY writes them: constraints are checked, and indexes filled; a statement for each row would cost three
 * times as much. Anything else (triggers, partitions, hypertables, views, other types) gets an
 * INSERT, so that it behaves as for any other user.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "sink.h"

struct WeirSink
{
	Relation rel;
	int column_count;

	/* by statement */
	SPIPlanPtr plan;
	char *nulls;

	/* straight */
	EState *estate;
	ResultRelInfo *target;
	int count;                            /* rows that wait for a flush */
	TupleTableSlot *slots[WEIR_SINK_MAX]; /* made when they are first needed */
};

static void
check_columns(Relation rel, TupleDesc desc)
{
	if (RelationGetNumberOfAttributes(rel) < desc->natts)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("closed table \"%s\" has fewer columns than its definition",
					   RelationGetRelationName(rel)));
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(RelationGetDescr(rel), i)->attisdropped)
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column %d of closed table \"%s\" was dropped", i + 1,
						   RelationGetRelationName(rel)));
}

static bool
is_same_shape(Relation rel, TupleDesc desc)
{
	if (RelationGetNumberOfAttributes(rel) != desc->natts)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(rel), i);

		if (column->atttypid != TupleDescAttr(desc, i)->atttypid ||
			column->atttypmod != TupleDescAttr(desc, i)->atttypmod || column->attgenerated ||
			column->attidentity)
			return false;
	}
	return true;
}

static bool
is_plain(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION && rel->trigdesc == NULL &&
		   rel->rd_rules == NULL && !rel->rd_rel->relrowsecurity && !rel->rd_rel->relispartition &&
		   pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_INSERT) == ACLCHECK_OK;
}

/* --- straight ------------------------------------------------------------------------------------- */

static void
open_straight(WeirSink *sink)
{
	sink->estate = CreateExecutorState();
	weir_init_range_table(sink->estate, sink->rel);
	sink->estate->es_output_cid = GetCurrentCommandId(true);
	sink->target = makeNode(ResultRelInfo);
	InitResultRelInfo(sink->target, sink->rel, 1, NULL, 0);
	ExecOpenIndices(sink->target, false);
}

/* `kind` NULL: as the table wants it. */
static TupleTableSlot *
make_slot(WeirSink *sink, const TupleTableSlotOps *kind)
{
	TupleTableSlot *slot;

	if (kind == NULL)
		return table_slot_create(sink->rel, &sink->estate->es_tupleTable);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(sink->rel), kind);
	sink->estate->es_tupleTable = lappend(sink->estate->es_tupleTable, slot);
	return slot;
}

static TupleTableSlot *
next_slot(WeirSink *sink, const TupleTableSlotOps *kind)
{
	MemoryContext before = MemoryContextSwitchTo(sink->estate->es_query_cxt);

	Assert(sink->count < WEIR_SINK_MAX);
	if (sink->slots[sink->count] == NULL)
		sink->slots[sink->count] = make_slot(sink, kind);
	MemoryContextSwitchTo(before);
	return sink->slots[sink->count++];
}

static void
write_straight(WeirSink *sink, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = next_slot(sink, NULL);

	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, sizeof(Datum) * (size_t) sink->column_count);
	memcpy(slot->tts_isnull, nulls, sizeof(bool) * (size_t) sink->column_count);
	ExecStoreVirtualTuple(slot);
}

static void
check_rows(WeirSink *sink)
{
	for (int i = 0; i < sink->count; i++)
	{
		ResetPerTupleExprContext(sink->estate);
		ExecConstraints(sink->target, sink->slots[i], sink->estate);
	}
}

static void
flush_straight(WeirSink *sink)
{
	if (sink->count == 0)
		return;
	if (RelationGetDescr(sink->rel)->constr != NULL)
		check_rows(sink);
	table_multi_insert(sink->rel, sink->slots, sink->count, sink->estate->es_output_cid, 0, NULL);
	for (int i = 0; i < sink->count; i++)
	{
		ResetPerTupleExprContext(sink->estate);
		if (sink->target->ri_NumIndices > 0)
			weir_insert_index_tuples(sink->target, sink->slots[i], sink->estate);
		ExecClearTuple(sink->slots[i]);
	}
	sink->count = 0;
}

static void
close_straight(WeirSink *sink)
{
	flush_straight(sink);
	ExecCloseIndices(sink->target);
	ExecResetTupleTable(sink->estate->es_tupleTable, false);
	FreeExecutorState(sink->estate);
	CommandCounterIncrement();
}

/* --- by statement --------------------------------------------------------------------------------- */

/* INSERT INTO closed (columns, as they are called now) VALUES ($1, …) */
static void
open_statement(WeirSink *sink, TupleDesc desc)
{
	Oid *types = palloc_array(Oid, desc->natts);
	StringInfoData sql;
	StringInfoData values;

	initStringInfo(&sql);
	initStringInfo(&values);
	appendStringInfo(&sql, "INSERT INTO %s (",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(sink->rel)),
												RelationGetRelationName(sink->rel)));
	for (int i = 0; i < desc->natts; i++)
	{
		const char *comma = i > 0 ? ", " : "";
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(sink->rel), i);

		appendStringInfo(&sql, "%s%s", comma, quote_identifier(NameStr(attribute->attname)));
		appendStringInfo(&values, "%s$%d", comma, i + 1);
		types[i] = TupleDescAttr(desc, i)->atttypid;
	}
	appendStringInfo(&sql, ") VALUES (%s)", values.data);
	sink->plan = SPI_prepare(sql.data, desc->natts, types);
	if (sink->plan == NULL)
		elog(ERROR, "cannot prepare: %s", sql.data);
	sink->nulls = palloc((Size) desc->natts + 1);
}

static void
write_statement(WeirSink *sink, Datum *values, const bool *nulls)
{
	for (int i = 0; i < sink->column_count; i++)
		sink->nulls[i] = nulls[i] ? 'n' : ' ';
	if (SPI_execute_plan(sink->plan, values, sink->nulls, false, 0) < 0)
		elog(ERROR, "cannot insert a closed row");
}

/* -------------------------------------------------------------------------------------------------- */

WeirSink *
weir_sink_open(Oid closed_oid, TupleDesc desc)
{
	WeirSink *sink = palloc0_object(WeirSink);

	sink->rel = table_open(closed_oid, NoLock);
	sink->column_count = desc->natts;
	check_columns(sink->rel, desc);
	if (is_plain(sink->rel) && is_same_shape(sink->rel, desc))
		open_straight(sink);
	else
		open_statement(sink, desc);
	return sink;
}

void
weir_sink_write(WeirSink *sink, Datum *values, const bool *nulls)
{
	if (sink->plan != NULL)
		write_statement(sink, values, nulls);
	else
		write_straight(sink, values, nulls);
}

void
weir_sink_write_tuple(WeirSink *sink, HeapTuple tuple, TupleDesc desc)
{
	Datum values[MaxTupleAttributeNumber];
	bool nulls[MaxTupleAttributeNumber];

	if (sink->plan == NULL)
	{
		ExecStoreHeapTuple(tuple, next_slot(sink, &TTSOpsHeapTuple), false);
		return;
	}
	heap_deform_tuple(tuple, desc, values, nulls);
	write_statement(sink, values, nulls);
}

void
weir_sink_flush(WeirSink *sink)
{
	if (sink->plan == NULL)
		flush_straight(sink);
}

void
weir_sink_close(WeirSink *sink)
{
	if (sink->plan != NULL)
		SPI_freeplan(sink->plan);
	else
		close_straight(sink);
	table_close(sink->rel, NoLock);
}
