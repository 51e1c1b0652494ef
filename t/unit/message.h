/* SPDX-License-Identifier: PostgreSQL
 *
 * Runs the decoder for a test: fields as text, a message, the values as text.
 *
 * Fields are `path:type`, separated by blanks, `a.b[0]:int4 t:timestamp/ms`. Payload, scratch space
 * and values end right before a page that cannot be touched, so that reading or writing one byte
 * too far is a crash. Values are printed as `12`, `'text'`, `-` (missing), `null`, or `!reason@place`.
 */
#ifndef WEIR_MESSAGE_H
#define WEIR_MESSAGE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "decode.h"
#include "isotime.h"

#define MESSAGE_FIELDS 16
#define MESSAGE_STEPS 32

typedef struct Message
{
	WeirDecoder *decoder;
	uint32_t field_count;
	WeirField fields[MESSAGE_FIELDS];
	WeirStep steps[MESSAGE_FIELDS][MESSAGE_STEPS];
	char text[1024]; /* of the fields; names point into it */
	WeirValue *values;
	WeirReason reason;
	uint32_t place;
} Message;

/* Memory that ends where the next page cannot be touched. */
typedef struct Guarded
{
	char *begin;
	size_t size; /* of the pages that can be touched */
} Guarded;

static inline void
guarded_make(Guarded *guarded, size_t size)
{
	size_t page = (size_t) sysconf(_SC_PAGESIZE);

	guarded->size = (size / page + 1) * page;
	guarded->begin = mmap(NULL, guarded->size + page, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guarded->begin == MAP_FAILED ||
		mprotect(guarded->begin + guarded->size, page, PROT_NONE) != 0)
		abort();
}

static inline void
guarded_free(Guarded *guarded)
{
	munmap(guarded->begin, guarded->size + (size_t) sysconf(_SC_PAGESIZE));
}

/* Result: `len` bytes right before the page that cannot be touched. */
static inline char *
guarded_take(const Guarded *guarded, size_t len)
{
	return guarded->begin + guarded->size - len;
}

static inline WeirType
type_of(const char *name)
{
	static const char *const names[WEIR_TYPE_COUNT] = {
		[WEIR_TYPE_BOOL] = "bool",           [WEIR_TYPE_INT2] = "int2",
		[WEIR_TYPE_INT4] = "int4",           [WEIR_TYPE_INT8] = "int8",
		[WEIR_TYPE_FLOAT4] = "float4",       [WEIR_TYPE_FLOAT8] = "float8",
		[WEIR_TYPE_NUMERIC] = "numeric",     [WEIR_TYPE_TEXT] = "text",
		[WEIR_TYPE_TIMESTAMP] = "timestamp", [WEIR_TYPE_DATE] = "date",
		[WEIR_TYPE_UUID] = "uuid",           [WEIR_TYPE_JSON] = "json",
		[WEIR_TYPE_BYTES] = "bytes"};

	for (int i = 0; i < WEIR_TYPE_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return (WeirType) i;
	abort();
}

static inline WeirUnit
unit_of(const char *name)
{
	static const char *const names[WEIR_UNIT_COUNT] = {[WEIR_UNIT_ISO8601] = "iso8601",
													   [WEIR_UNIT_S] = "s",
													   [WEIR_UNIT_MS] = "ms",
													   [WEIR_UNIT_US] = "us",
													   [WEIR_UNIT_NS] = "ns"};

	for (int i = 0; i < WEIR_UNIT_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return (WeirUnit) i;
	abort();
}

static inline void
field_parse(WeirField *field, WeirStep *steps, char *path)
{
	char *type = strchr(path, ':');
	char *unit = strchr(type, '/');

	*type++ = '\0';
	if (unit != NULL)
		*unit++ = '\0';
	field->type = type_of(type);
	field->unit = unit == NULL ? WEIR_UNIT_ISO8601 : unit_of(unit);
	field->steps = steps;
	field->step_count = 0;
	while (*path != '\0')
	{
		size_t len = strcspn(path, ".[");

		if (*path == '[')
		{
			steps[field->step_count++] =
				(WeirStep){NULL, 0, (uint32_t) strtoul(path + 1, &path, 10)};
			path++;
		}
		else
		{
			steps[field->step_count++] = (WeirStep){path, (uint32_t) len, 0};
			path += len;
		}
		path += *path == '.';
	}
}

static inline void
message_open(Message *message, const char *fields)
{
	char *rest = message->text;
	char *path;

	snprintf(message->text, sizeof(message->text), "%s", fields);
	message->field_count = 0;
	while ((path = strtok_r(rest, " ", &rest)) != NULL)
	{
		field_parse(&message->fields[message->field_count], message->steps[message->field_count],
					path);
		message->field_count++;
	}
	message->decoder =
		weir_decoder_init(malloc(weir_decoder_size(message->fields, message->field_count)),
						  message->fields, message->field_count);
	message->values = malloc(message->field_count * sizeof(WeirValue));
}

static inline void
message_close(Message *message)
{
	free(message->decoder);
	free(message->values);
}

static inline size_t
value_print(char *out, size_t size, const WeirField *field, const WeirValue *value)
{
	char time[WEIR_TIME_TEXT_MAX];
	size_t len;

	switch (value->state)
	{
		case WEIR_STATE_MISSING:
			return (size_t) snprintf(out, size, "-");
		case WEIR_STATE_NULL:
			return (size_t) snprintf(out, size, "null");
		case WEIR_STATE_BAD:
			return (size_t) snprintf(out, size, "!%s@%u", weir_reason_name(value->reason),
									 value->place);
		case WEIR_STATE_SET:
			break;
	}
	switch (field->type)
	{
		case WEIR_TYPE_BOOL:
			return (size_t) snprintf(out, size, value->boolean ? "true" : "false");
		case WEIR_TYPE_INT2:
		case WEIR_TYPE_INT4:
		case WEIR_TYPE_INT8:
			return (size_t) snprintf(out, size, "%lld", (long long) value->integer);
		case WEIR_TYPE_FLOAT4:
			return (size_t) snprintf(out, size, "%.9g", value->real);
		case WEIR_TYPE_FLOAT8:
			return (size_t) snprintf(out, size, "%.17g", value->real);
		case WEIR_TYPE_NUMERIC:
			return (size_t) snprintf(out, size, "%.*s", (int) value->slice.len, value->slice.data);
		case WEIR_TYPE_TEXT:
			return (size_t) snprintf(out, size, "'%.*s'", (int) value->slice.len,
									 value->slice.data);
		case WEIR_TYPE_TIMESTAMP:
			len = weir_time_format(value->integer, WEIR_UNIT_ISO8601, time);
			return (size_t) snprintf(out, size, "%.*s", (int) len, time);
		case WEIR_TYPE_DATE:
			len = weir_date_format((int32_t) value->integer, WEIR_UNIT_ISO8601, time);
			return (size_t) snprintf(out, size, "%.*s", (int) len, time);
		case WEIR_TYPE_UUID:
			for (int i = 0; i < 16; i++)
				snprintf(out + 2 * i, size - 2 * (size_t) i, "%02x", value->uuid[i]);
			return 32;
		case WEIR_TYPE_JSON:
			return (size_t) snprintf(out, size, "%.*s<%u%s>", (int) value->slice.len,
									 value->slice.data, value->depth, value->has_nul ? " nul" : "");
		case WEIR_TYPE_BYTES:
		case WEIR_TYPE_COUNT:
			break;
	}
	abort();
}

/* Result: the values, or the reason of the message, as text that lives until the next call. */
static inline const char *
message_read(Message *message, const char *payload, size_t len)
{
	static char text[4096];
	Guarded payload_memory;
	Guarded scratch_memory;
	size_t scratch_len = weir_decoder_scratch(len);
	size_t at = 0;
	char *copy;

	guarded_make(&payload_memory, len);
	guarded_make(&scratch_memory, scratch_len);
	copy = memcpy(guarded_take(&payload_memory, len), payload, len);
	memset(message->values, 0xA5, message->field_count * sizeof(WeirValue));
	message->reason =
		weir_decoder_run(message->decoder, copy, len, guarded_take(&scratch_memory, scratch_len),
						 message->values, &message->place);
	if (message->reason != WEIR_REASON_NONE)
		snprintf(text, sizeof(text), "%s@%u", weir_reason_name(message->reason), message->place);
	for (uint32_t i = 0; message->reason == WEIR_REASON_NONE && i < message->field_count; i++)
	{
		if (i > 0)
			text[at++] = ' ';
		at += value_print(text + at, sizeof(text) - at, &message->fields[i], &message->values[i]);
	}
	guarded_free(&payload_memory);
	guarded_free(&scratch_memory);
	return text;
}

/* A message by itself, again with what the decoder has learned from it, and with white space behind it,
 * where it is read by larger words: they must not differ.
 * Result: as message_read(). */
static inline const char *
message_read_once(const char *fields, const char *payload, size_t len)
{
	static char first[4096];
	char *padded = malloc(len + 64);
	Message message;
	bool is_same;

	message_open(&message, fields);
	snprintf(first, sizeof(first), "%s", message_read(&message, payload, len));
	is_same = strcmp(message_read(&message, payload, len), first) == 0;
	memcpy(padded, payload, len);
	memset(padded + len, ' ', 64);
	/* what was cut off goes on with white space, which may be another fault */
	if (message.reason != WEIR_REASON_TRUNCATED && message.reason != WEIR_REASON_EMPTY)
		is_same &= strcmp(message_read(&message, padded, len + 64), first) == 0;
	message_close(&message);
	free(padded);
	return is_same ? first : "the second reading differs from the first";
}

#endif
