/* SPDX-License-Identifier: PostgreSQL
 *
 * weir-producer: feeds Kafka topics from exchanges, files and generators, for weeks if need be.
 *
 * This file is the list of commands. It knows nothing of PostgreSQL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"
#include "moment.h"
#include "options.h"
#include "stop.h"

#ifndef WEIR_VERSION
#define WEIR_VERSION "unknown"
#endif

static const Command commands[] = {
	{"binance", "",
	 "Polls Binance's 24-hour ticker, or its trades.\n\n"
	 "One message for each symbol and poll, keyed by symbol, with the digits of the\n"
	 "exchange. The ticker is a rolling window: its high and volume are of the last\n"
	 "24 hours, not of the day. For candles there is --source trades: each trade\n"
	 "once, into crypto-trades, going on where the topic ends.",
	 "crypto-prices", SECOND_US, FOR_BINANCE, 0, binance_run},
	{"coinbase", "",
	 "Polls Coinbase's ticker.\n\n"
	 "One message for each product and poll, keyed by product, with the time that the\n"
	 "exchange gives. Products: BTC-USD,ETH-USD,SOL-USD,ADA-USD,DOGE-USD",
	 "crypto_prices", 10 * SECOND_US, FOR_COINBASE, 0, coinbase_run},
	{"klines", "",
	 "Fetches Binance's own candles of a time.\n\n"
	 "One message for each candle that has ended, keyed by symbol; without --topic\n"
	 "lines to stdout.",
	 NULL, 0, FOR_KLINES, 0, klines_run},
	{"replay", "FILE|- ", "Sends the lines of a file: JSON lines, or CSV with a header.", NULL, 0,
	 FOR_REPLAY, 1, replay_run},
	{"sensors", "",
	 "Makes up a hydraulic test rig, or replays the measurements of one.\n\n"
	 "17 sensors, a topic each: hydraulic-PS1 to PS6 and EPS1 with 100 values a\n"
	 "second, FS1 and FS2 with 10, TS1 to TS4, VS1, CE, CP and SE with one. Files are\n"
	 "those of the UCI data set. A fault grows for ten minutes. It begins now.",
	 "hydraulic", 0, FOR_SENSORS, 0, sensors_run},
	{"synth", "",
	 "Makes up a ticker of symbols, and the right answer to it.\n\n"
	 "The same options give the same bytes. The answer has open, high, low, close and\n"
	 "sums of each symbol and day, and lists the events that are late or bad.\n"
	 "Event time begins on 2026-01-01.",
	 "crypto-prices", 0, FOR_SYNTH, 0, synth_run},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
print_help(void)
{
	printf("weir-producer feeds Kafka topics.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  weir-producer %-9s %.*s\n", commands[i].name,
			   (int) strcspn(commands[i].help, "\n"), commands[i].help);
	printf("\nweir-producer COMMAND --help has more. The options of every command:\n\n");
	options_help_common();
	printf("\nWEIR_BROKERS, WEIR_REPORT_INTERVAL and so on stand for options.\n"
		   "exit code: %d all delivered, %d not all, %d usage, %d no broker or topic, %d source\n",
		   EXIT_DELIVERED, EXIT_UNDELIVERED, EXIT_USAGE, EXIT_NO_BROKER, EXIT_SOURCE);
}

static const Command *
find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
	{
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	usage_error("no such command: \"%s\"", name);
}

int
main(int argc, char **argv)
{
	const Command *command;
	Settings settings;
	bool is_json;
	int exit_code;

	if (argc < 2)
		usage_error("no command");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
	{
		print_help();
		return EXIT_DELIVERED;
	}
	if (strcmp(argv[1], "--version") == 0)
	{
		printf("weir-producer %s\n", WEIR_VERSION);
		return EXIT_DELIVERED;
	}
	command = find_command(argv[1]);
	options_parse(command, argc - 1, argv + 1, &settings);
	is_json = strcmp(settings.log, "json") == 0;
	log_set_json(is_json);
	if (settings.topic == NULL && command->letter == FOR_REPLAY && !settings.is_dry_run)
		usage_error("weir-producer %s wants --topic", command->name);
	stop_on_signals(is_json);
	exit_code = command->run(command, &settings);
	options_free(&settings);
	/* then librdkafka's threads may still run */
	if (stop_is_due())
	{
		fflush(stdout);
		_exit(exit_code);
	}
	return exit_code;
}
