/* SPDX-License-Identifier: PostgreSQL
 *
 * What is written as a time or a date is read back as the same, in every unit, over the whole range;
 * and the calendar is that of the C library.
 */
#include <stdlib.h>
#include <time.h>

#include "isotime.h"
#include "random.h"
#include "tap.h"

#define COUNT 200000

/* The ends, the epochs and what lies around them. */
static const int64_t chosen_us[] = {INT64_MIN,
									INT64_MAX,
									WEIR_TIME_MIN_US,
									WEIR_TIME_MIN_US + 1,
									WEIR_TIME_END_US - 1,
									WEIR_TIME_END_US - 1000000,
									INT64_MAX - 946684800000000,
									INT64_MAX - 946684799999999,
									0,
									-1,
									1,
									-946684800000000,
									-946684800000001,
									-946684799999999,
									-946684800001000,
									-63082281600000000,
									-63082281600000001,
									252455615999999999,
									252455616000000000};

static const int32_t chosen_days[] = {INT32_MIN,
									  INT32_MAX,
									  WEIR_DATE_MIN_DAY,
									  WEIR_DATE_MIN_DAY + 1,
									  WEIR_DATE_END_DAY - 1,
									  0,
									  -1,
									  1,
									  -10957,
									  -10958,
									  -730119,
									  -730120,
									  2921940,
									  2921939};

static int64_t
time_make(int i)
{
	uint64_t width = (uint64_t) WEIR_TIME_END_US - (uint64_t) WEIR_TIME_MIN_US;
	int64_t time_us = (int64_t) ((uint64_t) WEIR_TIME_MIN_US + random_next() % width);

	if ((size_t) i < sizeof(chosen_us) / sizeof(chosen_us[0]))
		return chosen_us[i];
	if (i % 3 == 0)
		return (int64_t) (random_next() % 1600000000000000) - 800000000000000;
	return i % 3 == 1 ? time_us / 1000000 * 1000000 : time_us;
}

static int32_t
date_make(int i)
{
	uint64_t width = (uint64_t) ((int64_t) WEIR_DATE_END_DAY - WEIR_DATE_MIN_DAY);

	if ((size_t) i < sizeof(chosen_days) / sizeof(chosen_days[0]))
		return chosen_days[i];
	if (i % 2 == 0)
		return (int32_t) (random_next() % 40000) - 20000;
	return (int32_t) (WEIR_DATE_MIN_DAY + (int64_t) (random_next() % width));
}

static void
times_come_back(WeirUnit unit)
{
	for (int i = 0; i < COUNT; i++)
	{
		int64_t time_us = time_make(i);
		int64_t again_us = 0;
		char text[WEIR_TIME_TEXT_MAX];
		size_t len = weir_time_format(time_us, unit, text);

		if (weir_time_parse(text, len, unit, &again_us) != WEIR_REASON_NONE || again_us != time_us)
		{
			ok(false, "time %lld in unit %d: %.*s", (long long) time_us, unit, (int) len, text);
			return;
		}
	}
	ok(true, "times in unit %d", unit);
}

static void
dates_come_back(WeirUnit unit)
{
	for (int i = 0; i < COUNT; i++)
	{
		int32_t date_day = date_make(i);
		int32_t again_day = 0;
		char text[WEIR_TIME_TEXT_MAX];
		size_t len = weir_date_format(date_day, unit, text);

		if (weir_date_parse(text, len, unit, &again_day) != WEIR_REASON_NONE ||
			again_day != date_day)
		{
			ok(false, "date %d in unit %d: %.*s", date_day, unit, (int) len, text);
			return;
		}
	}
	ok(true, "dates in unit %d", unit);
}

static void
calendar_is_that_of_the_library(void)
{
	for (int i = 0; i < COUNT; i++)
	{
		int64_t time_us = time_make(i + 1000);
		time_t second = time_us / 1000000 - (time_us % 1000000 < 0) + 946684800;
		long long year;
		struct tm tm;
		char text[WEIR_TIME_TEXT_MAX];
		char wanted[96];
		size_t len = weir_time_format(time_us, WEIR_UNIT_ISO8601, text);

		gmtime_r(&second, &tm);
		year = 1900LL + tm.tm_year;
		snprintf(wanted, sizeof(wanted), "%04lld-%02d-%02dT%02d:%02d:%02d",
				 year > 0 ? year : 1 - year, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
				 tm.tm_sec);
		if (len < strlen(wanted) || memcmp(text, wanted, strlen(wanted)) != 0 ||
			(year <= 0) != (text[len - 1] == 'C'))
		{
			ok(false, "the calendar: %.*s, %s", (int) len, text, wanted);
			return;
		}
	}
	ok(true, "the calendar is that of the C library");
}

static void
days_follow_each_other(void)
{
	char text[WEIR_TIME_TEXT_MAX];
	int32_t again_day;

	for (int32_t day = WEIR_DATE_MIN_DAY; day < 1200000; day++)
	{
		size_t len = weir_date_format(day, WEIR_UNIT_ISO8601, text);

		if (weir_date_parse(text, len, WEIR_UNIT_ISO8601, &again_day) != WEIR_REASON_NONE ||
			again_day != day)
		{
			ok(false, "day %d: %.*s", day, (int) len, text);
			return;
		}
	}
	ok(true, "each day from 4714 BC to 5285");
}

typedef struct Format
{
	int64_t time_us;
	WeirUnit unit;
	const char *text;
} Format;

static void
formats_are_these(void)
{
	static const Format formats[] = {
		{0, WEIR_UNIT_ISO8601, "2000-01-01T00:00:00Z"},
		{753315200123456, WEIR_UNIT_ISO8601, "2023-11-14T22:13:20.123456Z"},
		{753315200120000, WEIR_UNIT_ISO8601, "2023-11-14T22:13:20.12Z"},
		{WEIR_TIME_MIN_US, WEIR_UNIT_ISO8601, "4714-11-24T00:00:00Z BC"},
		{WEIR_TIME_END_US - 1, WEIR_UNIT_ISO8601, "294276-12-31T23:59:59.999999Z"},
		{INT64_MAX, WEIR_UNIT_ISO8601, "infinity"},
		{INT64_MIN, WEIR_UNIT_MS, "-infinity"},
		{753315200123456, WEIR_UNIT_S, "1700000000.123456"},
		{753315200123456, WEIR_UNIT_MS, "1700000000123.456"},
		{753315200123456, WEIR_UNIT_US, "1700000000123456"},
		{753315200123456, WEIR_UNIT_NS, "1700000000123456000"},
		{753315200000000, WEIR_UNIT_S, "1700000000"},
		{-946684800000000, WEIR_UNIT_S, "0"},
		{-946684800000000, WEIR_UNIT_NS, "0"},
		{-946684800000001, WEIR_UNIT_S, "-0.000001"},
		{-946684800000001, WEIR_UNIT_NS, "-1000"},
		{-946684801500000, WEIR_UNIT_MS, "-1500"},
		{WEIR_TIME_END_US - 1, WEIR_UNIT_NS, "9224318015999999999000"},
	};
	char text[WEIR_TIME_TEXT_MAX + 1];

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
	{
		text[weir_time_format(formats[i].time_us, formats[i].unit, text)] = '\0';
		is_text(text, formats[i].text, "%s", formats[i].text);
	}
	text[weir_date_format(-10957, WEIR_UNIT_NS, text)] = '\0';
	is_text(text, "0", "1970-01-01 in ns");
	text[weir_date_format(8718, WEIR_UNIT_MS, text)] = '\0';
	is_text(text, "1699920000000", "2023-11-14 in ms");
	text[weir_date_format(WEIR_DATE_END_DAY - 1, WEIR_UNIT_NS, text)] = '\0';
	is_text(text, "185331706992000000000000", "5874897-12-31 in ns");
	text[weir_date_format(-730486, WEIR_UNIT_ISO8601, text)] = '\0';
	is_text(text, "0002-12-31 BC", "a date before Christ");
}

int
main(void)
{
	for (int unit = 0; unit < WEIR_UNIT_COUNT; unit++)
	{
		times_come_back((WeirUnit) unit);
		dates_come_back((WeirUnit) unit);
	}
	calendar_is_that_of_the_library();
	days_follow_each_other();
	formats_are_these();
	return done_testing();
}
