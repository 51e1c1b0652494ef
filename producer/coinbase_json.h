/* SPDX-License-Identifier: PostgreSQL
 *
 * What Coinbase answers, as messages. Pure: bytes in, rows out.
 */
#ifndef PRODUCER_COINBASE_JSON_H
#define PRODUCER_COINBASE_JSON_H

#include "rows.h"

/* /products/PRODUCT/ticker: one row */
void coinbase_read_ticker(const char *body, size_t len, const char *product, const char *user,
						  Rows *rows);
/* {"message": "NotFound"}. Result: whether it was one. */
bool coinbase_read_error(const char *body, size_t len, char flaw[TROUBLE_BYTES]);

#endif
