/* SPDX-License-Identifier: PostgreSQL
 *
 * A definition as PostgreSQL parsed it: its shape, and places in its text.
 */
#ifndef WEIR_DEFINITION_H
#define WEIR_DEFINITION_H

#include "postgres.h"

#include "nodes/parsenodes.h"

typedef struct WeirDefinition
{
	Query *query;
	const char *text; /* what was parsed; NULL: a stored view, whose places are not known */
} WeirDefinition;

/* For ereport(): points at a place of the text, if there is one. */
extern int weir_definition_place(const WeirDefinition *definition, int location);

/* Refuses what a continuous view cannot have, as far as the shape tells. */
extern void weir_definition_check(const WeirDefinition *definition);

/* The option event_time of a stream, as a column; 0: there is no such option.
 * Errors: the option names no timestamptz column. */
extern AttrNumber weir_definition_time(Oid stream_oid);

/* Is the function one of the schema weir with this name? */
extern bool weir_definition_is_ours(Oid function_oid, const char *name);

/* Is the relation a foreign table of weir_kafka? */
extern bool weir_definition_is_stream(Oid relation_oid);

#endif
