/* SPDX-License-Identifier: PostgreSQL
 *
 * Groups as rows.
 *
 * The aggregates' results, window and key are a row of their own kind (query.h), which PostgreSQL's
 * executor evaluates like any other.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "finish.h"
#include "guard.h"

struct WeirFinish
{
	const WeirQuery *query;
	EState *estate;
	ExprContext *context;
	TupleTableSlot *input;
	TupleTableSlot *output;
	ExprState *having;
	ProjectionInfo *projection;
	WeirFinished results[WEIR_FINISH_MAX];
};

static TupleDesc
input_desc(const WeirQuery *query)
{
	int column_count = 2 + query->key_count + query->aggregate_count;
	TupleDesc desc = CreateTemplateTupleDesc(column_count);
	AttrNumber attnum = WEIR_FINISH_FIRST_KEY;

	TupleDescInitEntry(desc, WEIR_FINISH_WINDOW_START, "window_start", TIMESTAMPTZOID, -1, 0);
	TupleDescInitEntry(desc, WEIR_FINISH_WINDOW_END, "window_end", TIMESTAMPTZOID, -1, 0);
	for (int i = 0; i < query->key_count; i++, attnum++)
	{
		TupleDescInitEntry(desc, attnum, "key", query->keys[i].type_oid, query->keys[i].typmod, 0);
		TupleDescInitEntryCollation(desc, attnum, query->keys[i].collation);
	}
	for (int i = 0; i < query->aggregate_count; i++, attnum++)
	{
		TupleDescInitEntry(desc, attnum, "aggregate", query->aggregates[i].result_type, -1, 0);
		TupleDescInitEntryCollation(desc, attnum, query->aggregates[i].collation);
	}
	return desc;
}

WeirFinish *
weir_finish_create(const WeirQuery *query)
{
	WeirFinish *finish = palloc0_object(WeirFinish);
	MemoryContext before;

	finish->query = query;
	finish->estate = CreateExecutorState();
	before = MemoryContextSwitchTo(finish->estate->es_query_cxt);
	finish->context = CreateExprContext(finish->estate);
	finish->input = MakeSingleTupleTableSlot(input_desc(query), &TTSOpsVirtual);
	finish->output = MakeSingleTupleTableSlot(query->desc, &TTSOpsVirtual);
	finish->having = ExecInitQual(query->having, NULL);
	/* a copy has no groups: nothing is ever finished */
	finish->projection =
		ExecBuildProjectionInfo(query->is_copy ? NIL : query->targets, finish->context,
								finish->output, NULL, finish->input->tts_tupleDescriptor);
	finish->context->ecxt_scantuple = finish->input;
	MemoryContextSwitchTo(before);
	return finish;
}

void
weir_finish_free(WeirFinish *finish)
{
	FreeExecutorState(finish->estate);
	pfree(finish);
}

/* Runs in: the per-tuple context, which here is that of all groups of a call. */
static void
fill_input(WeirFinish *finish, const WeirHeap *heap, const WeirGroup *group)
{
	const WeirQuery *query = finish->query;
	Datum *values = finish->input->tts_values;
	bool *nulls = finish->input->tts_isnull;
	int at = WEIR_FINISH_FIRST_KEY - 1;

	values[WEIR_FINISH_WINDOW_START - 1] = TimestampTzGetDatum(group->start_us);
	values[WEIR_FINISH_WINDOW_END - 1] = TimestampTzGetDatum(group->end_us);
	nulls[WEIR_FINISH_WINDOW_START - 1] = nulls[WEIR_FINISH_WINDOW_END - 1] = false;
	weir_key_unpack(query, weir_group_key(heap, group), &values[at], &nulls[at]);
	at += query->key_count;
	for (int i = 0; i < query->aggregate_count; i++, at++)
	{
		const WeirAggregate *aggregate = &query->aggregates[i];

		nulls[at] = false;
		values[at] = aggregate->kernel->finish(aggregate, heap, weir_group_slot(group, aggregate),
											   &nulls[at]);
	}
}

static void
finish_group(WeirFinish *finish, const WeirHeap *heap, const WeirGroup *group, WeirFinished *result)
{
	int column_count = finish->query->desc->natts;
	TupleTableSlot *row;

	*result = (WeirFinished){0};
	ExecClearTuple(finish->input);
	fill_input(finish, heap, group);
	ExecStoreVirtualTuple(finish->input);
	if (!ExecQual(finish->having, finish->context))
		return;
	row = ExecProject(finish->projection);
	result->values = palloc_array(Datum, column_count);
	result->nulls = palloc_array(bool, column_count);
	memcpy(result->values, row->tts_values, sizeof(Datum) * (size_t) column_count);
	memcpy(result->nulls, row->tts_isnull, sizeof(bool) * (size_t) column_count);
}

typedef struct Attempt
{
	WeirFinish *finish;
	const WeirHeap *heap;
	const WeirGroup *const *groups;
} Attempt;

static void
attempt(void *argument, int from, int to)
{
	const Attempt *this = argument;

	for (int i = from; i < to; i++)
		finish_group(this->finish, this->heap, this->groups[i], &this->finish->results[i]);
}

static void
fail(void *argument, int number, ErrorData *error)
{
	const Attempt *this = argument;

	this->finish->results[number] = (WeirFinished){.error = error};
}

const WeirFinished *
weir_finish_groups(WeirFinish *finish, const WeirHeap *heap, const WeirGroup *const *groups,
				   int count)
{
	Attempt this = {finish, heap, groups};
	MemoryContext before;

	ResetExprContext(finish->context);
	before = MemoryContextSwitchTo(finish->context->ecxt_per_tuple_memory);
	if (finish->query->can_raise_finish)
		weir_guard_each(&(WeirGuarded){attempt, fail, &this}, 0, count);
	else
		attempt(&this, 0, count);
	MemoryContextSwitchTo(before);
	return finish->results;
}
