/* SPDX-License-Identifier: PostgreSQL
 *
 * What Binance answers, as messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "binance_json.h"

/* Result: an array that is to be deleted, or NULL with a flaw. */
static cJSON *
parse_array(const char *body, size_t len, Rows *rows)
{
	cJSON *document;

	rows_clear(rows);
	document = json_parse(body, len, rows->flaw);
	if (document == NULL || cJSON_IsArray(document))
		return document;
	if (!binance_read_error(body, len, rows->flaw))
		flaw_set(rows->flaw, "the answer is not an array");
	cJSON_Delete(document);
	return NULL;
}

bool
binance_read_error(const char *body, size_t len, char flaw[TROUBLE_BYTES])
{
	char ignored[TROUBLE_BYTES] = "";
	cJSON *document = json_parse(body, len, ignored);
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(document, "code");
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(document, "msg");
	bool is_error = cJSON_IsNumber(code) && cJSON_IsString(message);

	if (is_error)
		flaw_set(flaw, "error %d: %.100s", code->valueint, message->valuestring);
	cJSON_Delete(document);
	return is_error;
}

typedef struct TickerField
{
	const char *name; /* Binance's */
	const char *as;   /* ours */
	bool may_be_negative;
} TickerField;

static const TickerField before_trades[] = {
	{"lastPrice", "price", false}, {"openPrice", "open", false},
	{"highPrice", "high", false},  {"lowPrice", "low", false},
	{"volume", "volume", false},   {"quoteVolume", "quote_volume", false},
};

static const TickerField behind_trades[] = {
	{"priceChange", "price_change", true},
	{"priceChangePercent", "price_change_percent", true},
};

static void
add_decimals(const cJSON *item, const TickerField *fields, size_t count, Row *row)
{
	for (size_t i = 0; i < count; i++)
		text_addf(&row->payload, ",\"%s\":%s", fields[i].as,
				  json_decimal(item, fields[i].name, fields[i].may_be_negative, row->flaw));
}

static void
read_ticker_item(const cJSON *item, const char *timestamp, Row *row)
{
	json_symbol(item, "symbol", row);
	row->event_ms = json_integer(item, "closeTime", row->flaw);
	text_add_string(&row->payload, "{\"symbol\":");
	text_add_json(&row->payload, row->symbol, strlen(row->symbol));
	text_addf(&row->payload, ",\"event_time\":%" PRId64, row->event_ms);
	add_decimals(item, before_trades, sizeof(before_trades) / sizeof(before_trades[0]), row);
	text_addf(&row->payload, ",\"number_trades\":%" PRId64, json_integer(item, "count", row->flaw));
	add_decimals(item, behind_trades, sizeof(behind_trades) / sizeof(behind_trades[0]), row);
	text_addf(&row->payload, ",\"timestamp\":\"%s\"}", timestamp);
	snprintf(row->price, DECIMAL_BYTES, "%s", json_decimal(item, "lastPrice", false, row->flaw));
	snprintf(row->change, DECIMAL_BYTES, "%s",
			 json_decimal(item, "priceChangePercent", true, row->flaw));
	snprintf(row->volume, DECIMAL_BYTES, "%s", json_decimal(item, "volume", false, row->flaw));
}

void
binance_read_ticker(const char *body, size_t len, const char *timestamp, Rows *rows)
{
	cJSON *document = parse_array(body, len, rows);
	const cJSON *item;

	cJSON_ArrayForEach(item, document)
	{
		read_ticker_item(item, timestamp, rows_add(rows));
	}
	cJSON_Delete(document);
}

static void
read_trade(const cJSON *item, const char *symbol, Row *row)
{
	snprintf(row->symbol, sizeof(row->symbol), "%s", symbol);
	row->id = json_integer(item, "a", row->flaw);
	row->event_ms = json_integer(item, "T", row->flaw);
	snprintf(row->price, DECIMAL_BYTES, "%s", json_decimal(item, "p", false, row->flaw));
	text_addf(&row->payload,
			  "{\"symbol\":\"%s\",\"trade_id\":%" PRId64 ",\"event_time\":%" PRId64
			  ",\"price\":%s,\"quantity\":%s",
			  symbol, row->id, row->event_ms, row->price,
			  json_decimal(item, "q", false, row->flaw));
	text_addf(&row->payload, ",\"first_id\":%" PRId64, json_integer(item, "f", row->flaw));
	text_addf(&row->payload, ",\"last_id\":%" PRId64, json_integer(item, "l", row->flaw));
	text_addf(&row->payload, ",\"buyer_is_maker\":%s}",
			  json_bool(item, "m", row->flaw) ? "true" : "false");
}

void
binance_read_trades(const char *body, size_t len, const char *symbol, Rows *rows)
{
	cJSON *document = parse_array(body, len, rows);
	const cJSON *item;

	cJSON_ArrayForEach(item, document)
	{
		read_trade(item, symbol, rows_add(rows));
	}
	cJSON_Delete(document);
}

typedef struct KlineField
{
	const char *place;
	const char *as;
} KlineField;

static void
read_kline(const cJSON *item, const char *symbol, const char *width, Row *row)
{
	static const KlineField fields[] = {
		{"1", "open"},
		{"2", "high"},
		{"3", "low"},
		{"4", "close"},
		{"5", "volume"},
		{"7", "quote_volume"},
		{"9", "taker_buy_volume"},
		{"10", "taker_buy_quote_volume"},
	};

	snprintf(row->symbol, sizeof(row->symbol), "%s", symbol);
	if (!cJSON_IsArray(item))
		flaw_set(row->flaw, "a candle is not an array");
	row->id = json_integer(item, "0", row->flaw);
	row->event_ms = json_integer(item, "6", row->flaw);
	text_addf(&row->payload,
			  "{\"symbol\":\"%s\",\"interval\":\"%s\",\"event_time\":%" PRId64
			  ",\"open_time\":%" PRId64,
			  symbol, width, row->event_ms, row->id);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		text_addf(&row->payload, ",\"%s\":%s", fields[i].as,
				  json_decimal(item, fields[i].place, false, row->flaw));
	text_addf(&row->payload, ",\"number_trades\":%" PRId64 "}", json_integer(item, "8", row->flaw));
	snprintf(row->price, DECIMAL_BYTES, "%s", json_decimal(item, "4", false, row->flaw));
	snprintf(row->volume, DECIMAL_BYTES, "%s", json_decimal(item, "5", false, row->flaw));
}

void
binance_read_klines(const char *body, size_t len, const char *symbol, const char *width, Rows *rows)
{
	cJSON *document = parse_array(body, len, rows);
	const cJSON *item;

	cJSON_ArrayForEach(item, document)
	{
		read_kline(item, symbol, width, rows_add(rows));
	}
	cJSON_Delete(document);
}
