/* SPDX-License-Identifier: PostgreSQL
 *
 * Times and dates as text: ISO 8601 and numbers since 1970, both ways, exactly.
 *
 * Times are µs since 2000-01-01 UTC and dates are days since 2000-01-01, in PostgreSQL's ranges;
 * the ends of int64 and int32 are ±infinity. What is written is read back as the same value, for
 * the whole range. Layer 0. It knows no zones but UTC and offsets, and no settings (DateStyle).
 */
#ifndef WEIR_ISOTIME_H
#define WEIR_ISOTIME_H

#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "number.h"

#define WEIR_TIME_INFINITY INT64_MAX
#define WEIR_TIME_MINUS_INFINITY INT64_MIN
#define WEIR_DATE_INFINITY INT32_MAX
#define WEIR_DATE_MINUS_INFINITY INT32_MIN

/* Longest text that a format function writes; no terminator is written. */
#define WEIR_TIME_TEXT_MAX 48

/* PostgreSQL's ranges, half-open: 4714-11-24 BC to 294277 and to 5874898. */
#define WEIR_TIME_MIN_US INT64_C(-211813488000000000)
#define WEIR_TIME_END_US INT64_C(9223371331200000000)
#define WEIR_DATE_MIN_DAY INT32_C(-2451545)
#define WEIR_DATE_END_DAY INT32_C(2145031949)

/* A string in a unit. For a numeric unit the string holds a number; the words infinity and -infinity
 * are taken in every unit. Result: NONE, NOT_A_TIME (NOT_A_DATE) or OUT_OF_RANGE. */
extern WeirReason weir_time_parse(const char *text, size_t len, WeirUnit unit, int64_t *time_us);
extern WeirReason weir_date_parse(const char *text, size_t len, WeirUnit unit, int32_t *date_day);

/* A number in a unit; WEIR_UNIT_ISO8601 has no numbers: NOT_A_TIME (NOT_A_DATE). */
extern WeirReason weir_time_from_number(const WeirNumber *number, WeirUnit unit, int64_t *time_us);
extern WeirReason weir_date_from_number(const WeirNumber *number, WeirUnit unit, int32_t *date_day);

/* Writes a finite time as `2023-11-14T22:13:20.123456Z` (years before 1 end in ` BC`), or as the
 * exact decimal number in a unit, infinity as the word. The text of infinity and of ISO 8601 is to
 * be quoted in JSON, a number is not. Result: its length. */
extern size_t weir_time_format(int64_t time_us, WeirUnit unit, char *out);
extern size_t weir_date_format(int32_t date_day, WeirUnit unit, char *out);

#endif
