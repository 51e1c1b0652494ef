/* SPDX-License-Identifier: PostgreSQL
 *
 * The one transaction: closed rows, rejects, positions, clock and changed state of the views of a worker.
 */
#ifndef WEIR_BGWORKER_COMMIT_H
#define WEIR_BGWORKER_COMMIT_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "view.h"

/* Commits the views (list of WeirWorkerView *) that have something to commit and are not waiting after
 * a failure: all in one transaction; if that fails, each in one of its own. Errors of a view go to its
 * slot. Result: false if a view was changed from outside, and the worker must load again. */
extern bool weir_commit(List *views);

/* Has the view anything to commit, and may it try now? */
extern bool weir_commit_is_wanted(const WeirWorkerView *view);

#endif
