/* SPDX-License-Identifier: PostgreSQL
 *
 * What the program says on stderr: lines of text, or of JSON with --log json.
 */
#ifndef PRODUCER_LOG_H
#define PRODUCER_LOG_H

#include <stdbool.h>

typedef enum LogLevel
{
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
} LogLevel;

void log_set_json(bool is_json);
void log_line(LogLevel level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line that the next one replaces; for terminals. */
void log_status(const char *text);

#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
