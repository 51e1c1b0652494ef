/* SPDX-License-Identifier: PostgreSQL
 *
 * NOTIFY weir, for views whose option `notify` asks for it.
 */
#ifndef WEIR_BGWORKER_NOTIFY_H
#define WEIR_BGWORKER_NOTIFY_H

#include "postgres.h"

#include "catalog.h"

/* Windows close with this transaction. */
extern void weir_notify_closed(const WeirView *view);

/* Tells the states that views of the stream have come to since this was last called; what lasted for
 * less is not told.
 *
 * Runs in: no transaction. */
extern void weir_notify_states(Oid stream_oid);

#endif
