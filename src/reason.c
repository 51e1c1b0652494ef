/* SPDX-License-Identifier: PostgreSQL
 *
 * The list of reasons: their words and sentences.
 *
 * One table, so that no reason can have a word without a sentence. It does not decide anything.
 */
#include "reason.h"

#include <stddef.h>

typedef struct ReasonText
{
	const char *name;
	const char *text;
} ReasonText;

static const ReasonText reason_texts[WEIR_REASON_COUNT] = {
	[WEIR_REASON_NONE] = {"none", "there is no fault"},
	[WEIR_REASON_EMPTY] = {"empty", "the payload is empty"},
	[WEIR_REASON_SYNTAX] = {"syntax", "the payload is not valid JSON"},
	[WEIR_REASON_TRUNCATED] = {"truncated", "the JSON document ends too early"},
	[WEIR_REASON_TRAILING] = {"trailing", "there are bytes after the JSON document"},
	[WEIR_REASON_UTF8] = {"utf8", "there are bytes that are not valid UTF-8"},
	[WEIR_REASON_SURROGATE] = {"surrogate", "a \\u escape holds half of a surrogate pair"},
	[WEIR_REASON_NOT_OBJECT] = {"not_object", "the JSON document is not an object"},
	[WEIR_REASON_TOO_LARGE] = {"too_large", "the payload is too large"},
	[WEIR_REASON_CSV] = {"csv", "the payload is not one line of CSV"},
	[WEIR_REASON_FIELDS] = {"fields", "there are more or fewer fields than columns"},
	[WEIR_REASON_WIRE] = {"wire", "the payload does not begin as option wire has it"},
	[WEIR_REASON_WRONG_KIND] = {"wrong_kind",
								"the JSON value is of a kind that the type cannot hold"},
	[WEIR_REASON_NOT_A_NUMBER] = {"not_a_number", "the string does not hold a number"},
	[WEIR_REASON_NOT_AN_INTEGER] = {"not_an_integer", "the number is not an integer"},
	[WEIR_REASON_OUT_OF_RANGE] = {"out_of_range", "the value is out of range for the type"},
	[WEIR_REASON_NOT_A_BOOLEAN] = {"not_a_boolean", "the value is neither true nor false"},
	[WEIR_REASON_NOT_A_TIME] = {"not_a_time", "the value is not a time in the column's unit"},
	[WEIR_REASON_NOT_A_DATE] = {"not_a_date", "the value is not a date in the column's unit"},
	[WEIR_REASON_NOT_A_UUID] = {"not_a_uuid", "the string does not hold a UUID"},
	[WEIR_REASON_NUL] = {"nul", "the value holds \\u0000, which the type cannot hold"},
	[WEIR_REASON_TOO_LONG] = {"too_long", "the value is too long for the type"},
	[WEIR_REASON_TOO_DEEP] = {"too_deep", "the value is nested too deeply"},
	[WEIR_REASON_NO_CONVERSION] = {"no_conversion",
								   "a character has no equivalent in the database's encoding"},
};

const char *
weir_reason_name(WeirReason reason)
{
	return (size_t) reason < WEIR_REASON_COUNT ? reason_texts[reason].name : "unknown";
}

const char *
weir_reason_text(WeirReason reason)
{
	return (size_t) reason < WEIR_REASON_COUNT ? reason_texts[reason].text : "unknown reason";
}
