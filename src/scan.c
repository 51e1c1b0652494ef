/* SPDX-License-Identifier: PostgreSQL
 *
 * SELECT from a stream: the executor's side of a foreign scan.
 *
 * A scan has a start: at its first row it asks for the low end and the last stable offset of every
 * partition, and then reads exactly what lies between, in whatever order the partitions arrive.
 *
 * Rows are made in the executor's per-tuple context. The handle lives in a context of the scan and
 * closes with it, on errors too.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "client.h"
#include "compat.h"
#include "flaw.h"
#include "range.h"
#include "reader.h"
#include "record.h"
#include "row.h"
#include "scan.h"
#include "setting.h"

/* ctid: partition rank in the high bits, offset - low end in the low bits of 48. */
#define RANK_BITS 12
#define DISTANCE_BITS 36

typedef struct WeirScan
{
	MemoryContext context;     /* the scan's own */
	MemoryContext run_context; /* from one start to the next */
	WeirStream *stream;
	WeirRangeSet *ranges;
	bool has_limit;

	/* what to make of a message */
	WeirRowMaker *maker;

	/* since the first row */
	WeirTopic *topic;   /* kept over rescans */
	WeirReader *reader; /* NULL: not started, or ended */

	/* told by EXPLAIN */
	int64 read_count;
	int64 read_bytes;
	WeirSkipped skipped;
} WeirScan;

/*
 * Beginning
 */

/* Which messages are skipped, or what is said of them, must not depend on the columns that a query
 * happens to use: then, and for a whole row, all are made. Result: their attribute numbers, NULL for all. */
static Bitmapset *
used_columns(const WeirStream *stream, List *attnums)
{
	Bitmapset *used = bms_make_singleton(0); /* never NULL, which means all */
	ListCell *cell;

	if (stream->on_error == WEIR_ON_ERROR_SKIP || list_member_int(attnums, 0))
		return NULL;
	foreach (cell, attnums)
		used = bms_add_member(used, lfirst_int(cell));
	for (int i = 0; i < stream->column_count; i++)
		if (stream->columns[i].meta == WEIR_META_ERROR &&
			bms_is_member(stream->columns[i].attnum, used))
			return NULL;
	return used;
}

void
weir_scan_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	Relation rel = node->ss.ss_currentRelation;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	MemoryContext context;
	MemoryContext before;
	WeirScan *scan;

	context = AllocSetContextCreate(estate->es_query_cxt, "weir scan", ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(context);
	scan = palloc0_object(WeirScan);
	scan->context = context;
	scan->run_context = AllocSetContextCreate(context, "weir scan run", ALLOCSET_SMALL_SIZES);
	scan->stream = weir_stream_open(rel, weir_scan_user(node));
	scan->ranges = weir_range_compile(scan->stream, plan->fdw_exprs, &node->ss.ps);
	scan->has_limit = boolVal(list_nth(plan->fdw_private, WEIR_SCAN_PRIVATE_HAS_LIMIT));
	scan->maker = weir_row_maker_create(
		scan->stream,
		used_columns(scan->stream, list_nth(plan->fdw_private, WEIR_SCAN_PRIVATE_ATTNUMS)));
	memset(slot->tts_isnull, true, (size_t) slot->tts_tupleDescriptor->natts);
	MemoryContextSwitchTo(before);
	node->fdw_state = scan;
	(void) eflags;
}

/*
 * Starting: at the first row, or again after a rescan
 */

static void
check_limit(const WeirScan *scan)
{
	int64 estimate = weir_reader_wanted(scan->reader);

	if (weir_max_scan_messages == 0 || scan->has_limit)
		return;
	if (estimate > weir_max_scan_messages)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("scan of foreign table \"%s\" would read about " INT64_FORMAT " messages",
						scan->stream->name, estimate),
				 errdetail("weir.max_scan_messages is %d.", weir_max_scan_messages),
				 errhint("Narrow the query by columns with meta 'partition' and 'offset', add a "
						 "LIMIT, or raise weir.max_scan_messages (0 means no limit).")));
}

static void
open_partition(WeirScan *scan, const WeirRange *range)
{
	WeirBounds bounds = weir_range_of_partition(scan->ranges, range->partition);
	int64 first = Max(range->low, bounds.first);
	int64 end = Min(range->stable, bounds.end);

	if (bounds.is_empty || first >= end)
		return;
	weir_reader_want(scan->reader, range->partition, first, end);
	if (end - range->low > INT64CONST(1) << DISTANCE_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("partition %d of topic \"%s\" has more offsets than a scan can number",
						range->partition, scan->stream->topic)));
}

/* Asked for once: one statement has one start. */
static void
describe_topic(WeirScan *scan, WeirClient *client)
{
	MemoryContext before = MemoryContextSwitchTo(scan->context);

	if (scan->topic == NULL)
		scan->topic = weir_client_describe(client);
	MemoryContextSwitchTo(before);
	if (scan->topic->partition_count > 1 << RANK_BITS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("topic \"%s\" has more partitions than a scan can number",
							   scan->stream->topic),
						errdetail("It has %d; %d can be numbered.", scan->topic->partition_count,
								  1 << RANK_BITS)));
}

static void
start(ForeignScanState *node, WeirScan *scan)
{
	MemoryContext before = MemoryContextSwitchTo(scan->run_context);
	WeirClient *client = weir_client_open(scan->stream, WEIR_SCOPE_CONSUMER);

	describe_topic(scan, client);
	weir_range_evaluate(scan->ranges, node->ss.ps.ps_ExprContext);
	scan->reader = weir_reader_create(scan->stream, client, scan->topic->partition_count);
	for (int i = 0; i < scan->topic->partition_count; i++)
		open_partition(scan, &scan->topic->ranges[i]);
	check_limit(scan);
	weir_reader_start(scan->reader);
	MemoryContextSwitchTo(before);
}

static void
stop(WeirScan *scan)
{
	MemoryContextReset(scan->run_context); /* closes the handle */
	scan->reader = NULL;
}

/*
 * From message to row
 */

static void
set_ctid(const WeirScan *scan, const WeirMessage *message, TupleTableSlot *slot)
{
	uint64 rank = (uint64) message->partition; /* one topic: the rank is the number */
	uint64 distance = (uint64) (message->offset - scan->topic->ranges[message->partition].low);
	uint64 ctid = rank << DISTANCE_BITS | distance;

	ItemPointerSet(&slot->tts_tid, (BlockNumber) (ctid >> 16), (OffsetNumber) (ctid & 0xffff));
}

static void
count_message(WeirScan *scan, const WeirMessage *message)
{
	scan->read_count++;
	scan->read_bytes += (int64) message->payload_len;
	if (unlikely(weir_max_scan_messages > 0 && scan->read_count > weir_max_scan_messages))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("scan of foreign table \"%s\" has read more than weir.max_scan_messages",
						scan->stream->name),
				 errdetail("weir.max_scan_messages is %d.", weir_max_scan_messages),
				 errhint("Narrow the query by columns with meta 'partition' and 'offset', or raise "
						 "weir.max_scan_messages (0 means no limit).")));
}

TupleTableSlot *
weir_scan_next(ForeignScanState *node)
{
	WeirScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	const WeirMessage *message;
	WeirFlaw flaw;

	ExecClearTuple(slot);
	if (scan->reader == NULL)
		start(node, scan);
	while ((message = weir_reader_next(scan->reader)) != NULL)
	{
		count_message(scan, message);
		if (likely(weir_record_make(scan->maker, scan->stream, message, slot->tts_values,
									slot->tts_isnull, &flaw)))
		{
			set_ctid(scan, message, slot);
			return ExecStoreVirtualTuple(slot);
		}
		weir_flaw_meet(scan->stream, message, &flaw, &scan->skipped, scan->context);
		ResetExprContext(node->ss.ps.ps_ExprContext);
	}
	weir_flaw_tell(scan->stream, &scan->skipped);
	return slot;
}

void
weir_scan_again(ForeignScanState *node)
{
	stop(node->fdw_state);
}

void
weir_scan_end(ForeignScanState *node)
{
	WeirScan *scan = node->fdw_state;

	if (scan == NULL)
		return;
	weir_flaw_tell(scan->stream, &scan->skipped);
	stop(scan);
	MemoryContextDelete(scan->context);
}

/*
 * EXPLAIN
 */

void
weir_scan_explain(ForeignScanState *node, ExplainState *es)
{
	WeirScan *scan = node->fdw_state;
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;

	ExplainPropertyText("Kafka Topic", scan->stream->topic, es);
	if (plan->fdw_exprs != NIL)
	{
		List *context = set_deparse_context_plan(es->deparse_cxt, (Plan *) plan, NIL);
		Node *all = (Node *) make_ands_explicit(plan->fdw_exprs);

		ExplainPropertyText("Kafka Range", deparse_expression(all, context, es->verbose, false),
							es);
	}
	if (!es->analyze)
		return;
	ExplainPropertyInteger("Messages Read", NULL, scan->read_count, es);
	ExplainPropertyInteger("Bytes Read", NULL, scan->read_bytes, es);
	if (scan->stream->on_error == WEIR_ON_ERROR_SKIP)
		ExplainPropertyInteger("Messages Skipped", NULL, scan->skipped.count, es);
}
