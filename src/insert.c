/* SPDX-License-Identifier: PostgreSQL
 *
 * INSERT into a stream: rows become messages, delivered before the transaction commits.
 *
 * A session keeps its producers, one for each foreign table and user, since opening one costs round
 * trips. A row is handed to librdkafka and sent in the background; before the commit (not at the
 * end of each statement, so that many small inserts in one transaction are fast) all deliveries are
 * waited for, and a failed one aborts the transaction. On an abort what was not yet sent is dropped
 * with the producer.
 *
 * It does not recall messages: a transaction that aborts, or a ROLLBACK TO, may have sent some. A
 * crash between delivery and commit leaves messages without their transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "client.h"
#include "compat.h"
#include "headers.h"
#include "insert.h"
#include "option.h"
#include "writing.h"

#define SERVE_EVERY 256  /* rows */
#define PRODUCERS_KEPT 4 /* idle ones, between transactions */

typedef struct Producer
{
	struct Producer *next; /* most recently used first */
	MemoryContext context; /* holds all of it, and closes the handle */
	Oid user_oid;
	char *signature;    /* changes with the options that the handle depends on */
	WeirStream *stream; /* as of the opening: not for columns, which may have changed since */
	WeirClient *client;
	int partition_count;
	bool is_in_transaction;
} Producer;

/* What one statement needs. */
typedef struct WeirInsert
{
	MemoryContext row_context; /* reset every row */
	Producer *producer;
	WeirStream *stream; /* as of this statement */
	WeirWriting *writing;
	StringInfoData payload;
	bool has_payload_column;
	int64 row_count;
} WeirInsert;

/* What of a row is not in the payload. */
typedef struct Envelope
{
	int32 partition;    /* -1: by key */
	int64 timestamp_ms; /* 0: now */
	char *key;
	size_t key_len;
	char *payload; /* from a column with meta 'payload' */
	size_t payload_len;
	WeirHeader *headers;
	size_t header_count;
} Envelope;

static Producer *producers = NULL;

/*
 * Producers
 */

static void
producer_drop(Producer *producer)
{
	Producer **link = &producers;

	while (*link != producer)
		link = &(*link)->next;
	*link = producer->next;
	MemoryContextDelete(producer->context);
}

static char *
signature_of(const WeirStream *stream)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%u %s %s %s %d", stream->server_oid, stream->server_name, stream->name,
					 stream->topic, stream->timeout_ms);
	for (int i = 0; i < stream->property_count; i++)
		appendStringInfo(&text, "\n%s=%s", stream->properties[i].name, stream->properties[i].value);
	return text.data;
}

static Producer *
producer_find(const WeirStream *stream, Oid user_oid)
{
	char *signature = signature_of(stream);

	for (Producer *producer = producers; producer; producer = producer->next)
		if (producer->stream->relid == stream->relid && producer->user_oid == user_oid &&
			strcmp(producer->signature, signature) == 0)
			return producer;
	return NULL;
}

static void
producer_to_front(Producer *producer)
{
	Producer **link = &producers;

	while (*link != producer)
		link = &(*link)->next;
	*link = producer->next;
	producer->next = producers;
	producers = producer;
}

/* Result: in a context of its own, which outlives the statement once nothing can fail any more. */
static Producer *
producer_open(Relation rel, Oid user_oid)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "weir producer", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	Producer *producer = palloc0_object(Producer);

	producer->context = context;
	producer->user_oid = user_oid;
	producer->stream = weir_stream_open(rel, user_oid);
	producer->signature = signature_of(producer->stream);
	producer->client = weir_client_open(producer->stream, WEIR_SCOPE_PRODUCER);
	producer->partition_count = weir_client_describe(producer->client)->partition_count;
	MemoryContextSetParent(context, TopMemoryContext);
	producer->next = producers;
	producers = producer;
	MemoryContextSwitchTo(before);
	return producer;
}

static Producer *
producer_for(Relation rel, Oid user_oid, const WeirStream *stream)
{
	Producer *producer = producer_find(stream, user_oid);

	if (producer == NULL)
		return producer_open(rel, user_oid);
	producer_to_front(producer);
	return producer;
}

static int64
outstanding(const Producer *producer)
{
	const WeirDelivery *delivery = weir_kafka_delivery(weir_client_kafka(producer->client));

	return delivery->produced - delivery->delivered - delivery->failed;
}

static void
check_deliveries(const Producer *producer)
{
	const WeirDelivery *delivery = weir_kafka_delivery(weir_client_kafka(producer->client));
	char *doing;

	if (delivery->failed == 0)
		return;
	doing = psprintf("delivering messages to topic \"%s\" (" INT64_FORMAT " failed)",
					 producer->stream->topic, delivery->failed);
	if (delivery->first.trouble == WEIR_TROUBLE_TIMEOUT)
		weir_client_time_out(producer->client, doing);
	weir_client_fail(producer->client, &delivery->first, doing);
}

/* PostgreSQL has disarmed statement_timeout when it commits, but waiting for Kafka is the larger part
 * of what an INSERT does. Result: milliseconds left of it, at most `max`; an error when it is over. */
static int
statement_time_left(int max)
{
	TimestampTz deadline;
	long left_ms;

	if (StatementTimeout == 0 || MyBackendType != B_BACKEND)
		return max;
	deadline =
		TimestampTzPlusMilliseconds(GetCurrentStatementStartTimestamp(), (int64) StatementTimeout);
	left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	if (left_ms <= 0)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
						errmsg("canceling statement due to statement timeout")));
	return (int) Min(left_ms, max);
}

/* librdkafka's message.timeout.ms, which is the stream's time-out, bounds the wait. */
static void
flush_deliveries(Producer *producer)
{
	weir_client_serve(producer->client);
	while (outstanding(producer) > 0)
	{
		check_deliveries(producer);
		weir_client_wait(producer->client, statement_time_left(1000));
	}
	check_deliveries(producer);
}

/*
 * The end of the transaction
 */

static void
before_commit(void)
{
	for (Producer *producer = producers; producer; producer = producer->next)
		if (producer->is_in_transaction)
			flush_deliveries(producer);
}

static void
before_prepare(void)
{
	for (Producer *producer = producers; producer; producer = producer->next)
		if (producer->is_in_transaction)
			ereport(
				ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has inserted into foreign table \"%s\"",
						producer->stream->name),
				 errdetail("Messages sent to Kafka cannot wait for COMMIT PREPARED.")));
}

/* After a commit all was delivered. After an abort a producer goes that may have messages on their
 * way, or be of no more use. */
static void
at_end(bool is_commit)
{
	int kept = 0;
	Producer *next;

	for (Producer *producer = producers; producer; producer = next)
	{
		bool was_used = producer->is_in_transaction;

		next = producer->next;
		producer->is_in_transaction = false;
		if ((was_used && !is_commit) || ++kept > PRODUCERS_KEPT)
			producer_drop(producer);
	}
}

static void
on_transaction(XactEvent event, void *arg)
{
	(void) arg;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			before_commit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			before_prepare();
			break;
		case XACT_EVENT_COMMIT:
			at_end(true);
			break;
		case XACT_EVENT_ABORT:
			at_end(false);
			break;
		default:
			break;
	}
}

static void
watch_transactions(void)
{
	static bool is_watching = false;

	if (is_watching)
		return;
	RegisterXactCallback(on_transaction, NULL);
	is_watching = true;
}

/*
 * A statement
 */

void
weir_insert_begin(ModifyTableState *mtstate, ResultRelInfo *result_rel)
{
	EState *estate = mtstate->ps.state;
	Relation rel = result_rel->ri_RelationDesc;
	Oid user_oid = weir_insert_user(result_rel, estate);
	WeirInsert *insert = palloc0_object(WeirInsert);

	watch_transactions();
	insert->stream = weir_stream_open(rel, user_oid);
	insert->producer = producer_for(rel, user_oid, insert->stream);
	insert->writing = weir_writing_create(insert->stream);
	insert->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "weir insert row", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&insert->payload);
	for (int i = 0; i < insert->stream->column_count; i++)
		if (insert->stream->columns[i].meta == WEIR_META_PAYLOAD)
			insert->has_payload_column = true;
	result_rel->ri_FdwState = insert;
}

void
weir_insert_begin_modify(ModifyTableState *mtstate, ResultRelInfo *result_rel, List *fdw_private,
						 int subplan_index, int eflags)
{
	(void) fdw_private;
	(void) subplan_index;
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		weir_insert_begin(mtstate, result_rel);
}

void
weir_insert_end(EState *estate, ResultRelInfo *result_rel)
{
	WeirInsert *insert = result_rel->ri_FdwState;

	(void) estate;
	if (insert == NULL)
		return;
	weir_client_serve(insert->producer->client);
	check_deliveries(insert->producer);
}

/*
 * A row
 */

static void
refuse_column(const WeirInsert *insert, const WeirColumn *column, int sqlstate, const char *why)
{
	ereport(ERROR, (errcode(sqlstate),
					errmsg("cannot insert into column \"%s\" of foreign table \"%s\"", column->name,
						   insert->stream->name),
					errdetail_internal("%s", why)));
}

static char *
bytes_of(const WeirColumn *column, Datum datum, size_t *len)
{
	char *string;

	if (column->type_oid == BYTEAOID)
	{
		bytea *bytes = DatumGetByteaPP(datum);

		*len = VARSIZE_ANY_EXHDR(bytes);
		return VARDATA_ANY(bytes);
	}
	if (column->type_oid == JSONBOID)
		string = DatumGetCString(DirectFunctionCall1(jsonb_out, datum));
	else
		string = TextDatumGetCString(datum);
	string = pg_server_to_any(string, (int) strlen(string), PG_UTF8);
	*len = strlen(string);
	return string;
}

static int32
partition_of(const WeirInsert *insert, const WeirColumn *column, Datum datum)
{
	Producer *producer = insert->producer;
	int64 partition = column->type_oid == INT4OID ? DatumGetInt32(datum) : DatumGetInt64(datum);

	/* The topic may have grown since. */
	if (partition >= producer->partition_count)
		producer->partition_count = weir_client_describe(producer->client)->partition_count;
	if (partition < 0 || partition >= producer->partition_count)
		refuse_column(insert, column, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
					  psprintf("Topic \"%s\" has no partition " INT64_FORMAT
							   "; its partitions are 0 to %d.",
							   insert->stream->topic, partition, producer->partition_count - 1));
	return (int32) partition;
}

static int64
timestamp_of(const WeirInsert *insert, const WeirColumn *column, Datum datum)
{
	const int64 epoch_ms = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY * 1000;
	TimestampTz timestamp = DatumGetTimestampTz(datum);
	int64 timestamp_ms;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		refuse_column(insert, column, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
					  "A message's timestamp is finite.");
	timestamp_ms = timestamp / 1000 - (timestamp % 1000 < 0) + epoch_ms;
	if (timestamp_ms <= 0)
		refuse_column(insert, column, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
					  "A message's timestamp is later than 1970-01-01 UTC.");
	return timestamp_ms;
}

static void
fill_envelope(const WeirInsert *insert, const WeirColumn *column, Datum datum, Envelope *envelope)
{
	switch (column->meta)
	{
		case WEIR_META_KEY:
			envelope->key = bytes_of(column, datum, &envelope->key_len);
			break;
		case WEIR_META_PARTITION:
			envelope->partition = partition_of(insert, column, datum);
			break;
		case WEIR_META_TIMESTAMP:
			envelope->timestamp_ms = timestamp_of(insert, column, datum);
			break;
		case WEIR_META_PAYLOAD:
			envelope->payload = bytes_of(column, datum, &envelope->payload_len);
			break;
		case WEIR_META_TOPIC:
			if (strcmp(TextDatumGetCString(datum), insert->stream->topic) != 0)
				refuse_column(
					insert, column, ERRCODE_INVALID_PARAMETER_VALUE,
					psprintf("Messages of this table go to topic \"%s\".", insert->stream->topic));
			break;
		case WEIR_META_OFFSET:
		case WEIR_META_TIMESTAMP_TYPE:
			refuse_column(insert, column, ERRCODE_GENERATED_ALWAYS, "Kafka assigns it.");
			break;
		case WEIR_META_HEADERS:
			envelope->headers =
				weir_headers_read(insert->stream, column, datum, &envelope->header_count);
			break;
		case WEIR_META_ERROR:
			refuse_column(insert, column, ERRCODE_GENERATED_ALWAYS,
						  "It says what is wrong with a message that is read.");
			break;
		case WEIR_META_NONE:
		case WEIR_META_COUNT:
			pg_unreachable();
	}
}

/* The payload: from its own column, or the other columns in the stream's format. With a payload column, a row
 * of NULLs is a tombstone. */
static void
fill_payload(WeirInsert *insert, const TupleTableSlot *slot, bool has_values, Envelope *envelope)
{
	if (envelope->payload && has_values)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot insert both a payload and columns of it into foreign table \"%s\"",
						insert->stream->name),
				 errhint("Give the column with meta 'payload' or the others, not both.")));
	if (envelope->payload || (insert->has_payload_column && !has_values))
		return;
	resetStringInfo(&insert->payload);
	if (!weir_writing_run(insert->writing, slot->tts_values, slot->tts_isnull, &insert->payload))
		return;
	envelope->payload = insert->payload.data;
	envelope->payload_len = (size_t) insert->payload.len;
}

static Envelope
make_envelope(WeirInsert *insert, const TupleTableSlot *slot)
{
	Envelope envelope = {.partition = -1};
	bool has_values = false;

	for (int i = 0; i < insert->stream->column_count; i++)
	{
		const WeirColumn *column = &insert->stream->columns[i];

		if (slot->tts_isnull[column->attnum - 1])
			continue;
		if (column->meta == WEIR_META_NONE)
			has_values = true;
		else
			fill_envelope(insert, column, slot->tts_values[column->attnum - 1], &envelope);
	}
	fill_payload(insert, slot, has_values, &envelope);
	return envelope;
}

static void
send(const WeirInsert *insert, const Envelope *envelope)
{
	Producer *producer = insert->producer;
	WeirFault fault;

	producer->is_in_transaction = true;
	while (!weir_kafka_produce(weir_client_kafka(producer->client), insert->stream->topic,
							   envelope->partition, envelope->timestamp_ms, envelope->key,
							   envelope->key_len, envelope->payload, envelope->payload_len,
							   envelope->headers, envelope->header_count, &fault))
	{
		if (fault.trouble != WEIR_TROUBLE_TIMEOUT)
			weir_client_fail(producer->client, &fault, NULL);
		/* the local queue is full */
		weir_client_wait(producer->client, 1000);
		check_deliveries(producer);
	}
}

TupleTableSlot *
weir_insert_row(EState *estate, ResultRelInfo *result_rel, TupleTableSlot *slot,
				TupleTableSlot *plan_slot)
{
	WeirInsert *insert = result_rel->ri_FdwState;
	MemoryContext before;
	Envelope envelope;

	(void) estate;
	(void) plan_slot;
	slot_getallattrs(slot);
	MemoryContextReset(insert->row_context);
	before = MemoryContextSwitchTo(insert->row_context);
	envelope = make_envelope(insert, slot);
	send(insert, &envelope);
	MemoryContextSwitchTo(before);
	if (++insert->row_count % SERVE_EVERY == 0)
	{
		weir_client_serve(insert->producer->client);
		check_deliveries(insert->producer);
	}
	return slot;
}

void
weir_insert_explain(ModifyTableState *mtstate, ResultRelInfo *result_rel, List *fdw_private,
					int subplan_index, ExplainState *es)
{
	Oid relid = RelationGetRelid(result_rel->ri_RelationDesc);
	const char *topic = weir_option_get(GetForeignTable(relid)->options, "topic");

	(void) mtstate;
	(void) fdw_private;
	(void) subplan_index;
	if (topic)
		ExplainPropertyText("Kafka Topic", topic, es);
}
