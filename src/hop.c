/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.hop() and weir.hop_end(): the starts and the ends of the windows that hold a time, one a row.
 *
 * Nothing is kept between rows: this is for batch queries, the engine has windows of its own.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "windowing.h"

/* The positions of the arguments. */
enum
{
	ARG_TS,
	ARG_WIDTH,
	ARG_SLIDE,
	ARG_ZONE,
	ARG_ORIGIN,
};

/* Of a call: the windows of one time. */
typedef struct Hop
{
	WeirHopping hopping;
	WeirWindow window; /* the next one */
	bool is_infinite;  /* an infinite time is its own window */
} Hop;

PG_FUNCTION_INFO_V1(weir_hop);
PG_FUNCTION_INFO_V1(weir_hop_end);

static Datum next_bound(FunctionCallInfo fcinfo, bool is_end);

Datum
weir_hop(PG_FUNCTION_ARGS)
{
	return next_bound(fcinfo, false);
}

Datum
weir_hop_end(PG_FUNCTION_ARGS)
{
	return next_bound(fcinfo, true);
}

static void
check_range(FunctionCallInfo fcinfo, bool is_in)
{
	if (!is_in)
		ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				errmsg("a window is out of range"),
				errdetail("It holds %s.", timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(ARG_TS))));
}

static Hop *
begin(FunctionCallInfo fcinfo)
{
	TimestampTz ts = PG_GETARG_TIMESTAMPTZ(ARG_TS);
	bool has_zone = PG_NARGS() > ARG_ZONE;
	bool has_origin = PG_NARGS() > ARG_ORIGIN;
	TimestampTz origin = has_origin ? PG_GETARG_TIMESTAMPTZ(ARG_ORIGIN) : 0;
	Hop *hop = palloc0(sizeof(Hop));

	weir_hopping_make(&hop->hopping, PG_GETARG_INTERVAL_P(ARG_WIDTH),
					  PG_GETARG_INTERVAL_P(ARG_SLIDE),
					  has_zone ? text_to_cstring(PG_GETARG_TEXT_PP(ARG_ZONE)) : NULL,
					  has_origin ? &origin : NULL);
	hop->is_infinite = TIMESTAMP_NOT_FINITE(ts);
	if (hop->is_infinite)
		hop->window = (WeirWindow){ts, ts};
	else
		check_range(fcinfo, weir_hopping_first(&hop->hopping, ts, &hop->window));
	return hop;
}

static Datum
next_bound(FunctionCallInfo fcinfo, bool is_end)
{
	TimestampTz ts = PG_GETARG_TIMESTAMPTZ(ARG_TS);
	FuncCallContext *call;
	WeirWindow window;
	Hop *hop;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		call = SRF_FIRSTCALL_INIT();
		before = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = begin(fcinfo);
		MemoryContextSwitchTo(before);
	}
	call = SRF_PERCALL_SETUP();
	hop = call->user_fctx;
	window = hop->window;
	if (window.start_us > ts || (hop->is_infinite && call->call_cntr > 0))
		SRF_RETURN_DONE(call);
	if (!hop->is_infinite)
	{
		bool is_in = weir_hopping_next(&hop->hopping, &hop->window);

		check_range(fcinfo, is_in || hop->window.start_us > ts);
	}
	SRF_RETURN_NEXT(call, TimestampTzGetDatum(is_end ? window.end_us : window.start_us));
}
