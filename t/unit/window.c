/* SPDX-License-Identifier: PostgreSQL
 *
 * Windows tile time, or hop, in made-up zones too, and are those that counting finds.
 *
 * The judge walks time minute by minute through a zone whose clock jumps to and fro, keeps the most
 * that the clock has shown, and counts days and months as a calendar on the wall does.
 */
#include "window.h"

#include <stdlib.h>

#include "tap.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* --- a made-up zone -------------------------------------------------------------------------------- */

#define CHANGE_MAX 64

typedef struct Clock
{
	int count;
	int64_t at_s[CHANGE_MAX];
	int64_t offset_s[CHANGE_MAX + 1]; /* before the first change, and behind each */
} Clock;

static int64_t
clock_offset(const void *state, int64_t at_s, int64_t *end_s)
{
	const Clock *clock = state;
	int i = 0;

	while (i < clock->count && clock->at_s[i] <= at_s)
		i++;
	*end_s = i < clock->count ? clock->at_s[i] : WEIR_ZONE_NO_END;
	return clock->offset_s[i];
}

static uint64_t seed = 88172645463325252u;

static int64_t
random_below(int64_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t) (seed % (uint64_t) limit);
}

/* Offsets of up to 26 hours, in minutes; changes 20 minutes to 12 days apart. */
static void
clock_make(Clock *clock, int64_t begin_s)
{
	int64_t at_s = begin_s;

	clock->count = 1 + (int) random_below(CHANGE_MAX);
	clock->offset_s[0] = (random_below(53) - 26) * 3600;
	for (int i = 0; i < clock->count; i++)
	{
		at_s += random_below(3) == 0 ? (20 + random_below(600)) * 60 : random_below(12 * 1440) * 60;
		at_s += 60;
		clock->at_s[i] = at_s;
		clock->offset_s[i + 1] = random_below(2) == 0 ? (random_below(53) - 26) * 3600
													  : (random_below(3121) - 1560) * 60;
	}
}

/* --- the judge ------------------------------------------------------------------------------------- */

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Boundaries in local time from the origin on, forwards and back, by counting. */
#define BOUNDARY_MAX 4096

typedef struct Wall
{
	int count;
	int64_t local_us[BOUNDARY_MAX];
} Wall;

/* Boundaries at some time of a month, of windows that are counted from 2000-01. */
static void
wall_months(Wall *wall, int months, int64_t shift_us)
{
	int64_t local_us = -10957 * DAY_US; /* 1970-01-01 */
	int passed = 0;

	wall->count = 0;
	for (int year = 1970; year < 2031; year++)
		for (int month = 0; month < 12; month++, passed++)
		{
			if ((passed - 360 + 360 * months) % months == 0) /* 360: 2000-01 */
				wall->local_us[wall->count++] = local_us + shift_us;
			local_us += days_in_month(year, month) * DAY_US;
		}
}

static void
wall_days(Wall *wall, int days, int64_t origin_us, int64_t begin_us)
{
	int64_t local_us = origin_us;

	while (local_us > begin_us)
		local_us -= days * DAY_US;
	while (local_us + days * DAY_US <= begin_us)
		local_us += days * DAY_US;
	for (wall->count = 0; wall->count < 1000; wall->count++, local_us += days * DAY_US)
		wall->local_us[wall->count] = local_us;
}

static bool
is_window(const WeirWindow *window, int64_t start_us, int64_t end_us)
{
	return window->start_us == start_us && window->end_us == end_us;
}

/* Walks from begin_us, where the clock has been steady for 20 days, to end_us. */
static bool
walk(const WeirWindowing *windowing, const Clock *clock, const Wall *wall, int64_t begin_us,
	 int64_t end_us)
{
	int64_t start_us = 0;
	int64_t reached_us = INT64_MIN;
	int64_t end_s;
	int current = -1;
	bool is_known = false;
	WeirWindow window;

	for (int64_t t = begin_us; t < end_us; t += MINUTE_US)
	{
		int64_t local_us = t + clock_offset(clock, t / 1000000, &end_s) * 1000000;
		int now = current;

		if (local_us > reached_us)
			reached_us = local_us;
		while (now + 1 < wall->count && wall->local_us[now + 1] <= reached_us)
			now++;
		if (now != current)
		{
			/* the window that was left ends here, and its last µs is in it */
			if (is_known &&
				(!weir_window_of(windowing, t - 1, &window) || !is_window(&window, start_us, t)))
				return ok(false, "window that ends at %lld", (long long) t);
			is_known = current >= 0;
			start_us = t;
			current = now;
		}
		if (!is_known)
			continue;
		if (!weir_window_of(windowing, t, &window) || window.start_us != start_us ||
			window.end_us <= t)
			return ok(false, "window at %lld starts at %lld, not %lld", (long long) t,
					  (long long) window.start_us, (long long) start_us);
	}
	return is_known || ok(false, "the walk met a boundary");
}

static void
compile_or_die(WeirWindowing *windowing, WeirWidth width, const WeirZone *zone,
			   const int64_t *origin_us)
{
	if (weir_windowing_compile(windowing, &width, zone, origin_us) != WEIR_WINDOW_FINE)
		abort();
}

static void
windows_in_made_up_zones_are_those_that_counting_finds(void)
{
	static Wall wall;
	static const int day_widths[] = {1, 1, 2, 3, 7, 30};
	static const int month_widths[] = {1, 1, 2, 3, 12, 5};
	int walked = 0;
	bool is_fine = true;

	for (int round = 0; round < 18 && is_fine; round++)
	{
		int64_t begin_us = -(int64_t) 2000 * DAY_US + random_below(8000) * DAY_US;
		int64_t walk_begin_us = begin_us - 70 * DAY_US;
		WeirWindowing windowing;
		Clock clock;
		WeirZone zone = {clock_offset, &clock, 0};
		int days = day_widths[round % 6];
		int months = month_widths[round % 6];
		int64_t origin_us = begin_us + random_below(1000000) * MINUTE_US;
		int64_t end_s;
		int64_t shift_us;

		clock_make(&clock, begin_us / 1000000);
		compile_or_die(&windowing, (WeirWidth){0, days, 0}, &zone, NULL);
		wall_days(&wall, days, 2 * DAY_US, walk_begin_us - 2 * DAY_US);
		is_fine &= walk(&windowing, &clock, &wall, walk_begin_us, begin_us + 90 * DAY_US);

		/* an origin of day and time, given as an instant */
		compile_or_die(&windowing, (WeirWidth){0, days, 0}, &zone, &origin_us);
		wall_days(&wall, days,
				  origin_us + clock_offset(&clock, origin_us / 1000000, &end_s) * 1000000,
				  walk_begin_us - 2 * DAY_US);
		is_fine &= walk(&windowing, &clock, &wall, walk_begin_us, begin_us + 90 * DAY_US);

		/* months, from 2000-01 at some day and time of the wall */
		shift_us = random_below(28 * 1440) * MINUTE_US;
		clock.offset_s[0] = 3600;
		origin_us = shift_us - HOUR_US;
		if (begin_us / 1000000 > 30 * 86400)
		{
			compile_or_die(&windowing, (WeirWidth){months, 0, 0}, &zone, &origin_us);
			wall_months(&wall, months, shift_us);
			is_fine &=
				walk(&windowing, &clock, &wall, begin_us - 500 * DAY_US, begin_us + 250 * DAY_US);
		}
		walked++;
	}
	ok(is_fine && walked == 18, "windows in made-up zones are those that counting finds");
}

/* --- hopping --------------------------------------------------------------------------------------- */

/* When a made-up clock first shows a boundary: minute by minute. */
static int64_t
first_shown(const Clock *clock, int64_t local_us, int64_t begin_us, int64_t end_us)
{
	int64_t end_s;

	for (int64_t t = begin_us; t < end_us; t += MINUTE_US)
		if (t + clock_offset(clock, t / 1000000, &end_s) * 1000000 >= local_us)
			return t;
	return INT64_MAX;
}

#define HELD_MAX 64

/* The windows that hold a time, by the boundaries of their parts: one starts at every slide-th of them
 * and is `length` long. Of those that start at one time, since the clock skips, the last one counts. */
static int
held_by(const int64_t *shown, int count, int slide, int length, int64_t time_us, WeirWindow *held)
{
	int found = 0;

	for (int i = 0; i + length < count; i += slide)
	{
		WeirWindow window = {shown[i], shown[i + length]};

		if (window.start_us > time_us || window.end_us <= time_us || found == HELD_MAX)
			continue;
		if (found > 0 && held[found - 1].start_us == window.start_us)
			found--;
		held[found++] = window;
	}
	return found;
}

static bool
are_held(const WeirHopping *hopping, int64_t time_us, const WeirWindow *held, int count)
{
	WeirWindow window;
	WeirWindow slice;
	WeirWindow last;
	bool is_in = weir_hopping_first(hopping, time_us, &window);

	for (int i = 0; i < count; i++)
	{
		if (!is_in || !is_window(&window, held[i].start_us, held[i].end_us))
			return ok(false, "window %d of %d at %lld is %lld to %lld, not %lld to %lld", i, count,
					  (long long) time_us, (long long) window.start_us, (long long) window.end_us,
					  (long long) held[i].start_us, (long long) held[i].end_us);
		is_in = weir_hopping_next(hopping, &window);
	}
	if (window.start_us <= time_us)
		return ok(false, "only %d windows hold %lld", count, (long long) time_us);
	return (weir_hopping_slice(hopping, time_us, &slice, &last) &&
			weir_window_holds(&slice, time_us) &&
			is_window(&last, held[count - 1].start_us, held[count - 1].end_us)) ||
		   ok(false, "slice of %lld", (long long) time_us);
}

static void
hopping_windows_in_made_up_zones_are_those_that_counting_finds(void)
{
	static const int pairs[][3] = {/* width, slide, part */
								   {3, 1, 1}, {7, 1, 1}, {5, 2, 1},
								   {3, 3, 3}, {6, 4, 2}, {10, 5, 5}};
	static Wall wall;
	static int64_t shown[BOUNDARY_MAX];
	bool is_fine = true;
	int asked = 0;

	for (int round = 0; round < 30 && is_fine; round++)
	{
		int64_t begin_us = random_below(4000) * DAY_US;
		const int *pair = pairs[round % 6];
		int length = pair[0] / pair[2];
		int64_t origin_us;
		WeirHopping hopping;
		Clock clock;
		WeirZone zone = {clock_offset, &clock, 0};
		int64_t end_s;

		clock_make(&clock, begin_us / 1000000);
		/* an origin in the steady time before, from which boundaries are counted */
		origin_us = begin_us - 60 * DAY_US + random_below(1440) * MINUTE_US;
		if (weir_hopping_compile(&hopping, &(WeirWidth){0, pair[0], 0}, &(WeirWidth){0, pair[1], 0},
								 &zone, &origin_us) != WEIR_WINDOW_FINE)
			abort();
		is_fine &= hopping.length == length && hopping.slide == pair[1] / pair[2];
		wall.count = 0;
		for (int64_t at_us =
				 origin_us + clock_offset(&clock, origin_us / 1000000, &end_s) * 1000000;
			 at_us < begin_us + 100 * DAY_US; at_us += pair[2] * DAY_US)
		{
			shown[wall.count] =
				first_shown(&clock, at_us, origin_us - 2 * DAY_US, begin_us + 130 * DAY_US);
			wall.local_us[wall.count++] = at_us;
		}
		for (int i = 0; i < 2000 && is_fine; i++)
		{
			int64_t time_us = begin_us - 30 * DAY_US + random_below(90 * 1440) * MINUTE_US;
			WeirWindow held[HELD_MAX];
			int count = held_by(shown, wall.count, hopping.slide, length, time_us, held);

			is_fine &= are_held(&hopping, time_us, held, count);
			asked += count;
		}
	}
	ok(is_fine && asked > 60000, "hopping windows in made-up zones are those that counting finds");
}

static void
hopping_windows_are_judged(void)
{
	static const struct
	{
		WeirWidth width;
		WeirWidth slide;
		WeirWindowFault fault;
	} cases[] = {
		{{0, 0, HOUR_US}, {0, 0, HOUR_US}, WEIR_WINDOW_FINE},
		{{0, 0, HOUR_US}, {0, 0, HOUR_US + 1}, WEIR_WINDOW_SLIDE},
		{{0, 0, HOUR_US}, {0, 0, HOUR_US - 1}, WEIR_WINDOW_TOO_MANY},
		{{0, 0, 1000}, {0, 0, 1}, WEIR_WINDOW_FINE},
		{{0, 0, 1001}, {0, 0, 1}, WEIR_WINDOW_TOO_MANY},
		{{0, 0, HOUR_US}, {0, 0, 0}, WEIR_WINDOW_NOT_POSITIVE},
		{{0, 1, 0}, {0, 0, HOUR_US}, WEIR_WINDOW_FINE}, /* UTC: a day is 24 hours */
		{{1, 0, 0}, {0, 7, 0}, WEIR_WINDOW_KINDS},
		{{12, 0, 0}, {1, 0, 0}, WEIR_WINDOW_FINE},
		{{0, 0, INT64_MAX}, {0, 0, INT64_MAX}, WEIR_WINDOW_FINE},
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		WeirHopping hopping;

		if (weir_hopping_compile(&hopping, &cases[i].width, &cases[i].slide, NULL, NULL) !=
			cases[i].fault)
			failed++;
	}
	ok(failed == 0, "width and slide are judged");
}

/* --- tiling everywhere ----------------------------------------------------------------------------- */

/* The window of a time, asked again at its first and last µs, and its neighbours. */
static bool
tiles(const WeirWindowing *windowing, int64_t time_us)
{
	WeirWindow window;
	WeirWindow other;
	bool is_whole = weir_window_of(windowing, time_us, &window);

	if (!weir_window_holds(&window, time_us))
		return false;
	weir_window_of(windowing,
				   window.end_us == WEIR_TIME_INFINITY ? WEIR_TIME_END_US - 1 : window.end_us - 1,
				   &other);
	if (!is_window(&other, window.start_us, window.end_us))
		return false;
	weir_window_of(windowing,
				   window.start_us == WEIR_TIME_MINUS_INFINITY ? WEIR_TIME_MIN_US : window.start_us,
				   &other);
	if (!is_window(&other, window.start_us, window.end_us))
		return false;
	if (!is_whole)
		return true;
	weir_window_of(windowing, window.end_us, &other);
	if (other.start_us != window.end_us)
		return false;
	if (window.start_us == WEIR_TIME_MIN_US)
		return true;
	weir_window_of(windowing, window.start_us - 1, &other);
	return other.end_us == window.start_us;
}

static void
windows_tile_the_whole_range(void)
{
	static const WeirWidth widths[] = {
		{0, 0, 1},
		{0, 0, 7},
		{0, 0, 1000000},
		{0, 0, HOUR_US},
		{0, 0, 7 * HOUR_US + 13},
		{0, 0, INT64_MAX},
		{0, 0, INT64_MAX - 1},
		{0, 0, INT64_C(9000000000000000000)},
		{0, 1, 0},
		{0, 7, 0},
		{0, 106751991, 0},
		{1, 0, 0},
		{3, 0, 0},
		{12, 0, 0},
		{12000, 0, 0},
		{3507324, 0, 0},
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		for (int round = 0; round < 3000; round++)
		{
			Clock clock;
			WeirZone zone = {round % 3 == 1 ? clock_offset : NULL, &clock,
							 random_below(2 * 604799) - 604799};
			/* near the ends of the range, and anywhere */
			int64_t distance_us = random_below(round % 2 ? 40 * DAY_US : WEIR_TIME_END_US);
			int64_t time_us =
				round % 4 < 2 ? WEIR_TIME_END_US - 1 - distance_us : WEIR_TIME_MIN_US + distance_us;
			int64_t origin_us = round % 5 == 0   ? WEIR_TIME_MIN_US
								: round % 5 == 1 ? WEIR_TIME_END_US - 1
												 : random_below(WEIR_TIME_END_US);
			WeirWindowing windowing;
			WeirWindowFault fault;

			clock_make(&clock, time_us / 1000000 - random_below(100 * 86400));
			fault = weir_windowing_compile(&windowing, &widths[i], round % 3 == 0 ? NULL : &zone,
										   round % 7 < 3 ? NULL : &origin_us);
			if (fault == WEIR_WINDOW_ORIGIN_DAY)
				continue;
			failed += fault != WEIR_WINDOW_FINE || !tiles(&windowing, time_us) ||
					  !tiles(&windowing, WEIR_TIME_MIN_US) ||
					  !tiles(&windowing, WEIR_TIME_END_US - 1);
		}
	ok(failed == 0, "windows tile the whole range: %d do not", failed);
}

/* --- the edges ------------------------------------------------------------------------------------- */

static void
infinite_times_are_their_own_windows(void)
{
	WeirWindowing windowing;
	WeirWindow window;

	compile_or_die(&windowing, (WeirWidth){0, 1, 0}, NULL, NULL);
	ok(!weir_window_of(&windowing, WEIR_TIME_INFINITY, &window) &&
		   is_window(&window, WEIR_TIME_INFINITY, WEIR_TIME_INFINITY),
	   "infinity is its own window");
	ok(!weir_window_of(&windowing, WEIR_TIME_MINUS_INFINITY, &window) &&
		   is_window(&window, WEIR_TIME_MINUS_INFINITY, WEIR_TIME_MINUS_INFINITY),
	   "-infinity is its own window");
}

static void
windows_beyond_the_range_are_told(void)
{
	WeirWindowing windowing;
	WeirWindow window;

	compile_or_die(&windowing, (WeirWidth){0, 1, 0}, NULL, NULL);
	ok(weir_window_of(&windowing, WEIR_TIME_MIN_US, &window) &&
		   is_window(&window, WEIR_TIME_MIN_US, WEIR_TIME_MIN_US + DAY_US),
	   "the first day is whole");
	ok(!weir_window_of(&windowing, WEIR_TIME_END_US - 1, &window) &&
		   is_window(&window, WEIR_TIME_END_US - DAY_US, WEIR_TIME_INFINITY),
	   "the last day's end is beyond the range");
	compile_or_die(&windowing, (WeirWidth){1, 0, 0}, NULL, NULL);
	ok(!weir_window_of(&windowing, WEIR_TIME_MIN_US, &window) &&
		   is_window(&window, WEIR_TIME_MINUS_INFINITY, WEIR_TIME_MIN_US + 7 * DAY_US),
	   "the first month's start is before the range");
}

static void
widths_and_origins_are_judged(void)
{
	static const WeirZone utc = {NULL, NULL, 0};
	static const int64_t day_28 = 27 * DAY_US + DAY_US - 1;
	static const int64_t day_29 = 28 * DAY_US;
	static const int64_t infinite = WEIR_TIME_INFINITY;
	static const struct
	{
		const char *name;
		WeirWidth width;
		const WeirZone *zone;
		const int64_t *origin_us;
		WeirWindowFault fault;
	} cases[] = {
		{"no width", {0, 0, 0}, NULL, NULL, WEIR_WINDOW_NOT_POSITIVE},
		{"-1 month", {-1, 0, 0}, NULL, NULL, WEIR_WINDOW_NOT_POSITIVE},
		{"-1 day", {0, -1, 0}, NULL, NULL, WEIR_WINDOW_NOT_POSITIVE},
		{"-1 us", {0, 0, -1}, NULL, NULL, WEIR_WINDOW_NOT_POSITIVE},
		{"1 day -1 hour", {0, 1, -HOUR_US}, NULL, NULL, WEIR_WINDOW_NOT_POSITIVE},
		{"1 month 1 day", {1, 1, 0}, NULL, NULL, WEIR_WINDOW_MIXED},
		{"1 month 1 us", {1, 0, 1}, NULL, NULL, WEIR_WINDOW_MIXED},
		{"1 day 1 us without a zone", {0, 1, 1}, NULL, NULL, WEIR_WINDOW_FINE},
		{"1 day 1 us in a zone", {0, 1, 1}, &utc, NULL, WEIR_WINDOW_MIXED},
		{"2^63 - 1 us", {0, 0, INT64_MAX}, NULL, NULL, WEIR_WINDOW_FINE},
		{"1 day and 2^63 - 1 us", {0, 1, INT64_MAX}, NULL, NULL, WEIR_WINDOW_TOO_WIDE},
		{"106751992 days", {0, 106751992, 0}, NULL, NULL, WEIR_WINDOW_TOO_WIDE},
		{"3507325 months", {3507325, 0, 0}, NULL, NULL, WEIR_WINDOW_TOO_WIDE},
		{"infinity", {INT32_MAX, INT32_MAX, INT64_MAX}, NULL, NULL, WEIR_WINDOW_TOO_WIDE},
		{"months from day 28", {1, 0, 0}, &utc, &day_28, WEIR_WINDOW_FINE},
		{"months from day 29", {1, 0, 0}, &utc, &day_29, WEIR_WINDOW_ORIGIN_DAY},
		{"days from day 29", {0, 1, 0}, &utc, &day_29, WEIR_WINDOW_FINE},
		{"an infinite origin", {0, 1, 0}, &utc, &infinite, WEIR_WINDOW_ORIGIN},
	};
	WeirWindowing windowing;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(weir_windowing_compile(&windowing, &cases[i].width, cases[i].zone, cases[i].origin_us) ==
			   cases[i].fault,
		   "%s", cases[i].name);
}

int
main(void)
{
	windows_in_made_up_zones_are_those_that_counting_finds();
	hopping_windows_in_made_up_zones_are_those_that_counting_finds();
	hopping_windows_are_judged();
	windows_tile_the_whole_range();
	infinite_times_are_their_own_windows();
	windows_beyond_the_range_are_told();
	widths_and_origins_are_judged();
	return done_testing();
}
