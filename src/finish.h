/* SPDX-License-Identifier: PostgreSQL
 *
 * Groups as rows: what HAVING and the targets of a definition make of window, key and aggregates.
 */
#ifndef WEIR_FINISH_H
#define WEIR_FINISH_H

#include "postgres.h"

#include "query.h"
#include "store.h"

typedef struct WeirFinish WeirFinish;

/* Result: in the current memory context. */
extern WeirFinish *weir_finish_create(const WeirQuery *query);
extern void weir_finish_free(WeirFinish *finish);

/* What became of a group. */
typedef struct WeirFinished
{
	Datum *values; /* the row; NULL: HAVING does not want it, or there was an error */
	bool *nulls;
	ErrorData *error; /* NULL: none */
} WeirFinished;

#define WEIR_FINISH_MAX 256

/* Makes the rows of up to WEIR_FINISH_MAX groups. Where an error could be raised it needs a transaction:
 * they are made in one subtransaction, and if there is one, in smaller ones.
 * Result: one for each group, until the next call. */
extern const WeirFinished *weir_finish_groups(WeirFinish *finish, const WeirHeap *heap,
											  const WeirGroup *const *groups, int count);

#endif
