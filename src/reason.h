/* SPDX-License-Identifier: PostgreSQL
 *
 * Why a message, or one value of it, was refused.
 *
 * One list for the Kafka scan, the worker and the docs: a reason is a word that never changes (it
 * is stored and counted) and a sentence for people. Layer 0: no PostgreSQL header.
 */
#ifndef WEIR_REASON_H
#define WEIR_REASON_H

#include <stdint.h>

/* Message reasons come first: they refuse the whole message, whatever columns are wanted. */
typedef enum WeirReason
{
	WEIR_REASON_NONE = 0,

	/* the whole message */
	WEIR_REASON_EMPTY,       /* a payload of zero bytes, or white space only */
	WEIR_REASON_SYNTAX,      /* not a JSON document */
	WEIR_REASON_TRUNCATED,   /* the document ends too early */
	WEIR_REASON_TRAILING,    /* bytes after the document */
	WEIR_REASON_UTF8,        /* not valid UTF-8 */
	WEIR_REASON_SURROGATE,   /* \u escape with half a surrogate pair */
	WEIR_REASON_NOT_OBJECT,  /* a document, but its top is not an object */
	WEIR_REASON_TOO_LARGE,   /* longer than a message may be */
	WEIR_REASON_CSV,         /* not a line of CSV */
	WEIR_REASON_FIELDS,      /* a line with another number of fields than there are columns */
	WEIR_REASON_WIRE,        /* not the header that option wire promises */
	WEIR_REASON_MESSAGE_END, /* not a reason: the message reasons end here */

	/* one value */
	WEIR_REASON_WRONG_KIND = WEIR_REASON_MESSAGE_END, /* an object where a number is wanted */
	WEIR_REASON_NOT_A_NUMBER,                         /* a string that holds no number */
	WEIR_REASON_NOT_AN_INTEGER,                       /* 1.5 for an integer column */
	WEIR_REASON_OUT_OF_RANGE,                         /* beyond the range of the column's type */
	WEIR_REASON_NOT_A_BOOLEAN,
	WEIR_REASON_NOT_A_TIME,
	WEIR_REASON_NOT_A_DATE,
	WEIR_REASON_NOT_A_UUID,
	WEIR_REASON_NUL,           /* \u0000, which text and jsonb cannot hold */
	WEIR_REASON_TOO_LONG,      /* longer than varchar(n), or than a datum may be */
	WEIR_REASON_TOO_DEEP,      /* nested too deeply for jsonb */
	WEIR_REASON_NO_CONVERSION, /* no equivalent in the database's encoding */
	WEIR_REASON_COUNT
} WeirReason;

/* The word: stable, lower-case, with underscores. */
extern const char *weir_reason_name(WeirReason reason);

/* The sentence: goes behind "cannot decode message: " or "cannot read column \"x\": ". */
extern const char *weir_reason_text(WeirReason reason);

#endif
