/* SPDX-License-Identifier: PostgreSQL
 *
 * The right answer for a made-up ticker.
 *
 * It decides whether others are right, so it shares no code with pg_weir and takes the plainest way:
 * whole units, 128 bits wide, one cell for each symbol and day.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "log.h"

#define AVERAGE_PLACES 10

typedef struct Candle
{
	int64_t count;
	int64_t first_us;
	int64_t last_us;
	int64_t open;
	int64_t close;
	int64_t high;
	int64_t low;
	int64_t trades;
	__int128 volume;
	__int128 quote_volume;
	__int128 price;
} Candle;

typedef struct LeftOut
{
	TickFlaw flaw;
	int32_t partition;
	int64_t offset;
} LeftOut;

struct Answer
{
	int64_t first_day;
	int symbols;
	Candle *candles; /* day by day */
	int64_t days;
	LeftOut *left_out;
	size_t nleft_out;
	size_t room;
};

Answer *
answer_new(int64_t start_us, int symbols)
{
	Answer *answer = allocate(sizeof(Answer));

	answer->first_day = start_us / DAY_US;
	answer->symbols = symbols;
	return answer;
}

void
answer_free(Answer *answer)
{
	free(answer->candles);
	free(answer->left_out);
	free(answer);
}

static void
leave_out(Answer *answer, const Tick *tick, int64_t offset)
{
	if (answer->nleft_out == answer->room)
	{
		answer->room = answer->room * 2 + 64;
		answer->left_out = reallocate(answer->left_out, answer->room * sizeof(LeftOut));
	}
	answer->left_out[answer->nleft_out++] =
		(LeftOut){.flaw = tick->flaw, .partition = tick->partition, .offset = offset};
}

static Candle *
candle_of(Answer *answer, const Tick *tick)
{
	int64_t day = tick->event_us / DAY_US - answer->first_day;
	size_t row_size = sizeof(Candle) * (size_t) answer->symbols;

	if (day >= answer->days)
	{
		answer->candles = reallocate(answer->candles, row_size * (size_t) (day + 1));
		memset(answer->candles + answer->days * answer->symbols, 0,
			   row_size * (size_t) (day + 1 - answer->days));
		answer->days = day + 1;
	}
	return &answer->candles[day * answer->symbols + tick->symbol];
}

/* Of equal times the first in the partition opens and the last closes. */
static void
fold(Candle *candle, const Tick *tick)
{
	if (candle->count == 0 || tick->event_us < candle->first_us)
	{
		candle->first_us = tick->event_us;
		candle->open = tick->open;
	}
	if (candle->count == 0 || tick->event_us >= candle->last_us)
	{
		candle->last_us = tick->event_us;
		candle->close = tick->price;
	}
	if (candle->count == 0 || tick->high > candle->high)
		candle->high = tick->high;
	if (candle->count == 0 || tick->low < candle->low)
		candle->low = tick->low;
	candle->count++;
	candle->trades += tick->trades;
	candle->volume += tick->volume;
	candle->quote_volume += tick->quote_volume;
	candle->price += tick->price;
}

void
answer_add(Answer *answer, const Tick *tick, int64_t offset)
{
	if (tick->flaw == TICK_GOOD)
		fold(candle_of(answer, tick), tick);
	else
		leave_out(answer, tick, offset);
}

/* ------------------------------------------------------------------------------------------------
 * As CSV
 */

static void
write_wide(FILE *file, __int128 units, int places)
{
	char digits[64];
	int at = sizeof(digits) - 1;

	digits[at] = '\0';
	for (int i = 0; units > 0 || i <= places; i++)
	{
		if (i == places && places > 0)
			digits[--at] = '.';
		digits[--at] = (char) ('0' + (int) (units % 10));
		units /= 10;
	}
	fprintf(file, ",%s", digits + at);
}

/* Rounded half up, as numeric rounds. */
static void
write_average(FILE *file, const Candle *candle)
{
	__int128 scaled = candle->price;

	for (int i = PRICE_PLACES; i < AVERAGE_PLACES; i++)
		scaled *= 10;
	write_wide(file, (2 * scaled + candle->count) / (2 * candle->count), AVERAGE_PLACES);
}

static void
write_candle(FILE *file, const Candle *candle, int64_t day, const char *symbol)
{
	char text[MOMENT_TEXT_MAX];

	moment_format_day(day * DAY_US, text);
	fprintf(file, "candle,%s 00:00:00+00,%s", text, symbol);
	write_wide(file, candle->open, PRICE_PLACES);
	write_wide(file, candle->high, PRICE_PLACES);
	write_wide(file, candle->low, PRICE_PLACES);
	write_wide(file, candle->close, PRICE_PLACES);
	write_wide(file, candle->volume, VOLUME_PLACES);
	write_wide(file, candle->quote_volume, QUOTE_PLACES);
	fprintf(file, ",%" PRId64 ",%" PRId64, candle->trades, candle->count);
	write_average(file, candle);
	fprintf(file, ",,,\n");
}

static void
write_candles(FILE *file, const Answer *answer, const Ticker *ticker)
{
	for (int64_t day = 0; day < answer->days; day++)
	{
		for (int symbol = 0; symbol < answer->symbols; symbol++)
		{
			const Candle *candle = &answer->candles[day * answer->symbols + symbol];

			if (candle->count > 0)
				write_candle(file, candle, answer->first_day + day, ticker->symbols[symbol].name);
		}
	}
}

static void
write_left_out(FILE *file, const Answer *answer)
{
	for (size_t i = 0; i < answer->nleft_out; i++)
	{
		const LeftOut *event = &answer->left_out[i];

		fprintf(file, "%s,,,,,,,,,,,,%d,%" PRId64 ",%s\n",
				event->flaw == TICK_LATE ? "late" : "bad", event->partition, event->offset,
				ticker_flaw_name(event->flaw));
	}
}

bool
answer_write(const Answer *answer, const Ticker *ticker, const char *path)
{
	FILE *file = fopen(path, "w");
	bool is_written;

	if (file == NULL)
	{
		log_error("could not open file \"%s\": %s", path, strerror(errno));
		return false;
	}
	fprintf(file, "kind,day_start,symbol,daily_open,daily_high,daily_low,daily_close,daily_volume,"
				  "daily_quote_volume,total_trades,tick_count,avg_price,partition,offset,reason\n");
	write_candles(file, answer, ticker);
	write_left_out(file, answer);
	is_written = !ferror(file);
	if (fclose(file) != 0 || !is_written)
	{
		log_error("could not write file \"%s\": %s", path, strerror(errno));
		return false;
	}
	return true;
}
