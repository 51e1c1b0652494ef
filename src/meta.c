/* SPDX-License-Identifier: PostgreSQL
 *
 * Kafka's metadata as Datums: what a column with option meta shows of a message.
 *
 * Keys, headers and whole payloads are bytes of anybody's making: they go through the same checks
 * and conversions as a value of the payload, and are refused by the same reasons.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "convert.h"
#include "decode.h"
#include "meta.h"

static WeirReason
text_column(const WeirColumn *column, WeirType type, const char *data, size_t len, Datum *datum,
			bool *is_null)
{
	WeirColumn as_payload = *column;
	WeirValue value = {.state = WEIR_STATE_SET, .slice = {data, (uint32) len}};

	if (memchr(data, 0, len) != NULL)
		return WEIR_REASON_NUL;
	if (pg_encoding_verifymbstr(PG_UTF8, data, (int) len) != (int) len)
		return WEIR_REASON_UTF8;
	as_payload.type = type;
	return weir_value_to_datum(&as_payload, &value, datum, is_null);
}

static WeirReason
bytes_column(const WeirColumn *column, const char *data, size_t len, Datum *datum, bool *is_null)
{
	*is_null = data == NULL;
	if (data == NULL)
		return WEIR_REASON_NONE;
	switch (column->type_oid)
	{
		case BYTEAOID:
			*datum = PointerGetDatum(cstring_to_text_with_len(data, (int) len));
			return WEIR_REASON_NONE;
		case JSONOID:
		case JSONBOID:
			return text_column(column, WEIR_TYPE_JSON, data, len, datum, is_null);
		default:
			return text_column(column, WEIR_TYPE_TEXT, data, len, datum, is_null);
	}
}

/* [{"name": "trace", "value": "17"}, …]: names may repeat and have an order. A value that is no text
 * is written as bytea is: \x… */
static WeirReason
headers_column(const WeirColumn *column, const WeirMessage *message, Datum *datum, bool *is_null)
{
	StringInfoData json;
	WeirHeader header;
	size_t count;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (count = 0; weir_message_header(message, count, &header); count++)
	{
		appendStringInfoString(&json, count > 0 ? ", {\"name\": " : "{\"name\": ");
		escape_json(&json, header.name);
		appendStringInfoString(&json, ", \"value\": ");
		if (header.value == NULL)
			appendStringInfoString(&json, "null");
		else if (memchr(header.value, 0, header.value_len) == NULL &&
				 pg_encoding_verifymbstr(PG_UTF8, header.value, (int) header.value_len) ==
					 (int) header.value_len)
			escape_json(&json, pnstrdup(header.value, header.value_len));
		else
		{
			char *hex = palloc(header.value_len * 2 + 1);

			hex[hex_encode(header.value, header.value_len, hex)] = '\0';
			appendStringInfo(&json, "\"\\\\x%s\"", hex);
		}
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	*is_null = count == 0;
	if (count == 0)
		return WEIR_REASON_NONE;
	return text_column(column, WEIR_TYPE_JSON, json.data, (size_t) json.len, datum, is_null);
}

/* A producer may give any number: nanoseconds, say. */
static WeirReason
timestamp_column(const WeirColumn *column, const WeirMessage *message, Datum *datum, bool *is_null)
{
	const int64 epoch_ms = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY * 1000;
	WeirTimestampType type;
	int64 timestamp_ms = weir_message_timestamp_ms(message, &type);
	WeirColumn as_payload = *column;
	WeirValue value = {.state = WEIR_STATE_SET};

	*is_null = type == WEIR_TIMESTAMP_NONE || timestamp_ms < 0;
	if (*is_null)
		return WEIR_REASON_NONE;
	if (timestamp_ms - epoch_ms >= END_TIMESTAMP / 1000)
		return WEIR_REASON_OUT_OF_RANGE;
	value.integer = (timestamp_ms - epoch_ms) * 1000;
	as_payload.type = WEIR_TYPE_TIMESTAMP;
	return weir_value_to_datum(&as_payload, &value, datum, is_null);
}

static Datum
integer_column(const WeirColumn *column, int64 value)
{
	return column->type_oid == INT4OID ? Int32GetDatum((int32) value) : Int64GetDatum(value);
}

WeirReason
weir_meta_to_datum(const WeirStream *stream, const WeirColumn *column, const WeirMessage *message,
				   Datum *datum, bool *is_null)
{
	WeirTimestampType type;

	*is_null = false;
	switch (column->meta)
	{
		case WEIR_META_TOPIC:
			return text_column(column, WEIR_TYPE_TEXT, stream->topic, strlen(stream->topic), datum,
							   is_null);
		case WEIR_META_PARTITION:
			*datum = integer_column(column, message->partition);
			return WEIR_REASON_NONE;
		case WEIR_META_OFFSET:
			*datum = integer_column(column, message->offset);
			return WEIR_REASON_NONE;
		case WEIR_META_TIMESTAMP:
			return timestamp_column(column, message, datum, is_null);
		case WEIR_META_TIMESTAMP_TYPE:
			(void) weir_message_timestamp_ms(message, &type);
			*is_null = type == WEIR_TIMESTAMP_NONE;
			if (*is_null)
				return WEIR_REASON_NONE;
			return text_column(column, WEIR_TYPE_TEXT,
							   type == WEIR_TIMESTAMP_APPEND ? "append" : "create", 6, datum,
							   is_null);
		case WEIR_META_KEY:
			return bytes_column(column, message->key, message->key_len, datum, is_null);
		case WEIR_META_HEADERS:
			return headers_column(column, message, datum, is_null);
		case WEIR_META_PAYLOAD:
			return bytes_column(column, message->payload, message->payload_len, datum, is_null);
		case WEIR_META_ERROR:
			*is_null = true; /* there is none; else record.c says it */
			return WEIR_REASON_NONE;
		case WEIR_META_NONE:
		case WEIR_META_COUNT:
			break;
	}
	pg_unreachable();
}
