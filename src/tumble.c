/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.tumble() and weir.tumble_end(): the start and the end of the window that holds a time.
 *
 * The arithmetic is window.c's; here are arguments, names of zones and errors. Windows of constant
 * arguments are compiled once for each call in a plan, and the last window is tried first, since
 * neighbouring rows tend to share it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "window.h"

/* from 1970-01-01 to 2000-01-01, between PostgreSQL's two epochs */
#define EPOCH_S ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* The positions of the arguments. */
enum
{
	ARG_TS,
	ARG_WIDTH,
	ARG_ZONE,
	ARG_ORIGIN,
};

/* In fn_extra. */
typedef struct Tumble
{
	bool is_constant; /* all arguments but the time */
	WeirWindowing windowing;
	WeirWindow last; /* empty, or wholly in the range of times */
} Tumble;

PG_FUNCTION_INFO_V1(weir_tumble);
PG_FUNCTION_INFO_V1(weir_tumble_end);

static void find_window(FunctionCallInfo fcinfo, WeirWindow *window);
static void compile(FunctionCallInfo fcinfo, WeirWindowing *windowing);
static void find_zone(const char *name, WeirZone *zone);
static _Noreturn void refuse(FunctionCallInfo fcinfo, WeirWindowFault fault);
static _Noreturn void refuse_range(FunctionCallInfo fcinfo, const char *side);

Datum
weir_tumble(PG_FUNCTION_ARGS)
{
	WeirWindow window;

	find_window(fcinfo, &window);
	if (window.start_us == DT_NOBEGIN && !TIMESTAMP_IS_NOBEGIN(PG_GETARG_TIMESTAMPTZ(ARG_TS)))
		refuse_range(fcinfo, "start");
	PG_RETURN_TIMESTAMPTZ(window.start_us);
}

Datum
weir_tumble_end(PG_FUNCTION_ARGS)
{
	WeirWindow window;

	find_window(fcinfo, &window);
	if (window.end_us == DT_NOEND && !TIMESTAMP_IS_NOEND(PG_GETARG_TIMESTAMPTZ(ARG_TS)))
		refuse_range(fcinfo, "end");
	PG_RETURN_TIMESTAMPTZ(window.end_us);
}

static bool
is_constant(FunctionCallInfo fcinfo)
{
	for (int i = ARG_WIDTH; i < PG_NARGS(); i++)
		if (!get_fn_expr_arg_stable(fcinfo->flinfo, i))
			return false;
	return true;
}

static void
find_window(FunctionCallInfo fcinfo, WeirWindow *window)
{
	TimestampTz ts = PG_GETARG_TIMESTAMPTZ(ARG_TS);
	Tumble *tumble = fcinfo->flinfo->fn_extra;
	WeirWindowing windowing;

	if (tumble == NULL)
	{
		tumble = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Tumble));
		tumble->is_constant = is_constant(fcinfo);
		if (tumble->is_constant)
			compile(fcinfo, &tumble->windowing);
		fcinfo->flinfo->fn_extra = tumble;
	}
	if (!tumble->is_constant)
	{
		compile(fcinfo, &windowing);
		weir_window_of(&windowing, ts, window);
		return;
	}
	if (weir_window_holds(&tumble->last, ts))
		*window = tumble->last;
	else if (weir_window_of(&tumble->windowing, ts, window))
		tumble->last = *window;
}

static void
compile(FunctionCallInfo fcinfo, WeirWindowing *windowing)
{
	Interval *interval = PG_GETARG_INTERVAL_P(ARG_WIDTH);
	WeirWidth width = {interval->month, interval->day, interval->time};
	bool has_zone = PG_NARGS() > ARG_ZONE;
	bool has_origin = PG_NARGS() > ARG_ORIGIN;
	WeirZone zone = {0};
	int64 origin_us = 0;
	WeirWindowFault fault;

	if (has_zone)
		find_zone(text_to_cstring(PG_GETARG_TEXT_PP(ARG_ZONE)), &zone);
	if (has_origin)
		origin_us = PG_GETARG_TIMESTAMPTZ(ARG_ORIGIN);
	fault = weir_windowing_compile(windowing, &width, has_zone ? &zone : NULL,
								   has_origin ? &origin_us : NULL);
	if (fault != WEIR_WINDOW_FINE)
		refuse(fcinfo, fault);
}

/* A WeirZone's callback. */
static int64_t
zone_offset(const void *state, int64_t at_s, int64_t *end_s)
{
	pg_time_t at = at_s + EPOCH_S;
	struct pg_tm *local = pg_localtime(&at, state);
	int64 offset_s;
	long int before_offset;
	long int after_offset;
	int before_is_dst;
	int after_is_dst;
	pg_time_t boundary;

	if (local == NULL)
		ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				errmsg("timestamp out of range"));
	offset_s = local->tm_gmtoff;
	*end_s = WEIR_ZONE_NO_END;
	/* Asked at the very last change in the zone's table, PostgreSQL knows of no more, though the
	 * zone's rule goes on: hence the second question, a second later. */
	for (int i = 0; i < 2 && *end_s == WEIR_ZONE_NO_END; i++, at++)
		if (pg_next_dst_boundary(&at, &before_offset, &before_is_dst, &boundary, &after_offset,
								 &after_is_dst, state) == 1)
			*end_s = boundary - EPOCH_S;
	return offset_s;
}

static void
find_zone(const char *name, WeirZone *zone)
{
	pg_tz *tz = weir_zone_lookup(name);
	long int offset;

	if (!pg_tz_acceptable(tz))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("time zone \"%s\" appears to use leap seconds", name),
				errdetail("PostgreSQL does not support leap seconds."));
	if (pg_get_timezone_offset(tz, &offset))
		zone->offset_s = offset;
	else
	{
		zone->offset = zone_offset;
		zone->state = tz;
	}
}

static char *
width_text(FunctionCallInfo fcinfo)
{
	return DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(ARG_WIDTH)));
}

/* The origin in the zone of the windows. */
static char *
origin_text(FunctionCallInfo fcinfo)
{
	Datum local = DirectFunctionCall2(timestamptz_zone, PG_GETARG_DATUM(ARG_ZONE),
									  PG_GETARG_DATUM(ARG_ORIGIN));

	return DatumGetCString(DirectFunctionCall1(timestamp_out, local));
}

static void
refuse(FunctionCallInfo fcinfo, WeirWindowFault fault)
{
	switch (fault)
	{
		case WEIR_WINDOW_FINE:
			break;
		case WEIR_WINDOW_NOT_POSITIVE:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("width of windows must be positive"),
					errdetail("The width is %s.", width_text(fcinfo)));
		case WEIR_WINDOW_MIXED:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("width of windows mixes months, days and time"),
					errdetail("The width is %s.", width_text(fcinfo)),
					errhint("Use years and months, or weeks and days, or hours and less. Days are "
							"24 hours, and may stand beside hours, only where no time zone is "
							"given."));
		case WEIR_WINDOW_TOO_WIDE:
			ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("width of windows is out of range"),
					errdetail("The width is %s.", width_text(fcinfo)),
					errhint("Windows are at most 292277 years wide."));
		case WEIR_WINDOW_ORIGIN:
			ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("origin of windows must be finite"));
		case WEIR_WINDOW_ORIGIN_DAY:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("origin of windows of months must be on day 1 to 28"),
					errdetail("The origin is %s in time zone \"%s\".", origin_text(fcinfo),
							  text_to_cstring(PG_GETARG_TEXT_PP(ARG_ZONE))),
					errhint("Not every month has the days 29, 30 and 31."));
	}
	elog(ERROR, "unexpected fault of windows: %d", fault);
}

static void
refuse_range(FunctionCallInfo fcinfo, const char *side)
{
	ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			errmsg("%s of a window is out of range", side),
			errdetail("The window holds %s.", timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(ARG_TS))));
}
