/* SPDX-License-Identifier: PostgreSQL
 *
 * Which expressions mean the same at any time, in any session; and which can raise no error.
 *
 * Both look at planned expressions, as expression_planner() makes them.
 */
#ifndef WEIR_MUTABLE_H
#define WEIR_MUTABLE_H

#include "postgres.h"

#include "nodes/nodes.h"

/* What makes an expression mutable. */
typedef struct WeirMutable
{
	char *name;       /* "date_trunc(text, timestamp with time zone)", "CURRENT_TIMESTAMP" */
	bool is_volatile; /* another result each time; if not, it depends on settings or on the clock */
	const char *hint; /* what to do instead */
	int location;     /* of the parse; -1: unknown */
} WeirMutable;

/* Result: true, and the first one found. Memory: the current context. */
extern bool weir_mutable_find(Node *expr, WeirMutable *found);

/* May the evaluation raise an error? What is not known to raise none, may. */
extern bool weir_mutable_can_raise(Node *expr);

#endif
