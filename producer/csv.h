/* SPDX-License-Identifier: PostgreSQL
 *
 * CSV by RFC 4180, with a header: each record as a JSON object.
 */
#ifndef PRODUCER_CSV_H
#define PRODUCER_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

typedef struct CsvHeader
{
	char **names;
	int count;
} CsvHeader;

/* Result: whether a quoted value is still open at the end: the record goes on in the next line. */
bool csv_is_open(const char *record, size_t len);
void csv_header_read(CsvHeader *header, const char *record, size_t len);
void csv_header_free(CsvHeader *header);
/*
 * Numbers become numbers with the digits as they stand; what is quoted becomes strings; nothing becomes
 * null. Result: false if the record has not as many values as the header.
 */
bool csv_to_json(const CsvHeader *header, const char *record, size_t len, Text *json);

#endif
