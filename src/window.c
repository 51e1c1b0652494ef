/* SPDX-License-Identifier: PostgreSQL
 *
 * Which windows hold a time.
 *
 * Windows in local time have boundaries that are readings of the clock on the wall. A window starts
 * when the clock first shows its boundary or more. So a boundary that the clock skips begins when it
 * skips, one that it shows twice begins the first time, and a time belongs to the latest boundary
 * that the clock has shown *until then*, which need not be what it shows. Without that, windows
 * would overlap where a clock is set back over midnight.
 */
#include "window.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)
/* Monday 2000-01-03, for windows that are not of months */
#define ORIGIN_US (2 * US_PER_DAY)
/* 2^63 µs, in whole months and days */
#define MONTHS_MAX 3507324
#define DAYS_MAX (INT64_MAX / US_PER_DAY)
/* the days that every month has */
#define MONTH_DAYS_MIN 28

static int64_t
floor_divide(int64_t value, int64_t divisor)
{
	return value / divisor - (value % divisor < 0);
}

static int64_t
floor_modulo(int64_t value, int64_t divisor)
{
	int64_t rest = value % divisor;

	return rest < 0 ? rest + divisor : rest;
}

/* What overflows is far out of the range of times, and stays so. */
static int64_t
add_clamped(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b > 0 ? INT64_MAX : INT64_MIN;
}

/* The first day of a month, both since 2000-01-01. Counted from 2000-03, for a leap day ends a year
 * that begins in March, and 153 days are five months of it. */
static int64_t
day_of_month(int64_t month)
{
	int64_t year = floor_divide(month - 2, 12);
	int64_t month_of_year = floor_modulo(month - 2, 12);

	return year * 365 + floor_divide(year, 4) - floor_divide(year, 100) + floor_divide(year, 400) +
		   (153 * month_of_year + 2) / 5 + 60;
}

/* The month that a day is in. */
static int64_t
month_of_day(int64_t day)
{
	int64_t cycle = floor_divide(day - 60, 146097);
	int64_t day_of_cycle = floor_modulo(day - 60, 146097);
	/* a century has 36524 days and four years have 1461, but for the last of them */
	int64_t year_of_cycle =
		(day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
	int64_t day_of_year =
		day_of_cycle - (year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100);

	return (cycle * 400 + year_of_cycle) * 12 + (5 * day_of_year + 2) / 153 + 2;
}

/* The beginning of a month, clamped. */
static int64_t
time_of_month(int64_t month)
{
	int64_t day = day_of_month(month);
	int64_t time_us;

	if (!__builtin_mul_overflow(day, US_PER_DAY, &time_us))
		return time_us;
	return day > 0 ? INT64_MAX : INT64_MIN;
}

/* --- zones ---------------------------------------------------------------------------------------- */

/* Result: the offset in µs; *end_us is INT64_MAX if there is no end, or one far out of range. */
static int64_t
zone_offset(const WeirZone *zone, int64_t at_s, int64_t *end_us)
{
	int64_t end_s = WEIR_ZONE_NO_END;
	int64_t offset_s = zone->offset_s;

	if (zone->offset != NULL)
		offset_s = zone->offset(zone->state, at_s, &end_s);
	*end_us = end_s > INT64_MAX / US_PER_SECOND ? INT64_MAX : end_s * US_PER_SECOND;
	return offset_s * US_PER_SECOND;
}

/* What the clock shows. */
static int64_t
zone_local(const WeirZone *zone, int64_t time_us)
{
	int64_t end_us;

	return time_us + zone_offset(zone, floor_divide(time_us, US_PER_SECOND), &end_us);
}

/* The most that the clock has shown until this time, this time included. */
static int64_t
zone_reached(const WeirZone *zone, int64_t time_us)
{
	/* what the clock showed earlier than this it shows again, or more, by now */
	int64_t at_s = floor_divide(time_us, US_PER_SECOND) - 2 * WEIR_ZONE_OFFSET_MAX_S;
	int64_t reached_us = INT64_MIN;

	for (;;)
	{
		int64_t end_us;
		int64_t offset_us = zone_offset(zone, at_s, &end_us);
		bool is_last = end_us > time_us;
		int64_t last_us = is_last ? time_us : end_us - 1;

		if (last_us + offset_us > reached_us)
			reached_us = last_us + offset_us;
		if (is_last)
			return reached_us;
		at_s = end_us / US_PER_SECOND;
	}
}

/* When the clock first shows this or more, clamped. */
static int64_t
zone_first(const WeirZone *zone, int64_t local_us)
{
	int64_t max_us = WEIR_ZONE_OFFSET_MAX_S * US_PER_SECOND;
	int64_t at_s;

	if (local_us < WEIR_TIME_MIN_US - max_us)
		return INT64_MIN;
	if (local_us >= WEIR_TIME_END_US + max_us)
		return INT64_MAX;
	/* the clock has not shown it before */
	at_s = floor_divide(local_us, US_PER_SECOND) - WEIR_ZONE_OFFSET_MAX_S;
	for (;;)
	{
		int64_t end_us;
		int64_t first_us = local_us - zone_offset(zone, at_s, &end_us);

		/* skipped: the clock went beyond it at once */
		if (first_us < at_s * US_PER_SECOND)
			first_us = at_s * US_PER_SECOND;
		if (first_us < end_us)
			return first_us;
		at_s = end_us / US_PER_SECOND;
	}
}

/* --- compiling ------------------------------------------------------------------------------------ */

static WeirWindowFault
check_width(const WeirWidth *width, bool has_zone)
{
	int kinds = (width->months != 0) + (width->days != 0) + (width->time_us != 0);
	bool is_mixed = kinds > 1 && (has_zone || width->months != 0);

	if (kinds == 0 || width->months < 0 || width->days < 0 || width->time_us < 0)
		return WEIR_WINDOW_NOT_POSITIVE;
	/* an infinite width too, which is all three at their largest */
	if (width->months > MONTHS_MAX || width->days > DAYS_MAX ||
		width->time_us > INT64_MAX - width->days * US_PER_DAY)
		return WEIR_WINDOW_TOO_WIDE;
	return is_mixed ? WEIR_WINDOW_MIXED : WEIR_WINDOW_FINE;
}

static WeirWindowFault
compile_months(WeirWindowing *windowing, int32_t months, const int64_t *origin_us)
{
	int64_t local_us = origin_us != NULL ? zone_local(&windowing->zone, *origin_us) : 0;
	int64_t day = floor_divide(local_us, US_PER_DAY);

	windowing->months = months;
	windowing->is_local = windowing->zone.offset != NULL;
	windowing->offset_us = windowing->zone.offset_s * US_PER_SECOND;
	windowing->month = month_of_day(day);
	windowing->shift_us = local_us - time_of_month(windowing->month);
	if (day - day_of_month(windowing->month) >= MONTH_DAYS_MIN)
		return WEIR_WINDOW_ORIGIN_DAY;
	return WEIR_WINDOW_FINE;
}

static void
compile_even(WeirWindowing *windowing, const WeirWidth *width, const int64_t *origin_us)
{
	const WeirZone *zone = &windowing->zone;
	int64_t start_us;

	/* days in a zone of one offset are 24 hours each */
	windowing->is_local = width->days > 0 && zone->offset != NULL;
	windowing->width_us = width->days * US_PER_DAY + width->time_us;
	if (windowing->is_local)
		start_us = origin_us != NULL ? zone_local(zone, *origin_us) : ORIGIN_US;
	else
		start_us = origin_us != NULL ? *origin_us : zone_first(zone, ORIGIN_US);
	windowing->phase_us = floor_modulo(start_us, windowing->width_us);
}

WeirWindowFault
weir_windowing_compile(WeirWindowing *windowing, const WeirWidth *width, const WeirZone *zone,
					   const int64_t *origin_us)
{
	WeirWindowFault fault = check_width(width, zone != NULL);

	if (fault != WEIR_WINDOW_FINE)
		return fault;
	if (origin_us != NULL && (*origin_us < WEIR_TIME_MIN_US || *origin_us >= WEIR_TIME_END_US))
		return WEIR_WINDOW_ORIGIN;
	*windowing = (WeirWindowing){0};
	if (zone != NULL)
		windowing->zone = *zone;
	if (windowing->zone.offset != NULL)
		windowing->zone.offset_s = 0;
	if (width->months > 0)
		return compile_months(windowing, width->months, origin_us);
	compile_even(windowing, width, origin_us);
	return WEIR_WINDOW_FINE;
}

static int64_t
gcd(int64_t a, int64_t b)
{
	while (b != 0)
	{
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The parts of the windows, counted in months or µs, whichever they have. */
static int64_t
extent(const WeirWindowing *windowing)
{
	return windowing->months > 0 ? windowing->months : windowing->width_us;
}

static WeirWindowFault
compile_slices(WeirHopping *hopping, const WeirWindowing *windows, const WeirZone *zone,
			   const int64_t *origin_us)
{
	const WeirWindowing *starts = &hopping->starts;
	int64_t part = gcd(extent(windows), extent(starts));
	WeirWidth width = {0};

	if (windows->is_local != starts->is_local || (windows->months > 0) != (starts->months > 0))
		return WEIR_WINDOW_KINDS;
	if (extent(starts) > extent(windows))
		return WEIR_WINDOW_SLIDE;
	if (extent(windows) / part > WEIR_SLICES_MAX)
		return WEIR_WINDOW_TOO_MANY;
	if (starts->months > 0)
		width.months = (int32_t) part;
	else if (starts->is_local)
		width.days = (int32_t) (part / US_PER_DAY);
	else
		width.time_us = part;
	hopping->length = (int32_t) (extent(windows) / part);
	hopping->slide = (int32_t) (extent(starts) / part);
	return weir_windowing_compile(&hopping->slices, &width, zone, origin_us);
}

WeirWindowFault
weir_hopping_compile(WeirHopping *hopping, const WeirWidth *width, const WeirWidth *slide,
					 const WeirZone *zone, const int64_t *origin_us)
{
	WeirWindowing windows;
	WeirWindowFault fault = weir_windowing_compile(&windows, width, zone, origin_us);

	*hopping = (WeirHopping){0};
	if (fault == WEIR_WINDOW_FINE)
		fault = weir_windowing_compile(&hopping->starts, slide, zone, origin_us);
	if (fault == WEIR_WINDOW_FINE)
		fault = compile_slices(hopping, &windows, zone, origin_us);
	return fault;
}

/* --- asking --------------------------------------------------------------------------------------- */

static void
even_window(const WeirWindowing *windowing, int64_t time_us, WeirWindow *window)
{
	int64_t since_us = floor_modulo(time_us, windowing->width_us) - windowing->phase_us;

	if (since_us < 0)
		since_us += windowing->width_us;
	window->start_us = add_clamped(time_us, -since_us);
	window->end_us = add_clamped(time_us, windowing->width_us - since_us);
}

static void
month_window(const WeirWindowing *windowing, int64_t time_us, WeirWindow *window)
{
	int64_t month = month_of_day(floor_divide(time_us - windowing->shift_us, US_PER_DAY));

	month -= floor_modulo(month - windowing->month, windowing->months);
	window->start_us = add_clamped(time_of_month(month), windowing->shift_us);
	window->end_us = add_clamped(time_of_month(month + windowing->months), windowing->shift_us);
}

static void
local_window(const WeirWindowing *windowing, int64_t time_us, WeirWindow *window)
{
	const WeirZone *zone = &windowing->zone;
	int64_t local_us = zone_reached(zone, time_us);

	if (windowing->months > 0)
		month_window(windowing, local_us, window);
	else
		even_window(windowing, local_us, window);
	window->start_us = zone_first(zone, window->start_us);
	window->end_us = zone_first(zone, window->end_us);
}

static int64_t
into_range(int64_t time_us)
{
	if (time_us < WEIR_TIME_MIN_US)
		return WEIR_TIME_MINUS_INFINITY;
	return time_us >= WEIR_TIME_END_US ? WEIR_TIME_INFINITY : time_us;
}

static bool
is_in_range(const WeirWindow *window)
{
	return window->start_us != WEIR_TIME_MINUS_INFINITY && window->end_us != WEIR_TIME_INFINITY;
}

bool
weir_window_of(const WeirWindowing *windowing, int64_t time_us, WeirWindow *window)
{
	if (time_us == WEIR_TIME_INFINITY || time_us == WEIR_TIME_MINUS_INFINITY)
	{
		*window = (WeirWindow){time_us, time_us};
		return false;
	}
	if (windowing->is_local)
		local_window(windowing, time_us, window);
	else if (windowing->months > 0)
	{
		month_window(windowing, time_us + windowing->offset_us, window);
		window->start_us = add_clamped(window->start_us, -windowing->offset_us);
		window->end_us = add_clamped(window->end_us, -windowing->offset_us);
	}
	else
		even_window(windowing, time_us, window);
	window->start_us = into_range(window->start_us);
	window->end_us = into_range(window->end_us);
	return is_in_range(window);
}

static int64_t
month_shift(const WeirWindowing *windowing, int64_t local_us, int64_t months)
{
	int64_t month = month_of_day(floor_divide(local_us - windowing->shift_us, US_PER_DAY));

	month -= floor_modulo(month - windowing->month, windowing->months);
	return add_clamped(time_of_month(month + months), windowing->shift_us);
}

static int64_t
even_shift(const WeirWindowing *windowing, int64_t local_us, int64_t distance_us)
{
	WeirWindow window;

	even_window(windowing, local_us, &window);
	return add_clamped(window.start_us, distance_us);
}

/* What comes so many months or µs after the start of a window, on the wall's clock. */
static int64_t
shift(const WeirWindowing *windowing, int64_t start_us, int64_t distance)
{
	int64_t local_us = start_us;

	if (start_us == WEIR_TIME_INFINITY || start_us == WEIR_TIME_MINUS_INFINITY)
		return start_us;
	if (windowing->is_local)
		local_us = zone_reached(&windowing->zone, start_us);
	else if (windowing->months > 0)
		local_us += windowing->offset_us;
	local_us = windowing->months > 0 ? month_shift(windowing, local_us, distance)
									 : even_shift(windowing, local_us, distance);
	if (windowing->is_local)
		local_us = zone_first(&windowing->zone, local_us);
	else if (windowing->months > 0)
		local_us = add_clamped(local_us, -windowing->offset_us);
	return into_range(local_us);
}

/* --- hopping -------------------------------------------------------------------------------------- */

static bool
set_end(const WeirHopping *hopping, WeirWindow *window)
{
	window->end_us =
		shift(&hopping->starts, window->start_us, hopping->length * extent(&hopping->slices));
	return is_in_range(window);
}

bool
weir_hopping_next(const WeirHopping *hopping, WeirWindow *window)
{
	window->start_us = shift(&hopping->starts, window->start_us, extent(&hopping->starts));
	return set_end(hopping, window);
}

bool
weir_hopping_first(const WeirHopping *hopping, int64_t time_us, WeirWindow *window)
{
	WeirWindow latest;
	bool is_in;

	if (!weir_window_of(&hopping->starts, time_us, &latest))
	{
		*window = latest;
		return false;
	}
	/* as many hold the time; or one fewer, where a window is no multiple of the slide */
	window->start_us = shift(&hopping->starts, latest.start_us,
							 -(hopping->length - 1) / hopping->slide * extent(&hopping->starts));
	is_in = set_end(hopping, window);
	while (is_in && window->end_us <= time_us)
		is_in = weir_hopping_next(hopping, window);
	return is_in;
}

bool
weir_hopping_slice(const WeirHopping *hopping, int64_t time_us, WeirWindow *slice, WeirWindow *last)
{
	WeirWindow first;

	if (!weir_window_of(&hopping->slices, time_us, slice) ||
		!weir_window_of(&hopping->starts, time_us, last))
		return false;
	return set_end(hopping, last) && weir_hopping_first(hopping, time_us, &first);
}
