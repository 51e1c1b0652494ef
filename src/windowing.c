/* SPDX-License-Identifier: PostgreSQL
 *
 * Windows as SQL describes them.
 *
 * Zones and errors are here, because window.c knows neither names nor PostgreSQL. Two use it: the
 * SQL functions, for each call, and a definition, once. It keeps nothing.
 */
#include "postgres.h"

#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "windowing.h"

/* from 1970-01-01 to 2000-01-01, between PostgreSQL's two epochs */
#define EPOCH_S ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* The arguments, for messages. */
typedef struct Arguments
{
	const char *what; /* "width" or "slide", which is wrong */
	const Interval *width;
	const Interval *slide; /* NULL: not looked at */
	const char *zone;
	const TimestampTz *origin;
} Arguments;

static void find_zone(const char *name, WeirZone *zone);
static int64_t zone_offset(const void *state, int64_t at_s, int64_t *end_s);
static _Noreturn void refuse(const Arguments *arguments, WeirWindowFault fault);

static WeirWidth
width_of(const Interval *interval)
{
	return (WeirWidth){interval->month, interval->day, interval->time};
}

static void
make(WeirWindowing *windowing, const char *what, const Interval *width, const char *zone,
	 const TimestampTz *origin)
{
	WeirWidth parts = width_of(width);
	WeirZone found = {0};
	int64_t origin_us = origin ? *origin : 0;
	WeirWindowFault fault;

	if (zone)
		find_zone(zone, &found);
	fault =
		weir_windowing_compile(windowing, &parts, zone ? &found : NULL, origin ? &origin_us : NULL);
	if (fault != WEIR_WINDOW_FINE)
		refuse(&(Arguments){what, width, NULL, zone, origin}, fault);
}

void
weir_windowing_make(WeirWindowing *windowing, const Interval *width, const char *zone,
					const TimestampTz *origin)
{
	make(windowing, "width", width, zone, origin);
}

void
weir_hopping_make(WeirHopping *hopping, const Interval *width, const Interval *slide,
				  const char *zone, const TimestampTz *origin)
{
	WeirWidth wide = width_of(width);
	WeirWidth step = width_of(slide);
	WeirZone found = {0};
	int64_t origin_us = origin ? *origin : 0;
	WeirWindowing windowing;
	WeirWindowFault fault;

	/* each alone first, so that errors tell which is wrong */
	make(&windowing, "width", width, zone, origin);
	make(&windowing, "slide", slide, zone, origin);
	if (zone)
		find_zone(zone, &found);
	fault = weir_hopping_compile(hopping, &wide, &step, zone ? &found : NULL,
								 origin ? &origin_us : NULL);
	if (fault != WEIR_WINDOW_FINE)
		refuse(&(Arguments){"width", width, slide, zone, origin}, fault);
}

bool
weir_hopping_equal(const WeirHopping *a, const WeirHopping *b)
{
	if (a->length != b->length || a->length == 0)
		return a->length == b->length;
	return a->slide == b->slide && weir_windowing_equal(&a->starts, &b->starts) &&
		   weir_windowing_equal(&a->slices, &b->slices);
}

bool
weir_windowing_equal(const WeirWindowing *a, const WeirWindowing *b)
{
	bool is_same_zone = a->zone.offset == b->zone.offset && a->zone.state == b->zone.state;

	if (a->months != b->months || a->is_local != b->is_local || a->width_us != b->width_us ||
		a->phase_us != b->phase_us)
		return false;
	if (a->months == 0)
		return is_same_zone || !a->is_local; /* of even windows the phase says it all */
	return is_same_zone && a->offset_us == b->offset_us && a->shift_us == b->shift_us &&
		   a->month == b->month;
}

const char *
weir_windowing_zone(const WeirWindowing *windowing)
{
	if (windowing->zone.offset == NULL)
		return NULL;
	/* it does not change the zone, but is declared so */
	return pg_get_timezone_name(unconstify(pg_tz *, (const pg_tz *) windowing->zone.state));
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

static char *
interval_text(const Interval *interval)
{
	return DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(interval)));
}

static char *
width_text(const Arguments *arguments)
{
	return interval_text(arguments->width);
}

/* The origin in the zone of the windows. */
static char *
origin_text(const Arguments *arguments)
{
	Datum local = DirectFunctionCall2(timestamptz_zone, CStringGetTextDatum(arguments->zone),
									  TimestampTzGetDatum(*arguments->origin));

	return DatumGetCString(DirectFunctionCall1(timestamp_out, local));
}

static void
refuse(const Arguments *arguments, WeirWindowFault fault)
{
	switch (fault)
	{
		case WEIR_WINDOW_FINE:
			break;
		case WEIR_WINDOW_NOT_POSITIVE:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s of windows must be positive", arguments->what),
					errdetail("The %s is %s.", arguments->what, width_text(arguments)));
		case WEIR_WINDOW_MIXED:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s of windows mixes months, days and time", arguments->what),
					errdetail("The %s is %s.", arguments->what, width_text(arguments)),
					errhint("Use years and months, or weeks and days, or hours and less. Days are "
							"24 hours, and may stand beside hours, only where no time zone is "
							"given."));
		case WEIR_WINDOW_TOO_WIDE:
			ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("%s of windows is out of range", arguments->what),
					errdetail("The %s is %s.", arguments->what, width_text(arguments)),
					errhint("Windows are at most 292277 years wide."));
		case WEIR_WINDOW_ORIGIN:
			ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					errmsg("origin of windows must be finite"));
		case WEIR_WINDOW_ORIGIN_DAY:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("origin of windows of months must be on day 1 to 28"),
					errdetail("The origin is %s in time zone \"%s\".", origin_text(arguments),
							  arguments->zone),
					errhint("Not every month has the days 29, 30 and 31."));
		case WEIR_WINDOW_SLIDE:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("slide of windows must not be wider than their width"),
					errdetail("The width is %s, the slide %s.", width_text(arguments),
							  interval_text(arguments->slide)),
					errhint("What is between such windows would be in none of them."));
		case WEIR_WINDOW_KINDS:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("width and slide of windows must be of one kind"),
					errdetail("The width is %s, the slide %s.", width_text(arguments),
							  interval_text(arguments->slide)),
					errhint("Use years and months, or weeks and days, or hours and less for both. "
							"Days are 24 hours only where no time zone is given."));
		case WEIR_WINDOW_TOO_MANY:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("windows are made of more than %d slices", WEIR_SLICES_MAX),
					errdetail("The width is %s, the slide %s. A slice is the widest part that both "
							  "are made of.",
							  width_text(arguments), interval_text(arguments->slide)),
					errhint("Use a wider slide, of which the width is a multiple."));
	}
	elog(ERROR, "unexpected fault of windows: %d", fault);
}
