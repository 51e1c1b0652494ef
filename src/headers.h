/* SPDX-License-Identifier: PostgreSQL
 *
 * Headers of a message out of a column with meta 'headers': the way back of what meta.c shows.
 */
#ifndef WEIR_HEADERS_H
#define WEIR_HEADERS_H

#include "postgres.h"

#include "stream.h"

/* An array of {"name": …, "value": …} or an object of names and values; other shapes are an error.
 * Result: *count headers, in the current memory context. */
extern WeirHeader *weir_headers_read(const WeirStream *stream, const WeirColumn *column,
									 Datum datum, size_t *count);

#endif
