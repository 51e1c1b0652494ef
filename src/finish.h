/* SPDX-License-Identifier: PostgreSQL
 *
 * Groups as rows: what HAVING and the targets of a definition make of window, key and aggregates.
 */
#ifndef WEIR_FINISH_H
#define WEIR_FINISH_H

#include "postgres.h"

#include "executor/tuptable.h"

#include "query.h"
#include "store.h"

typedef struct WeirFinish WeirFinish;

/* Result: in the current memory context. */
extern WeirFinish *weir_finish_create(const WeirQuery *query);
extern void weir_finish_free(WeirFinish *finish);

/* Makes the row of a group; may raise what the definition's expressions raise.
 * Result: the row, which lives until the next call; NULL if HAVING does not want it. */
extern TupleTableSlot *weir_finish_group(WeirFinish *finish, const WeirHeap *heap,
										 const WeirGroup *group);

/* The same, in a subtransaction where an error could be raised. Needs a transaction.
 * Result: false, and the error in the current memory context, if one was. */
extern bool weir_finish_try(WeirFinish *finish, const WeirHeap *heap, const WeirGroup *group,
							TupleTableSlot **row, ErrorData **error);

#endif
