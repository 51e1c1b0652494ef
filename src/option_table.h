/* SPDX-License-Identifier: PostgreSQL
 *
 * The table of options: which there are, where each may stand, what it accepts, what it is for.
 *
 * Validator, reader, weir.options() and the docs' test all go by it, so that they cannot disagree.
 * It is an allow-list: a librdkafka property that has no row cannot be reached from SQL. Plain data:
 * no PostgreSQL header.
 */
#ifndef WEIR_OPTION_TABLE_H
#define WEIR_OPTION_TABLE_H

#include "kafka.h"

/* The kinds of objects that take options; bits, since an option may stand in two places. */
typedef enum WeirPlace
{
	WEIR_PLACE_SERVER = 1,
	WEIR_PLACE_MAPPING = 2,
	WEIR_PLACE_TABLE = 4,
	WEIR_PLACE_COLUMN = 8,
	WEIR_PLACE_IMPORT = 16, /* IMPORT FOREIGN SCHEMA; the last */
} WeirPlace;

typedef enum WeirOptionKind
{
	WEIR_OPTION_TEXT,     /* not empty, one line */
	WEIR_OPTION_PASSWORD, /* not empty, any bytes */
	WEIR_OPTION_PEM,      /* the text of a certificate or key */
	WEIR_OPTION_WORD,     /* one of `words`, in any case */
	WEIR_OPTION_BOOLEAN,
	WEIR_OPTION_INTEGER,  /* min to max */
	WEIR_OPTION_DURATION, /* min to max in us, or -1 for the first of `words`, if there is one */
	WEIR_OPTION_BROKERS,  /* host:port, host:port */
	WEIR_OPTION_TOPIC,
	WEIR_OPTION_MARK, /* one character of ASCII */
	WEIR_OPTION_PATH
} WeirOptionKind;

/* Flags of a row. */
#define WEIR_OPTION_REQUIRED 0x01
#define WEIR_OPTION_SECRET 0x02 /* never shown in a message */
/* makes the server open a file, run a program, fetch a URL or load code */
#define WEIR_OPTION_SUPERUSER 0x04
#define WEIR_OPTION_BARE_MS 0x08 /* a duration without a unit is in ms; else it is refused */

typedef struct WeirOption
{
	const char *name;
	int places; /* WeirPlace bits */
	WeirOptionKind kind;
	int64_t min;
	int64_t max;
	const char *const *words;           /* ends with NULL */
	const char *const *superuser_words; /* those of `words` that only a superuser may choose */
	int flags;
	const char *property; /* librdkafka's name, or NULL */
	WeirScope scope;
	const char *default_value; /* as shown to people; NULL: none */
	const char *about;         /* what it is, or when to change it: one sentence */
} WeirOption;

/* A librdkafka property that is kept away on purpose, by the name it would have as an option. */
typedef struct WeirRefusedOption
{
	const char *name;
	const char *why;
} WeirRefusedOption;

/* Both end with a row whose name is NULL. */
extern const WeirOption weir_option_table[];
extern const WeirRefusedOption weir_refused_option_table[];

#endif
