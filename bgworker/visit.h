/* SPDX-License-Identifier: PostgreSQL
 *
 * Visits to databases: which are due, and the scanner that is on one.
 *
 * Runs in: the launcher.
 */
#ifndef WEIR_VISIT_H
#define WEIR_VISIT_H

#include "postgres.h"

#include "utils/timestamp.h"

/* Takes the marks that commits left, and goes on with the visits, one at a time; *next becomes no later
 * than when to call again. */
extern void weir_visit_go_on(TimestampTz *next);

/* Is a visit under way or to be begun, so that what slots say of the database may be old? */
extern bool weir_visit_is_due(Oid database_oid);

/* May the database be connected to: it exists, takes connections, and is no template? Reads
 * pg_database. */
extern bool weir_visit_is_possible(Oid database_oid);

/* Nothing of this database is wanted any more. */
extern void weir_visit_forget(Oid database_oid);

#endif
