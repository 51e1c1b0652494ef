/* SPDX-License-Identifier: PostgreSQL
 *
 * The decoder against the server's own JSON parser: the same verdict, the same values.
 *
 * The judge is pg_parse_json() of libpgcommon with pg_encoding_verifymbstr() for UTF-8. It makes a
 * tree of the document; wanted paths are looked up in that tree, and their values are made by
 * strtod(), strtof(), strtoll() and arithmetic on decimal digits, none of which the decoder uses but
 * the first two at a float's last resort. What the judge cannot hold is taken out of its sight:
 * \u0000 is shown to it as \u0001, and what nests deeper than its stack is left to the unit tests.
 *
 * An input is a row of messages, separated by 0x1E, all read by the same decoder: each may teach it
 * an order of keys that misleads the next.
 */
#define FRONTEND 1
#include "postgres_fe.h"

#include <errno.h>
#include <math.h>

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#include "decode.h"
#include "inputs.h"

#define DEPTH_MAX 500
#define MESSAGE_END '\x1E'

/* Fields of all kinds of paths and types. */
static const WeirStep steps[][4] = {
	{{"a", 1, 0}},
	{{"b", 1, 0}},
	{{"a", 1, 0}, {"b", 1, 0}},
	{{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}},
	{{"a", 1, 0}, {NULL, 0, 0}},
	{{"a", 1, 0}, {NULL, 0, 1}, {"b", 1, 0}},
	{{"price", 5, 0}},
	{{"a long name of more than thirty-two bytes", 41, 0}},
	{{"\xC3\xA4", 2, 0}},
	{{"", 0, 0}},
	{{NULL, 0, 1}},
	{{NULL, 0, 0}, {"a", 1, 0}},
};

#define FIELD(path, count, type)                                                                   \
	{                                                                                              \
		steps[path], count, type, WEIR_UNIT_ISO8601                                                \
	}

static const WeirField plain_fields[] = {
	FIELD(0, 1, WEIR_TYPE_TEXT),   FIELD(1, 1, WEIR_TYPE_FLOAT8), FIELD(6, 1, WEIR_TYPE_NUMERIC),
	FIELD(7, 1, WEIR_TYPE_INT8),   FIELD(8, 1, WEIR_TYPE_INT4),   FIELD(9, 1, WEIR_TYPE_JSON),
	FIELD(6, 1, WEIR_TYPE_FLOAT4), FIELD(1, 1, WEIR_TYPE_BOOL),   FIELD(1, 1, WEIR_TYPE_INT2),
	FIELD(1, 1, WEIR_TYPE_UUID),   FIELD(1, 1, WEIR_TYPE_DATE),   FIELD(1, 1, WEIR_TYPE_TIMESTAMP),
};

static const WeirField nested_fields[] = {
	FIELD(0, 1, WEIR_TYPE_JSON), FIELD(2, 2, WEIR_TYPE_TEXT),   FIELD(3, 3, WEIR_TYPE_INT8),
	FIELD(4, 2, WEIR_TYPE_TEXT), FIELD(5, 3, WEIR_TYPE_FLOAT8), FIELD(2, 2, WEIR_TYPE_JSON),
	FIELD(1, 1, WEIR_TYPE_TEXT), FIELD(0, 1, WEIR_TYPE_TEXT),
};

static const WeirField array_fields[] = {
	FIELD(10, 1, WEIR_TYPE_TEXT),
	FIELD(11, 2, WEIR_TYPE_INT8),
	FIELD(0, 1, WEIR_TYPE_NUMERIC),
};

static const struct
{
	const WeirField *fields;
	uint32_t count;
} plans[] = {{plain_fields, lengthof(plain_fields)},
			 {nested_fields, lengthof(nested_fields)},
			 {array_fields, lengthof(array_fields)}};

#define FIELD_MAX 12

/* A value of the judge's tree. */
typedef struct Item
{
	struct Item *parent;
	struct Item *first; /* member or element */
	struct Item *last;
	struct Item *next;
	char *name; /* of a member; its bytes have no zero, since \u0000 was taken out */
	char *string;
	const char *begin;
	const char *end;
	JsonTokenType type;
} Item;

/* What the judge says of a message. */
typedef struct Judgement
{
	bool is_valid;
	Item *top;
	Item *at; /* while the tree grows */
	JsonLexContext *lex;
} Judgement;

/*
 * The judge's memory: an arena, for its parser forgets what it has when a document is refused.
 */

static char arena[64 * 1024 * 1024];
static size_t arena_used;

void *
palloc(Size size)
{
	char *chunk = arena + arena_used;

	arena_used += sizeof(Size) * 2 + ((size + 15) & ~(Size) 15);
	if (arena_used > sizeof(arena))
		abort();
	*(Size *) chunk = size;
	return chunk + sizeof(Size) * 2;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
palloc_extended(Size size, int flags)
{
	(void) flags;
	return palloc0(size);
}

void *
repalloc(void *pointer, Size size)
{
	Size old_size = ((Size *) pointer)[-2];

	return memcpy(palloc(size), pointer, Min(size, old_size));
}

void
pfree(void *pointer)
{
	(void) pointer;
}

char *
pstrdup(const char *text)
{
	return strcpy(palloc(strlen(text) + 1), text);
}

/*
 * The judge
 */

#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType ActionResult;
#define ACTION_DONE return JSON_SUCCESS
#else
typedef void ActionResult;
#define ACTION_DONE return
#endif

/* A value begins: the lexer stands on its first token. */
static Item *
item_begin(Judgement *judgement, char *name)
{
	Item *item = palloc0(sizeof(Item));
	Item *parent = judgement->at;

	item->parent = parent;
	item->name = name;
	item->begin = judgement->lex->token_start;
	item->type = judgement->lex->token_type;
	if (parent == NULL)
		judgement->top = item;
	else if (parent->last == NULL)
		parent->first = item;
	else
		parent->last->next = item;
	if (parent != NULL)
		parent->last = item;
	judgement->at = item;
	return item;
}

/* A value has ended: the lexer stands behind it. */
static void
item_end(Judgement *judgement)
{
	judgement->at->end = judgement->lex->prev_token_terminator;
	judgement->at = judgement->at->parent;
}

static ActionResult
member_begin(void *state, char *name, bool is_null)
{
	(void) is_null;
	item_begin(state, name);
	ACTION_DONE;
}

static ActionResult
member_end(void *state, char *name, bool is_null)
{
	(void) name;
	(void) is_null;
	item_end(state);
	ACTION_DONE;
}

static ActionResult
element_begin(void *state, bool is_null)
{
	(void) is_null;
	item_begin(state, NULL);
	ACTION_DONE;
}

static ActionResult
element_end(void *state, bool is_null)
{
	(void) is_null;
	item_end(state);
	ACTION_DONE;
}

static ActionResult
scalar(void *state, char *token, JsonTokenType type)
{
	Judgement *judgement = state;

	if (judgement->at != NULL)
	{
		judgement->at->string = token;
		judgement->at->type = type;
	}
	ACTION_DONE;
}

static ActionResult
container_begin(void *state)
{
	Judgement *judgement = state;

	if (judgement->top == NULL)
		item_begin(judgement, NULL);
	ACTION_DONE;
}

static bool
is_json(Judgement *judgement, char *message, size_t len)
{
	JsonSemAction actions = {.semstate = judgement,
							 .object_start = container_begin,
							 .array_start = container_begin,
							 .object_field_start = member_begin,
							 .object_field_end = member_end,
							 .array_element_start = element_begin,
							 .array_element_end = element_end,
							 .scalar = scalar};

#if PG_VERSION_NUM >= 170000
	judgement->lex = makeJsonLexContextCstringLen(NULL, message, len, PG_UTF8, true);
#else
	judgement->lex = makeJsonLexContextCstringLen(message, (int) len, PG_UTF8, true);
#endif
	return pg_parse_json(judgement->lex, &actions) == JSON_SUCCESS;
}

static void
judge(Judgement *judgement, char *message, size_t len)
{
	memset(judgement, 0, sizeof(*judgement));
	judgement->is_valid = is_json(judgement, message, len) &&
						  pg_encoding_verifymbstr(PG_UTF8, message, (int) len) == (int) len;
}

/* The last member of that name, or the element of that number. */
static const Item *
item_find(const Item *item, const WeirField *field)
{
	for (uint32_t i = 0; i < field->step_count && item != NULL; i++)
	{
		const WeirStep *step = &field->steps[i];
		const Item *found = NULL;
		uint32_t number = 0;

		if (item->type != (step->name != NULL ? JSON_TOKEN_OBJECT_START : JSON_TOKEN_ARRAY_START))
			return NULL;
		for (const Item *child = item->first; child != NULL; child = child->next, number++)
			if (step->name == NULL ? number == step->element
								   : strlen(child->name) == step->name_len &&
										 memcmp(child->name, step->name, step->name_len) == 0)
				found = child;
		item = found;
	}
	return item;
}

/*
 * What the values should be
 */

static void
disagree(const char *what, const char *message, size_t len)
{
	fprintf(stderr, "%s: ", what);
	for (size_t i = 0; i < len; i++)
		fprintf(stderr,
				message[i] >= ' ' && message[i] <= '~' && message[i] != '\\' ? "%c" : "\\x%02x",
				(unsigned char) message[i]);
	fprintf(stderr, "\n");
	abort();
}

static bool
is_slice(const WeirSlice *slice, const char *begin, size_t len)
{
	return slice->len == len && memcmp(slice->data, begin, len) == 0;
}

/* The number in a text: white space around it is left out. Result: false if there is none. */
static bool
number_find(const char *text, char *out)
{
	size_t len;
	size_t digit_count;

	text += strspn(text, " \t\n\v\f\r");
	len = strlen(text);
	while (len > 0 && strchr(" \t\n\v\f\r", text[len - 1]) != NULL)
		len--;
	memcpy(out, text, len);
	out[len] = '\0';
	text = out + (*out == '-' || *out == '+');
	digit_count = strspn(text, "0123456789");
	text += digit_count;
	if (*text == '.')
	{
		digit_count += strspn(text + 1, "0123456789");
		text += 1 + strspn(text + 1, "0123456789");
	}
	if (digit_count > 0 && (*text == 'e' || *text == 'E'))
	{
		text++;
		text += *text == '-' || *text == '+';
		if (strspn(text, "0123456789") == 0)
			return false;
		text += strspn(text, "0123456789");
	}
	return digit_count > 0 && *text == '\0';
}

static WeirReason
word_wanted(const char *text, double *real)
{
	if (pg_strcasecmp(text, "nan") == 0)
		*real = NAN;
	else if (pg_strcasecmp(text + (*text == '+'), "inf") == 0 ||
			 pg_strcasecmp(text + (*text == '+'), "infinity") == 0)
		*real = INFINITY;
	else if (pg_strcasecmp(text, "-inf") == 0 || pg_strcasecmp(text, "-infinity") == 0)
		*real = -INFINITY;
	else
		return WEIR_REASON_NOT_A_NUMBER;
	return WEIR_REASON_NONE;
}

static WeirReason
real_wanted(const char *text, bool is_float4, double *real)
{
	char number[MESSAGE_MAX];

	if (!number_find(text, number))
		return word_wanted(number, real);
	*real = is_float4 ? strtof(number, NULL) : strtod(number, NULL);
	/* zero only if all digits before the exponent are */
	if (isinf(*real) || (*real == 0 && strcspn(number, "123456789") < strcspn(number, "eE")))
		return WEIR_REASON_OUT_OF_RANGE;
	return WEIR_REASON_NONE;
}

/* Decimal arithmetic on the digits themselves. */
static WeirReason
integer_wanted(const char *text, int64_t min, int64_t max, int64_t *integer)
{
	char number[MESSAGE_MAX];
	char digits[MESSAGE_MAX];
	size_t count = 0;
	long point;
	long exponent;
	const char *p = number;
	int64_t value;
	char *letter;

	if (!number_find(text, number))
		return WEIR_REASON_NOT_A_NUMBER;
	letter = strpbrk(number, "eE");
	exponent = letter == NULL ? 0 : strtol(letter + 1, NULL, 10);
	exponent = Max(Min(exponent, 1000000), -1000000);
	p += *p == '-' || *p == '+';
	point = -1;
	for (; *p != '\0' && p != letter; p++)
		if (*p == '.')
			point = (long) count;
		else if (count > 0 || *p != '0' || point >= 0)
			digits[count++] = *p;
	if (point < 0)
		point = (long) count;
	while (count > 0 && digits[count - 1] == '0' && (long) count > point)
		count--;
	/* digits * 10^(exponent - (count - point)) */
	exponent -= (long) count - point;
	while (exponent < 0 && count > 0 && digits[count - 1] == '0')
	{
		count--;
		exponent++;
	}
	digits[count] = '\0';
	*integer = 0;
	if (strspn(digits, "0") == count)
		return WEIR_REASON_NONE;
	if (exponent < 0)
		return WEIR_REASON_NOT_AN_INTEGER;
	if (exponent > 30)
		return WEIR_REASON_OUT_OF_RANGE;
	for (; exponent > 0; exponent--)
		digits[count++] = '0';
	digits[count] = '\0';
	memmove(digits + 1, digits, count + 1);
	digits[0] = *number == '-' ? '-' : '+';
	errno = 0;
	value = strtoll(digits, NULL, 10);
	if (errno != 0 || value < min || value > max)
		return WEIR_REASON_OUT_OF_RANGE;
	*integer = value;
	return WEIR_REASON_NONE;
}

static bool
is_state(const WeirValue *value, WeirReason reason)
{
	if (reason == WEIR_REASON_NONE)
		return value->state == WEIR_STATE_SET;
	return value->state == WEIR_STATE_BAD && value->reason == reason;
}

static bool
real_is_right(const Item *item, bool is_float4, const WeirValue *value)
{
	double wanted = 0;
	WeirReason reason = real_wanted(item->string, is_float4, &wanted);

	if (!is_state(value, reason))
		return false;
	return reason != WEIR_REASON_NONE || (isnan(wanted) && isnan(value->real)) ||
		   memcmp(&wanted, &value->real, sizeof(wanted)) == 0;
}

static bool
integer_is_right(const Item *item, int64_t min, int64_t max, const WeirValue *value)
{
	int64_t wanted = 0;
	WeirReason reason = integer_wanted(item->string, min, max, &wanted);

	return is_state(value, reason) && (reason != WEIR_REASON_NONE || wanted == value->integer);
}

static bool
numeric_is_right(const Item *item, const WeirValue *value)
{
	char number[MESSAGE_MAX];
	double word;
	WeirReason reason;

	if (number_find(item->string, number))
		return value->state == WEIR_STATE_SET && is_slice(&value->slice, number, strlen(number));
	reason = word_wanted(number, &word);
	if (reason != WEIR_REASON_NONE || value->state != WEIR_STATE_SET)
		return is_state(value, reason);
	return isnan(word) ? is_slice(&value->slice, "NaN", 3)
		   : word > 0  ? is_slice(&value->slice, "Infinity", 8)
					   : is_slice(&value->slice, "-Infinity", 9);
}

static bool
boolean_is_right(const Item *item, const WeirValue *value)
{
	int64_t integer;
	const char *text = item->string;
	char word[MESSAGE_MAX];

	if (item->type == JSON_TOKEN_NUMBER)
		return integer_wanted(text, 0, 1, &integer) == WEIR_REASON_NONE
				   ? value->state == WEIR_STATE_SET && value->boolean == (integer == 1)
				   : is_state(value, WEIR_REASON_NOT_A_BOOLEAN);
	number_find(text, word);
	if (pg_strcasecmp(word, "true") != 0 && pg_strcasecmp(word, "false") != 0)
		return is_state(value, WEIR_REASON_NOT_A_BOOLEAN);
	return value->state == WEIR_STATE_SET && value->boolean == (*word == 't' || *word == 'T');
}

static uint32_t
depth_of(const Item *item)
{
	const char *end = item->end;
	uint32_t depth = 0;
	uint32_t depth_max = 0;
	bool is_string = false;

	for (const char *p = item->begin; p < end; p++)
	{
		if (is_string && *p == '\\')
			p++;
		else if (*p == '"')
			is_string = !is_string;
		else if (!is_string && (*p == '{' || *p == '['))
		{
			depth++;
			depth_max = Max(depth_max, depth);
		}
		else if (!is_string && (*p == '}' || *p == ']'))
			depth--;
	}
	return depth_max;
}

static bool
value_is_right(const Item *item, const WeirField *field, const WeirValue *value)
{
	bool is_container;
	bool is_word;

	if (item == NULL)
		return value->state == WEIR_STATE_MISSING;
	if (item->type == JSON_TOKEN_NULL)
		return value->state == WEIR_STATE_NULL;
	is_container = item->type == JSON_TOKEN_OBJECT_START || item->type == JSON_TOKEN_ARRAY_START;
	is_word = item->type == JSON_TOKEN_TRUE || item->type == JSON_TOKEN_FALSE;
	if (field->type == WEIR_TYPE_JSON)
		return value->state == WEIR_STATE_SET && value->depth == depth_of(item) &&
			   is_slice(&value->slice, item->begin, (size_t) (item->end - item->begin));
	if (field->type == WEIR_TYPE_TEXT)
		return value->state == WEIR_STATE_SET &&
			   (item->type == JSON_TOKEN_STRING
					? is_slice(&value->slice, item->string, strlen(item->string))
					: is_slice(&value->slice, item->begin, (size_t) (item->end - item->begin)));
	if (is_container || (is_word && field->type != WEIR_TYPE_BOOL))
		return is_state(value, WEIR_REASON_WRONG_KIND);
	switch (field->type)
	{
		case WEIR_TYPE_BOOL:
			return boolean_is_right(item, value);
		case WEIR_TYPE_INT2:
			return integer_is_right(item, INT16_MIN, INT16_MAX, value);
		case WEIR_TYPE_INT4:
			return integer_is_right(item, INT32_MIN, INT32_MAX, value);
		case WEIR_TYPE_INT8:
			return integer_is_right(item, INT64_MIN, INT64_MAX, value);
		case WEIR_TYPE_FLOAT4:
		case WEIR_TYPE_FLOAT8:
			return real_is_right(item, field->type == WEIR_TYPE_FLOAT4, value);
		case WEIR_TYPE_NUMERIC:
			return numeric_is_right(item, value);
		default:
			/* texts.c judges times and dates, a unit test UUIDs */
			return value->state == WEIR_STATE_SET || value->state == WEIR_STATE_BAD;
	}
}

/*
 * The comparison
 */

static void
verdict_compare(const Judgement *judgement, int plan, WeirReason reason, uint32_t place,
				const char *message, size_t len)
{
	bool is_blank = strspn(message, " \t\r\n") == len;
	bool is_top = judgement->is_valid && judgement->top != NULL &&
				  (judgement->top->type == JSON_TOKEN_OBJECT_START ||
				   (plan == 2 && judgement->top->type == JSON_TOKEN_ARRAY_START));

	if (place > len || (reason == WEIR_REASON_TRUNCATED && place != len))
		disagree("the place is wrong", message, len);
	if (is_blank != (reason == WEIR_REASON_EMPTY))
		disagree("an empty message", message, len);
	if ((judgement->is_valid && !is_top) != (reason == WEIR_REASON_NOT_OBJECT))
		disagree("the top", message, len);
	if ((judgement->is_valid && is_top) != (reason == WEIR_REASON_NONE))
		disagree(judgement->is_valid ? "valid, says the server" : "not valid, says the server",
				 message, len);
}

/* \u0000 becomes \u0001. Result: was there one? */
static bool
zeros_hide(char *message, size_t len)
{
	bool is_found = false;

	for (size_t i = 0; i + 6 <= len; i++)
		if (memcmp(message + i, "\\u0000", 6) == 0)
		{
			message[i + 5] = '1';
			is_found = true;
		}
	return is_found;
}

static bool
is_too_deep(const char *message, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += message[i] == '[' || message[i] == '{';
	return count > DEPTH_MAX;
}

static void
message_compare(WeirDecoder *const *decoders, const char *data, size_t len)
{
	/* no byte more than there are, for the address sanitizer to see */
	char *original = malloc(len);
	char *scratch = malloc(weir_decoder_scratch(len));
	char *message = malloc(len + 1);
	WeirValue values[FIELD_MAX];
	uint32_t place;
	Judgement judgement;

	memcpy(original, data, len);
	memcpy(message, data, len);
	message[len] = '\0';
	arena_used = 0;
	if (zeros_hide(message, len))
	{
		/* the same verdict; what \u0000 does to values is left to the unit tests */
		for (int plan = 0; plan < (int) lengthof(plans); plan++)
		{
			WeirReason reason =
				weir_decoder_run(decoders[plan], original, len, scratch, values, &place);

			memcpy(original, message, len);
			if (weir_decoder_run(decoders[plan], original, len, scratch, values, &place) != reason)
				disagree("\\u0000", message, len);
			memcpy(original, data, len);
		}
		memcpy(original, message, len);
	}
	judge(&judgement, message, len);
	for (int plan = 0; plan < (int) lengthof(plans); plan++)
	{
		WeirReason reason =
			weir_decoder_run(decoders[plan], original, len, scratch, values, &place);

		verdict_compare(&judgement, plan, reason, place, message, len);
		for (uint32_t i = 0; reason == WEIR_REASON_NONE && i < plans[plan].count; i++)
			if (!value_is_right(item_find(judgement.top, &plans[plan].fields[i]),
								&plans[plan].fields[i], &values[i]))
			{
				fprintf(stderr, "plan %d, field %u\n", plan, i);
				disagree("a value", message, len);
			}
	}
	free(original);
	free(scratch);
	free(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *message = (const char *) data;
	const char *end = message + size;
	WeirDecoder *decoders[lengthof(plans)];

	if (size >= MESSAGE_MAX)
		return 0;
	for (int plan = 0; plan < (int) lengthof(plans); plan++)
		decoders[plan] =
			weir_decoder_init(malloc(weir_decoder_size(plans[plan].fields, plans[plan].count)),
							  plans[plan].fields, plans[plan].count);
	while (message <= end)
	{
		const char *separator = memchr(message, MESSAGE_END, (size_t) (end - message));
		size_t len = (size_t) ((separator == NULL ? end : separator) - message);

		/* twice: the second time with what the first has taught */
		for (int i = 0; i < 2 && !is_too_deep(message, len); i++)
			message_compare(decoders, message, len);
		message += len + 1;
	}
	for (int plan = 0; plan < (int) lengthof(plans); plan++)
		free(decoders[plan]);
	return 0;
}

#ifdef WEIR_FUZZ_STANDALONE
int
main(int argc, char **argv)
{
	return inputs_run(argc, argv, messages_make);
}
#endif
