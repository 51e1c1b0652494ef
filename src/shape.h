/* SPDX-License-Identifier: PostgreSQL
 *
 * The columns that fit a sample of JSON messages.
 */
#ifndef WEIR_SHAPE_H
#define WEIR_SHAPE_H

#include "postgres.h"

#include "reason.h"
#include "sample.h"

typedef struct WeirShapeColumn
{
	char *name;       /* folded, and of this column alone */
	char *path;       /* as option path has it; NULL: the name leads there */
	const char *type; /* as SQL writes it */
	Oid type_oid;
	const char *unit; /* as option unit has it; NULL: none is needed */
	bool is_full;     /* no message is without it */
} WeirShapeColumn;

typedef struct WeirShape
{
	int message_count; /* of JSON objects */
	int bad_count;     /* of others */
	WeirReason bad_reason;
	int column_count;
	WeirShapeColumn *columns;
	int left_out_count; /* places in the messages beyond as many columns as are made */
} WeirShape;

/* `is_flat`: members of nested objects are columns too. All messages that count can be read by these
 * columns. Result: in the current memory context. */
extern WeirShape *weir_shape_find(const WeirSample *sample, bool is_flat);

/* A name in lower case and without odd characters: "crypto-prices" is crypto_prices, and eventTime
 * event_time. Result: in the current memory context. */
extern char *weir_shape_fold(const char *name);

/* Is one of the words of a name one of these? The list ends with NULL. */
extern bool weir_shape_has_word(const char *name, const char *const *words);

#endif
