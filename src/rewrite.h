/* SPDX-License-Identifier: PostgreSQL
 *
 * The text of a definition, as the user wrote it and as the view gets it.
 */
#ifndef WEIR_REWRITE_H
#define WEIR_REWRITE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* Text that is inserted. */
typedef struct WeirEdit
{
	int at; /* byte of the source before which it goes */
	const char *text;
} WeirEdit;

typedef struct WeirRewrite
{
	const char *source; /* what the user wrote: one SELECT without a semicolon */
	List *edits;        /* WeirEdit *, in their order */
	char *text;         /* the source with the edits */
	Query *query;       /* what that text means */
} WeirRewrite;

/* Result: in the current memory context. Errors point into the source. */
extern WeirRewrite *weir_rewrite(const char *source);

/* For an ErrorContextCallback whose argument is a WeirRewrite: a position in `text` becomes the one in
 * the source, which is shown with it. */
extern void weir_rewrite_point(void *rewrite);

#endif
