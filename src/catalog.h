/* SPDX-License-Identifier: PostgreSQL
 *
 * A continuous view as the catalog has it: the live table, and what its constraint links it to.
 *
 * Live table -> constraint weir.defined_by(query, closed) -> query view -> stream. Read anew each
 * time, so renames, SET SCHEMA and OWNER TO are followed.
 */
#ifndef WEIR_CATALOG_H
#define WEIR_CATALOG_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "storage/itemptr.h"

typedef struct WeirView
{
	Oid live_oid; /* the view's identity */
	Oid query_oid;
	Oid closed_oid;
	Oid stream_oid;
	Oid owner_oid;                 /* of live table and query */
	TransactionId definition_xmin; /* with _tid: changes when the definition does */
	ItemPointerData definition_tid;
	char *name; /* of the live table, schema-qualified: for messages */
	bool is_enabled;
	bool has_notify;      /* option notify */
	const char *start_at; /* option start_at, see start.h; earliest, if there is none */
	const char *on_late;  /* ... as further options need */
} WeirView;

/* Result: the view, in the current memory context; NULL, and *why says in words, if the relation is no
 * live table or its link is gone. */
extern WeirView *weir_view_read(Oid live_oid, const char **why);

/* Do both have the same owner, definition and closed table, and is the definition the same still? */
extern bool weir_view_is_same(const WeirView *a, const WeirView *b);

/* The live tables of this database whose link leads to this stream; InvalidOid: of all streams. List
 * of WeirView *. */
extern List *weir_views_of_stream(Oid stream_oid);

/* "crypto_daily", its live table or any relation of the view, as a user names it -> live table.
 * Errors if there is none; checks that the current user owns it where `must_own`. */
extern Oid weir_view_resolve(const char *name, bool must_own);

/* The same; InvalidOid if there is none, and any owner will do. */
extern Oid weir_view_find(const char *name);

/* The live table of the view that a relation belongs to: as live table, definition, closed table, or
 * a view over the live table. InvalidOid: it belongs to none. */
extern Oid weir_view_of_relation(Oid relation_oid);

/* The view that unites closed and live rows, by what it reads; if there are several, the one that is
 * named as create_view() names it. InvalidOid: there is none. */
extern Oid weir_view_union(Oid live_oid, Oid closed_oid);

/* Is the relation a foreign table of weir_live? */
extern bool weir_view_is_live(Oid relation_oid);

#endif
