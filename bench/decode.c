/* SPDX-License-Identifier: PostgreSQL
 *
 * How long the decoder takes for a message: nanoseconds, the median of rounds.
 *
 * Four kinds of messages, made here and always the same: the exchange ticker that the project's other
 * benchmarks send, the same with its keys in another order each time, with floats of 17 digits, and
 * a nested document of which little is wanted. It measures no conversion to Datums and no Kafka.
 *
 * cc -O2 -Isrc bench/decode.c src/{reason,decode,number,isotime}.c -lm && taskset -c 1 ./a.out
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decode.h"

#define MESSAGE_COUNT 2000
#define ROUND_COUNT 41
#define MESSAGE_MAX 2048

typedef struct Corpus
{
	const char *name;
	const char *data[MESSAGE_COUNT];
	size_t lens[MESSAGE_COUNT];
	size_t bytes;
} Corpus;

static uint64_t random_state = 42;

static uint64_t
random_next(void)
{
	uint64_t z = (random_state += 0x9E3779B97F4A7C15ull);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

static double
random_unit(void)
{
	return (double) (random_next() >> 11) * 0x1p-53;
}

static void
message_add(Corpus *corpus, int i, const char *text, size_t len)
{
	/* no byte more than the message: what reads too far is seen by the sanitizers */
	char *copy = malloc(len);

	memcpy(copy, text, len);
	corpus->data[i] = copy;
	corpus->lens[i] = len;
	corpus->bytes += len;
}

/* The members of a ticker, in the order of the feed, floats with `digits` digits or as the feed. */
static void
ticker_members(char members[12][64], int i, bool is_long)
{
	const char *formats[2][4] = {{"%.4f", "%.4f", "%.5f", "%.3f"},
								 {"%.17g", "%.17g", "%.17g", "%.17g"}};
	const char **format = formats[is_long];
	long long event_ms = 1759276800000LL + i * 1296LL;
	double price = 10 + 50000 * random_unit() * random_unit();
	double open = price * (1 + (random_unit() - 0.5) * 0.05);
	double volume = random_unit() * 1000;
	const char *names[] = {"price", "open", "high", "low", "volume", "quote_volume"};
	double values[] = {price, open, price * 1.01, open * 0.99, volume, volume * price};
	time_t second = event_ms / 1000;
	struct tm tm;
	char number[40];

	gmtime_r(&second, &tm);
	snprintf(members[0], 64, "\"symbol\": \"S%05lluUSDT\"",
			 (unsigned long long) (random_next() % 10));
	snprintf(members[1], 64, "\"event_time\": %lld", event_ms);
	for (int k = 0; k < 6; k++)
	{
		snprintf(number, sizeof(number), format[k == 4 ? 2 : 0], values[k]);
		snprintf(members[2 + k], 64, "\"%s\": %s", names[k], number);
	}
	snprintf(members[8], 64, "\"number_trades\": %d", (int) (random_next() % 5000));
	snprintf(number, sizeof(number), format[1], price - open);
	snprintf(members[9], 64, "\"price_change\": %s", number);
	snprintf(number, sizeof(number), format[3], (price - open) / open * 100);
	snprintf(members[10], 64, "\"price_change_percent\": %s", number);
	snprintf(members[11], 64, "\"timestamp\": \"%04d-%02d-%02dT%02d:%02d:%02d.%03d000\"",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			 (int) (event_ms % 1000));
}

static void
tickers_make(Corpus *corpus, bool is_long, bool is_shuffled)
{
	char members[12][64];
	char text[MESSAGE_MAX];

	for (int i = 0; i < MESSAGE_COUNT; i++)
	{
		size_t len = 0;
		int order[12];

		ticker_members(members, i, is_long);
		for (int k = 0; k < 12; k++)
			order[k] = k;
		for (int k = 11; is_shuffled && k > 0; k--)
		{
			int other = (int) (random_next() % (unsigned) (k + 1));
			int swapped = order[k];

			order[k] = order[other];
			order[other] = swapped;
		}
		for (int k = 0; k < 12; k++)
			len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s", k == 0 ? "{" : ", ",
									 members[order[k]]);
		text[len++] = '}';
		message_add(corpus, i, text, len);
	}
}

static void
nested_make(Corpus *corpus)
{
	char text[MESSAGE_MAX];

	for (int i = 0; i < MESSAGE_COUNT; i++)
	{
		size_t len = (size_t) snprintf(text, sizeof(text),
									   "{\"schema\": {\"type\": \"struct\", \"optional\": false, "
									   "\"name\": \"server.public.orders.Envelope\"}, "
									   "\"payload\": {\"before\": null, \"after\": {\"id\": %d, "
									   "\"customer\": \"J\xC3\xBCrgen M\xC3\xBCller %d\", "
									   "\"items\": [",
									   i, i);

		for (int k = 0; k < 8; k++)
			len += (size_t) snprintf(text + len, sizeof(text) - len,
									 "%s{\"sku\": \"A-%04d\", \"count\": %d, \"price\": %.2f}",
									 k == 0 ? "" : ", ", (int) (random_next() % 10000),
									 (int) (random_next() % 9), random_unit() * 100);
		len += (size_t) snprintf(text + len, sizeof(text) - len,
								 "]}, \"source\": {\"version\": \"2.4.0\", \"connector\": "
								 "\"postgresql\", \"ts_ms\": %lld, \"lsn\": %d}, \"op\": \"c\", "
								 "\"ts_ms\": %lld}}",
								 1759276800000LL + i, i * 64, 1759276800123LL + i);
		message_add(corpus, i, text, len);
	}
}

static double
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

static int
double_compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
corpus_measure(const Corpus *corpus, const WeirField *fields, uint32_t field_count)
{
	void *memory = malloc(weir_decoder_size(fields, field_count));
	WeirDecoder *decoder = weir_decoder_init(memory, fields, field_count);
	char scratch[2 * MESSAGE_MAX];
	WeirValue values[16];
	double rounds[ROUND_COUNT];
	uint32_t place;
	uint64_t set_count = 0;

	for (int round = 0; round < ROUND_COUNT; round++)
	{
		double begin = now_ns();

		for (int i = 0; i < MESSAGE_COUNT; i++)
		{
			if (weir_decoder_run(decoder, corpus->data[i], corpus->lens[i], scratch, values,
								 &place) != WEIR_REASON_NONE)
				exit(1);
			for (uint32_t k = 0; k < field_count; k++)
				set_count += values[k].state == WEIR_STATE_SET;
		}
		rounds[round] = (now_ns() - begin) / MESSAGE_COUNT;
	}
	if (set_count != (uint64_t) ROUND_COUNT * MESSAGE_COUNT * field_count)
		exit(1);
	qsort(rounds, ROUND_COUNT, sizeof(rounds[0]), double_compare);
	printf("%-16s %5.0f bytes  %6.1f ns  (least %.1f)  %5.0f MB/s\n", corpus->name,
		   (double) corpus->bytes / MESSAGE_COUNT, rounds[ROUND_COUNT / 2], rounds[0],
		   (double) corpus->bytes / MESSAGE_COUNT / rounds[ROUND_COUNT / 2] * 1000);
	free(memory);
}

#define STEP(name) ((const WeirStep[]){{name, sizeof(name) - 1, 0}})

int
main(void)
{
	static Corpus tickers = {.name = "ticker"};
	static Corpus shuffled = {.name = "ticker, shuffled"};
	static Corpus longs = {.name = "17-digit floats"};
	static Corpus nested = {.name = "nested"};
	const WeirField ticker_fields[] = {
		{STEP("symbol"), 1, WEIR_TYPE_TEXT, WEIR_UNIT_ISO8601},
		{STEP("event_time"), 1, WEIR_TYPE_TIMESTAMP, WEIR_UNIT_MS},
		{STEP("price"), 1, WEIR_TYPE_FLOAT8, WEIR_UNIT_ISO8601},
		{STEP("open"), 1, WEIR_TYPE_FLOAT8, WEIR_UNIT_ISO8601},
		{STEP("high"), 1, WEIR_TYPE_FLOAT8, WEIR_UNIT_ISO8601},
		{STEP("low"), 1, WEIR_TYPE_FLOAT8, WEIR_UNIT_ISO8601},
		{STEP("volume"), 1, WEIR_TYPE_FLOAT8, WEIR_UNIT_ISO8601},
		{STEP("quote_volume"), 1, WEIR_TYPE_FLOAT8, WEIR_UNIT_ISO8601},
		{STEP("number_trades"), 1, WEIR_TYPE_INT8, WEIR_UNIT_ISO8601},
	};
	const WeirStep op[] = {{"payload", 7, 0}, {"op", 2, 0}};
	const WeirStep id[] = {{"payload", 7, 0}, {"after", 5, 0}, {"id", 2, 0}};
	const WeirStep customer[] = {{"payload", 7, 0}, {"after", 5, 0}, {"customer", 8, 0}};
	const WeirStep price[] = {
		{"payload", 7, 0}, {"after", 5, 0}, {"items", 5, 0}, {NULL, 0, 1}, {"price", 5, 0}};
	const WeirField nested_fields[] = {
		{op, 2, WEIR_TYPE_TEXT, WEIR_UNIT_ISO8601},
		{id, 3, WEIR_TYPE_INT8, WEIR_UNIT_ISO8601},
		{customer, 3, WEIR_TYPE_TEXT, WEIR_UNIT_ISO8601},
		{price, 5, WEIR_TYPE_NUMERIC, WEIR_UNIT_ISO8601},
	};

	tickers_make(&tickers, false, false);
	tickers_make(&shuffled, false, true);
	tickers_make(&longs, true, false);
	nested_make(&nested);
	corpus_measure(&tickers, ticker_fields, 9);
	corpus_measure(&shuffled, ticker_fields, 9);
	corpus_measure(&longs, ticker_fields, 9);
	corpus_measure(&nested, nested_fields, 4);
	return 0;
}
