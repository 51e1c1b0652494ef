/* SPDX-License-Identifier: PostgreSQL
 *
 * What Binance answers, as messages. Pure: bytes in, rows out.
 */
#ifndef PRODUCER_BINANCE_JSON_H
#define PRODUCER_BINANCE_JSON_H

#include "rows.h"

/* /api/v3/ticker/24hr. timestamp: of the poll, ISO 8601. */
void binance_read_ticker(const char *body, size_t len, const char *timestamp, Rows *rows);
/* /api/v3/aggTrades of one symbol; rows have ids */
void binance_read_trades(const char *body, size_t len, const char *symbol, Rows *rows);
/* /api/v3/klines of one symbol; a row's id is the candle's start in ms, its event_ms the end */
void binance_read_klines(const char *body, size_t len, const char *symbol, const char *width,
						 Rows *rows);
/* {"code": -1121, "msg": "Invalid symbol."} with any status. Result: whether it was one. */
bool binance_read_error(const char *body, size_t len, char flaw[TROUBLE_BYTES]);

#endif
