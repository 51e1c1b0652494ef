/* SPDX-License-Identifier: PostgreSQL
 *
 * Values of options, checked by the kind that the table names.
 *
 * The same functions run when an option is typed and when it is used, so a value that was accepted
 * once is never read in another way. They know nothing about where an option stands (option.c does)
 * nor about the types of columns (stream.c does).
 */
#include "postgres.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "option.h"
#include "option_value.h"

/* Longest part of a value that an error shows. */
#define SHOWN_MAX 200

/* A candidate farther away than this is no help; nor is one that shares less than half. */
#define NEAREST_MAX 4

/* Longer input is not compared: the comparison takes at most 255 characters. */
#define NEAREST_SOURCE_MAX 100

#define TOPIC_MAX 249

#define DURATION_HINT "Write a number and a unit: us, ms, s, min, h, d, w, or the words for them."

/* A path while it is parsed. */
typedef struct PathParser
{
	const WeirOption *option;
	const char *value;
	const char *at;
	WeirStep *steps;
	uint32 step_count;
} PathParser;

static const WeirOption *
row(const char *name)
{
	for (const WeirOption *option = weir_option_table; option->name != NULL; option++)
	{
		if (strcmp(option->name, name) == 0)
			return option;
	}
	elog(ERROR, "option \"%s\" is not in the table", name);
}

void
weir_nearest_offer(WeirNearest *nearest, const char *candidate)
{
	int source_len = strlen(nearest->source);
	int max = NEAREST_MAX;
	int distance;

	if (source_len == 0 || source_len > NEAREST_SOURCE_MAX)
		return;
	if (nearest->match != NULL)
		max = nearest->distance - 1;
	max = Min(max, source_len / 2);
	if (max < 0)
		return;
	distance = varstr_levenshtein_less_equal(nearest->source, source_len, candidate,
											 strlen(candidate), 1, 1, 1, max, false);
	if (distance <= max)
	{
		nearest->match = candidate;
		nearest->distance = distance;
	}
}

bool
weir_option_has_word(const char *const *words, const char *word)
{
	for (; words != NULL && *words != NULL; words++)
	{
		if (pg_strcasecmp(*words, word) == 0)
			return true;
	}
	return false;
}

/* The units of a duration: the short form is what errors and lists use, largest first. */
typedef struct DurationUnit
{
	const char *short_name;
	const char *words[5];
	int64 us;
} DurationUnit;

static const DurationUnit duration_units[] = {
	{"w", {"week", "weeks"}, 7 * USECS_PER_DAY},
	{"d", {"day", "days"}, USECS_PER_DAY},
	{"h", {"hour", "hours", "hr", "hrs"}, USECS_PER_HOUR},
	{"min", {"minute", "minutes", "mins"}, USECS_PER_MINUTE},
	{"s", {"second", "seconds", "sec", "secs"}, USECS_PER_SEC},
	{"ms", {"millisecond", "milliseconds", "msec", "msecs"}, 1000},
	{"us", {"microsecond", "microseconds", "usec", "usecs"}, 1},
};

static char *
duration_text(int64 us)
{
	/* weeks are not shown: days are easier to compare */
	for (int i = 1; us != 0 && i < (int) lengthof(duration_units); i++)
		if (us % duration_units[i].us == 0)
			return psprintf(INT64_FORMAT "%s", us / duration_units[i].us,
							duration_units[i].short_name);
	return pstrdup("0");
}

static char *
words_text(const char *const *words)
{
	StringInfoData text;

	initStringInfo(&text);
	for (; *words != NULL; words++)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", *words);
	return text.data;
}

char *
weir_option_accepted(const WeirOption *option)
{
	switch (option->kind)
	{
		case WEIR_OPTION_TEXT:
			return pstrdup("text on one line, not empty");
		case WEIR_OPTION_PASSWORD:
			return pstrdup("text, not empty");
		case WEIR_OPTION_PEM:
			return pstrdup("PEM text, which begins with -----BEGIN");
		case WEIR_OPTION_WORD:
			return words_text(option->words);
		case WEIR_OPTION_BOOLEAN:
			return pstrdup("true, false");
		case WEIR_OPTION_INTEGER:
			return psprintf("an integer from " INT64_FORMAT " to " INT64_FORMAT, option->min,
							option->max);
		case WEIR_OPTION_DURATION:
			return psprintf("a time from %s to %s%s%s", duration_text(option->min),
							duration_text(option->max), option->words ? ", " : "",
							option->words ? words_text(option->words) : "");
		case WEIR_OPTION_BROKERS:
			return pstrdup("host:port, or several of them separated by commas");
		case WEIR_OPTION_TOPIC:
			return psprintf("1 to %d letters a-z, A-Z, digits, \".\", \"_\" and \"-\"", TOPIC_MAX);
		case WEIR_OPTION_MARK:
			return pstrdup("one character of ASCII, but no letter, digit or line break");
		case WEIR_OPTION_PATH:
			return pstrdup("names and elements as in a.b[0], other names as in a.\"b c\"");
	}
	elog(ERROR, "unknown kind of option %d", (int) option->kind);
}

/* Raises the one error for a bad value. `fact` says what is wrong with it, as a sentence, unless
 * that is plain from what is accepted; `hint` may be NULL. */
static _Noreturn void
refuse(const WeirOption *option, const char *value, const char *fact, const char *hint)
{
	bool is_secret = (option->flags & WEIR_OPTION_SECRET) != 0;
	int shown_len = pg_mbcliplen(value, strlen(value), SHOWN_MAX);
	const char *dots = value[shown_len] == '\0' ? "" : "...";

	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			is_secret ? errmsg("invalid value for option \"%s\"", option->name)
					  : errmsg("invalid value for option \"%s\": \"%.*s%s\"", option->name,
							   shown_len, value, dots),
			errdetail("%s%sAccepted: %s.", fact ? fact : "", fact ? " " : "",
					  weir_option_accepted(option)),
			hint ? errhint("%s", hint) : 0);
}

/* Result: the index of the word. */
static int
check_word(const WeirOption *option, const char *value)
{
	WeirNearest nearest = {.source = value};

	for (int i = 0; option->words[i] != NULL; i++)
	{
		if (pg_strcasecmp(option->words[i], value) == 0)
			return i;
	}
	for (int i = 0; option->words[i] != NULL; i++)
		weir_nearest_offer(&nearest, option->words[i]);
	refuse(option, value, NULL,
		   nearest.match ? psprintf("Perhaps you meant \"%s\".", nearest.match) : NULL);
}

static char *
check_text(const WeirOption *option, const char *value)
{
	if (value[0] == '\0')
		refuse(option, value, NULL, NULL);
	if (option->kind == WEIR_OPTION_PASSWORD)
		return pstrdup(value);
	for (const char *at = value; *at != '\0'; at++)
	{
		if (iscntrl((unsigned char) *at) && !IS_HIGHBIT_SET(*at))
			refuse(option, value, "It has a control character.", NULL);
	}
	return pstrdup(value);
}

static char *
check_pem(const WeirOption *option, const char *value)
{
	const char *text = value + strspn(value, " \t\r\n");

	if (strncmp(text, "-----BEGIN", 10) != 0)
		refuse(option, value, NULL, "Give the text of the file, not its name.");
	if (strchr(text, '\n') == NULL && strstr(text, "\\n") != NULL)
		refuse(option, value, "It has \"\\n\" instead of line ends.",
			   "Write it with line ends, or as E'...'.");
	return pstrdup(text);
}

static char *
check_boolean(const WeirOption *option, const char *value)
{
	bool is_on;

	if (!parse_bool(value, &is_on))
		refuse(option, value, NULL, NULL);
	return pstrdup(is_on ? "true" : "false");
}

static char *
check_integer(const WeirOption *option, const char *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || number < option->min || number > option->max)
		refuse(option, value, NULL, NULL);
	return psprintf("%ld", number);
}

static const DurationUnit *
duration_unit(const char *word)
{
	for (int i = 0; i < (int) lengthof(duration_units); i++)
	{
		if (pg_strcasecmp(duration_units[i].short_name, word) == 0)
			return &duration_units[i];
		for (int j = 0; j < (int) lengthof(duration_units[i].words); j++)
			if (duration_units[i].words[j] && pg_strcasecmp(duration_units[i].words[j], word) == 0)
				return &duration_units[i];
	}
	return NULL;
}

/* Reads the unit behind a number; the end of the value is one too, for zero and where ms are meant.
 * Result: in us. */
static int64
parse_duration_unit(const WeirOption *option, const char *value, double number, const char **at)
{
	const char *end = *at;
	const DurationUnit *unit;
	char *word;

	while (isalpha((unsigned char) *end))
		end++;
	word = pnstrdup(*at, end - *at);
	*at = end;
	if (word[0] == '\0' && *end == '\0' && (number == 0 || (option->flags & WEIR_OPTION_BARE_MS)))
		return 1000;
	if (word[0] == '\0' && *end == '\0')
		refuse(option, value, "It has no unit.", DURATION_HINT);
	if (pg_strncasecmp(word, "mon", 3) == 0 || pg_strncasecmp(word, "y", 1) == 0)
		refuse(option, value, "Months and years differ in length.", "Write it in days.");
	unit = duration_unit(word);
	if (unit == NULL)
		refuse(option, value, NULL, DURATION_HINT);
	return unit->us;
}

/* '90s', '1 hour', '1 day 12 hours', '1.5 min', '0'. Not interval's own reader: it follows the
 * session's IntervalStyle, and its errors would not name the option. */
static int64
parse_duration(const WeirOption *option, const char *value)
{
	const char *at = value + strspn(value, " ");
	double us = 0;

	do
	{
		double number;
		char *end;

		if (!isdigit((unsigned char) *at) && *at != '.')
			refuse(option, value, NULL, DURATION_HINT);
		number = strtod(at, &end);
		at = end + strspn(end, " ");
		us += number * (double) parse_duration_unit(option, value, number, &at);
		at += strspn(at, " ");
	} while (*at != '\0');
	if (us > (double) PG_INT64_MAX / 2)
		refuse(option, value, NULL, NULL);
	return (int64) rint(us);
}

static int64
check_duration(const WeirOption *option, const char *value)
{
	int64 us;

	if (weir_option_has_word(option->words, value))
		return -1;
	us = parse_duration(option, value);
	if (us < option->min || us > option->max)
		refuse(option, value, psprintf("It is %s.", duration_text(us)), NULL);
	return us;
}

static bool
is_host_char(char c)
{
	return !IS_HIGHBIT_SET(c) &&
		   (isalnum((unsigned char) c) || (c != '\0' && strchr("._-", c) != NULL));
}

/* Is it empty, or ":port" with a port that exists? */
static bool
is_port(const char *text)
{
	long port;
	char *end;

	if (text[0] == '\0')
		return true;
	if (text[0] != ':' || !isdigit((unsigned char) text[1]) || strlen(text) > 6)
		return false;
	port = strtol(text + 1, &end, 10);
	return *end == '\0' && port >= 1 && port <= 65535;
}

/* Checks one entry of the list of brokers. */
static void
check_broker(const WeirOption *option, const char *value, const char *entry)
{
	const char *scheme = strstr(entry, "://");
	const char *colon = strchr(entry, ':');
	const char *host_end;

	if (entry[0] == '\0')
		refuse(option, value, "An entry is empty.", NULL);
	if (scheme != NULL)
		refuse(option, value, NULL,
			   psprintf("Leave out \"%.*s://\": TLS and SASL are chosen by option "
						"\"security_protocol\".",
						(int) (scheme - entry), entry));
	if (entry[0] == '[')
	{
		host_end = entry + 1 + strspn(entry + 1, "0123456789abcdefABCDEF:.");
		if (host_end == entry + 1 || *host_end != ']')
			refuse(option, value, psprintf("\"%s\" is no IPv6 address in brackets.", entry), NULL);
		host_end++;
	}
	else
	{
		if (colon != NULL && strchr(colon + 1, ':') != NULL)
			refuse(option, value, psprintf("\"%s\" has more than one colon.", entry),
				   "Put an IPv6 address in brackets: [::1]:9092.");
		host_end = entry;
		while (is_host_char(*host_end))
			host_end++;
		if (host_end == entry || (*host_end != '\0' && *host_end != ':'))
			refuse(option, value, psprintf("\"%s\" is no host:port.", entry), NULL);
	}
	if (!is_port(host_end))
		refuse(option, value, psprintf("The port of \"%s\" is no number from 1 to 65535.", entry),
			   NULL);
}

/* Result: the list without blanks. */
static char *
check_brokers(const WeirOption *option, const char *value)
{
	StringInfoData list;
	const char *at = value;

	initStringInfo(&list);
	for (;;)
	{
		const char *end = at + strcspn(at, ",");
		const char *from = at + strspn(at, " \t");
		const char *to = end;
		char *entry;

		while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		entry = to > from ? pnstrdup(from, to - from) : pstrdup("");
		check_broker(option, value, entry);
		appendStringInfo(&list, "%s%s", list.len > 0 ? "," : "", entry);
		if (*end == '\0')
			return list.data;
		at = end + 1;
	}
}

static char *
check_topic(const WeirOption *option, const char *value)
{
	size_t len = strlen(value);

	if (value[0] == '^')
		refuse(option, value, "A pattern of topics is not supported.", NULL);
	if (strchr(value, ',') != NULL)
		refuse(option, value, "A list of topics is not supported.",
			   "Create a foreign table for each topic.");
	if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		refuse(option, value, "Kafka has no topic of that name.", NULL);
	if (len == 0 || len > TOPIC_MAX ||
		strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
		refuse(option, value, NULL, NULL);
	return pstrdup(value);
}

/* One byte that begins no number, word or line. */
static char *
check_mark(const WeirOption *option, const char *value)
{
	if (strlen(value) != 1 || IS_HIGHBIT_SET(value[0]) || isalnum((unsigned char) value[0]) ||
		value[0] == '\n' || value[0] == '\r')
		refuse(option, value, NULL, NULL);
	return pstrdup(value);
}

static _Noreturn void
refuse_path(const PathParser *parser, const char *fact, const char *hint)
{
	int position = pg_mbstrlen_with_len(parser->value, parser->at - parser->value) + 1;

	refuse(parser->option, parser->value, psprintf("At character %d: %s.", position, fact), hint);
}

/* Letters, digits, a few marks and everything beyond ASCII need no quotes. */
static bool
is_bare(char c)
{
	return IS_HIGHBIT_SET(c) || isalnum((unsigned char) c) ||
		   (c != '\0' && strchr("_-@$", c) != NULL);
}

/* Would double quotes help with this character? */
static const char *
quotes_hint(char c)
{
	if (c == '\0' || strchr(".[]\"", c) != NULL)
		return NULL;
	return "Put a name in double quotes if it has other characters than letters, digits, \"_\", "
		   "\"-\", \"@\" and \"$\".";
}

static void
add_name(PathParser *parser, const char *name, int len)
{
	WeirStep *step = &parser->steps[parser->step_count++];
	char *utf8 = pg_server_to_any(name, len, PG_UTF8);

	step->name = utf8;
	step->name_len = utf8 == name ? len : (int) strlen(utf8);
}

static void
parse_quoted_name(PathParser *parser)
{
	char *name = palloc(strlen(parser->at) + 1);
	int len = 0;
	const char *at = parser->at + 1;

	for (;; at++)
	{
		if (*at == '\0')
			refuse_path(parser, "the double quote is not closed", NULL);
		if (*at == '"' && *++at != '"')
			break;
		name[len++] = *at;
	}
	name[len] = '\0';
	add_name(parser, name, len);
	parser->at = at;
}

static void
parse_name(PathParser *parser)
{
	const char *end = parser->at;

	if (*parser->at == '"')
	{
		parse_quoted_name(parser);
		return;
	}
	while (is_bare(*end))
		end++;
	if (end == parser->at)
		refuse_path(parser, "a name is expected", quotes_hint(*end));
	if (parser->step_count == 0 && end == parser->at + 1 && *parser->at == '$')
		refuse_path(parser, "the message itself has no name",
					"Leave out \"$.\"; put a name that is \"$\" in double quotes.");
	add_name(parser, pnstrdup(parser->at, end - parser->at), end - parser->at);
	parser->at = end;
}

static void
parse_element(PathParser *parser)
{
	WeirStep *step = &parser->steps[parser->step_count++];
	char *end;
	unsigned long element;

	if (!isdigit((unsigned char) parser->at[1]))
	{
		parser->at++;
		refuse_path(parser, "the number of an element is expected, from 0", NULL);
	}
	errno = 0;
	element = strtoul(parser->at + 1, &end, 10);
	if (errno != 0 || element > PG_INT32_MAX)
	{
		parser->at++;
		refuse_path(parser, "the number is too large", NULL);
	}
	if (*end != ']')
	{
		parser->at = end;
		refuse_path(parser, "\"]\" is expected", NULL);
	}
	step->name = NULL;
	step->element = (uint32) element;
	parser->at = end + 1;
}

WeirStep *
weir_option_path(const char *value, uint32 *step_count)
{
	PathParser parser = {.option = row("path"), .value = value, .at = value};

	/* each step takes at least one character */
	parser.steps = palloc0((strlen(value) + 1) * sizeof(WeirStep));
	parse_name(&parser);
	while (*parser.at != '\0')
	{
		if (*parser.at == '[')
			parse_element(&parser);
		else if (*parser.at == '.')
		{
			parser.at++;
			parse_name(&parser);
		}
		else
			refuse_path(&parser, "\".\" or \"[\" is expected", quotes_hint(*parser.at));
	}
	*step_count = parser.step_count;
	return parser.steps;
}

char *
weir_option_value(const WeirOption *option, const char *value)
{
	uint32 step_count;

	switch (option->kind)
	{
		case WEIR_OPTION_TEXT:
		case WEIR_OPTION_PASSWORD:
			return check_text(option, value);
		case WEIR_OPTION_PEM:
			return check_pem(option, value);
		case WEIR_OPTION_WORD:
			return pstrdup(option->words[check_word(option, value)]);
		case WEIR_OPTION_BOOLEAN:
			return check_boolean(option, value);
		case WEIR_OPTION_INTEGER:
			return check_integer(option, value);
		case WEIR_OPTION_DURATION:
			return psprintf(INT64_FORMAT, check_duration(option, value));
		case WEIR_OPTION_BROKERS:
			return check_brokers(option, value);
		case WEIR_OPTION_TOPIC:
			return check_topic(option, value);
		case WEIR_OPTION_MARK:
			return check_mark(option, value);
		case WEIR_OPTION_PATH:
			(void) weir_option_path(value, &step_count);
			return pstrdup(value);
	}
	elog(ERROR, "unknown kind of option %d", (int) option->kind);
}

int64
weir_option_duration_us(const char *name, const char *value)
{
	const WeirOption *option = row(name);

	return check_duration(option, value ? value : option->default_value);
}

WeirFormat
weir_option_format(const char *value)
{
	return (WeirFormat) check_word(row("format"), value);
}

WeirOnError
weir_option_on_error(const char *value)
{
	return (WeirOnError) check_word(row("on_error"), value);
}

WeirOnLate
weir_option_on_late(const char *value)
{
	return (WeirOnLate) check_word(row("on_late"), value);
}

WeirOnDataLoss
weir_option_on_data_loss(const char *value)
{
	return (WeirOnDataLoss) check_word(row("on_data_loss"), value);
}

WeirMeta
weir_option_meta(const char *value)
{
	return (WeirMeta) (check_word(row("meta"), value) + 1);
}

WeirUnit
weir_option_unit(const char *value)
{
	return (WeirUnit) check_word(row("unit"), value);
}
