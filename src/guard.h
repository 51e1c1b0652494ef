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

#endif
