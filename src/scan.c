/* SPDX-License-Identifier: PostgreSQL
 *
 * SELECT from a stream: the executor's side of a foreign scan.
 *
 * A scan has a start: at its first row it asks for the low end and the last stable offset of every
 * partition, and then reads exactly what lies between, in whatever order the partitions arrive. It
 * never ends early by itself: a partition is done when a message or an end-of-partition note at or
 * beyond its end was seen, so commit markers at the end do not hang it, and a slow broker is an
 * error with the position in it, never fewer rows.
 *
 * Rows are made in the executor's per-tuple context. The handle lives in a context of the scan and
 * closes with it, on errors too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/timestamp.h"

#include "client.h"
#include "compat.h"
#include "range.h"
#include "row.h"
#include "scan.h"
#include "setting.h"

/* ctid: partition rank in the high bits, offset - low end in the low bits of 48. */
#define RANK_BITS 12
#define DISTANCE_BITS 36

typedef struct PartitionScan
{
	int64 low;  /* low end at scan start: what ctid counts from */
	int64 next; /* the next offset wanted */
	int64 end;  /* the first one not wanted */
	bool is_done;
} PartitionScan;

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
	WeirClient *client; /* NULL: not started, or ended */
	WeirTopic *topic;   /* kept over rescans: one statement has one start */
	PartitionScan *partitions;
	int open_count; /* partitions not done */
	const WeirMessage *batch;
	int batch_count;
	int batch_next;
	TimestampTz deadline; /* of the next message; 0: not waiting */

	/* told by EXPLAIN */
	int64 read_count;
	int64 read_bytes;
	int64 skipped_count;
	char *skipped_first; /* why and where */
} WeirScan;

/*
 * Beginning
 */

/* Which messages are skipped must not depend on the columns that a query happens to use: then, and for
 * a whole row, all are made. Result: their attribute numbers, NULL for all. */
static Bitmapset *
used_columns(const WeirStream *stream, List *attnums)
{
	Bitmapset *used = bms_make_singleton(0); /* never NULL, which means all */
	ListCell *cell;

	if (stream->on_error == WEIR_ON_ERROR_SKIP || list_member_int(attnums, 0))
		return NULL;
	foreach (cell, attnums)
		used = bms_add_member(used, lfirst_int(cell));
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
	int64 estimate = 0;

	if (weir_max_scan_messages == 0 || scan->has_limit)
		return;
	for (int i = 0; i < scan->topic->partition_count; i++)
		if (!scan->partitions[i].is_done)
			estimate += scan->partitions[i].end - scan->partitions[i].next;
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
	PartitionScan *partition = &scan->partitions[range->partition];
	WeirBounds bounds = weir_range_of_partition(scan->ranges, range->partition);

	partition->low = range->low;
	partition->next = Max(range->low, bounds.first);
	partition->end = Min(range->stable, bounds.end);
	partition->is_done = bounds.is_empty || partition->next >= partition->end;
	if (partition->is_done)
		return;
	scan->open_count++;
	if (partition->end - partition->low > INT64CONST(1) << DISTANCE_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("partition %d of topic \"%s\" has more offsets than a scan can number",
						range->partition, scan->stream->topic)));
}

static void
start(ForeignScanState *node, WeirScan *scan)
{
	MemoryContext before = MemoryContextSwitchTo(scan->run_context);
	WeirFault fault;

	scan->client = weir_client_open(scan->stream, WEIR_SCOPE_CONSUMER);
	if (scan->topic == NULL)
	{
		MemoryContextSwitchTo(scan->context);
		scan->topic = weir_client_describe(scan->client);
		MemoryContextSwitchTo(scan->run_context);
	}
	if (scan->topic->partition_count > 1 << RANK_BITS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("topic \"%s\" has more partitions than a scan can number",
							   scan->stream->topic),
						errdetail("It has %d; %d can be numbered.", scan->topic->partition_count,
								  1 << RANK_BITS)));
	weir_range_evaluate(scan->ranges, node->ss.ps.ps_ExprContext);
	scan->partitions = palloc0_array(PartitionScan, scan->topic->partition_count);
	scan->open_count = 0;
	for (int i = 0; i < scan->topic->partition_count; i++)
		open_partition(scan, &scan->topic->ranges[i]);
	check_limit(scan);
	for (int i = 0; i < scan->topic->partition_count; i++)
		if (!scan->partitions[i].is_done &&
			!weir_kafka_start(weir_client_kafka(scan->client), scan->stream->topic, i,
							  scan->partitions[i].next, &fault))
			weir_client_fail(scan->client, &fault, NULL);
	MemoryContextSwitchTo(before);
}

static void
stop(WeirScan *scan)
{
	MemoryContextReset(scan->run_context); /* closes the handle */
	scan->client = NULL;
	scan->batch_count = scan->batch_next = 0;
	scan->deadline = 0;
}

/*
 * The next message
 */

static const char *
describe_position(const WeirScan *scan, int32 partition)
{
	for (int i = 0; partition < 0 && i < scan->topic->partition_count; i++)
		if (!scan->partitions[i].is_done)
			partition = i;
	if (partition < 0)
		return psprintf("reading topic \"%s\"", scan->stream->topic);
	return psprintf("reading partition %d of topic \"%s\" at offset " INT64_FORMAT
					", before its end at " INT64_FORMAT,
					partition, scan->stream->topic, scan->partitions[partition].next,
					scan->partitions[partition].end);
}

/* librdkafka tries again by itself: the wait's time-out decides. */
static bool
is_passing(WeirTrouble trouble)
{
	switch (trouble)
	{
		case WEIR_TROUBLE_UNREACHABLE:
		case WEIR_TROUBLE_NO_LEADER:
		case WEIR_TROUBLE_TIMEOUT:
			return true;
		default:
			return false;
	}
}

static void
wait_for_batch(WeirScan *scan)
{
	WeirKafka *kafka = weir_client_kafka(scan->client);

	/* Threads that sleep beside work are woken: soon, then more and more seldom. */
	for (int wait_ms = 5;; wait_ms = Min(wait_ms * 2, 1000))
	{
		long left_ms;

		weir_client_serve(scan->client);
		scan->batch_next = 0;
		scan->batch_count = weir_kafka_fetch(kafka, WEIR_FETCH_MAX, &scan->batch);
		if (scan->batch_count > 0)
			return;
		if (weir_kafka_is_hopeless(kafka))
			weir_client_fail(scan->client, weir_kafka_fault(kafka), describe_position(scan, -1));
		if (scan->deadline == 0)
			scan->deadline =
				TimestampTzPlusMilliseconds(GetCurrentTimestamp(), scan->stream->timeout_ms);
		left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), scan->deadline);
		if (left_ms <= 0)
			weir_client_time_out(scan->client, describe_position(scan, -1));
		weir_client_wait(scan->client, (int) Min(left_ms, wait_ms));
		weir_kafka_wake(kafka);
	}
}

static void
reach(WeirScan *scan, PartitionScan *partition, int64 offset)
{
	scan->deadline = 0; /* progress; a note of a fault is none */
	partition->next = offset;
	if (offset < partition->end || partition->is_done)
		return;
	partition->is_done = true;
	scan->open_count--;
}

/* Result: the next message of the scan, or NULL at its end. */
static const WeirMessage *
next_message(WeirScan *scan)
{
	while (scan->open_count > 0)
	{
		const WeirMessage *message;
		PartitionScan *partition;

		if (scan->batch_next == scan->batch_count)
		{
			CHECK_FOR_INTERRUPTS();
			wait_for_batch(scan);
		}
		message = &scan->batch[scan->batch_next++];
		if (message->arrival == WEIR_ARRIVAL_FAULT)
		{
			const WeirFault *fault = weir_kafka_fault(weir_client_kafka(scan->client));

			if (!is_passing(fault->trouble))
				weir_client_fail(scan->client, fault, describe_position(scan, message->partition));
			continue;
		}
		if (message->partition < 0 || message->partition >= scan->topic->partition_count)
			continue;
		partition = &scan->partitions[message->partition];
		if (partition->is_done)
			continue;
		if (message->arrival == WEIR_ARRIVAL_END)
		{
			reach(scan, partition, message->offset);
			continue;
		}
		if (message->offset >= partition->end)
		{
			reach(scan, partition, message->offset);
			continue;
		}
		reach(scan, partition, message->offset + 1);
		return message;
	}
	return NULL;
}

/*
 * From message to row
 */

static bool
make_row(WeirScan *scan, const WeirMessage *message, TupleTableSlot *slot, WeirFlaw *flaw)
{
	return weir_row_begin(scan->maker, message, flaw) &&
		   weir_row_fill(scan->maker, message, 0, slot->tts_values, slot->tts_isnull, flaw) ==
			   weir_row_maker_count(scan->maker);
}

/* A few bytes around the place, in ASCII. */
static char *
excerpt(const WeirMessage *message, uint32 place)
{
	size_t from = place > 20 ? place - 20 : 0;
	size_t to = Min(message->payload_len, from + 40);
	StringInfoData text;

	initStringInfo(&text);
	if (from > 0)
		appendStringInfoString(&text, "...");
	for (size_t i = from; i < to; i++)
	{
		unsigned char c = (unsigned char) message->payload[i];

		if (c >= 0x20 && c < 0x7f)
			appendStringInfoChar(&text, (char) c);
		else
			appendStringInfo(&text, "\\x%02x", c);
	}
	if (to < message->payload_len)
		appendStringInfoString(&text, "...");
	return text.data;
}

/* A view may show its users less than the message holds. */
static bool
may_see_payload(const WeirScan *scan)
{
	return pg_class_aclcheck(scan->stream->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static char *
describe_message(const WeirScan *scan, const WeirMessage *message, const WeirFlaw *flaw)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Topic \"%s\", partition %d, offset " INT64_FORMAT, scan->stream->topic,
					 message->partition, message->offset);
	if (!flaw->has_place || message->payload_len == 0)
		appendStringInfoChar(&text, '.');
	else if (!may_see_payload(scan))
		appendStringInfo(&text, ", byte %u.", flaw->place);
	else
		appendStringInfo(&text, ", byte %u: %s", flaw->place, excerpt(message, flaw->place));
	return text.data;
}

static void
refuse(const WeirScan *scan, const WeirMessage *message, const WeirFlaw *flaw)
{
	char *where = describe_message(scan, message, flaw);

	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_ERROR),
		 flaw->column
			 ? errmsg("cannot read column \"%s\" of foreign table \"%s\": %s", flaw->column->name,
					  scan->stream->name, weir_reason_text(flaw->reason))
			 : errmsg("cannot decode message of foreign table \"%s\": %s", scan->stream->name,
					  weir_reason_text(flaw->reason)),
		 errdetail_internal("%s", where),
		 errhint("To leave such messages out and count them, set option on_error of the foreign "
				 "table to 'skip'.")));
}

static void
skip(WeirScan *scan, const WeirMessage *message, const WeirFlaw *flaw)
{
	const char *what;

	if (scan->skipped_count++ > 0)
		return;
	what = flaw->column ? psprintf("column \"%s\": ", flaw->column->name) : "";
	scan->skipped_first = MemoryContextStrdup(
		scan->context, psprintf("The first, %s%s. %s", what, weir_reason_text(flaw->reason),
								describe_message(scan, message, flaw)));
}

static void
set_ctid(const WeirScan *scan, const WeirMessage *message, TupleTableSlot *slot)
{
	uint64 rank = (uint64) message->partition; /* one topic: the rank is the number */
	uint64 distance = (uint64) (message->offset - scan->partitions[message->partition].low);
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

static void
tell_skipped(WeirScan *scan)
{
	if (scan->skipped_first == NULL)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg_plural(
				 "left out " INT64_FORMAT " message of foreign table \"%s\" that cannot be read",
				 "left out " INT64_FORMAT " messages of foreign table \"%s\" that cannot be read",
				 (unsigned long) scan->skipped_count, scan->skipped_count, scan->stream->name),
			 errdetail_internal("%s", scan->skipped_first)));
	scan->skipped_first = NULL;
}

TupleTableSlot *
weir_scan_next(ForeignScanState *node)
{
	WeirScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	const WeirMessage *message;
	WeirFlaw flaw;

	ExecClearTuple(slot);
	if (scan->client == NULL)
		start(node, scan);
	while ((message = next_message(scan)) != NULL)
	{
		count_message(scan, message);
		if (likely(make_row(scan, message, slot, &flaw)))
		{
			set_ctid(scan, message, slot);
			return ExecStoreVirtualTuple(slot);
		}
		if (scan->stream->on_error == WEIR_ON_ERROR_STOP)
			refuse(scan, message, &flaw);
		skip(scan, message, &flaw);
		ResetExprContext(node->ss.ps.ps_ExprContext);
	}
	tell_skipped(scan);
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
	tell_skipped(scan);
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
		ExplainPropertyInteger("Messages Skipped", NULL, scan->skipped_count, es);
}
