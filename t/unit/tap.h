/* SPDX-License-Identifier: PostgreSQL
 *
 * TAP for C: a test is a line, the plan stands at the end.
 *
 * Passing comparisons inside a loop are not printed one by one: a loop is one claim, and its first
 * failure says where.
 */
#ifndef WEIR_TAP_H
#define WEIR_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failure_count;

/* A line of TAP holds no control characters; bytes beyond ASCII may be no UTF-8. */
static inline void
tap_print(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= ' ' && *text <= '~' && *text != '#')
			putchar(*text);
		else
			printf("\\x%02X", (unsigned char) *text);
}

/* Result: is_ok, so that a loop can stop. */
static inline bool __attribute__((format(printf, 2, 3))) ok(bool is_ok, const char *format, ...)
{
	char name[512];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	printf("%sok %d - ", is_ok ? "" : "not ", ++tap_count);
	tap_print(name);
	putchar('\n');
	tap_failure_count += !is_ok;
	return is_ok;
}

static inline bool __attribute__((format(printf, 3, 4)))
is_text(const char *got, const char *wanted, const char *format, ...)
{
	char name[512];
	bool is_same = strcmp(got, wanted) == 0;
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	ok(is_same, "%s", name);
	if (is_same)
		return true;
	printf("#    got: ");
	tap_print(got);
	printf("\n# wanted: ");
	tap_print(wanted);
	putchar('\n');
	return false;
}

/* Result: the exit status. */
static inline int
done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failure_count == 0 ? 0 : 1;
}

#endif
