/* SPDX-License-Identifier: PostgreSQL
 *
 * The command line, the environment and the properties file, as plain fields.
 */
#ifndef PRODUCER_OPTIONS_H
#define PRODUCER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_PAIRS 128
#define NO_LIMIT INT64_MAX

typedef struct Pair
{
	char *name;
	char *value;
} Pair;

typedef struct Pairs
{
	Pair items[MAX_PAIRS];
	int count;
} Pairs;

typedef struct Settings
{
	/* Kafka */
	const char *brokers;
	const char *topic;
	Pairs properties;
	const char *properties_file;
	const char *transactional_id;
	bool creates_topic;
	int64_t partitions;
	int64_t replication_factor;
	Pairs topic_properties;
	int64_t wait_us;
	bool is_dry_run;

	/* what is told */
	const char *log;
	int64_t report_interval_us; /* NO_LIMIT: the command's own */

	/* sources that poll */
	const char *url;
	const char *symbols;
	const char *products;
	const char *source;
	const char *user;
	const char *from;
	const char *to;
	int64_t interval_us;
	int64_t timeout_us;
	bool is_once;

	/* klines */
	const char *kline_interval;

	/* replay */
	const char *format;
	const char *key_field;
	const char *time_field;
	const char *partition_field;
	double speed; /* 0: as fast as possible */
	bool loops;

	/* synth */
	int64_t rate; /* events a second, 0: as fast as possible */
	int64_t count;
	int64_t symbol_count;
	int64_t days; /* 0: not given */
	const char *start;
	int64_t disorder_us;
	int64_t lateness_us;
	int64_t late_ppm;
	int64_t bad_ppm;
	int64_t seed;
	const char *expect;

	/* sensors */
	int64_t minutes;
	const char *fault;
	int64_t fault_at_us;

	char **words; /* behind the options */
	int nwords;
} Settings;

typedef struct Command
{
	const char *name;
	const char *words; /* for the usage line */
	const char *help;  /* what it does, in lines */
	const char *topic; /* the default; NULL if it must be named */
	int64_t interval_us;
	unsigned letter; /* its bit in the option table */
	int max_words;
	int (*run)(const struct Command *command, const Settings *settings);
} Command;

/* Bits of the option table. */
#define FOR_BINANCE 1u
#define FOR_COINBASE 2u
#define FOR_KLINES 4u
#define FOR_REPLAY 8u
#define FOR_SYNTH 16u
#define FOR_SENSORS 32u
#define FOR_POLLS (FOR_BINANCE | FOR_COINBASE)
#define FOR_HTTP (FOR_POLLS | FOR_KLINES)
#define FOR_ALL 63u

#define EXIT_DELIVERED 0
#define EXIT_UNDELIVERED 1
#define EXIT_USAGE 2
#define EXIT_NO_BROKER 3
#define EXIT_SOURCE 4

/* Reads all three; a mistake ends the program with EXIT_USAGE. */
void options_parse(const Command *command, int argc, char **argv, Settings *settings);
void options_free(Settings *settings);
void options_help(const Command *command);
/* The options of every command. */
void options_help_common(void);

/* Says what is wrong with the command line. Result: never. */
void usage_error(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Splits at commas. Result: how many; the caller frees each, and the list. */
int list_split(const char *list, char ***items);

#endif
