/* SPDX-License-Identifier: PostgreSQL
 *
 * What a definition means: window, keys, aggregates and expressions of a continuous view.
 *
 * Made from the parse tree that PostgreSQL has of the `_query` view. What cannot work is refused here,
 * at creation, with what was found, where, and what to do instead.
 *
 * A *copy* has no groups: each event is a row, and its targets are input expressions.
 *
 * Two kinds of rows: *input* expressions see a row of the stream (varno is stream_index); *finish*
 * expressions see a row of results (varno 1): 1 window start, 2 window end, from 3 on the keys, then
 * the aggregates. All have been through expression_planner().
 */
#ifndef WEIR_QUERY_H
#define WEIR_QUERY_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"

#include "kernel.h"
#include "portable.h"
#include "window.h"

#define WEIR_FINISH_WINDOW_START 1
#define WEIR_FINISH_WINDOW_END 2
#define WEIR_FINISH_FIRST_KEY 3

typedef struct WeirKey
{
	Expr *expr; /* input */
	Oid type_oid;
	int32 typmod;
	Oid collation;
	int16 len;
	bool is_by_value;
	bool is_image_equal; /* equal values have equal bytes: no need to call `equal` */
	FmgrInfo equal;
	FmgrInfo hash; /* the type's own; used where bytes do not tell */
	WeirPortable portable;
} WeirKey;

typedef struct WeirQuery
{
	Oid stream_oid;
	Index stream_index;
	AttrNumber time_attnum;  /* the stream's event time column; 0: a copy of a stream without one */
	WeirWindowing windowing; /* tumbling windows; of hopping ones, the slices */
	WeirHopping hopping;     /* length 0: the windows tumble */
	List *where;             /* input; all must be true; NIL: every message */
	int key_count;
	WeirKey *keys;
	int aggregate_count;
	WeirAggregate *aggregates;
	List *having;             /* finish; all must be true */
	List *targets;            /* finish, of a copy input: TargetEntry in the order of the columns */
	TupleDesc desc;           /* names and types of the targets */
	AttrNumber window_target; /* which target is the window's start; 0: none of them */
	bool is_copy;             /* no window, no keys, no aggregates */
	bool can_raise_input;     /* an input expression may raise an error */
	bool can_raise_finish;    /* a finish expression, or a kernel's finish, may */
} WeirQuery;

/* The parse tree of a view, or an error if it is no view. */
extern Query *weir_query_of_view(Oid view_oid);

/* Result: the meaning, in the current memory context. Errors say why not. */
extern WeirQuery *weir_query_compile(Query *query);

/* The same for a query that was analysed from a text: errors point into it. */
extern WeirQuery *weir_query_compile_text(Query *query, const char *text);

/* Is it one without groups? */
extern bool weir_query_is_copy(const Query *query);

/* The foreign table that a definition reads; InvalidOid: there is not exactly one relation. */
extern Oid weir_query_stream(const Query *query);

/* The meaning as a canonical text that does not depend on names of relations and columns, on OIDs or
 * on the search path: columns by path, functions and types by qualified name, topic, format, unit. */
extern char *weir_query_fingerprint(const WeirQuery *query);

#endif
