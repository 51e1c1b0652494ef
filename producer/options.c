/* SPDX-License-Identifier: PostgreSQL
 *
 * The command line, the environment and the properties file, as plain fields.
 *
 * One table has all options; a command's bit says where one means something. What has a value may also
 * come from the environment, as WEIR_ and the name: --report-interval is WEIR_REPORT_INTERVAL. The
 * command line wins.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "options.h"
#include "text.h"

#define MAX_OPTIONS 64
#define FIRST_LONG 256 /* getopt's value of an option without a letter */

typedef enum Kind
{
	KIND_FLAG,
	KIND_TEXT,
	KIND_NUMBER, /* from min to max */
	KIND_SPAN,   /* microseconds, from min to max */
	KIND_LIMIT,  /* a span, or "off" */
	KIND_RATE,   /* a number, or "max" */
	KIND_SPEED,  /* 60x, or "max" */
	KIND_SHARE,  /* 0.1% as parts of a million */
	KIND_PAIR,   /* NAME=VALUE, any number of times */
} Kind;

typedef struct Option
{
	const char *name;
	char letter; /* 0: none */
	const char *argument;
	const char *help;
	Kind kind;
	size_t place;
	unsigned commands;
	const char *choices; /* "a|b", or NULL */
	int64_t min;
	int64_t max;
} Option;

#define AT(field) offsetof(Settings, field)

static const Option options[] = {
	/* Kafka */
	{"brokers", 'b', "HOST:PORT,…", "where Kafka is", KIND_TEXT, AT(brokers), FOR_ALL, NULL, 0, 0},
	{"topic", 't', "NAME", "the topic; for sensors what topics begin with", KIND_TEXT, AT(topic),
	 FOR_ALL, NULL, 0, 0},
	{"property", 'X', "NAME=VALUE", "a property of librdkafka", KIND_PAIR, AT(properties), FOR_ALL,
	 NULL, 0, 0},
	{"properties-file", 'F', "FILE", "a file of such lines", KIND_TEXT, AT(properties_file),
	 FOR_ALL, NULL, 0, 0},
	{"transactional", 0, "ID", "commit each poll, or second, as a transaction", KIND_TEXT,
	 AT(transactional_id), FOR_ALL, NULL, 0, 0},
	{"create-topic", 0, NULL, "make the topic if it is missing", KIND_FLAG, AT(creates_topic),
	 FOR_ALL, NULL, 0, 0},
	{"partitions", 0, "N", "partitions of a topic that is made", KIND_NUMBER, AT(partitions),
	 FOR_ALL, NULL, 1, 10000},
	{"replication-factor", 0, "N", "its replicas", KIND_NUMBER, AT(replication_factor), FOR_ALL,
	 NULL, 1, 100},
	{"topic-config", 0, "NAME=VALUE", "its configuration", KIND_PAIR, AT(topic_properties), FOR_ALL,
	 NULL, 0, 0},
	{"wait", 0, "SPAN|off", "how long to wait for a broker [off: no limit]", KIND_LIMIT,
	 AT(wait_us), FOR_ALL, NULL, 0, INT64_MAX},
	{"dry-run", 0, NULL, "messages to stdout, no broker", KIND_FLAG, AT(is_dry_run), FOR_ALL, NULL,
	 0, 0},
	{"log", 0, "text|json", "how to log to stderr [text]", KIND_TEXT, AT(log), FOR_ALL, "text|json",
	 0, 0},
	{"report-interval", 0, "SPAN", "a status line so often [each poll, or 10s]", KIND_SPAN,
	 AT(report_interval_us), FOR_ALL, NULL, 1, 36500 * DAY_US},

	/* sources that ask over HTTP */
	{"symbols", 0, "A,B", "what to ask for [BTCUSDT,ETHUSDT]", KIND_TEXT, AT(symbols),
	 FOR_BINANCE | FOR_KLINES, NULL, 0, 0},
	{"products", 0, "A,B", "what to ask for [see above]", KIND_TEXT, AT(products), FOR_COINBASE,
	 NULL, 0, 0},
	{"source", 0, "ticker|trades", "24-hour ticker, or each trade [ticker]", KIND_TEXT, AT(source),
	 FOR_BINANCE, "ticker|trades", 0, 0},
	{"from", 0, "DATE|ID", "begin here", KIND_TEXT, AT(from), FOR_BINANCE | FOR_KLINES, NULL, 0, 0},
	{"to", 0, "DATE", "end before [now]", KIND_TEXT, AT(to), FOR_KLINES, NULL, 0, 0},
	{"width", 0, "1m…1M", "width of a candle, as Binance writes it [1d]", KIND_TEXT,
	 AT(kline_interval), FOR_KLINES, NULL, 0, 0},
	{"user", 0, "NAME", "the field user [the property client.id]", KIND_TEXT, AT(user),
	 FOR_COINBASE, NULL, 0, 0},
	{"interval", 0, "SPAN", "from the start of a poll to the next", KIND_SPAN, AT(interval_us),
	 FOR_POLLS, NULL, 1000, DAY_US},
	{"once", 0, NULL, "poll once", KIND_FLAG, AT(is_once), FOR_POLLS, NULL, 0, 0},
	{"url", 0, "URL", "another address than the exchange's own", KIND_TEXT, AT(url), FOR_HTTP, NULL,
	 0, 0},
	{"timeout", 0, "SPAN", "the longest time for an answer [10s]", KIND_SPAN, AT(timeout_us),
	 FOR_HTTP, NULL, 1000, HOUR_US},

	/* replay */
	{"format", 0, "auto|json|csv", "what the file is [by its first byte]", KIND_TEXT, AT(format),
	 FOR_REPLAY, "auto|json|csv", 0, 0},
	{"speed", 0, "max|1x|60x", "as fast as possible, or by --time [max]", KIND_SPEED, AT(speed),
	 FOR_REPLAY, NULL, 0, 0},
	{"key", 0, "FIELD", "the field that becomes the message's key", KIND_TEXT, AT(key_field),
	 FOR_REPLAY, NULL, 0, 0},
	{"time", 0, "FIELD", "the event time: since 1970, or ISO 8601", KIND_TEXT, AT(time_field),
	 FOR_REPLAY, NULL, 0, 0},
	{"partition", 0, "FIELD", "the field that names the partition", KIND_TEXT, AT(partition_field),
	 FOR_REPLAY, NULL, 0, 0},
	{"loop", 0, NULL, "begin again at the end", KIND_FLAG, AT(loops), FOR_REPLAY, NULL, 0, 0},

	/* synth and sensors */
	{"rate", 0, "N|max", "events a second [max]", KIND_RATE, AT(rate), FOR_SYNTH, NULL, 1,
	 100000000},
	{"count", 0, "N", "events [with --days one a second, else no end]", KIND_NUMBER, AT(count),
	 FOR_SYNTH, NULL, 1, INT64_MAX / 4},
	{"symbols", 0, "N", "how many symbols [4]", KIND_NUMBER, AT(symbol_count), FOR_SYNTH, NULL, 1,
	 100000},
	{"days", 0, "N", "event time goes over so many days", KIND_NUMBER, AT(days), FOR_SYNTH, NULL, 1,
	 36500},
	{"start", 0, "TIME|now", "event time begins here [see above]", KIND_TEXT, AT(start),
	 FOR_SYNTH | FOR_SENSORS, NULL, 0, 0},
	{"disorder", 0, "SPAN", "events are out of order by up to so much [0s]", KIND_SPAN,
	 AT(disorder_us), FOR_SYNTH, NULL, 0, 365 * DAY_US},
	{"lateness", 0, "SPAN", "the stream's lateness, for what is late [1h]", KIND_SPAN,
	 AT(lateness_us), FOR_SYNTH, NULL, 0, 365 * DAY_US},
	{"late", 0, "SHARE", "so many come when their day is closed [0%]", KIND_SHARE, AT(late_ppm),
	 FOR_SYNTH, NULL, 0, 0},
	{"bad", 0, "SHARE", "so many cannot be decoded [0%]", KIND_SHARE, AT(bad_ppm), FOR_SYNTH, NULL,
	 0, 0},
	{"seed", 0, "N", "the same seed, the same bytes [1]", KIND_NUMBER, AT(seed),
	 FOR_SYNTH | FOR_SENSORS, NULL, 0, INT64_MAX},
	{"expect", 0, "FILE", "write the right answer, as CSV", KIND_TEXT, AT(expect), FOR_SYNTH, NULL,
	 0, 0},
	{"from", 0, "DIRECTORY", "files of the UCI data set, not made-up signals", KIND_TEXT, AT(from),
	 FOR_SENSORS, NULL, 0, 0},
	{"minutes", 0, "N", "minutes of event time [no end]", KIND_NUMBER, AT(minutes), FOR_SENSORS,
	 NULL, 1, 10000000},
	{"speed", 0, "max|1x|60x", "speed of event time [1x]", KIND_SPEED, AT(speed), FOR_SENSORS, NULL,
	 0, 0},
	{"fault", 0, "cooler|valve|pump", "what fails", KIND_TEXT, AT(fault), FOR_SENSORS,
	 "cooler|valve|pump", 0, 0},
	{"fault-at", 0, "SPAN", "when, after the start [0s]", KIND_SPAN, AT(fault_at_us), FOR_SENSORS,
	 NULL, 0, 36500 * DAY_US},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

_Static_assert(OPTIONS <= MAX_OPTIONS, "getopt's table has no room for all options");

void
usage_error(const char *format, ...)
{
	va_list args;

	fputs("weir-producer: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry weir-producer --help\n", stderr);
	exit(EXIT_USAGE);
}

int
list_split(const char *list, char ***items)
{
	int count = 0;

	*items = allocate(sizeof(char *) * (strlen(list) + 1));
	while (*list != '\0')
	{
		size_t len = strcspn(list, ",");

		if (len > 0)
			(*items)[count++] = copy_string(list, len);
		list += len + (list[len] == ',');
	}
	return count;
}

/* ------------------------------------------------------------------------------------------------
 * Values
 */

static void *
field(Settings *settings, const Option *option)
{
	return (char *) settings + option->place;
}

static bool
choice_is_known(const char *choices, const char *value)
{
	size_t len = strlen(value);

	while (choices != NULL)
	{
		if (strcspn(choices, "|") == len && strncmp(choices, value, len) == 0)
			return true;
		choices = strchr(choices, '|');
		if (choices != NULL)
			choices++;
	}
	return false;
}

static int64_t
number_value(const Option *option, const char *value)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < option->min || number > option->max)
		usage_error("--%s is a number from %" PRId64 " to %" PRId64 ", not \"%s\"", option->name,
					option->min, option->max, value);
	return number;
}

static int64_t
span_value(const Option *option, const char *value)
{
	int64_t span_us;

	if (!span_parse(value, &span_us))
		usage_error("--%s is a number with one of the units us ms s min h d, not \"%s\"",
					option->name, value);
	if (span_us < option->min || span_us > option->max)
		usage_error("--%s is out of range: \"%s\"", option->name, value);
	return span_us;
}

static double
speed_value(const Option *option, const char *value)
{
	char *end;
	double speed = strtod(value, &end);

	if (strcmp(value, "max") == 0)
		return 0;
	if (end == value || strcmp(end, "x") != 0 || !(speed > 0 && speed < 1e9))
		usage_error("--%s is max, or a number and x like 60x, not \"%s\"", option->name, value);
	return speed;
}

/* Parts of a million, of a percentage with up to four places. */
static int64_t
share_value(const Option *option, const char *value)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || strcmp(end, "%") != 0 || !(percent >= 0 && percent <= 100))
		usage_error("--%s is a percentage like 0.1%%, not \"%s\"", option->name, value);
	return (int64_t) (percent * 10000 + 0.5);
}

static char *
trim(char *text)
{
	size_t len;

	while (isspace((unsigned char) *text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char) text[len - 1]))
		text[--len] = '\0';
	return text;
}

static void
pair_add(Pairs *pairs, const char *what, const char *text)
{
	char *copy = copy_string(text, strlen(text));
	char *equals = strchr(copy, '=');
	const char *name;
	const char *value;

	if (equals == NULL || equals == copy)
		usage_error("%s is NAME=VALUE, not \"%s\"", what, text);
	if (pairs->count == MAX_PAIRS)
		usage_error("%s: more than %d", what, MAX_PAIRS);
	*equals = '\0';
	name = trim(copy);
	value = trim(equals + 1);
	pairs->items[pairs->count++] =
		(Pair){.name = copy_string(name, strlen(name)), .value = copy_string(value, strlen(value))};
	free(copy);
}

static void
pairs_free(Pairs *pairs)
{
	for (int i = 0; i < pairs->count; i++)
	{
		free(pairs->items[i].name);
		free(pairs->items[i].value);
	}
}

static void
text_set(Settings *settings, const Option *option, const char *value)
{
	if (option->choices != NULL && !choice_is_known(option->choices, value))
		usage_error("--%s is one of %s, not \"%s\"", option->name, option->choices, value);
	*(const char **) field(settings, option) = value;
}

static void
flag_set(Settings *settings, const Option *option, const char *value)
{
	if (strcmp(value, "1") != 0 && strcmp(value, "0") != 0)
		usage_error("--%s is 1 or 0 in the environment, not \"%s\"", option->name, value);
	*(bool *) field(settings, option) = strcmp(value, "1") == 0;
}

static void
option_set(Settings *settings, const Option *option, const char *value)
{
	int64_t *number = field(settings, option);

	switch (option->kind)
	{
		case KIND_FLAG:
			flag_set(settings, option, value);
			break;
		case KIND_TEXT:
			text_set(settings, option, value);
			break;
		case KIND_NUMBER:
			*number = number_value(option, value);
			break;
		case KIND_SPAN:
			*number = span_value(option, value);
			break;
		case KIND_LIMIT:
			*number = strcmp(value, "off") == 0 ? NO_LIMIT : span_value(option, value);
			break;
		case KIND_RATE:
			*number = strcmp(value, "max") == 0 ? 0 : number_value(option, value);
			break;
		case KIND_SPEED:
			*(double *) field(settings, option) = speed_value(option, value);
			break;
		case KIND_SHARE:
			*number = share_value(option, value);
			break;
		case KIND_PAIR:
			pair_add(field(settings, option), option->name, value);
			break;
	}
}

/* ------------------------------------------------------------------------------------------------
 * Where values come from
 */

static void
read_environment(const Command *command, Settings *settings)
{
	for (size_t i = 0; i < OPTIONS; i++)
	{
		char name[64];
		const char *value;
		int len = snprintf(name, sizeof(name), "WEIR_%s", options[i].name);

		if ((options[i].commands & command->letter) == 0)
			continue;
		for (int at = 0; at < len; at++)
			name[at] = name[at] == '-' ? '_' : (char) toupper((unsigned char) name[at]);
		value = getenv(name);
		if (value != NULL && *value != '\0')
			option_set(settings, &options[i], value);
	}
}

/* The file's properties come before those of the command line, which win by coming last. */
static void
read_properties_file(Settings *settings)
{
	Pairs given = settings->properties;
	FILE *file = fopen(settings->properties_file, "r");
	char *line = NULL;
	size_t room = 0;

	if (file == NULL)
		usage_error("could not open file \"%s\": %s", settings->properties_file, strerror(errno));
	settings->properties.count = 0;
	while (getline(&line, &room, file) >= 0)
	{
		char *text = trim(line);

		if (*text != '\0' && *text != '#')
			pair_add(&settings->properties, settings->properties_file, text);
	}
	free(line);
	fclose(file);
	for (int i = 0; i < given.count; i++)
	{
		if (settings->properties.count == MAX_PAIRS)
			usage_error("more than %d properties", MAX_PAIRS);
		settings->properties.items[settings->properties.count++] = given.items[i];
	}
}

/* Options of other commands are not known. */
static void
read_arguments(const Command *command, int argc, char **argv, Settings *settings)
{
	struct option longs[MAX_OPTIONS + 2] = {{"help", no_argument, NULL, 'h'}};
	char letters[MAX_OPTIONS * 2] = ":h";
	int count = 1;
	int got;

	for (size_t i = 0; i < OPTIONS; i++)
	{
		bool has_value = options[i].kind != KIND_FLAG;

		if ((options[i].commands & command->letter) == 0)
			continue;
		longs[count++] = (struct option){options[i].name, has_value, NULL, FIRST_LONG + (int) i};
		if (options[i].letter != 0)
			snprintf(letters + strlen(letters), 3, "%c%s", options[i].letter, has_value ? ":" : "");
	}
	while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1)
	{
		if (got == 'h')
		{
			options_help(command);
			exit(EXIT_DELIVERED);
		}
		if (got == ':')
			usage_error("%s wants a value", argv[optind - 1]);
		if (got == '?')
			usage_error("weir-producer %s has no option %s", command->name, argv[optind - 1]);
		for (size_t i = 0; i < OPTIONS; i++)
		{
			if (got == FIRST_LONG + (int) i || (options[i].letter != 0 && got == options[i].letter))
				option_set(settings, &options[i], optarg != NULL ? optarg : "1");
		}
	}
	settings->words = argv + optind;
	settings->nwords = argc - optind;
}

void
options_parse(const Command *command, int argc, char **argv, Settings *settings)
{
	*settings = (Settings){
		.topic = command->topic,
		.partitions = 1,
		.replication_factor = 1,
		.wait_us = NO_LIMIT,
		.log = "text",
		.report_interval_us = NO_LIMIT,
		.symbols = "BTCUSDT,ETHUSDT",
		.products = "BTC-USD,ETH-USD,SOL-USD,ADA-USD,DOGE-USD",
		.source = "ticker",
		.interval_us = command->interval_us,
		.timeout_us = 10 * SECOND_US,
		.kline_interval = "1d",
		.format = "auto",
		.speed = command->letter == FOR_SENSORS ? 1 : 0,
		.count = 0,
		.symbol_count = 4,
		.lateness_us = HOUR_US,
		.seed = 1,
	};
	read_environment(command, settings);
	read_arguments(command, argc, argv, settings);
	if (settings->properties_file != NULL)
		read_properties_file(settings);
	if (settings->nwords > command->max_words)
		usage_error("too many words: \"%s\"", settings->words[command->max_words]);
	if (settings->nwords < command->max_words)
		usage_error("weir-producer %s wants %s", command->name, command->words);
}

void
options_free(Settings *settings)
{
	pairs_free(&settings->properties);
	pairs_free(&settings->topic_properties);
}

/* ------------------------------------------------------------------------------------------------
 * Help
 */

static void
print_option(const Option *option)
{
	char left[64];
	/* an ellipsis is three bytes and one column */
	int width = 28 + (option->argument != NULL && strstr(option->argument, "…") != NULL ? 2 : 0);

	if (option->letter != 0)
		snprintf(left, sizeof(left), "-%c, --%s %s", option->letter, option->name,
				 option->argument != NULL ? option->argument : "");
	else
		snprintf(left, sizeof(left), "--%s %s", option->name,
				 option->argument != NULL ? option->argument : "");
	printf("  %-*s %s\n", width, left, option->help);
}

void
options_help(const Command *command)
{
	char interval[MOMENT_TEXT_MAX];

	printf("weir-producer %s %s[option…]\n\n%s\n\n", command->name, command->words, command->help);
	if (command->topic != NULL)
		printf("  topic [%s]", command->topic);
	if (command->interval_us > 0)
	{
		span_format(command->interval_us, interval);
		printf(", interval [%s]", interval);
	}
	if (command->topic != NULL)
		printf("\n\n");
	for (size_t i = 0; i < OPTIONS; i++)
	{
		if (options[i].commands != FOR_ALL && (options[i].commands & command->letter) != 0)
			print_option(&options[i]);
	}
	printf("\nweir-producer --help has the options of every command.\n");
}

void
options_help_common(void)
{
	for (size_t i = 0; i < OPTIONS; i++)
	{
		if (options[i].commands == FOR_ALL)
			print_option(&options[i]);
	}
}
