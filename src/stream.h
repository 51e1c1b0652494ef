/* SPDX-License-Identifier: PostgreSQL
 *
 * A stream as the catalog has it: the options of a foreign table, its server and the user mapping,
 * resolved into plain fields. Read once per scan or insert; kept by nobody.
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"

#include "decode.h"
#include "kafka.h"
#include "reading.h"

/* Where a column's value comes from. */
typedef enum WeirMeta
{
	WEIR_META_NONE = 0, /* from the payload */
	WEIR_META_TOPIC,
	WEIR_META_PARTITION,
	WEIR_META_OFFSET,
	WEIR_META_TIMESTAMP,
	WEIR_META_TIMESTAMP_TYPE,
	WEIR_META_KEY,
	WEIR_META_HEADERS,
	WEIR_META_PAYLOAD,
	WEIR_META_ERROR, /* why the message cannot be read: not Kafka's, ours */
	WEIR_META_COUNT
} WeirMeta;

typedef enum WeirOnError
{
	WEIR_ON_ERROR_STOP = 0, /* a bad message ends the scan with an error */
	WEIR_ON_ERROR_SKIP,     /* it is left out and counted */
	WEIR_ON_ERROR_ROW       /* it is a row, with its error in a column */
} WeirOnError;

typedef enum WeirOnLate
{
	WEIR_ON_LATE_REJECT = 0,
	WEIR_ON_LATE_DISCARD
} WeirOnLate;

typedef enum WeirOnDataLoss
{
	WEIR_ON_DATA_LOSS_STOP = 0,
	WEIR_ON_DATA_LOSS_CONTINUE
} WeirOnDataLoss;

/* What an array is made of. */
typedef struct WeirElement
{
	Oid type_oid;
	WeirType type;
	int16 len;
	bool is_by_value;
	char align;
} WeirElement;

typedef struct WeirColumn
{
	AttrNumber attnum;
	char *name;
	Oid type_oid;
	int32 typmod;
	WeirMeta meta;
	WeirType type;        /* of the payload value, when meta is NONE */
	WeirElement *element; /* of an array, which is JSON to the decoder; NULL: it is none */
	WeirUnit unit;
	WeirStep
		*steps; /* path in the payload, UTF-8; default is the column's name as one step. Of formats
					  * without names: the column's number as an element */
	uint32 step_count;
} WeirColumn;

typedef struct WeirStream
{
	Oid relid;
	Oid server_oid;
	char *name;        /* schema-qualified where needed: for messages; NULL: no foreign table */
	char *server_name; /* for messages */
	char *topic;
	WeirRules rules; /* of payloads */
	int32 schema_id; /* that INSERT writes into the header of the wire; -1: not given */
	WeirOnError on_error;
	int timeout_ms;
	AttrNumber time_attnum; /* the column of event time, a timestamptz; 0: no option event_time */
	int64 lateness_us;
	WeirOnLate on_late;
	int64 idle_timeout_us;
	int64 idle_close_us; /* -1: off */
	int64 max_ahead_us;  /* -1: off */
	int64 align_us;      /* -1: not given */
	WeirOnDataLoss on_data_loss;
	char *offsets_group; /* NULL: not given */
	int column_count;    /* live columns only */
	WeirColumn *columns; /* in attribute order */
	int property_count;  /* librdkafka properties of server and user mapping */
	WeirProperty *properties;
} WeirStream;

/* Reads and checks. Errors name the object, the option and what is accepted.
 * Result: in the current memory context. */
extern WeirStream *weir_stream_open(Relation rel, Oid user_oid);

/* The same without what a connection needs: nobody's user mapping is asked for. */
extern WeirStream *weir_stream_open_local(Relation rel);

/* A topic without a foreign table: no columns. The user must have USAGE on the server, which is found by
 * name and must be one of weir_kafka. Result: likewise; `topic` is not copied. */
extern WeirStream *weir_stream_open_topic(const char *server_name, char *topic, Oid user_oid);

/* Sets a consumer's property in a stream's copy, which gets properties of its own, in the current memory
 * context: the one that it was copied from stays as it is. `value` must live as long. */
extern void weir_stream_set_property(WeirStream *stream, const char *name, char *value);

#endif
