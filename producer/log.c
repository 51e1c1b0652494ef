/* SPDX-License-Identifier: PostgreSQL
 *
 * What the program says on stderr. stdout is for messages alone.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "moment.h"
#include "text.h"

static struct
{
	bool is_json;
	bool has_status; /* the cursor stands in a status line */
} state;

static const char *const level_names[] = {"info", "warning", "error"};

void
log_set_json(bool is_json)
{
	state.is_json = is_json;
}

static void
build_json(Text *line, LogLevel level, const Text *message)
{
	char when[MOMENT_TEXT_MAX];

	moment_format_ms(now_us(), when);
	text_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", when, level_names[level]);
	text_add_json(line, message->data, message->len);
	text_add_string(line, "}\n");
}

static void
build_text(Text *line, LogLevel level, const Text *message)
{
	if (state.has_status)
		text_add_string(line, "\r\033[K");
	text_add_string(line, "weir-producer: ");
	if (level != LOG_LEVEL_INFO)
		text_addf(line, "%s: ", level_names[level]);
	text_add(line, message->data, message->len);
	text_add_string(line, "\n");
	state.has_status = false;
}

void
log_line(LogLevel level, const char *format, ...)
{
	char buffer[2048];
	Text message = {0};
	Text line = {0};
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	text_add_string(&message, buffer);
	if (state.is_json)
		build_json(&line, level, &message);
	else
		build_text(&line, level, &message);
	fwrite(line.data, 1, line.len, stderr);
	text_free(&message);
	text_free(&line);
}

void
log_status(const char *text)
{
	fprintf(stderr, "\r\033[K%s", text);
	fflush(stderr);
	state.has_status = true;
}
