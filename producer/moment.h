/* SPDX-License-Identifier: PostgreSQL
 *
 * Times: the clocks, ISO 8601, spans like 30min.
 */
#ifndef PRODUCER_MOMENT_H
#define PRODUCER_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define MOMENT_TEXT_MAX 40

int64_t monotonic_us(void);
int64_t now_us(void); /* since 1970, UTC */
/* A signal ends it. */
void moment_sleep(int64_t span_us);

/* 2026-11-28T01:02:03.456Z. Result: its length. */
size_t moment_format_ms(int64_t time_us, char text[MOMENT_TEXT_MAX]);
/* 2026-11-28 */
size_t moment_format_day(int64_t time_us, char text[MOMENT_TEXT_MAX]);
/* A date, or a date and time with or without a zone (UTC). Result: whether it is one. */
bool moment_parse(const char *text, int64_t *time_us);
/* A number since 1970, of the unit that its size tells: s, ms, us or ns. */
bool moment_parse_number(const char *text, int64_t *time_us);
/* A number and a unit: us ms s min h d. */
bool span_parse(const char *text, int64_t *span_us);
void span_format(int64_t span_us, char text[MOMENT_TEXT_MAX]);

#endif
