/* SPDX-License-Identifier: PostgreSQL
 *
 * The JSON decoder: payload bytes in, typed values out.
 *
 * A decoder is compiled once for a list of wanted fields and then run for each message. It reads
 * the whole message strictly (a message is valid or not, whatever fields are wanted), keeps only the
 * wanted values, and writes them as plain C values. Layer 0: no PostgreSQL header, no lock, no
 * allocation, no error but a reason code and a place.
 *
 * It does not make Datums (convert.c does), know about columns' limits (varchar(n), numeric(p,s):
 * convert.c), or convert to the database's encoding: bytes are UTF-8 throughout.
 */
#ifndef WEIR_DECODE_H
#define WEIR_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason.h"

/* What a wanted field becomes. */
typedef enum WeirType
{
	WEIR_TYPE_BOOL,    /* value.boolean */
	WEIR_TYPE_INT2,    /* value.integer, in range */
	WEIR_TYPE_INT4,    /* value.integer, in range */
	WEIR_TYPE_INT8,    /* value.integer */
	WEIR_TYPE_FLOAT4,  /* value.real, exactly a float */
	WEIR_TYPE_FLOAT8,  /* value.real */
	WEIR_TYPE_NUMERIC, /* value.slice: the text of a number, every digit of it, or NaN, Infinity */
	WEIR_TYPE_TEXT,    /* value.slice: unescaped; of a number, boolean, object, array: its JSON */
	WEIR_TYPE_TIMESTAMP, /* value.integer: µs since 2000-01-01 UTC; INT64_MAX/MIN are ±infinity */
	WEIR_TYPE_DATE,      /* value.integer: days since 2000-01-01; INT32_MAX/MIN are ±infinity */
	WEIR_TYPE_UUID,      /* value.uuid */
	WEIR_TYPE_JSON,      /* value.slice: the JSON as it stands in the message */
	WEIR_TYPE_BYTES,     /* value.slice; not of JSON */
	WEIR_TYPE_COUNT
} WeirType;

/* How a time is written. */
typedef enum WeirUnit
{
	WEIR_UNIT_ISO8601, /* a string; a missing zone means UTC; the default */
	WEIR_UNIT_S, /* numbers since 1970-01-01 UTC, as JSON numbers or strings, fractions taken */
	WEIR_UNIT_MS,
	WEIR_UNIT_US,
	WEIR_UNIT_NS, /* rounded down to the microsecond */
	WEIR_UNIT_COUNT
} WeirUnit;

/* One step of a path: a member by name, or an element by number. */
typedef struct WeirStep
{
	const char *name; /* UTF-8, not escaped, not terminated; NULL: an element */
	uint32_t name_len;
	uint32_t element; /* from 0 */
} WeirStep;

/* One wanted field. */
typedef struct WeirField
{
	const WeirStep *steps;
	uint32_t step_count; /* at least 1 */
	WeirType type;
	WeirUnit unit; /* for TIMESTAMP and DATE */
} WeirField;

typedef struct WeirSlice
{
	const char *data; /* into the payload or the scratch space; not terminated */
	uint32_t len;
} WeirSlice;

typedef enum WeirState
{
	WEIR_STATE_MISSING = 0, /* no such member */
	WEIR_STATE_NULL,        /* a JSON null */
	WEIR_STATE_SET,
	WEIR_STATE_BAD /* present, but refused: see reason and place */
} WeirState;

/* Two of them lie in a cache line: they may be read on another processor than they were written. */
typedef struct WeirValue
{
	WeirState state : 8;
	WeirReason reason : 8; /* when BAD */
	bool has_nul;          /* for JSON: \u0000 stands somewhere in it */
	uint32_t place;        /* when BAD: byte offset in the payload */
	uint32_t depth;        /* for JSON: how deeply it nests; 0 is a scalar */
	union
	{
		bool boolean;
		int64_t integer;
		double real;
		WeirSlice slice;
		uint8_t uuid[16];
	};
} WeirValue;

typedef struct WeirDecoder WeirDecoder;

/* Longest payload that is read; beyond is WEIR_REASON_TOO_LARGE. */
#define WEIR_PAYLOAD_MAX (1024u * 1024u * 1024u - 1u)

/* Bytes that weir_decoder_init() needs for these fields. */
extern size_t weir_decoder_size(const WeirField *fields, uint32_t field_count);

/* Compiles into `memory` (aligned for any type, weir_decoder_size() bytes), which the caller owns
 * and frees as one piece. Copies what it needs of the fields. */
extern WeirDecoder *weir_decoder_init(void *memory, const WeirField *fields, uint32_t field_count);

/* Scratch bytes that a payload of this length may need; unescaped strings live there. */
extern size_t weir_decoder_scratch(size_t payload_len);

/* Decodes one message into values[field_count].
 *
 * Result: WEIR_REASON_NONE, and every value is set (MISSING, NULL, SET or BAD), or a message reason
 * with the byte offset in *place, and the values mean nothing. Of duplicate members the last wins.
 * Slices live as long as payload and scratch do. The decoder learns the order of keys as it goes:
 * one decoder must not be run by two threads at a time. */
extern WeirReason weir_decoder_run(WeirDecoder *decoder, const char *payload, size_t payload_len,
								   char *scratch, WeirValue *values, uint32_t *place);

/* The elements of an array, one after the other: of a value of type JSON that a decoder has set. */
typedef struct WeirElements
{
	const char *at;
	const char *end;
	char *scratch; /* of weir_decoder_scratch() bytes for the array's length */
} WeirElements;

/* Result: false if the value is no array. */
extern bool weir_elements_begin(WeirElements *elements, const WeirSlice *json, char *scratch);
/* Sets the next one, until the next call. Result: false if there is none. */
extern bool weir_elements_next(WeirElements *elements, WeirType type, WeirUnit unit,
							   WeirValue *value);

#endif
