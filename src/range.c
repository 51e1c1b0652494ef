/* SPDX-License-Identifier: PostgreSQL
 *
 * Which partitions and offsets a query wants.
 *
 * Taken are `column op value` and `value op column` with the integer comparison operators, and
 * `partition = ANY (array)`, where the value does not depend on the row. They are kept exactly, so
 * the executor does not check them again. The whole clause travels in the plan, so that EXPLAIN
 * can print it; only its value side is evaluated.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_opfamily_d.h"
#include "catalog/pg_type_d.h"
#include "common/int.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "option.h"
#include "range.h"

/* One condition, in the form column-op-value. */
typedef struct Condition
{
	WeirMeta meta;
	int strategy; /* of the btree comparison */
	bool is_array;
	Oid value_type; /* of an element, for an array */
	ExprState *value;

	/* as of weir_range_evaluate() */
	bool is_null;
	int64 scalar;
	int element_count;
	int64 *elements;
} Condition;

struct WeirRangeSet
{
	int count;
	Condition *conditions;
};

/* A clause taken apart. */
typedef struct Parts
{
	AttrNumber attnum;
	int strategy;
	bool is_array;
	Oid value_type;
	Expr *value;
} Parts;

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static Var *
as_column(Node *node, Index rel_index)
{
	Var *var = (Var *) node;

	if (!IsA(node, Var) || var->varattno <= 0 || var->varlevelsup != 0)
		return NULL;
	return rel_index == 0 || var->varno == (int) rel_index ? var : NULL;
}

static bool
is_fixed(Node *node)
{
	return !contain_var_clause(node) && !contain_volatile_functions(node);
}

static bool
take_comparison_apart(OpExpr *clause, Index rel_index, Parts *parts)
{
	Node *left;
	Node *right;
	Oid opno = clause->opno;
	Var *column;

	if (list_length(clause->args) != 2)
		return false;
	left = linitial(clause->args);
	right = lsecond(clause->args);
	column = as_column(left, rel_index);
	if (column == NULL || !is_fixed(right))
	{
		column = as_column(right, rel_index);
		if (column == NULL || !is_fixed(left))
			return false;
		right = left;
		opno = get_commutator(opno);
	}
	if (!OidIsValid(opno))
		return false;
	parts->attnum = column->varattno;
	parts->strategy = get_op_opfamily_strategy(opno, INTEGER_BTREE_FAM_OID);
	parts->is_array = false;
	parts->value_type = exprType(right);
	parts->value = (Expr *) right;
	return parts->strategy != InvalidStrategy && is_integer(parts->value_type);
}

static bool
take_array_apart(ScalarArrayOpExpr *clause, Index rel_index, Parts *parts)
{
	Var *column = as_column(linitial(clause->args), rel_index);
	Node *array = lsecond(clause->args);

	if (column == NULL || !clause->useOr || !is_fixed(array))
		return false;
	parts->attnum = column->varattno;
	parts->strategy = get_op_opfamily_strategy(clause->opno, INTEGER_BTREE_FAM_OID);
	parts->is_array = true;
	parts->value_type = get_element_type(exprType(array));
	parts->value = (Expr *) array;
	return parts->strategy == BTEqualStrategyNumber && is_integer(parts->value_type);
}

/* rel_index 0: of any relation, for a plan that holds only clauses which were taken. */
static bool
take_apart(Expr *clause, Index rel_index, Parts *parts)
{
	if (IsA(clause, OpExpr))
		return take_comparison_apart((OpExpr *) clause, rel_index, parts);
	if (IsA(clause, ScalarArrayOpExpr))
		return take_array_apart((ScalarArrayOpExpr *) clause, rel_index, parts);
	return false;
}

bool
weir_range_takes(Oid relid, Index rel_index, Expr *clause)
{
	Parts parts;
	const char *meta;

	if (!take_apart(clause, rel_index, &parts))
		return false;
	meta = weir_option_get(GetForeignColumnOptions(relid, parts.attnum), "meta");
	if (meta == NULL)
		return false;
	switch (weir_option_meta(meta))
	{
		case WEIR_META_PARTITION:
			return true;
		case WEIR_META_OFFSET:
			return !parts.is_array;
		default:
			return false;
	}
}

static WeirMeta
meta_of_column(const WeirStream *stream, AttrNumber attnum)
{
	for (int i = 0; i < stream->column_count; i++)
		if (stream->columns[i].attnum == attnum)
			return stream->columns[i].meta;
	return WEIR_META_NONE;
}

WeirRangeSet *
weir_range_compile(const WeirStream *stream, List *clauses, PlanState *parent)
{
	WeirRangeSet *set = palloc0(sizeof(WeirRangeSet));
	ListCell *cell;

	set->conditions = palloc0_array(Condition, list_length(clauses));
	foreach (cell, clauses)
	{
		Condition *condition = &set->conditions[set->count];
		Parts parts;

		if (!take_apart(lfirst(cell), 0, &parts))
			elog(ERROR, "unexpected condition in a plan of pg_weir");
		condition->meta = meta_of_column(stream, parts.attnum);
		condition->strategy = parts.strategy;
		condition->is_array = parts.is_array;
		condition->value_type = parts.value_type;
		condition->value = ExecInitExpr(parts.value, parent);
		if (condition->meta != WEIR_META_PARTITION && condition->meta != WEIR_META_OFFSET)
			elog(ERROR, "condition in a plan of pg_weir is not on partition or offset");
		set->count++;
	}
	return set;
}

static int64
as_int64(Datum value, Oid type)
{
	return type == INT2OID   ? DatumGetInt16(value)
		   : type == INT4OID ? DatumGetInt32(value)
							 : DatumGetInt64(value);
}

static void
evaluate_array(Condition *condition, Datum array)
{
	int16 typlen;
	bool typbyval;
	char typalign;
	Datum *values;
	bool *nulls;
	int count;

	get_typlenbyvalalign(condition->value_type, &typlen, &typbyval, &typalign);
	deconstruct_array(DatumGetArrayTypeP(array), condition->value_type, typlen, typbyval, typalign,
					  &values, &nulls, &count);
	condition->elements = palloc_array(int64, Max(count, 1));
	condition->element_count = 0;
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			condition->elements[condition->element_count++] =
				as_int64(values[i], condition->value_type);
}

void
weir_range_evaluate(WeirRangeSet *set, ExprContext *context)
{
	for (int i = 0; i < set->count; i++)
	{
		Condition *condition = &set->conditions[i];
		Datum value = ExecEvalExprSwitchContext(condition->value, context, &condition->is_null);

		if (condition->is_null)
			continue;
		if (condition->is_array)
			evaluate_array(condition, value);
		else
			condition->scalar = as_int64(value, condition->value_type);
	}
}

static bool
is_element(const Condition *condition, int64 value)
{
	for (int i = 0; i < condition->element_count; i++)
		if (condition->elements[i] == value)
			return true;
	return false;
}

static bool
matches(const Condition *condition, int64 value)
{
	if (condition->is_array)
		return is_element(condition, value);
	switch (condition->strategy)
	{
		case BTLessStrategyNumber:
			return value < condition->scalar;
		case BTLessEqualStrategyNumber:
			return value <= condition->scalar;
		case BTEqualStrategyNumber:
			return value == condition->scalar;
		case BTGreaterEqualStrategyNumber:
			return value >= condition->scalar;
		default:
			return value > condition->scalar;
	}
}

static int64
after(int64 offset)
{
	int64 next;

	return pg_add_s64_overflow(offset, 1, &next) ? PG_INT64_MAX : next;
}

static void
narrow(WeirBounds *bounds, const Condition *condition)
{
	int64 value = condition->scalar;

	switch (condition->strategy)
	{
		case BTLessStrategyNumber:
			bounds->end = Min(bounds->end, value);
			break;
		case BTLessEqualStrategyNumber:
			bounds->end = Min(bounds->end, after(value));
			break;
		case BTEqualStrategyNumber:
			bounds->first = Max(bounds->first, value);
			bounds->end = Min(bounds->end, after(value));
			break;
		case BTGreaterEqualStrategyNumber:
			bounds->first = Max(bounds->first, value);
			break;
		default:
			bounds->first = Max(bounds->first, after(value));
			break;
	}
}

WeirBounds
weir_range_of_partition(const WeirRangeSet *set, int32 partition)
{
	WeirBounds bounds = {false, 0, PG_INT64_MAX};

	for (int i = 0; i < set->count; i++)
	{
		const Condition *condition = &set->conditions[i];

		if (condition->is_null)
			bounds.is_empty = true;
		else if (condition->meta == WEIR_META_OFFSET)
			narrow(&bounds, condition);
		else if (!matches(condition, partition))
			bounds.is_empty = true;
	}
	if (bounds.first >= bounds.end)
		bounds.is_empty = true;
	return bounds;
}
