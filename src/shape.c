/* SPDX-License-Identifier: PostgreSQL
 *
 * The columns that fit a sample of JSON messages.
 *
 * First the places are found where values stand; then each place is tried with every type that may suit it,
 * by the decoder and the conversion that a scan uses, over the whole sample, and the first one in a table
 * that never failed is taken. So what is found reads the sample back, by construction.
 *
 * A number says little about its type: it is a time only if its place is named like one and every value lies
 * in this century by the same unit; an integer is a bigint, since the next one may be larger.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "mb/pg_wchar.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "convert.h"
#include "decode.h"
#include "option.h"
#include "shape.h"

#define DEPTH_MAX 8     /* of nested objects whose members are columns */
#define MEMBERS_MAX 64  /* of such an object: with more it is a map */
#define PLACES_MAX 1600 /* below one object that are kept */
#define FLAT_MAX 400    /* columns; with more, nested objects stay whole */
#define COLUMNS_MAX 1000
#define DIGITS_MAX 15 /* that a double precision surely keeps */

/* Kinds of JSON values, but null. */
typedef enum Kind
{
	KIND_BOOL = 1,
	KIND_NUMBER = 2,
	KIND_STRING = 4,
	KIND_OBJECT = 8,
	KIND_ARRAY = 16,
	KIND_SCALAR = KIND_BOOL | KIND_NUMBER | KIND_STRING,
	KIND_ANY = KIND_SCALAR | KIND_OBJECT | KIND_ARRAY
} Kind;

/* A place in the messages. */
typedef struct Place
{
	struct Place *parent;
	struct Place *children; /* the last found first */
	struct Place *next;     /* of the same parent */
	char *name;
	int depth; /* of the root 0 */
	int child_count;
	int kinds;
} Place;

/* What of a value a rule looks at. */
typedef struct Look
{
	const char *text; /* the string, or the number as it stands; not terminated */
	size_t len;
	bool is_string;
	const WeirValue *value;
} Look;

typedef struct Candidate
{
	const char *type;
	Oid type_oid;
	WeirType decoded;
	WeirUnit unit;
	const char *unit_name;
	int kinds; /* all values must be of these */
	bool is_named;
	bool (*suits)(const Look *look); /* NULL: what can be read suits */
} Candidate;

static bool is_date(const Look *look);
static bool is_this_century(const Look *look);
static bool is_integer(const Look *look);
static bool is_short_decimal(const Look *look);
static bool is_decimal(const Look *look);

/* The first that suits is taken. */
static const Candidate candidates[] = {
	{"boolean", BOOLOID, WEIR_TYPE_BOOL, 0, NULL, KIND_BOOL, false, NULL},
	{"date", DATEOID, WEIR_TYPE_DATE, 0, NULL, KIND_STRING, false, is_date},
	{"timestamptz", TIMESTAMPTZOID, WEIR_TYPE_TIMESTAMP, 0, NULL, KIND_STRING, false, NULL},
	{"timestamptz", TIMESTAMPTZOID, WEIR_TYPE_TIMESTAMP, WEIR_UNIT_S, "s",
	 KIND_NUMBER | KIND_STRING, true, is_this_century},
	{"timestamptz", TIMESTAMPTZOID, WEIR_TYPE_TIMESTAMP, WEIR_UNIT_MS, "ms",
	 KIND_NUMBER | KIND_STRING, true, is_this_century},
	{"timestamptz", TIMESTAMPTZOID, WEIR_TYPE_TIMESTAMP, WEIR_UNIT_US, "us",
	 KIND_NUMBER | KIND_STRING, true, is_this_century},
	{"timestamptz", TIMESTAMPTZOID, WEIR_TYPE_TIMESTAMP, WEIR_UNIT_NS, "ns",
	 KIND_NUMBER | KIND_STRING, true, is_this_century},
	{"uuid", UUIDOID, WEIR_TYPE_UUID, 0, NULL, KIND_STRING, false, NULL},
	{"bigint", INT8OID, WEIR_TYPE_INT8, 0, NULL, KIND_NUMBER | KIND_STRING, false, is_integer},
	{"double precision", FLOAT8OID, WEIR_TYPE_FLOAT8, 0, NULL, KIND_NUMBER, false,
	 is_short_decimal},
	{"numeric", NUMERICOID, WEIR_TYPE_NUMERIC, 0, NULL, KIND_NUMBER | KIND_STRING, false,
	 is_decimal},
	{"text", TEXTOID, WEIR_TYPE_TEXT, 0, NULL, KIND_SCALAR, false, NULL},
	{"jsonb", JSONBOID, WEIR_TYPE_JSON, 0, NULL, KIND_ANY, false, NULL},
	{"json", JSONOID, WEIR_TYPE_JSON, 0, NULL, KIND_ANY, false, NULL},
};

#define CANDIDATE_COUNT ((int) lengthof(candidates))
#define CANDIDATE_TEXT (CANDIDATE_COUNT - 3)
#define CANDIDATE_JSON (CANDIDATE_COUNT - 1)

/* A place that becomes a column. */
typedef struct Leaf
{
	const Place *place;
	char *path;
	WeirStep *steps;
	uint32 step_count;
	int fields[CANDIDATE_COUNT]; /* of the decoder; -1: out of the race */
	int set_count;               /* messages that have a value */
	int first_message;           /* the first of them, */
	uint32 first_byte;           /* and where it stands there */
} Leaf;

typedef struct Finding
{
	const WeirSample *sample;
	bool *is_good; /* by message */
	Place root;
	int leaf_count;
	Leaf *leaves;
	WeirField *fields;
	int field_count;
	WeirShape *shape;
} Finding;

/*
 * Rules
 */

static bool
is_date(const Look *look)
{
	return look->len == strlen("2026-11-20");
}

static bool
is_this_century(const Look *look)
{
	return look->value->integer >= 0 &&
		   look->value->integer < 100 * INT64CONST(365) * USECS_PER_DAY;
}

/* Result: behind the digits; *count grows by those that are not leading zeros of a number. */
static const char *
skip_digits(const char *p, const char *end, int *count)
{
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		*count += *count > 0 || *p != '0';
	return p;
}

/* A string is a number only if a number would be written so: 007 and +49 are none, nor is 12e3, which may
 * be the beginning of a hash. */
static bool
read_decimal(const Look *look, bool *is_whole, int *digit_count)
{
	const char *end = look->text + look->len;
	const char *p = look->text;
	const char *begin;

	*digit_count = 0;
	p += p < end && *p == '-';
	begin = p;
	p = skip_digits(p, end, digit_count);
	if (p == begin || (*begin == '0' && p - begin > 1))
		return false;
	*is_whole = p == end;
	if (p < end && *p == '.')
	{
		begin = ++p;
		p = skip_digits(p, end, digit_count);
		if (p == begin)
			return false;
	}
	return p == end || !look->is_string;
}

static bool
is_integer(const Look *look)
{
	bool is_whole = false;
	int digit_count;

	return read_decimal(look, &is_whole, &digit_count) && is_whole;
}

static bool
is_decimal(const Look *look)
{
	bool is_whole;
	int digit_count;

	return read_decimal(look, &is_whole, &digit_count);
}

static bool
is_short_decimal(const Look *look)
{
	bool is_whole;
	int digit_count;

	return read_decimal(look, &is_whole, &digit_count) && digit_count <= DIGITS_MAX;
}

/*
 * Names
 */

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Does a word begin at `i`? As in eventTime, and in HTTPStatus. */
static bool
is_hump(const char *name, size_t i)
{
	if (i == 0 || !is_upper(name[i]))
		return false;
	return is_lower_or_digit(name[i - 1]) ||
		   (is_upper(name[i - 1]) && is_lower_or_digit(name[i + 1]) && name[i + 1] > '9');
}

char *
weir_shape_fold(const char *name)
{
	StringInfoData folded;

	initStringInfo(&folded);
	for (size_t i = 0; name[i] != '\0'; i++)
	{
		char c = is_upper(name[i]) ? (char) (name[i] - 'A' + 'a') : name[i];
		bool is_odd = !is_lower_or_digit(c) && !IS_HIGHBIT_SET(c);

		if (is_hump(name, i))
			appendStringInfoChar(&folded, '_');
		appendStringInfoChar(&folded, is_odd ? '_' : c);
	}
	if (folded.len == 0)
		appendStringInfoChar(&folded, '_');
	folded.data[pg_mbcliplen(folded.data, folded.len, NAMEDATALEN - 1)] = '\0';
	return folded.data;
}

bool
weir_shape_has_word(const char *name, const char *const *words)
{
	const char *folded = weir_shape_fold(name);

	while (*folded != '\0')
	{
		size_t len = strcspn(folded, "_");

		for (const char *const *word = words; *word != NULL; word++)
			if (strlen(*word) == len && strncmp(*word, folded, len) == 0)
				return true;
		folded += len + (folded[len] == '_');
	}
	return false;
}

static bool
is_named_like_a_time(const char *name)
{
	static const char *const words[] = {
		"at",   "begin", "close",     "closed",   "created", "date",     "datetime",
		"e",    "end",   "epoch",     "expires",  "expiry",  "modified", "ms",
		"on",   "open",  "opened",    "since",    "start",   "started",  "t",
		"time", "times", "timestamp", "ts",       "tstamp",  "until",    "updated",
		"when", "stamp", "seen",      "finished", "expired", NULL};

	return weir_shape_has_word(name, words);
}

/* As it stands in option path. */
static char *
append_step(const char *path, const char *name)
{
	StringInfoData text;
	bool is_plain = name[0] != '\0' && strcmp(name, "$") != 0;

	for (const char *p = name; *p != '\0' && is_plain; p++)
		is_plain = is_upper(*p) || is_lower_or_digit(*p) || strchr("_-@$", *p) != NULL;
	initStringInfo(&text);
	if (path != NULL)
		appendStringInfo(&text, "%s.", path);
	if (is_plain)
		appendStringInfoString(&text, name);
	else
	{
		appendStringInfoChar(&text, '"');
		for (const char *p = name; *p != '\0'; p++)
		{
			if (*p == '"')
				appendStringInfoChar(&text, '"');
			appendStringInfoChar(&text, *p);
		}
		appendStringInfoChar(&text, '"');
	}
	return text.data;
}

/*
 * Places
 */

/* Result: NULL if there are too many. */
static Place *
find_child(Place *parent, const char *name, int len)
{
	Place *place = parent->children;

	while (place != NULL &&
		   (strncmp(place->name, name, (size_t) len) != 0 || place->name[len] != '\0'))
		place = place->next;
	if (place != NULL || parent->child_count == PLACES_MAX)
		return place;
	place = palloc0_object(Place);
	place->parent = parent;
	place->name = pnstrdup(name, (Size) len);
	place->depth = parent->depth + 1;
	place->next = parent->children;
	parent->children = place;
	parent->child_count++;
	return place;
}

static int
kind_of(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvBool:
			return KIND_BOOL;
		case jbvNumeric:
			return KIND_NUMBER;
		case jbvString:
			return KIND_STRING;
		default:
			return 0;
	}
}

/* Notes the places of one message. What lies in an array is not looked at. */
static void
walk(Place *root, Jsonb *jsonb)
{
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	Place *object = root->parent;
	Place *member = root;
	int skipped_depth = 0;
	JsonbValue value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		bool is_begin = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT;
		bool is_end = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		if (skipped_depth > 0 || (is_begin && member == NULL))
		{
			skipped_depth += is_begin - is_end;
			continue;
		}
		if (token == WJB_BEGIN_ARRAY)
		{
			member->kinds |= KIND_ARRAY;
			skipped_depth = 1;
		}
		else if (token == WJB_BEGIN_OBJECT)
		{
			member->kinds |= KIND_OBJECT;
			object = member;
		}
		else if (token == WJB_END_OBJECT)
			object = object->parent;
		else if (token == WJB_KEY)
			member = find_child(object, value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && member != NULL)
			member->kinds |= kind_of(&value);
	}
}

/* jsonb takes no \u0000: another character does as well here, in names too, which are then not found. */
static char *
without_nul(const WeirPayload *payload)
{
	char *copy = pnstrdup(payload->data, payload->len);

	for (char *found = copy; (found = strstr(found, "\\u0000")) != NULL;)
		found[strlen("\\u000")] = '1';
	return copy;
}

static void
walk_payload(Finding *finding, const WeirPayload *payload, MemoryContext context)
{
	MemoryContext before = MemoryContextSwitchTo(context);
	WeirColumn column = {.type = WEIR_TYPE_JSON, .type_oid = JSONBOID, .typmod = -1};
	WeirValue value = {.state = WEIR_STATE_SET,
					   .slice = {without_nul(payload), (uint32) payload->len}};
	bool is_null;
	Datum datum;
	WeirReason reason = weir_value_to_datum(&column, &value, &datum, &is_null);

	MemoryContextSwitchTo(before);
	if (reason == WEIR_REASON_NONE)
		walk(&finding->root, DatumGetJsonbP(datum));
	MemoryContextReset(context);
}

/* Judges the messages as a scan does. */
static void
find_places(Finding *finding)
{
	const WeirSample *sample = finding->sample;
	WeirDecoder *decoder = weir_decoder_init(palloc(weir_decoder_size(NULL, 0)), NULL, 0);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "weir jsonb", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < sample->count; i++)
	{
		const WeirPayload *payload = &sample->payloads[i];
		char *scratch = palloc(weir_decoder_scratch(payload->len));
		WeirReason reason;
		uint32 place;

		CHECK_FOR_INTERRUPTS();
		reason = weir_decoder_run(decoder, payload->data, payload->len, scratch, NULL, &place);
		pfree(scratch);
		finding->is_good[i] = reason == WEIR_REASON_NONE;
		if (finding->is_good[i])
		{
			finding->shape->message_count++;
			walk_payload(finding, payload, context);
		}
		else if (finding->shape->bad_count++ == 0)
			finding->shape->bad_reason = reason;
	}
}

/*
 * Leaves
 */

static bool
is_leaf(const Place *place, bool is_flat)
{
	return !is_flat || place->kinds != KIND_OBJECT || place->child_count == 0 ||
		   place->child_count > MEMBERS_MAX || place->depth >= DEPTH_MAX;
}

static int
count_leaves(const Place *object, bool is_flat)
{
	int count = 0;

	for (const Place *place = object->children; place != NULL; place = place->next)
		count += is_leaf(place, is_flat) ? 1 : count_leaves(place, is_flat);
	return count;
}

static void
add_leaves(Finding *finding, const Place *object, const char *object_path, bool is_flat)
{
	for (const Place *place = object->children; place != NULL; place = place->next)
	{
		char *path = append_step(object_path, place->name);
		Leaf *leaf = &finding->leaves[finding->leaf_count];

		if (!is_leaf(place, is_flat))
		{
			add_leaves(finding, place, path, is_flat);
			continue;
		}
		finding->leaf_count++;
		leaf->place = place;
		leaf->path = path;
		leaf->steps = weir_option_path(path, &leaf->step_count);
		leaf->first_message = PG_INT32_MAX;
	}
}

/*
 * Trying
 */

static bool
is_possible(const Leaf *leaf, const Candidate *candidate)
{
	int kinds = leaf->place->kinds;

	if (kinds == 0) /* nothing but nulls */
		return candidate == &candidates[CANDIDATE_TEXT] || candidate == &candidates[CANDIDATE_JSON];
	if (candidate->is_named && !is_named_like_a_time(leaf->place->name))
		return false;
	return (kinds & ~candidate->kinds) == 0;
}

static void
add_fields(Finding *finding)
{
	finding->fields = palloc0_array(WeirField, finding->leaf_count * CANDIDATE_COUNT + 1);
	for (int i = 0; i < finding->leaf_count; i++)
	{
		Leaf *leaf = &finding->leaves[i];

		for (int c = 0; c < CANDIDATE_COUNT; c++)
		{
			WeirField *field = &finding->fields[finding->field_count];

			leaf->fields[c] = -1;
			if (!is_possible(leaf, &candidates[c]))
				continue;
			leaf->fields[c] = finding->field_count++;
			field->steps = leaf->steps;
			field->step_count = leaf->step_count;
			field->type = candidates[c].decoded;
			field->unit = candidates[c].unit;
		}
	}
}

/* Can a scan read it so, and does it look like it? */
static bool
is_fitting(const Candidate *candidate, const WeirValue *value, Look *look)
{
	WeirColumn column = {.type = candidate->decoded, .type_oid = candidate->type_oid, .typmod = -1};
	bool is_null;
	Datum datum;

	if (value->state == WEIR_STATE_BAD)
		return false;
	if (value->state != WEIR_STATE_SET)
		return true;
	look->value = value;
	if (candidate->suits != NULL && !candidate->suits(look))
		return false;
	return weir_value_to_datum(&column, value, &datum, &is_null) == WEIR_REASON_NONE;
}

static void
try_leaf(Leaf *leaf, const WeirValue *values, const WeirPayload *payload, int message)
{
	const WeirValue *json = &values[leaf->fields[CANDIDATE_JSON]];
	Look look = {0};

	if (json->state != WEIR_STATE_SET)
		return;
	leaf->set_count++;
	if (leaf->first_message == PG_INT32_MAX)
	{
		leaf->first_message = message;
		leaf->first_byte = (uint32) (json->slice.data - payload->data);
	}
	look.is_string = json->slice.data[0] == '"';
	look.text = json->slice.data + look.is_string;
	look.len = json->slice.len - 2 * look.is_string;
	for (int c = 0; c < CANDIDATE_COUNT; c++)
		if (leaf->fields[c] >= 0 && !is_fitting(&candidates[c], &values[leaf->fields[c]], &look))
			leaf->fields[c] = c == CANDIDATE_JSON ? leaf->fields[c] : -1;
}

static void
try_messages(Finding *finding)
{
	const WeirSample *sample = finding->sample;
	Size size = weir_decoder_size(finding->fields, (uint32) finding->field_count);
	WeirDecoder *decoder = weir_decoder_init(MemoryContextAllocHuge(CurrentMemoryContext, size),
											 finding->fields, (uint32) finding->field_count);
	WeirValue *values = palloc0_array(WeirValue, finding->field_count + 1);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "weir shape", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);

	for (int i = 0; i < sample->count; i++)
	{
		const WeirPayload *payload = &sample->payloads[i];
		uint32 place;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
		if (!finding->is_good[i])
			continue;
		(void) weir_decoder_run(decoder, payload->data, payload->len,
								palloc(weir_decoder_scratch(payload->len)), values, &place);
		for (int leaf = 0; leaf < finding->leaf_count; leaf++)
			try_leaf(&finding->leaves[leaf], values, payload, i);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
}

/*
 * Columns
 */

/* As the messages have them. */
static int
leaf_compare(const void *a, const void *b)
{
	const Leaf *left = a;
	const Leaf *right = b;

	if (left->first_message != right->first_message)
		return left->first_message < right->first_message ? -1 : 1;
	if (left->first_byte != right->first_byte)
		return left->first_byte < right->first_byte ? -1 : 1;
	return strcmp(left->path, right->path);
}

static bool
has_name(const WeirShape *shape, const char *name)
{
	for (int i = 0; i < shape->column_count; i++)
		if (strcmp(shape->columns[i].name, name) == 0)
			return true;
	return false;
}

/* "a.b" is a_b; of two that fold to one name, the second has a number behind it. */
static char *
column_name(const WeirShape *shape, const Place *place)
{
	char *name = weir_shape_fold(place->name);
	char *unique;

	for (const Place *parent = place->parent; parent->depth > 0; parent = parent->parent)
		name = weir_shape_fold(psprintf("%s_%s", weir_shape_fold(parent->name), name));
	unique = name;
	for (int i = 2; has_name(shape, unique); i++)
		unique =
			psprintf("%.*s_%d", pg_mbcliplen(name, (int) strlen(name), NAMEDATALEN - 8), name, i);
	return unique;
}

static void
add_column(WeirShape *shape, const Leaf *leaf)
{
	WeirShapeColumn *column = &shape->columns[shape->column_count];
	const Candidate *candidate = candidates;

	while (leaf->fields[candidate - candidates] < 0)
		candidate++;
	column->name = column_name(shape, leaf->place);
	if (leaf->place->depth > 1 || strcmp(column->name, leaf->place->name) != 0)
		column->path = leaf->path;
	column->type = candidate->type;
	column->type_oid = candidate->type_oid;
	column->unit = candidate->unit_name;
	column->is_full = leaf->set_count == shape->message_count;
	shape->column_count++;
}

WeirShape *
weir_shape_find(const WeirSample *sample, bool is_flat)
{
	Finding finding = {.sample = sample};
	int count;

	finding.shape = palloc0_object(WeirShape);
	finding.is_good = palloc0_array(bool, sample->count + 1);
	find_places(&finding);
	is_flat = is_flat && count_leaves(&finding.root, true) <= FLAT_MAX;
	finding.leaves = palloc0_array(Leaf, count_leaves(&finding.root, is_flat) + 1);
	add_leaves(&finding, &finding.root, NULL, is_flat);
	add_fields(&finding);
	try_messages(&finding);
	qsort(finding.leaves, (size_t) finding.leaf_count, sizeof(Leaf), leaf_compare);
	count = Min(finding.leaf_count, COLUMNS_MAX);
	finding.shape->left_out_count = finding.leaf_count - count;
	finding.shape->columns = palloc0_array(WeirShapeColumn, count + 1);
	for (int i = 0; i < count; i++)
		add_column(finding.shape, &finding.leaves[i]);
	return finding.shape;
}
