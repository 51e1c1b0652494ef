/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.topics(): what there is on a Kafka cluster, a row for each topic.
 *
 * One request for the names, two for the ends of all partitions of a broker, and the last message of each
 * partition for its timestamp. A partition that cannot be asked is told as NULL; it does not keep the
 * others from being told.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "client.h"
#include "compat.h"

#define EPOCH_MS ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY * 1000)

PG_FUNCTION_INFO_V1(weir_topics);

/* One end of the partitions, by number. */
static Datum
ends(const WeirListed *topic, bool is_low)
{
	Datum *values = palloc_array(Datum, topic->partition_count + 1);
	bool *nulls = palloc_array(bool, topic->partition_count + 1);
	int dimension = topic->partition_count;
	int lower = 1;

	for (int i = 0; i < topic->partition_count; i++)
	{
		const WeirRange *range = &topic->ranges[i];

		nulls[i] = !range->is_known;
		values[i] = Int64GetDatum(is_low ? range->low : range->stable);
	}
	if (dimension == 0)
		return PointerGetDatum(construct_empty_array(INT8OID));
	return PointerGetDatum(construct_md_array(values, nulls, 1, &dimension, &lower, INT8OID,
											  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Result: false if some partition is not known. */
static bool
count_messages(const WeirListed *topic, int64 *count)
{
	*count = 0;
	for (int i = 0; i < topic->partition_count; i++)
	{
		if (!topic->ranges[i].is_known)
			return false;
		*count += topic->ranges[i].stable - topic->ranges[i].low;
	}
	return true;
}

/* A producer may give any number. Result: false if there is no time to show. */
static bool
find_newest(const WeirListed *topic, TimestampTz *newest)
{
	int64 newest_ms = -1;

	for (int i = 0; i < topic->partition_count; i++)
		newest_ms = Max(newest_ms, topic->ranges[i].newest_ms);
	if (newest_ms < 0 || newest_ms - EPOCH_MS >= END_TIMESTAMP / 1000)
		return false;
	*newest = (newest_ms - EPOCH_MS) * 1000;
	return true;
}

static void
put_topic(ReturnSetInfo *result, const WeirListed *topic)
{
	Datum values[6];
	bool nulls[6] = {false};
	int64 count;
	TimestampTz newest = 0;

	values[0] = CStringGetTextDatum(topic->name);
	values[1] = Int32GetDatum(topic->partition_count);
	nulls[2] = !count_messages(topic, &count);
	values[2] = Int64GetDatum(count);
	values[3] = ends(topic, true);
	values[4] = ends(topic, false);
	nulls[5] = !find_newest(topic, &newest);
	values[5] = TimestampTzGetDatum(newest);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
weir_topics(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *server_name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "weir topics", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before;
	WeirStream *stream;
	WeirList *list;

	InitMaterializedSRF(fcinfo, 0);
	before = MemoryContextSwitchTo(context);
	stream = weir_stream_open_topic(server_name, "*", GetUserId());
	list = weir_client_list(weir_client_open(stream, WEIR_SCOPE_CONSUMER), true);
	for (int i = 0; i < list->count; i++)
		put_topic(result, &list->topics[i]);
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context); /* closes the handle */
	return (Datum) 0;
}
