/* SPDX-License-Identifier: PostgreSQL
 *
 * An exchange's answer as rows: a message each, or what is wrong with it.
 */
#ifndef PRODUCER_ROWS_H
#define PRODUCER_ROWS_H

#include <cjson/cJSON.h>

#include <stdbool.h>
#include <stdint.h>

#include "text.h"
#include "trouble.h"

#define SYMBOL_BYTES 32
#define DECIMAL_BYTES 48

typedef struct Row
{
	char symbol[SYMBOL_BYTES]; /* "" if unknown */
	char flaw[TROUBLE_BYTES];  /* "": good */
	Text payload;              /* a JSON object */
	int64_t event_ms;
	int64_t id; /* of a trade */

	/* for the status line */
	char price[DECIMAL_BYTES];
	char change[DECIMAL_BYTES];
	char volume[DECIMAL_BYTES];
} Row;

typedef struct Rows
{
	Row *items;
	int count;
	int room;                 /* rows whose memory is kept */
	char flaw[TROUBLE_BYTES]; /* of the whole answer, "": none */
} Rows;

void rows_clear(Rows *rows);
void rows_free(Rows *rows);
Row *rows_add(Rows *rows);

/* Result: the document, NULL with a flaw if it is none. */
cJSON *json_parse(const char *body, size_t len, char flaw[TROUBLE_BYTES]);
/* Says what is wrong, in printable characters; the first flaw stays. */
void flaw_set(char flaw[TROUBLE_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Fields of an object or an array (whose name is a place), strictly: one that is missing or has another
 * type is a flaw, and what is returned can still be used.
 */
const char *json_decimal(const cJSON *item, const char *name, bool may_be_negative,
						 char flaw[TROUBLE_BYTES]);
int64_t json_integer(const cJSON *item, const char *name, char flaw[TROUBLE_BYTES]);
bool json_bool(const cJSON *item, const char *name, char flaw[TROUBLE_BYTES]);
const char *json_text(const cJSON *item, const char *name, char flaw[TROUBLE_BYTES]);
/* The symbol, also into the row: first, so that its flaws have a name. */
void json_symbol(const cJSON *item, const char *name, Row *row);

#endif
