/* SPDX-License-Identifier: PostgreSQL
 *
 * Work that may raise an error, in a subtransaction.
 */
#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H

#include "postgres.h"

/* Runs `work`. Errors of the data are caught; those that end the process or the query are passed on.
 * Needs a transaction.
 * Result: NULL, or the error, in the current memory context. */
extern ErrorData *weir_guard(void (*work)(void *argument), void *argument);

/* Work on some things, [from, to) of them, each of which may raise an error and may be worked on again. */
typedef struct WeirGuarded
{
	void (*work)(void *argument, int from, int to);
	void (*fail)(void *argument, int number, ErrorData *error); /* this one raises it */
	void *argument;
} WeirGuarded;

/* Runs it in one subtransaction; where that raises an error, in one for each half, and so on. */
extern void weir_guard_each(const WeirGuarded *guarded, int from, int to);

#endif
