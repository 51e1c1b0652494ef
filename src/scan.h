/* SPDX-License-Identifier: PostgreSQL
 *
 * SELECT from a stream: the executor's side of a foreign scan.
 */
#ifndef WEIR_SCAN_H
#define WEIR_SCAN_H

#include "postgres.h"

#include "nodes/execnodes.h"

#include "compat.h"

/* The list in ForeignScan.fdw_private. fdw_exprs holds the conditions that weir_range_takes(). */
typedef enum WeirScanPrivate
{
	WEIR_SCAN_PRIVATE_ATTNUMS,  /* integer list: the columns that the query uses */
	WEIR_SCAN_PRIVATE_HAS_LIMIT /* Boolean: it ends early by itself */
} WeirScanPrivate;

extern void weir_scan_begin(ForeignScanState *node, int eflags);
extern TupleTableSlot *weir_scan_next(ForeignScanState *node);
extern void weir_scan_again(ForeignScanState *node);
extern void weir_scan_end(ForeignScanState *node);
extern void weir_scan_explain(ForeignScanState *node, ExplainState *es);

#endif
