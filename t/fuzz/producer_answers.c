/* SPDX-License-Identifier: PostgreSQL
 *
 * What weir-producer makes of answers of exchanges: any bytes are read without harm, a row is either
 * good, and then its message is JSON with the digits of the answer, or it has a printable flaw.
 *
 * Fields of lines and records of CSV are tried on the same bytes.
 */
#include <cjson/cJSON.h>

#include <stdbool.h>

#include "binance_json.h"
#include "coinbase_json.h"
#include "csv.h"
#include "field.h"
#include "moment.h"
#include "rows.h"

#include "inputs.h"

static Rows rows;

static bool
flaw_is_printable(const char *flaw)
{
	for (; *flaw != '\0'; flaw++)
	{
		if (*flaw < ' ' || *flaw > '~')
			return false;
	}
	return true;
}

static bool
row_is_right(const Row *row)
{
	const char *end;
	char price[DECIMAL_BYTES + 16];
	cJSON *message;
	bool is_right;

	if (row->flaw[0] != '\0')
		return flaw_is_printable(row->flaw);
	message = cJSON_ParseWithLengthOpts(row->payload.data, row->payload.len, &end, false);
	is_right = cJSON_IsObject(message) && end == row->payload.data + row->payload.len &&
			   cJSON_IsString(cJSON_GetObjectItem(message, "symbol")) && row->symbol[0] != '\0';
	cJSON_Delete(message);
	snprintf(price, sizeof(price), ":%s,", row->price);
	return is_right && strstr(row->payload.data, price) != NULL;
}

static void
check_rows(const char *what, const char *data, size_t size)
{
	expect(flaw_is_printable(rows.flaw), what, data, size);
	for (int i = 0; i < rows.count && rows.flaw[0] == '\0'; i++)
		expect(row_is_right(&rows.items[i]), what, data, size);
}

static void
read_answers(const char *data, size_t size)
{
	char flaw[TROUBLE_BYTES] = "";

	binance_read_ticker(data, size, "2026-01-01T00:00:00.000Z", &rows);
	check_rows("a ticker of Binance", data, size);
	binance_read_trades(data, size, "BTCUSDT", &rows);
	check_rows("trades of Binance", data, size);
	binance_read_klines(data, size, "BTCUSDT", "1d", &rows);
	check_rows("candles of Binance", data, size);
	coinbase_read_ticker(data, size, "BTC-USD", "a \"user\"", &rows);
	check_rows("a ticker of Coinbase", data, size);
	if (binance_read_error(data, size, flaw) || coinbase_read_error(data, size, flaw))
		expect(flaw_is_printable(flaw), "an error", data, size);
}

static void
read_lines(const char *data, size_t size)
{
	CsvHeader header = {0};
	Text text = {0};

	field_find(data, size, "a", &text);
	if (csv_is_open(data, size))
		text_clear(&text);
	csv_header_read(&header, data, size);
	expect(csv_to_json(&header, data, size, &text) || header.count > 0, "CSV", data, size);
	csv_header_free(&header);
	text_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* no byte more than there are, for the address sanitizer to see */
	char *exact = malloc(size);
	char *string = malloc(size + 1);
	int64_t time_us;

	memcpy(exact, data, size);
	memcpy(string, data, size);
	string[size] = '\0';
	read_answers(exact, size);
	read_lines(exact, size);
	moment_parse(string, &time_us);
	moment_parse_number(string, &time_us);
	span_parse(string, &time_us);
	free(exact);
	free(string);
	rows_free(&rows);
	return 0;
}

#ifdef WEIR_FUZZ_STANDALONE

/* A value where the exchange has a string with a decimal number. */
static void
decimal_make(Input *input)
{
	if (input_random(30) == 0)
	{
		value_make(input, 5);
		return;
	}
	input_add(input, "\"");
	input_add_digits(input, 1 + input_random(3));
	INPUT_ONE_OF(input, "", ".0", ".10000000", ".00000001", "", "");
	input_add(input, "\"");
}

static void
integer_make(Input *input)
{
	if (input_random(30) == 0)
		value_make(input, 5);
	else
	{
		INPUT_ONE_OF(input, "1", "2", "17723592");
		input_add_digits(input, input_random(6));
	}
}

static void
ticker_make(Input *input)
{
	static const char *const decimals[] = {
		"lastPrice", "openPrice",   "highPrice",   "lowPrice",
		"volume",    "quoteVolume", "priceChange", "priceChangePercent"};

	INPUT_ONE_OF(input, "{\"symbol\":\"BTCUSDT\"", "{\"symbol\":\"A\\\"\\u00e4\"", "{\"x\":1");
	for (size_t i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++)
	{
		input_add(input, ",\"");
		input_add(input, decimals[i]);
		input_add(input, "\":");
		decimal_make(input);
	}
	input_add(input, ",\"closeTime\":");
	integer_make(input);
	input_add(input, ",\"count\":");
	integer_make(input);
	input_add(input, "}");
}

static void
trade_make(Input *input)
{
	INPUT_ONE_OF(input, "{\"m\":true", "{\"m\":false", "{\"\":false", "{\"m\":1");
	input_add(input, ",\"a\":");
	integer_make(input);
	input_add(input, ",\"f\":");
	integer_make(input);
	input_add(input, ",\"l\":");
	integer_make(input);
	input_add(input, ",\"T\":");
	integer_make(input);
	input_add(input, ",\"p\":");
	decimal_make(input);
	input_add(input, ",\"q\":");
	decimal_make(input);
	input_add(input, "}");
}

static void
kline_make(Input *input)
{
	input_add(input, "[");
	integer_make(input);
	for (int i = 1; i < 12; i++)
	{
		input_add(input, ",");
		if (i == 6 || i == 8)
			integer_make(input);
		else
			decimal_make(input);
	}
	input_add(input, "]");
}

static void
coinbase_make(Input *input)
{
	input_add(input, "{\"price\":");
	decimal_make(input);
	INPUT_ONE_OF(input, ",\"time\":\"2025-03-13T11:10:41.270099Z\"}", ",\"time\":\"2025-02-29\"}",
				 ",\"message\":\"\x01\xC3\xA4\"}", "}");
}

static void
answer_make(Input *input)
{
	static void (*const makers[])(Input *) = {ticker_make, trade_make, kline_make};
	void (*make)(Input *) = makers[input_random(3)];

	if (input_random(4) == 0)
		coinbase_make(input);
	else if (input_random(10) == 0)
		document_make(input);
	else
	{
		input_add(input, "[");
		for (uint32_t count = input_random(4); count > 0; count--)
		{
			make(input);
			if (count > 1)
				input_add(input, ",");
		}
		input_add(input, "]");
	}
	if (input_random(2) == 0)
		bytes_change(input);
}

int
main(int argc, char **argv)
{
	return inputs_run(argc, argv, answer_make);
}
#endif
