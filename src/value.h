/* SPDX-License-Identifier: PostgreSQL
 *
 * What a JSON value becomes: the rules from each kind of value to each wanted type.
 *
 * A part of decode.c, and inline for its sake: it runs for each wanted value of each message. A value
 * that does not fit is a reason; it never refuses the message.
 */
#ifndef WEIR_VALUE_H
#define WEIR_VALUE_H

#include "decode.h"
#include "isotime.h"
#include "lexer.h"
#include "number.h"
#include "word.h"

typedef enum WeirKind
{
	WEIR_KIND_NULL,
	WEIR_KIND_TRUE,
	WEIR_KIND_FALSE,
	WEIR_KIND_NUMBER,
	WEIR_KIND_STRING,
	WEIR_KIND_OBJECT,
	WEIR_KIND_ARRAY
} WeirKind;

/* A value as it was read. */
typedef struct WeirToken
{
	WeirKind kind;
	bool has_nul;     /* \u0000 stands somewhere in it */
	uint32_t depth;   /* levels of nesting; 0 of a scalar */
	WeirSlice json;   /* as it stands */
	WeirSlice string; /* of a string: unescaped */
	WeirNumber number;
} WeirToken;

static inline WeirReason
weir_value_boolean(const WeirToken *token, WeirValue *value)
{
	int64_t integer;

	switch (token->kind)
	{
		case WEIR_KIND_TRUE:
		case WEIR_KIND_FALSE:
			value->boolean = token->kind == WEIR_KIND_TRUE;
			return WEIR_REASON_NONE;
		case WEIR_KIND_NUMBER:
			if (weir_number_integer(&token->number, &integer) != WEIR_REASON_NONE ||
				(integer != 0 && integer != 1))
				return WEIR_REASON_NOT_A_BOOLEAN;
			value->boolean = integer == 1;
			return WEIR_REASON_NONE;
		case WEIR_KIND_STRING:
		{
			const char *begin = token->string.data;
			const char *end = begin + token->string.len;

			weir_trim(&begin, &end);
			value->boolean = weir_word_equal(begin, (size_t) (end - begin), "true");
			return value->boolean || weir_word_equal(begin, (size_t) (end - begin), "false")
					   ? WEIR_REASON_NONE
					   : WEIR_REASON_NOT_A_BOOLEAN;
		}
		default:
			return WEIR_REASON_WRONG_KIND;
	}
}

/* Reads the number that a token's string holds into the token. Result: what it holds, or *reason. */
static inline WeirNumberKind
weir_value_number(WeirToken *token, WeirReason *reason)
{
	*reason = WEIR_REASON_NOT_A_NUMBER;
	if (weir_likely(token->kind == WEIR_KIND_NUMBER))
		return WEIR_NUMBER_FINITE;
	if (token->kind == WEIR_KIND_STRING)
		return weir_number_parse(token->string.data, token->string.len, &token->number);
	*reason = WEIR_REASON_WRONG_KIND;
	return WEIR_NUMBER_NONE;
}

static inline WeirReason
weir_value_integer(WeirToken *token, int64_t min, int64_t max, WeirValue *value)
{
	WeirReason reason;

	if (weir_value_number(token, &reason) != WEIR_NUMBER_FINITE)
		return reason;
	reason = weir_number_integer(&token->number, &value->integer);
	if (reason != WEIR_REASON_NONE)
		return reason;
	return value->integer < min || value->integer > max ? WEIR_REASON_OUT_OF_RANGE
														: WEIR_REASON_NONE;
}

static inline WeirReason
weir_value_real(WeirToken *token, bool is_float4, WeirValue *value)
{
	WeirReason reason;
	float half;

	switch (weir_value_number(token, &reason))
	{
		case WEIR_NUMBER_FINITE:
			if (!is_float4)
				return weir_number_float8(&token->number, &value->real);
			reason = weir_number_float4(&token->number, &half);
			if (reason == WEIR_REASON_NONE)
				value->real = half;
			return reason;
		case WEIR_NUMBER_NAN:
			value->real = __builtin_nan("");
			return WEIR_REASON_NONE;
		case WEIR_NUMBER_INFINITY:
			value->real = __builtin_inf();
			return WEIR_REASON_NONE;
		case WEIR_NUMBER_MINUS_INFINITY:
			value->real = -__builtin_inf();
			return WEIR_REASON_NONE;
		default:
			return reason;
	}
}

static inline WeirReason
weir_value_numeric(WeirToken *token, WeirValue *value)
{
	static const WeirSlice words[] = {
		[WEIR_NUMBER_NAN] = {"NaN", 3},
		[WEIR_NUMBER_INFINITY] = {"Infinity", 8},
		[WEIR_NUMBER_MINUS_INFINITY] = {"-Infinity", 9},
	};
	WeirReason reason;
	WeirNumberKind kind = weir_value_number(token, &reason);

	if (kind == WEIR_NUMBER_NONE)
		return reason;
	value->slice = words[kind];
	if (kind == WEIR_NUMBER_FINITE)
		value->slice = (WeirSlice){token->number.text,
								   (uint32_t) (token->number.text_end - token->number.text)};
	return WEIR_REASON_NONE;
}

static inline WeirReason
weir_value_text(const WeirToken *token, WeirValue *value)
{
	value->slice = token->kind == WEIR_KIND_STRING ? token->string : token->json;
	return token->kind == WEIR_KIND_STRING && token->has_nul ? WEIR_REASON_NUL : WEIR_REASON_NONE;
}

static inline WeirReason
weir_value_timestamp(const WeirToken *token, WeirUnit unit, WeirValue *value)
{
	if (token->kind == WEIR_KIND_NUMBER)
		return weir_time_from_number(&token->number, unit, &value->integer);
	if (token->kind == WEIR_KIND_STRING)
		return weir_time_parse(token->string.data, token->string.len, unit, &value->integer);
	return WEIR_REASON_WRONG_KIND;
}

static inline WeirReason
weir_value_date(const WeirToken *token, WeirUnit unit, WeirValue *value)
{
	int32_t day = 0;
	WeirReason reason = WEIR_REASON_WRONG_KIND;

	if (token->kind == WEIR_KIND_NUMBER)
		reason = weir_date_from_number(&token->number, unit, &day);
	else if (token->kind == WEIR_KIND_STRING)
		reason = weir_date_parse(token->string.data, token->string.len, unit, &day);
	value->integer = day;
	return reason;
}

/* As uuid_in() takes it: braces around it, a hyphen behind each four digits or not. */
static inline WeirReason
weir_uuid_parse(const char *p, const char *end, uint8_t *uuid)
{
	if (end - p >= 2 && *p == '{' && end[-1] == '}')
	{
		p++;
		end--;
	}
	for (int i = 0; i < 16; i++)
	{
		int high = end - p < 2 ? -1 : weir_lexer_hex(p[0]);
		int low = end - p < 2 ? -1 : weir_lexer_hex(p[1]);

		if (high < 0 || low < 0)
			return WEIR_REASON_NOT_A_UUID;
		uuid[i] = (uint8_t) (high << 4 | low);
		p += 2;
		if (i % 2 == 1 && i < 15 && p < end && *p == '-')
			p++;
	}
	return p == end ? WEIR_REASON_NONE : WEIR_REASON_NOT_A_UUID;
}

static inline WeirReason
weir_value_uuid(const WeirToken *token, WeirValue *value)
{
	if (token->kind != WEIR_KIND_STRING)
		return WEIR_REASON_WRONG_KIND;
	return weir_uuid_parse(token->string.data, token->string.data + token->string.len, value->uuid);
}

static inline WeirReason
weir_value_json(const WeirToken *token, WeirValue *value)
{
	value->slice = token->json;
	value->has_nul = token->has_nul;
	value->depth = token->depth;
	return WEIR_REASON_NONE;
}

static inline WeirReason
weir_value_convert(WeirToken *token, WeirType type, WeirUnit unit, WeirValue *value)
{
	switch (type)
	{
		case WEIR_TYPE_BOOL:
			return weir_value_boolean(token, value);
		case WEIR_TYPE_INT2:
			return weir_value_integer(token, INT16_MIN, INT16_MAX, value);
		case WEIR_TYPE_INT4:
			return weir_value_integer(token, INT32_MIN, INT32_MAX, value);
		case WEIR_TYPE_INT8:
			return weir_value_integer(token, INT64_MIN, INT64_MAX, value);
		case WEIR_TYPE_FLOAT4:
		case WEIR_TYPE_FLOAT8:
			return weir_value_real(token, type == WEIR_TYPE_FLOAT4, value);
		case WEIR_TYPE_NUMERIC:
			return weir_value_numeric(token, value);
		case WEIR_TYPE_TEXT:
			return weir_value_text(token, value);
		case WEIR_TYPE_TIMESTAMP:
			return weir_value_timestamp(token, unit, value);
		case WEIR_TYPE_DATE:
			return weir_value_date(token, unit, value);
		case WEIR_TYPE_UUID:
			return weir_value_uuid(token, value);
		case WEIR_TYPE_JSON:
			return weir_value_json(token, value);
		case WEIR_TYPE_BYTES:
		case WEIR_TYPE_COUNT:
			break;
	}
	return WEIR_REASON_WRONG_KIND;
}

/* Sets a value, whatever it held before. */
static inline void
weir_value_set(WeirToken *token, WeirType type, WeirUnit unit, uint32_t place, WeirValue *value)
{
	WeirReason reason;

	if (token->kind == WEIR_KIND_NULL)
	{
		value->state = WEIR_STATE_NULL;
		return;
	}
	reason = weir_value_convert(token, type, unit, value);
	value->state = weir_likely(reason == WEIR_REASON_NONE) ? WEIR_STATE_SET : WEIR_STATE_BAD;
	value->reason = reason;
	value->place = place;
}

#endif
