/* SPDX-License-Identifier: PostgreSQL
 *
 * The input expressions of a definition.
 *
 * PostgreSQL's executor evaluates them on a slot that is pointed at the batch's rows, so nothing is
 * copied; plain columns cost it a few nanoseconds each. Keys are packed and hashed here, before the
 * store is locked.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"

#include "compat.h"
#include "guard.h"
#include "input.h"
#include "key.h"

struct WeirInput
{
	const WeirQuery *query;
	EState *estate;
	ExprContext *context;
	TupleTableSlot *event_slot;
	TupleTableSlot *value_slot;
	ExprState *where;
	ProjectionInfo *projection; /* keys, then arguments and orders; NULL: all of them are columns */
	int value_count;
	int *sources; /* of columns: where they stand in an event */
	int *columns; /* of each aggregate, behind the keys */
	Bitmapset *needed;
	WeirInputRow *rows;
	Datum *values;
	bool *nulls;
	char key[WEIR_KEY_MAX];
	WeirWindow last_window;
	WeirWindow last_extent; /* times that have it */

	/* of the batch that is evaluated */
	const WeirBatch *batch;
	int64 position;
};

static void evaluate(void *argument, int from, int to);

/*
 * Compiling
 */

/* CASE WHEN filter THEN expr END */
static Expr *
under_filter(Expr *filter, Expr *expr)
{
	CaseExpr *choice;
	CaseWhen *when;

	if (filter == NULL)
		return expr;
	when = makeNode(CaseWhen);
	when->expr = filter;
	when->result = expr;
	choice = makeNode(CaseExpr);
	choice->casetype = exprType((Node *) expr);
	choice->casecollid = exprCollation((Node *) expr);
	choice->args = list_make1(when);
	choice->defresult =
		(Expr *) makeNullConst(choice->casetype, exprTypmod((Node *) expr), choice->casecollid);
	return (Expr *) choice;
}

static List *
add_target(List *targets, Expr *expr)
{
	return lappend(targets,
				   makeTargetEntry(expr, (AttrNumber) (list_length(targets) + 1), NULL, false));
}

static List *
make_targets(const WeirQuery *query, int *columns)
{
	List *targets = NIL;

	if (query->is_copy)
		return query->targets;
	for (int i = 0; i < query->key_count; i++)
		targets = add_target(targets, query->keys[i].expr);
	for (int i = 0; i < query->aggregate_count; i++)
	{
		const WeirAggregate *aggregate = &query->aggregates[i];

		columns[i] = -1;
		if (aggregate->argument == NULL && aggregate->filter == NULL)
			continue;
		columns[i] = list_length(targets) - query->key_count;
		targets = add_target(
			targets, under_filter(aggregate->filter, aggregate->argument
														 ? aggregate->argument
														 : (Expr *) makeBoolConst(true, false)));
		for (int j = 0; j < aggregate->order_count; j++)
			targets =
				add_target(targets, under_filter(aggregate->filter, aggregate->order[j].expr));
	}
	return targets;
}

/* Result: are all targets columns of the stream? The executor is not needed for them. */
static bool
find_sources(const List *targets, int *sources)
{
	int count = 0;
	ListCell *cell;

	foreach (cell, targets)
	{
		const Var *var = (const Var *) ((TargetEntry *) lfirst(cell))->expr;

		if (!IsA(var, Var) || var->varattno <= 0)
			return false;
		sources[count++] = var->varattno - 1;
	}
	return true;
}

static void
add_columns(const WeirQuery *query, void *expr, Bitmapset **found)
{
	pull_varattnos(expr, query->stream_index, found);
}

/* No look into the catalogs: the worker asks outside of a transaction. */
Bitmapset *
weir_input_columns(const WeirQuery *query)
{
	Bitmapset *found = NULL;
	Bitmapset *attnums = query->time_attnum != 0 ? bms_make_singleton(query->time_attnum) : NULL;
	int member = -1;

	add_columns(query, query->where, &found);
	if (query->is_copy)
		add_columns(query, query->targets, &found);
	for (int i = 0; i < query->key_count; i++)
		add_columns(query, query->keys[i].expr, &found);
	for (int i = 0; i < query->aggregate_count; i++)
	{
		const WeirAggregate *aggregate = &query->aggregates[i];

		add_columns(query, aggregate->argument, &found);
		add_columns(query, aggregate->filter, &found);
		for (int j = 0; j < aggregate->order_count; j++)
			add_columns(query, aggregate->order[j].expr, &found);
	}
	while ((member = bms_next_member(found, member)) >= 0)
		attnums = bms_add_member(attnums, member + FirstLowInvalidHeapAttributeNumber);
	return attnums;
}

WeirInput *
weir_input_create(const WeirQuery *query, TupleDesc stream_desc)
{
	WeirInput *input = palloc0_object(WeirInput);
	List *targets;
	MemoryContext before;

	input->query = query;
	input->columns = palloc0_array(int, query->aggregate_count + 1);
	input->needed = weir_input_columns(query);
	input->estate = CreateExecutorState();
	before = MemoryContextSwitchTo(input->estate->es_query_cxt);
	targets = make_targets(query, input->columns);
	input->value_count = list_length(targets);
	input->context = CreateExprContext(input->estate);
	input->event_slot = MakeSingleTupleTableSlot(stream_desc, &TTSOpsVirtual);
	input->value_slot = MakeSingleTupleTableSlot(ExecTypeFromTL(targets), &TTSOpsVirtual);
	input->where = ExecInitQual(query->where, NULL);
	input->sources = palloc_array(int, input->value_count + 1);
	if (!find_sources(targets, input->sources))
		input->projection =
			ExecBuildProjectionInfo(targets, input->context, input->value_slot, NULL, stream_desc);
	input->context->ecxt_scantuple = input->event_slot;
	MemoryContextSwitchTo(before);
	input->rows = palloc0_array(WeirInputRow, WEIR_BATCH_MAX);
	input->values = palloc0_array(Datum, WEIR_BATCH_MAX * input->value_count + 1);
	input->nulls = palloc0_array(bool, WEIR_BATCH_MAX * input->value_count + 1);
	return input;
}

void
weir_input_free(WeirInput *input)
{
	FreeExecutorState(input->estate);
}

const int *
weir_input_argument_columns(const WeirInput *input)
{
	return input->columns;
}

/*
 * Evaluating
 */

static void fail(void *argument, int number, ErrorData *error);

const WeirInputRow *
weir_input_run(WeirInput *input, const WeirBatch *batch, int from, int64 position)
{
	MemoryContext before;

	ResetExprContext(input->context);
	before = MemoryContextSwitchTo(input->context->ecxt_per_tuple_memory);
	input->batch = batch;
	input->position = position;
	if (input->query->can_raise_input)
		weir_guard_each(&(WeirGuarded){evaluate, fail, input}, from, batch->count);
	else
		evaluate(input, from, batch->count);
	MemoryContextSwitchTo(before);
	return input->rows;
}

/* The first flaw of a column that the view needs. */
static const WeirFlaw *
find_flaw(const WeirInput *input, const WeirEvent *event)
{
	const WeirFlaw *found = NULL;

	for (int i = event->first_flaw; i >= 0; i = input->batch->flaws[i].next)
	{
		const WeirFlaw *flaw = &input->batch->flaws[i].flaw;

		if (bms_is_member(flaw->column->attnum, input->needed))
			found = flaw; /* the list runs backwards */
	}
	return found;
}

/* Result: false if there is none. */
static bool
compute_window(const WeirQuery *query, int64 time_us, WeirWindow *extent, WeirWindow *window)
{
	if (query->hopping.length == 0)
	{
		if (!weir_window_of(&query->windowing, time_us, window))
			return false;
		*extent = *window;
		return true;
	}
	if (!weir_hopping_slice(&query->hopping, time_us, extent, window))
		return false;
	window->start_us = extent->start_us;
	return true;
}

static void
find_window(WeirInput *input, const WeirEvent *event, WeirInputRow *row)
{
	row->has_window = !input->query->is_copy;
	if (!row->has_window)
		return;
	if (!weir_window_holds(&input->last_extent, event->time_us))
	{
		WeirWindow extent;
		WeirWindow window;

		row->has_window = compute_window(input->query, event->time_us, &extent, &window);
		if (!row->has_window)
			return;
		input->last_extent = extent;
		input->last_window = window;
	}
	row->window = input->last_window;
}

static void
pack_key(WeirInput *input, WeirInputRow *row, const Datum *values, const bool *nulls)
{
	char *key;

	row->key_len = weir_key_pack(input->query, values, nulls, input->key);
	if (row->key_len < 0)
	{
		row->state = WEIR_ROW_KEY;
		return;
	}
	key = palloc((Size) row->key_len + 1);
	memcpy(key, input->key, (size_t) row->key_len);
	row->key = key;
	row->key_hash =
		weir_key_hash(input->query, row->window.start_us, key, row->key_len, values, nulls);
}

static void
copy_columns(const WeirInput *input, const WeirEvent *event, Datum *values, bool *nulls)
{
	for (int i = 0; i < input->value_count; i++)
	{
		values[i] = event->values[input->sources[i]];
		nulls[i] = event->nulls[input->sources[i]];
	}
}

static void
project(WeirInput *input, int number, WeirInputRow *row)
{
	TupleTableSlot *slot = input->value_slot;
	Datum *values = input->values + (Size) number * (Size) input->value_count;
	bool *nulls = input->nulls + (Size) number * (Size) input->value_count;

	slot->tts_values = values;
	slot->tts_isnull = nulls;
	if (input->projection)
		ExecProject(input->projection);
	else
		copy_columns(input, &input->batch->events[number], values, nulls);
	row->values = values + input->query->key_count;
	row->nulls = nulls + input->query->key_count;
	if (!input->query->is_copy)
		pack_key(input, row, values, nulls);
}

static void
evaluate_event(WeirInput *input, int number)
{
	const WeirEvent *event = &input->batch->events[number];
	WeirInputRow *row = &input->rows[number];

	row->state = WEIR_ROW_SKIPPED;
	if (event->is_refused || event->message->offset < input->position)
		return;
	/* first, for a reject of any kind names the window that missed the event */
	find_window(input, event, row);
	row->state = WEIR_ROW_FLAWED;
	if (unlikely(event->first_flaw >= 0) && (row->flaw = find_flaw(input, event)) != NULL)
		return;
	input->event_slot->tts_values = event->values;
	input->event_slot->tts_isnull = event->nulls;
	ExecStoreVirtualTuple(input->event_slot);
	row->state = WEIR_ROW_FILTERED;
	if (input->where && !ExecQual(input->where, input->context))
		return;
	row->state = WEIR_ROW_WANTED;
	project(input, number, row);
}

/* Expressions' values live until the batch has been folded. */
static void
evaluate(void *argument, int from, int to)
{
	WeirInput *input = argument;
	MemoryContext before = MemoryContextSwitchTo(input->context->ecxt_per_tuple_memory);

	for (int i = from; i < to; i++)
	{
		ExecClearTuple(input->event_slot);
		evaluate_event(input, i);
	}
	MemoryContextSwitchTo(before);
}

static void
fail(void *argument, int number, ErrorData *error)
{
	WeirInput *input = argument;

	input->rows[number].state = WEIR_ROW_RAISED;
	input->rows[number].error = error;
}
