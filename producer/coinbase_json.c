/* SPDX-License-Identifier: PostgreSQL
 *
 * What Coinbase answers, as messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "coinbase_json.h"
#include "moment.h"

static int64_t
read_time_ms(const cJSON *item, char flaw[TROUBLE_BYTES])
{
	const char *text = json_text(item, "time", flaw);
	int64_t time_us = 0;

	if (flaw[0] == '\0' && !moment_parse(text, &time_us))
		flaw_set(flaw, "time is no time: \"%.40s\"", text);
	return time_us / 1000;
}

void
coinbase_read_ticker(const char *body, size_t len, const char *product, const char *user,
					 Rows *rows)
{
	cJSON *document;
	Row *row;

	rows_clear(rows);
	document = json_parse(body, len, rows->flaw);
	if (document == NULL)
		return;
	if (!cJSON_IsObject(document))
		flaw_set(rows->flaw, "the answer is not an object");
	row = rows_add(rows);
	snprintf(row->symbol, sizeof(row->symbol), "%s", product);
	snprintf(row->price, DECIMAL_BYTES, "%s", json_decimal(document, "price", false, row->flaw));
	row->event_ms = read_time_ms(document, row->flaw);
	text_addf(&row->payload, "{\"symbol\":\"%s\",\"price\":%s,\"user\":", product, row->price);
	text_add_json(&row->payload, user, strlen(user));
	text_addf(&row->payload, ",\"timestamp\":%" PRId64 "}", row->event_ms);
	cJSON_Delete(document);
}

bool
coinbase_read_error(const char *body, size_t len, char flaw[TROUBLE_BYTES])
{
	char ignored[TROUBLE_BYTES] = "";
	cJSON *document = json_parse(body, len, ignored);
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(document, "message");
	bool is_error = cJSON_IsString(message);

	if (is_error)
		flaw_set(flaw, "error: %.100s", message->valuestring);
	cJSON_Delete(document);
	return is_error;
}
