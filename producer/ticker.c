/* SPDX-License-Identifier: PostgreSQL
 *
 * A made-up ticker: prices walk at random, a volume grows, events come a little out of order.
 *
 * No event is late by chance: disorder stays within the lateness. A late one is made so that every
 * reader that keeps the rules of event time finds it late. With one partition its day has to end a
 * lateness before the largest event time there; with several, readers may take partitions in any order
 * and run ahead in one of them, by no more than a day or the lateness.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ticker.h"

#define MILLION 1000000

static const struct
{
	const char *name;
	int64_t price;
} known[] = {
	{"BTCUSDT", 9281792}, {"ETHUSDT", 304418}, {"SOLUSDT", 14263}, {"BNBUSDT", 89155},
	{"XRPUSDT", 219},     {"ADAUSDT", 52},     {"DOGEUSDT", 23},   {"LTCUSDT", 8410},
};

#define KNOWN ((int) (sizeof(known) / sizeof(known[0])))

/* splitmix64: small, and the same on each machine */
static uint64_t
random_next(Ticker *ticker)
{
	uint64_t mixed = ticker->random += UINT64_C(0x9E3779B97F4A7C15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
	return mixed ^ (mixed >> 31);
}

/* From 0 to below limit. */
static int64_t
random_below(Ticker *ticker, int64_t limit)
{
	/* a product is cheaper than a remainder */
	return (int64_t) (((unsigned __int128) random_next(ticker) * (uint64_t) limit) >> 64);
}

static bool
random_is_hit(Ticker *ticker, int64_t ppm)
{
	return ppm > 0 && random_below(ticker, MILLION) < ppm;
}

static void
symbol_init(TickerSymbol *symbol, int number)
{
	if (number < KNOWN)
		snprintf(symbol->name, sizeof(symbol->name), "%s", known[number].name);
	else
		snprintf(symbol->name, sizeof(symbol->name), "S%05dUSDT", number);
	symbol->price = number < KNOWN ? known[number].price : 1000 + number * 7 % 5000;
}

void
ticker_init(Ticker *ticker, const TickerPlan *plan)
{
	*ticker = (Ticker){.plan = *plan, .random = (uint64_t) plan->seed, .second_us = -1};
	ticker->symbols = allocate(sizeof(TickerSymbol) * (size_t) plan->symbols);
	ticker->latest_us = allocate(sizeof(int64_t) * (size_t) plan->partitions);
	for (int i = 0; i < plan->symbols; i++)
		symbol_init(&ticker->symbols[i], i);
	for (int i = 0; i < plan->partitions; i++)
		ticker->latest_us[i] = plan->start_us;
}

void
ticker_free(Ticker *ticker)
{
	free(ticker->symbols);
	free(ticker->latest_us);
}

static int64_t
made_us(const Ticker *ticker)
{
	const TickerPlan *plan = &ticker->plan;
	int64_t passed_us = plan->span_us > 0
							? (int64_t) ((__int128) plan->span_us * ticker->next / plan->count)
							: plan->step_us * ticker->next;

	return plan->start_us + passed_us / 1000 * 1000;
}

static void
walk(Ticker *ticker, Tick *tick)
{
	TickerSymbol *symbol = &ticker->symbols[tick->symbol];
	int64_t step = symbol->price / 2000 + 1;

	symbol->price += random_below(ticker, 2 * step + 1) - step;
	if (symbol->price < 1)
		symbol->price = 1;
	symbol->volume += random_below(ticker, 300000);
	symbol->trades += random_below(ticker, 20);
	/* a rolling window does not grow for ever */
	if (symbol->volume > INT64_C(3000000000))
		symbol->volume = symbol->trades = 0;

	tick->price = symbol->price;
	tick->open = symbol->price + random_below(ticker, 20 * step + 1) - 10 * step;
	if (tick->open < 1)
		tick->open = 1;
	tick->high = (tick->price > tick->open ? tick->price : tick->open) + random_below(ticker, step);
	tick->low = (tick->price < tick->open ? tick->price : tick->open) - random_below(ticker, step);
	if (tick->low < 1)
		tick->low = 1;
	tick->volume = symbol->volume;
	tick->quote_volume = symbol->volume * symbol->price;
	tick->trades = symbol->trades;
}

static int64_t
day_of(int64_t time_us)
{
	return time_us / DAY_US - (time_us % DAY_US < 0);
}

/* Result: whether there is a day that is closed for certain. */
static bool
make_late(Ticker *ticker, Tick *tick)
{
	const TickerPlan *plan = &ticker->plan;
	int64_t align_us = plan->lateness_us > DAY_US ? plan->lateness_us : DAY_US;
	int64_t closed_us = ticker->latest_us[tick->partition] - plan->lateness_us -
						(plan->partitions > 1 ? align_us : 0);
	int64_t first_day = day_of(plan->start_us);
	int64_t days = day_of(closed_us) - first_day;

	if (days <= 0)
		return false;
	tick->event_us = (first_day + random_below(ticker, days)) * DAY_US +
					 random_below(ticker, DAY_US / 1000) * 1000;
	return true;
}

static void
choose_time(Ticker *ticker, Tick *tick)
{
	const TickerPlan *plan = &ticker->plan;
	int64_t back_us = random_below(ticker, plan->disorder_us + 1) / 1000 * 1000;

	tick->event_us = tick->made_us - back_us;
	if (tick->event_us < plan->start_us)
		tick->event_us = plan->start_us;
}

void
ticker_next(Ticker *ticker, Tick *tick)
{
	const TickerPlan *plan = &ticker->plan;

	tick->symbol = (int) random_below(ticker, plan->symbols);
	tick->partition = tick->symbol % plan->partitions;
	tick->made_us = made_us(ticker);
	tick->flaw = TICK_GOOD;
	walk(ticker, tick);
	choose_time(ticker, tick);
	if (random_is_hit(ticker, plan->bad_ppm))
		tick->flaw = TICK_TRUNCATED + (TickFlaw) random_below(ticker, TICK_FLAWS - TICK_TRUNCATED);
	else if (random_is_hit(ticker, plan->late_ppm) && make_late(ticker, tick))
		tick->flaw = TICK_LATE;
	else if (tick->event_us > ticker->latest_us[tick->partition])
		ticker->latest_us[tick->partition] = tick->event_us;
	ticker->next++;
}

/* ------------------------------------------------------------------------------------------------
 * As JSON
 */

static void
add_price(Text *payload, const char *name, int64_t price)
{
	text_add_string(payload, name);
	text_add_fixed(payload, price, PRICE_PLACES);
}

static void
add_time(Text *payload, const Tick *tick)
{
	if (tick->flaw == TICK_NO_TIME)
		return;
	text_add_string(payload, ",\"event_time\":");
	if (tick->flaw == TICK_BAD_TIME)
		text_add_string(payload, "\"soon\"");
	else
		text_add_number(payload, tick->event_us / 1000);
}

/* Formatting a time is dear; many events share a second. */
static void
add_timestamp(Ticker *ticker, int64_t time_us, Text *payload)
{
	int64_t second_us = time_us / SECOND_US * SECOND_US;
	int ms = (int) (time_us / 1000 % 1000);
	char digits[3] = {(char) ('0' + ms / 100), (char) ('0' + ms / 10 % 10), (char) ('0' + ms % 10)};

	if (second_us != ticker->second_us)
	{
		moment_format_ms(second_us, ticker->second);
		ticker->second_us = second_us;
	}
	text_add_string(payload, ",\"timestamp\":\"");
	text_add(payload, ticker->second, sizeof("2026-01-01T00:00:00.") - 1);
	text_add(payload, digits, 3);
	text_add_string(payload, "Z\"}");
}

static void
write_object(Ticker *ticker, const Tick *tick, Text *payload)
{
	int64_t change = tick->price - tick->open;

	text_add_string(payload, "{\"symbol\":\"");
	text_add_string(payload, ticker->symbols[tick->symbol].name);
	text_add_string(payload, "\"");
	add_time(payload, tick);
	if (tick->flaw == TICK_BAD_PRICE)
		text_add_string(payload, ",\"price\":\"n/a\"");
	else
		add_price(payload, ",\"price\":", tick->price);
	add_price(payload, ",\"open\":", tick->open);
	add_price(payload, ",\"high\":", tick->high);
	add_price(payload, ",\"low\":", tick->low);
	text_add_string(payload, ",\"volume\":");
	text_add_fixed(payload, tick->volume, VOLUME_PLACES);
	text_add_string(payload, ",\"quote_volume\":");
	text_add_fixed(payload, tick->quote_volume, QUOTE_PLACES);
	text_add_string(payload, ",\"number_trades\":");
	text_add_number(payload, tick->trades);
	add_price(payload, ",\"price_change\":", change);
	text_add_string(payload, ",\"price_change_percent\":");
	text_add_fixed(payload, change * 100000 / tick->open, 3);
	add_timestamp(ticker, tick->made_us, payload);
}

void
ticker_write(Ticker *ticker, const Tick *tick, Text *payload)
{
	text_clear(payload);
	if (tick->flaw == TICK_HTML)
	{
		text_add_string(payload, "<html><title>502 Bad Gateway</title></html>");
		return;
	}
	write_object(ticker, tick, payload);
	if (tick->flaw == TICK_TRUNCATED)
	{
		payload->len /= 2;
		payload->data[payload->len] = '\0';
	}
}

const char *
ticker_flaw_name(TickFlaw flaw)
{
	static const char *const names[TICK_FLAWS] = {
		"good", "late", "truncated", "html", "no time", "bad time", "bad price",
	};

	return names[flaw];
}
