/* SPDX-License-Identifier: PostgreSQL
 *
 * A made-up ticker: events of symbols, the same for the same plan. Values are whole units: cents of a
 * price, 10^-5 of a volume, 10^-7 of their product.
 */
#ifndef PRODUCER_TICKER_H
#define PRODUCER_TICKER_H

#include <stdbool.h>
#include <stdint.h>

#include "moment.h"
#include "text.h"

#define PRICE_PLACES 2
#define VOLUME_PLACES 5
#define QUOTE_PLACES 7

typedef enum TickFlaw
{
	TICK_GOOD,
	TICK_LATE, /* its day has been closed, whatever the order of partitions */
	/* what cannot be decoded */
	TICK_TRUNCATED,
	TICK_HTML,
	TICK_NO_TIME,
	TICK_BAD_TIME,
	TICK_BAD_PRICE,
	TICK_FLAWS
} TickFlaw;

typedef struct Tick
{
	TickFlaw flaw;
	int symbol;
	int32_t partition;
	int64_t event_us; /* whole milliseconds */
	int64_t made_us;  /* event time without disorder */
	int64_t price;
	int64_t open;
	int64_t high;
	int64_t low;
	int64_t volume;
	int64_t quote_volume;
	int64_t trades;
} Tick;

typedef struct TickerPlan
{
	int64_t seed;
	int symbols;
	int partitions;
	int64_t start_us;
	int64_t step_us; /* from an event to the next, where there is no span */
	int64_t span_us; /* 0, or the time that count events fill */
	int64_t count;
	int64_t disorder_us;
	int64_t lateness_us;
	int64_t late_ppm;
	int64_t bad_ppm;
} TickerPlan;

typedef struct TickerSymbol
{
	char name[24];
	int64_t price;
	int64_t volume;
	int64_t trades;
} TickerSymbol;

typedef struct Ticker
{
	TickerPlan plan;
	uint64_t random;
	int64_t next; /* number of the next event */
	TickerSymbol *symbols;
	int64_t *latest_us; /* of each partition: the largest event time of a good event */
	char second[MOMENT_TEXT_MAX];
	int64_t second_us;
} Ticker;

void ticker_init(Ticker *ticker, const TickerPlan *plan);
void ticker_free(Ticker *ticker);
void ticker_next(Ticker *ticker, Tick *tick);
/* As a message, with its flaw. */
void ticker_write(Ticker *ticker, const Tick *tick, Text *payload);
const char *ticker_flaw_name(TickFlaw flaw);

#endif
