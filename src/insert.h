/* SPDX-License-Identifier: PostgreSQL
 *
 * INSERT into a stream: rows become messages, delivered before the transaction commits.
 */
#ifndef WEIR_INSERT_H
#define WEIR_INSERT_H

#include "postgres.h"

#include "nodes/execnodes.h"

#include "compat.h"

/* By INSERT. */
extern void weir_insert_begin_modify(ModifyTableState *mtstate, ResultRelInfo *result_rel,
									 List *fdw_private, int subplan_index, int eflags);
/* By COPY, and by a partitioned table's routing. */
extern void weir_insert_begin(ModifyTableState *mtstate, ResultRelInfo *result_rel);

extern TupleTableSlot *weir_insert_row(EState *estate, ResultRelInfo *result_rel,
									   TupleTableSlot *slot, TupleTableSlot *plan_slot);
extern void weir_insert_end(EState *estate, ResultRelInfo *result_rel);
extern void weir_insert_explain(ModifyTableState *mtstate, ResultRelInfo *result_rel,
								List *fdw_private, int subplan_index, ExplainState *es);

#endif
