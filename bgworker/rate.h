/* SPDX-License-Identifier: PostgreSQL
 *
 * How many a second, of late: an average in which what is ten seconds old counts a third.
 */
#ifndef WEIR_BGWORKER_RATE_H
#define WEIR_BGWORKER_RATE_H

#include "postgres.h"

#include <math.h>

#include "utils/timestamp.h"

#define WEIR_RATE_SPAN_S 10.0
#define WEIR_RATE_STEP_US INT64CONST(500000)

typedef struct WeirRate
{
	TimestampTz at; /* 0: not yet begun */
	int64 count;    /* then */
	double per_second;
} WeirRate;

/* `count`: the total now. */
static inline void
weir_rate_note(WeirRate *rate, int64 count, TimestampTz now)
{
	double passed_s = (double) (now - rate->at) / USECS_PER_SEC;
	double weight;

	if (rate->at != 0 && now - rate->at < WEIR_RATE_STEP_US)
		return;
	if (rate->at != 0)
	{
		weight = exp(-passed_s / WEIR_RATE_SPAN_S);
		rate->per_second =
			rate->per_second * weight + (double) (count - rate->count) / passed_s * (1.0 - weight);
	}
	rate->at = now;
	rate->count = count;
}

/* In thousandths, as slots have it. */
static inline uint64
weir_rate_milli(const WeirRate *rate)
{
	return (uint64) (rate->per_second * 1000.0 + 0.5);
}

#endif
