/* SPDX-License-Identifier: PostgreSQL
 *
 * Times: the clocks, ISO 8601, spans like 30min.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "moment.h"

static int64_t
clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t) now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

int64_t
monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t
now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

void
moment_sleep(int64_t span_us)
{
	struct timespec span = {.tv_sec = span_us / SECOND_US, .tv_nsec = span_us % SECOND_US * 1000};

	nanosleep(&span, NULL);
}

static int64_t
floor_divide(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

/* Days since 1970 as year, month, day: Howard Hinnant's civil_from_days, free of tables and zones. */
static void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t shifted = days + 719468;
	int64_t era = floor_divide(shifted, 146097);
	int64_t of_era = shifted - era * 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted_month = (5 * day_of_year + 2) / 153;

	*day = (int) (day_of_year - (153 * shifted_month + 2) / 5 + 1);
	*month = (int) (shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

size_t
moment_format_day(int64_t time_us, char text[MOMENT_TEXT_MAX])
{
	int64_t year;
	int month;
	int day;

	civil_from_days(floor_divide(time_us, DAY_US), &year, &month, &day);
	return (size_t) snprintf(text, MOMENT_TEXT_MAX, "%04" PRId64 "-%02d-%02d", year, month, day);
}

size_t
moment_format_ms(int64_t time_us, char text[MOMENT_TEXT_MAX])
{
	int64_t of_day = time_us - floor_divide(time_us, DAY_US) * DAY_US;
	size_t len = moment_format_day(time_us, text);

	return len + (size_t) snprintf(text + len, MOMENT_TEXT_MAX - len, "T%02d:%02d:%02d.%03dZ",
								   (int) (of_day / HOUR_US), (int) (of_day / MINUTE_US % 60),
								   (int) (of_day / SECOND_US % 60), (int) (of_day / 1000 % 1000));
}

/* Exactly so many digits. Result: what follows them, or NULL. */
static const char *
take_digits(const char *text, int count, int *number)
{
	*number = 0;
	for (int i = 0; i < count; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return NULL;
		*number = *number * 10 + (text[i] - '0');
	}
	return text + count;
}

static const char *
take_fraction(const char *text, int64_t *fraction_us)
{
	int64_t unit_us = SECOND_US;

	*fraction_us = 0;
	if (*text != '.' && *text != ',')
		return text;
	text++;
	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++)
	{
		unit_us /= 10;
		*fraction_us += unit_us * (*text - '0');
	}
	return text;
}

static const char *
take_zone(const char *text, int64_t *zone_us)
{
	int hours;
	int minutes = 0;
	int sign = *text == '-' ? -1 : 1;

	*zone_us = 0;
	if (*text == 'Z' || *text == 'z')
		return text + 1;
	if (*text != '+' && *text != '-')
		return text;
	text = take_digits(text + 1, 2, &hours);
	if (text != NULL && *text == ':')
		text++;
	if (text != NULL && *text != '\0')
		text = take_digits(text, 2, &minutes);
	*zone_us = sign * (hours * HOUR_US + minutes * MINUTE_US);
	return text;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

static const char *
take_date(const char *text, struct tm *date)
{
	text = take_digits(text, 4, &date->tm_year);
	if (text == NULL || *text != '-')
		return NULL;
	text = take_digits(text + 1, 2, &date->tm_mon);
	if (text == NULL || *text != '-')
		return NULL;
	text = take_digits(text + 1, 2, &date->tm_mday);
	if (text == NULL || date->tm_mon < 1 || date->tm_mon > 12 || date->tm_mday < 1 ||
		date->tm_mday > days_of_month(date->tm_year, date->tm_mon))
		return NULL;
	date->tm_year -= 1900;
	date->tm_mon -= 1;
	return text;
}

static const char *
take_clock(const char *text, struct tm *clock, int64_t *fraction_us)
{
	text = take_digits(text, 2, &clock->tm_hour);
	if (text == NULL || *text != ':')
		return NULL;
	text = take_digits(text + 1, 2, &clock->tm_min);
	if (text == NULL || clock->tm_hour > 23 || clock->tm_min > 59)
		return NULL;
	if (*text != ':')
		return text;
	text = take_digits(text + 1, 2, &clock->tm_sec);
	if (text == NULL || clock->tm_sec > 60)
		return NULL;
	return take_fraction(text, fraction_us);
}

bool
moment_parse(const char *text, int64_t *time_us)
{
	struct tm parts = {0};
	int64_t fraction_us = 0;
	int64_t zone_us = 0;

	text = take_date(text, &parts);
	if (text == NULL)
		return false;
	if (*text == 'T' || *text == 't' || *text == ' ')
	{
		text = take_clock(text + 1, &parts, &fraction_us);
		if (text != NULL)
			text = take_zone(text, &zone_us);
	}
	if (text == NULL || *text != '\0')
		return false;
	*time_us = (int64_t) timegm(&parts) * SECOND_US + fraction_us - zone_us;
	return true;
}

bool
moment_parse_number(const char *text, int64_t *time_us)
{
	char *end;
	long long whole = strtoll(text, &end, 10);
	int64_t fraction_us = 0;

	if (end == text)
		return false;
	if (llabs(whole) < 100000000000)
	{
		const char *rest = take_fraction(end, &fraction_us);

		*time_us = whole * SECOND_US + fraction_us;
		return rest != NULL && *rest == '\0';
	}
	if (llabs(whole) < 100000000000000)
		*time_us = whole * 1000;
	else if (llabs(whole) < 100000000000000000)
		*time_us = whole;
	else
		*time_us = whole / 1000;
	return *end == '\0' || *end == '.';
}

typedef struct SpanUnit
{
	const char *name;
	int64_t unit_us;
} SpanUnit;

static const SpanUnit span_units[] = {
	{"d", DAY_US}, {"h", HOUR_US}, {"min", MINUTE_US}, {"s", SECOND_US}, {"ms", 1000}, {"us", 1},
};

#define SPAN_UNITS (sizeof(span_units) / sizeof(span_units[0]))

bool
span_parse(const char *text, int64_t *span_us)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	if (end == text || number < 0)
		return false;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < SPAN_UNITS; i++)
	{
		if (strcmp(end, span_units[i].name) != 0)
			continue;
		return !__builtin_mul_overflow(number, span_units[i].unit_us, span_us);
	}
	*span_us = 0;
	return number == 0 && *end == '\0';
}

void
span_format(int64_t span_us, char text[MOMENT_TEXT_MAX])
{
	for (size_t i = 0; i < SPAN_UNITS; i++)
	{
		if (span_us % span_units[i].unit_us != 0 && i + 1 < SPAN_UNITS)
			continue;
		snprintf(text, MOMENT_TEXT_MAX, "%" PRId64 "%s", span_us / span_units[i].unit_us,
				 span_units[i].name);
		return;
	}
}
