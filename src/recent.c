/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.recent(): the newest messages of a stream; weir.tail(): those that come now.
 *
 * A message that cannot be read and would be among the newest is an error, or is left out and does not
 * take another's place, as the stream's on_error says. The error is raised when all have been read, so
 * that it does not depend on the order in which they arrive.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "definition.h"
#include "flaw.h"
#include "newest.h"
#include "reader.h"
#include "record.h"
#include "setting.h"

PG_FUNCTION_INFO_V1(weir_recent);
PG_FUNCTION_INFO_V1(weir_tail);

/* A stream that a function makes rows of. */
typedef struct Source
{
	Relation rel;
	WeirStream *stream;
	WeirRowMaker *maker;
	MemoryContext row_context; /* of one message */
	Datum *values;
	bool *nulls;
	WeirSkipped skipped;
} Source;

/* A message that may be among the newest. */
typedef struct Kept
{
	int64 time_ms;
	int32 partition;
	int64 offset;
	HeapTuple tuple; /* NULL: it cannot be read */
	WeirMessage message;
	WeirFlaw flaw;
} Kept;

typedef struct Recent
{
	Source source;
	MemoryContext context;
	int count;
	binaryheap *kept; /* the oldest first */
} Recent;

/*
 * The stream
 */

static void
check_rights(Relation rel)
{
	Oid relid = RelationGetRelid(rel);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ALL) == ACLCHECK_OK)
		return;
	aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FOREIGN_TABLE, RelationGetRelationName(rel));
}

/* By the row type of the argument. */
static void
open_source(Source *source, FunctionCallInfo fcinfo)
{
	Oid relid = get_typ_typrelid(get_fn_expr_argtype(fcinfo->flinfo, 0));

	if (!OidIsValid(relid) || !weir_definition_is_stream(relid))
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("argument of weir.%s() must be a row of a stream",
					   get_func_name(fcinfo->flinfo->fn_oid)),
				errhint("Write weir.%s(NULL::ticker, ...), where ticker is a foreign table over a "
						"Kafka topic.",
						get_func_name(fcinfo->flinfo->fn_oid)));
	source->rel = table_open(relid, AccessShareLock);
	check_rights(source->rel);
	source->stream = weir_stream_open(source->rel, GetUserId());
	source->maker = weir_row_maker_create(source->stream, NULL);
	source->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "weir row", ALLOCSET_DEFAULT_SIZES);
	source->values = palloc0_array(Datum, RelationGetNumberOfAttributes(source->rel) + 1);
	source->nulls = palloc_array(bool, RelationGetNumberOfAttributes(source->rel) + 1);
	memset(source->nulls, true, (size_t) RelationGetNumberOfAttributes(source->rel));
}

static void
close_source(Source *source)
{
	weir_flaw_tell(source->stream, &source->skipped);
	table_close(source->rel, AccessShareLock);
}

/* Result: the row, in `context`; NULL and *flaw if the message cannot be read. */
static HeapTuple
make_row(Source *source, const WeirMessage *message, MemoryContext context, WeirFlaw *flaw)
{
	MemoryContext before = MemoryContextSwitchTo(source->row_context);
	bool is_read = weir_record_make(source->maker, source->stream, message, source->values,
									source->nulls, flaw);
	HeapTuple tuple = NULL;

	MemoryContextSwitchTo(context);
	if (is_read)
		tuple = heap_form_tuple(RelationGetDescr(source->rel), source->values, source->nulls);
	MemoryContextSwitchTo(before);
	MemoryContextReset(source->row_context);
	return tuple;
}

/*
 * weir.recent()
 */

/* By time, then partition, then offset. Result: as binaryheap wants it, the older one is greater. */
static int
older_first(Datum a, Datum b, void *argument)
{
	const Kept *left = (const Kept *) DatumGetPointer(a);
	const Kept *right = (const Kept *) DatumGetPointer(b);

	(void) argument;
	if (left->time_ms != right->time_ms)
		return left->time_ms < right->time_ms ? 1 : -1;
	if (left->partition != right->partition)
		return left->partition < right->partition ? 1 : -1;
	return left->offset == right->offset ? 0 : left->offset < right->offset ? 1 : -1;
}

static void
forget(Kept *kept)
{
	if (kept->tuple)
		heap_freetuple(kept->tuple);
	else
		pfree(unconstify(char *, kept->message.payload));
	pfree(kept);
}

/* For the error, which comes later. */
static void
keep_flawed(Recent *recent, Kept *kept, const WeirMessage *message)
{
	char *payload = MemoryContextAlloc(recent->context, message->payload_len + 1);

	if (message->payload_len > 0)
		memcpy(payload, message->payload, message->payload_len);
	kept->message = *message;
	kept->message.payload = payload;
	kept->message.key = NULL;
	kept->message.origin = NULL;
}

static bool
take(void *argument, const WeirMessage *message)
{
	Recent *recent = argument;
	Source *source = &recent->source;
	WeirTimestampType type;
	Kept kept = {.partition = message->partition, .offset = message->offset};
	Kept *entry;

	kept.time_ms = weir_message_timestamp_ms(message, &type);
	if (recent->kept->bh_size == recent->count &&
		older_first(PointerGetDatum(&kept), binaryheap_first(recent->kept), NULL) > 0)
		return true;
	kept.tuple = make_row(source, message, recent->context, &kept.flaw);
	if (kept.tuple == NULL && source->stream->on_error == WEIR_ON_ERROR_SKIP)
	{
		weir_flaw_meet(source->stream, message, &kept.flaw, &source->skipped, recent->context);
		return false;
	}
	if (kept.tuple == NULL)
		keep_flawed(recent, &kept, message);
	if (recent->kept->bh_size == recent->count)
		forget((Kept *) DatumGetPointer(binaryheap_remove_first(recent->kept)));
	entry = MemoryContextAlloc(recent->context, sizeof(Kept));
	*entry = kept;
	binaryheap_add(recent->kept, PointerGetDatum(entry));
	return true;
}

static int64
share(void *argument, int partition_count)
{
	(void) partition_count;
	return ((const Recent *) argument)->count;
}

static void
put_kept(Recent *recent, ReturnSetInfo *result)
{
	while (!binaryheap_empty(recent->kept))
	{
		const Kept *kept = (const Kept *) DatumGetPointer(binaryheap_remove_first(recent->kept));

		if (kept->tuple == NULL)
			weir_flaw_meet(recent->source.stream, &kept->message, &kept->flaw,
						   &recent->source.skipped, recent->context);
		tuplestore_puttuple(result->setResult, kept->tuple);
	}
}

Datum
weir_recent(PG_FUNCTION_ARGS)
{
	Recent recent = {.count = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1)};

	if (recent.count < 0 || recent.count > 1000000)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("number of messages is out of range"),
				errdetail("weir.recent() takes 0 to 1000000."));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	open_source(&recent.source, fcinfo);
	recent.context = CurrentMemoryContext;
	if (recent.count > 0)
	{
		recent.kept = binaryheap_allocate(recent.count, older_first, NULL);
		weir_newest_read(recent.source.stream, share, take, &recent);
		put_kept(&recent, (ReturnSetInfo *) fcinfo->resultinfo);
	}
	close_source(&recent.source);
	return (Datum) 0;
}

/*
 * weir.tail()
 */

/* Milliseconds; a month counts as 30 days. */
static int64
interval_ms(const Interval *interval)
{
	int64 days = (int64) interval->day + (int64) interval->month * DAYS_PER_MONTH;
	int64 ms = interval->time / 1000 + days * SECS_PER_DAY * 1000;

	if (ms < 0 || ms > INT64CONST(86400) * 1000)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("time to wait is out of range"),
				errdetail("weir.tail() waits up to a day."));
	return ms;
}

/* Where each partition begins: as the caller says, or behind what is there now. */
static void
want_new(WeirReader *reader, const WeirTopic *topic, ArrayType *from)
{
	Datum *offsets = NULL;
	bool *nulls = NULL;
	int count = 0;

	if (from != NULL)
		deconstruct_array(from, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &offsets,
						  &nulls, &count);
	for (int i = 0; i < topic->partition_count; i++)
	{
		bool is_given = i < count && !nulls[i];
		int64 first = is_given ? DatumGetInt64(offsets[i]) : topic->ranges[i].stable;

		weir_reader_want(reader, i, Max(first, topic->ranges[i].low), PG_INT64_MAX);
	}
}

static void
put_new(Source *source, WeirReader *reader, TimestampTz until, ReturnSetInfo *result)
{
	MemoryContext context = CurrentMemoryContext;
	const WeirMessage *message = weir_reader_next_until(reader, until);

	for (int64 count = 1; message != NULL; count++)
	{
		WeirFlaw flaw;
		HeapTuple tuple = make_row(source, message, context, &flaw);

		if (tuple == NULL)
			weir_flaw_meet(source->stream, message, &flaw, &source->skipped, context);
		else
		{
			tuplestore_puttuple(result->setResult, tuple);
			heap_freetuple(tuple);
		}
		if (count == weir_max_scan_messages)
			return;
		/* one has come: no more waiting */
		message = weir_reader_next_until(reader, 0);
	}
}

Datum
weir_tail(PG_FUNCTION_ARGS)
{
	Source source = {0};
	TimestampTz until;
	ArrayType *from = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context;
	WeirClient *client;
	WeirReader *reader;
	WeirTopic *topic;

	if (PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("time to wait must not be null"));
	until =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), interval_ms(PG_GETARG_INTERVAL_P(1)));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	context = AllocSetContextCreate(outer, "weir tail", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	open_source(&source, fcinfo);
	client = weir_client_open(source.stream, WEIR_SCOPE_CONSUMER);
	topic = weir_client_describe(client);
	reader = weir_reader_create(source.stream, client, topic->partition_count);
	want_new(reader, topic, from);
	weir_reader_start(reader);
	put_new(&source, reader, until, (ReturnSetInfo *) fcinfo->resultinfo);
	close_source(&source);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context); /* closes the handle */
	return (Datum) 0;
}
