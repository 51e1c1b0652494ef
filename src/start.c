/* SPDX-License-Identifier: PostgreSQL
 *
 * Where a view begins to read.
 */
#include "start.h"

#include <string.h>

#include "isotime.h"

static bool
read_number(const char **text, int64_t limit, int64_t *number)
{
	const char *p = *text;

	*number = 0;
	for (; *p >= '0' && *p <= '9'; p++)
	{
		if (*number > (limit - (*p - '0')) / 10)
			return false;
		*number = *number * 10 + (*p - '0');
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

static const char *
skip_blanks(const char *text)
{
	return text + strspn(text, " \t\n");
}

/* One "partition:offset", with the comma behind it. Result: false if it is none. */
static bool
read_pair(const char **text, int64_t *partition, int64_t *offset)
{
	const char *p = skip_blanks(*text);

	if (!read_number(&p, INT32_MAX, partition))
		return false;
	p = skip_blanks(p);
	if (*p++ != ':')
		return false;
	p = skip_blanks(p);
	if (!read_number(&p, INT64_MAX, offset))
		return false;
	p = skip_blanks(p);
	if (*p == ',')
	{
		p = skip_blanks(p + 1);
		if (*p == '\0')
			return false;
	}
	else if (*p != '\0')
		return false;
	*text = p;
	return true;
}

/* Each partition once. */
static bool
are_offsets(const char *text)
{
	int64_t partition;
	int64_t offset;
	int64_t first;

	do
	{
		const char *rest;

		if (!read_pair(&text, &partition, &offset))
			return false;
		for (rest = text; *rest != '\0';)
			if (!read_pair(&rest, &first, &offset) || first == partition)
				return false;
	} while (*text != '\0');
	return true;
}

static bool
is_time(const char *text, int64_t *time_us)
{
	return weir_time_parse(text, strlen(text), WEIR_UNIT_ISO8601, time_us) == WEIR_REASON_NONE &&
		   *time_us != WEIR_TIME_INFINITY && *time_us != WEIR_TIME_MINUS_INFINITY;
}

bool
weir_start_parse(const char *text, WeirStart *start)
{
	*start = (WeirStart){.kind = WEIR_START_EARLIEST};
	if (strcmp(text, "earliest") == 0)
		return true;
	if (strcmp(text, "latest") == 0)
		start->kind = WEIR_START_LATEST;
	else if (is_time(text, &start->time_us))
		start->kind = WEIR_START_TIME;
	else if (are_offsets(text))
		start->kind = WEIR_START_OFFSETS;
	else
		return false;
	return true;
}

bool
weir_start_offset(const char *text, int32_t partition, int64_t *offset)
{
	int64_t found;

	while (read_pair(&text, &found, offset))
		if (found == partition)
			return true;
	return false;
}
