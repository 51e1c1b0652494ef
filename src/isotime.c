/* SPDX-License-Identifier: PostgreSQL
 *
 * Times and dates as text: the reader and the writer.
 *
 * What is taken and how it is rounded follows PostgreSQL's input functions where both take a text;
 * what they take beyond ISO 8601 (names of months, zones and days) is refused, since it depends on
 * settings. Years before 1 are written as PostgreSQL writes them, `0044-03-15 BC`.
 */
#include "isotime.h"

#include <math.h>

#include "word.h"

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define US_PER_DAY (SECONDS_PER_DAY * US_PER_SECOND)
/* from 1970-01-01 to 2000-01-01 */
#define EPOCH_DAYS 10957
#define EPOCH_US (EPOCH_DAYS * US_PER_DAY)
/* the first and the last time of the range since 1970, as magnitudes: the last is beyond int64 */
#define EPOCH_MIN_US (-(uint64_t) WEIR_TIME_MIN_US - EPOCH_US)
#define EPOCH_MAX_US ((uint64_t) WEIR_TIME_END_US - 1 + EPOCH_US)
/* PostgreSQL's limit of a zone's hours is 15 */
#define ZONE_HOURS_MAX 15

/* The longest year is 5874897; one digit more is enough to be out of range. */
#define YEAR_LIMIT 99999999

/* A text being read. */
typedef struct Cursor
{
	const char *p;
	const char *end;
} Cursor;

/* A moment as its text tells it. */
typedef struct Moment
{
	int64_t day;     /* since 2000-01-01 */
	int64_t time_us; /* since that day's midnight, zone taken off: may be outside the day */
} Moment;

/* Decimal places from a unit to the second. */
static int
unit_places(WeirUnit unit)
{
	static const int places[WEIR_UNIT_COUNT] = {
		[WEIR_UNIT_S] = 0, [WEIR_UNIT_MS] = 3, [WEIR_UNIT_US] = 6, [WEIR_UNIT_NS] = 9};

	return places[unit];
}

static bool moment_read(Cursor *cursor, Moment *moment);
static bool time_read(Cursor *cursor, int64_t *time_us);
static bool fraction_read(Cursor *cursor, int64_t *fraction_us);
static bool zone_read(Cursor *cursor, int64_t *offset_us);

/* 1 for infinity, -1 for -infinity, 0 for neither. */
static int
infinity_parse(const char *begin, const char *end)
{
	if (weir_word_equal(begin, (size_t) (end - begin), "infinity"))
		return 1;
	return weir_word_equal(begin, (size_t) (end - begin), "-infinity") ? -1 : 0;
}

WeirReason
weir_time_parse(const char *text, size_t len, WeirUnit unit, int64_t *time_us)
{
	Cursor cursor = {text, text + len};
	Moment moment;
	WeirNumber number;
	int infinity;

	weir_trim(&cursor.p, &cursor.end);
	infinity = infinity_parse(cursor.p, cursor.end);
	if (infinity != 0)
	{
		*time_us = infinity > 0 ? WEIR_TIME_INFINITY : WEIR_TIME_MINUS_INFINITY;
		return WEIR_REASON_NONE;
	}
	if (unit != WEIR_UNIT_ISO8601)
	{
		if (weir_number_parse(text, len, &number) != WEIR_NUMBER_FINITE)
			return WEIR_REASON_NOT_A_TIME;
		return weir_time_from_number(&number, unit, time_us);
	}
	if (!moment_read(&cursor, &moment))
		return WEIR_REASON_NOT_A_TIME;
	/* a day to spare on both sides for the zone; the product cannot overflow then */
	if (moment.day < WEIR_TIME_MIN_US / US_PER_DAY - 1 ||
		moment.day > WEIR_TIME_END_US / US_PER_DAY)
		return WEIR_REASON_OUT_OF_RANGE;
	*time_us = moment.day * US_PER_DAY + moment.time_us;
	if (*time_us < WEIR_TIME_MIN_US || *time_us >= WEIR_TIME_END_US)
		return WEIR_REASON_OUT_OF_RANGE;
	return WEIR_REASON_NONE;
}

WeirReason
weir_time_from_number(const WeirNumber *number, WeirUnit unit, int64_t *time_us)
{
	WeirRounding rounding = unit == WEIR_UNIT_NS ? WEIR_ROUNDING_FLOOR : WEIR_ROUNDING_EVEN;
	uint64_t epoch_us;
	WeirReason reason;

	if (unit == WEIR_UNIT_ISO8601)
		return WEIR_REASON_NOT_A_TIME;
	reason = weir_number_scale(number, 6 - unit_places(unit), rounding, &epoch_us);
	if (reason != WEIR_REASON_NONE)
		return reason;
	if (epoch_us > (number->is_negative ? EPOCH_MIN_US : EPOCH_MAX_US))
		return WEIR_REASON_OUT_OF_RANGE;
	*time_us = (int64_t) ((number->is_negative ? 0 - epoch_us : epoch_us) - EPOCH_US);
	return WEIR_REASON_NONE;
}

/* Rounds down; `divisor` is positive. */
static int64_t
floor_divide(int64_t value, int64_t divisor)
{
	return value / divisor - (value % divisor < 0);
}

static WeirReason
date_check(int64_t day, int32_t *date_day)
{
	if (day < WEIR_DATE_MIN_DAY || day >= WEIR_DATE_END_DAY)
		return WEIR_REASON_OUT_OF_RANGE;
	*date_day = (int32_t) day;
	return WEIR_REASON_NONE;
}

WeirReason
weir_date_parse(const char *text, size_t len, WeirUnit unit, int32_t *date_day)
{
	Cursor cursor = {text, text + len};
	Moment moment;
	WeirNumber number;
	int infinity;

	weir_trim(&cursor.p, &cursor.end);
	infinity = infinity_parse(cursor.p, cursor.end);
	if (infinity != 0)
	{
		*date_day = infinity > 0 ? WEIR_DATE_INFINITY : WEIR_DATE_MINUS_INFINITY;
		return WEIR_REASON_NONE;
	}
	if (unit != WEIR_UNIT_ISO8601)
	{
		if (weir_number_parse(text, len, &number) != WEIR_NUMBER_FINITE)
			return WEIR_REASON_NOT_A_DATE;
		return weir_date_from_number(&number, unit, date_day);
	}
	if (!moment_read(&cursor, &moment))
		return WEIR_REASON_NOT_A_DATE;
	return date_check(moment.day + floor_divide(moment.time_us, US_PER_DAY), date_day);
}

WeirReason
weir_date_from_number(const WeirNumber *number, WeirUnit unit, int32_t *date_day)
{
	uint64_t magnitude;
	int64_t second;
	WeirReason reason;

	if (unit == WEIR_UNIT_ISO8601)
		return WEIR_REASON_NOT_A_DATE;
	reason = weir_number_scale(number, -unit_places(unit), WEIR_ROUNDING_FLOOR, &magnitude);
	if (reason != WEIR_REASON_NONE)
		return reason;
	if (magnitude > INT64_MAX)
		return WEIR_REASON_OUT_OF_RANGE;
	second = number->is_negative ? -(int64_t) magnitude : (int64_t) magnitude;
	return date_check(floor_divide(second, SECONDS_PER_DAY) - EPOCH_DAYS, date_day);
}

static bool
char_read(Cursor *cursor, char c)
{
	if (cursor->p == cursor->end || *cursor->p != c)
		return false;
	cursor->p++;
	return true;
}

/* Reads exactly two digits, at most `max`. */
static bool
pair_read(Cursor *cursor, int max, int *value)
{
	const char *p = cursor->p;

	if (cursor->end - p < 2 || !weir_digit(p[0]) || !weir_digit(p[1]))
		return false;
	*value = (p[0] - '0') * 10 + (p[1] - '0');
	cursor->p += 2;
	return *value <= max;
}

/* Reads four digits or more. */
static bool
year_read(Cursor *cursor, int64_t *year)
{
	const char *begin = cursor->p;

	for (*year = 0; cursor->p < cursor->end && weir_digit(*cursor->p); cursor->p++)
		if (*year < YEAR_LIMIT)
			*year = *year * 10 + (*cursor->p - '0');
	return cursor->p - begin >= 4;
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 2000-01-01; year 0 is 1 BC. Counted from a March long ago, for a leap day ends a year
 * that begins in March, and 153 days are five months of it. */
static int64_t
day_of_date(int64_t year, int month, int day)
{
	int64_t years = year + 8000 - (month <= 2);
	int64_t months = (month + 9) % 12;

	return years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day -
		   3652366;
}

/* Reads a date, with or without a time, and the BC that stands behind both. */
static bool
moment_read(Cursor *cursor, Moment *moment)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t year;
	int64_t offset_us = 0;
	int month;
	int day;

	moment->time_us = 0;
	if (!year_read(cursor, &year) || !char_read(cursor, '-') || !pair_read(cursor, 12, &month) ||
		!char_read(cursor, '-') || !pair_read(cursor, 31, &day))
		return false;
	if (cursor->end - cursor->p >= 2 && weir_digit(cursor->p[1]))
	{
		if (*cursor->p != 'T' && *cursor->p != 't' && *cursor->p != ' ')
			return false;
		cursor->p++;
		if (!time_read(cursor, &moment->time_us) || !zone_read(cursor, &offset_us))
			return false;
		moment->time_us -= offset_us;
	}
	if (year == 0 || month == 0 || day == 0)
		return false;
	if (weir_word_equal(cursor->p, (size_t) (cursor->end - cursor->p), " bc"))
		year = 1 - year;
	else if (cursor->p != cursor->end)
		return false;
	if (day > month_days[month - 1] + (month == 2 && is_leap(year)))
		return false;
	moment->day = day_of_date(year, month, day);
	return true;
}

/* hh:mm[:ss[.fraction]]; a leap second and 24:00 are the next minute and day, as in PostgreSQL. */
static bool
time_read(Cursor *cursor, int64_t *time_us)
{
	int hour;
	int minute;
	int second = 0;
	int64_t fraction_us = 0;

	if (!pair_read(cursor, 24, &hour) || !char_read(cursor, ':') || !pair_read(cursor, 59, &minute))
		return false;
	if (char_read(cursor, ':') &&
		(!pair_read(cursor, 60, &second) || !fraction_read(cursor, &fraction_us)))
		return false;
	*time_us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND + fraction_us;
	return *time_us <= US_PER_DAY;
}

/* Any number of digits. Beyond six the server rounds a double: the same is done here. */
static bool
fraction_read(Cursor *cursor, int64_t *fraction_us)
{
	const char *begin = cursor->p;
	WeirNumber number;
	double fraction;
	int64_t count;

	if (!char_read(cursor, '.'))
		return true;
	while (cursor->p < cursor->end && weir_digit(*cursor->p))
		cursor->p++;
	count = cursor->p - begin - 1;
	if (count == 0)
		return false;
	weir_number_parse(begin, (size_t) (cursor->p - begin), &number);
	if (count <= 6)
		*fraction_us = (int64_t) (number.mantissa * weir_number_power10[6 - count]);
	else if (weir_number_float8(&number, &fraction) == WEIR_REASON_NONE)
		*fraction_us = (int64_t) rint(fraction * 1000000);
	return true;
}

/* Nothing, Z, ±hh, ±hhmm, ±hh:mm or ±hh:mm:ss. */
static bool
zone_read(Cursor *cursor, int64_t *offset_us)
{
	int hour;
	int minute = 0;
	int second = 0;
	bool is_west = char_read(cursor, '-');

	if (!is_west && !char_read(cursor, '+'))
		return char_read(cursor, 'Z') || char_read(cursor, 'z') || true;
	if (!pair_read(cursor, ZONE_HOURS_MAX, &hour))
		return false;
	if (char_read(cursor, ':'))
	{
		if (!pair_read(cursor, 59, &minute) ||
			(char_read(cursor, ':') && !pair_read(cursor, 59, &second)))
			return false;
	}
	else if (cursor->p < cursor->end && weir_digit(*cursor->p) && !pair_read(cursor, 59, &minute))
		return false;
	*offset_us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND;
	if (is_west)
		*offset_us = -*offset_us;
	return true;
}

/* Appends a number with at least `width` digits. Result: behind it. */
static char *
digits_write(char *out, uint64_t value, int width)
{
	char digits[20];
	int count = 0;

	for (; value > 0 || count < width; value /= 10)
		digits[count++] = (char) ('0' + value % 10);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

/* Appends a fraction of `places` digits without its trailing zeros; nothing if it is zero. */
static char *
fraction_write(char *out, uint64_t fraction, int places)
{
	if (fraction == 0)
		return out;
	*out++ = '.';
	out = digits_write(out, fraction, places);
	while (out[-1] == '0')
		out--;
	return out;
}

/* Appends a date; *is_bc if its year is to be followed by BC. */
static char *
date_write(char *out, int64_t day, bool *is_bc)
{
	/* days since 1 March of a year that 400 divides, and the years of 400 in them */
	int64_t days = day + 3652366 - 1;
	int64_t cycle = days / 146097;
	int64_t day_of_cycle = days % 146097;
	/* a century has 36524 days and four years have 1461, but for the last of them */
	int64_t year_of_cycle =
		(day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
	int64_t day_of_year =
		day_of_cycle - (year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	int64_t year = cycle * 400 + year_of_cycle - 8000 + (month >= 10);

	*is_bc = year <= 0;
	out = digits_write(out, (uint64_t) (*is_bc ? 1 - year : year), 4);
	*out++ = '-';
	out = digits_write(out, (uint64_t) ((month + 2) % 12 + 1), 2);
	*out++ = '-';
	return digits_write(out, (uint64_t) (day_of_year - (153 * month + 2) / 5 + 1), 2);
}

static char *
text_write(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len);
	return out + len;
}

static char *
iso_write(char *out, int64_t time_us)
{
	int64_t day = floor_divide(time_us, US_PER_DAY);
	uint64_t rest_us = (uint64_t) (time_us - day * US_PER_DAY);
	uint64_t second = rest_us / US_PER_SECOND;
	bool is_bc;

	out = date_write(out, day, &is_bc);
	*out++ = 'T';
	out = digits_write(out, second / 3600, 2);
	*out++ = ':';
	out = digits_write(out, second / 60 % 60, 2);
	*out++ = ':';
	out = digits_write(out, second % 60, 2);
	out = fraction_write(out, rest_us % US_PER_SECOND, 6);
	*out++ = 'Z';
	return is_bc ? text_write(out, " BC") : out;
}

size_t
weir_time_format(int64_t time_us, WeirUnit unit, char *out)
{
	char *begin = out;
	uint64_t epoch_us;
	uint64_t scale;

	if (time_us == WEIR_TIME_INFINITY || time_us == WEIR_TIME_MINUS_INFINITY)
		out = text_write(out, time_us > 0 ? "infinity" : "-infinity");
	else if (unit == WEIR_UNIT_ISO8601)
		out = iso_write(out, time_us);
	else
	{
		/* the sum is beyond int64 in the year 294247, hence unsigned */
		epoch_us = (uint64_t) time_us + EPOCH_US;
		if (time_us < -EPOCH_US)
		{
			*out++ = '-';
			epoch_us = 0 - epoch_us;
		}
		scale = unit == WEIR_UNIT_S ? 1000000 : unit == WEIR_UNIT_MS ? 1000 : 1;
		out = digits_write(out, epoch_us / scale, 1);
		out = fraction_write(out, epoch_us % scale, unit == WEIR_UNIT_S ? 6 : 3);
		if (unit == WEIR_UNIT_NS && epoch_us != 0)
			out = text_write(out, "000");
	}
	return (size_t) (out - begin);
}

size_t
weir_date_format(int32_t date_day, WeirUnit unit, char *out)
{
	char *begin = out;
	int64_t second = ((int64_t) date_day + EPOCH_DAYS) * SECONDS_PER_DAY;
	bool is_bc;

	if (date_day == WEIR_DATE_INFINITY || date_day == WEIR_DATE_MINUS_INFINITY)
		out = text_write(out, date_day > 0 ? "infinity" : "-infinity");
	else if (unit == WEIR_UNIT_ISO8601)
	{
		out = date_write(out, date_day, &is_bc);
		out = is_bc ? text_write(out, " BC") : out;
	}
	else
	{
		if (second < 0)
			*out++ = '-';
		out = digits_write(out, (uint64_t) (second < 0 ? -second : second), 1);
		if (second != 0)
			out = text_write(out, &"000000000"[9 - unit_places(unit)]);
	}
	return (size_t) (out - begin);
}
