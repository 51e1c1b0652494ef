/* SPDX-License-Identifier: PostgreSQL
 *
 * replay: the lines of a file as messages, as fast as possible or at the speed of their event times.
 *
 * A line of JSON is sent as it stands, byte for byte, also one that is no JSON: what a topic's readers
 * make of bad messages is worth testing. Only a line whose partition cannot be told is left out, for it
 * has no place.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "csv.h"
#include "field.h"
#include "log.h"
#include "moment.h"
#include "report.h"
#include "sink.h"
#include "text.h"

#define REPORT_US (10 * SECOND_US)
#define READ_BYTES (1 << 18)

/* Bytes that live until the next line is read. */
typedef struct Payload
{
	const char *data;
	size_t len;
} Payload;

typedef struct Replay
{
	const Settings *settings;
	Report report;
	Sink *sink;

	FILE *file;
	bool is_csv;
	CsvHeader header;
	char *line; /* as read */
	size_t room;
	Text record;    /* a record of CSV, which may go over lines */
	Text json;      /* what a record becomes */
	int64_t number; /* of the line */

	Text key;
	Text scratch;

	/* the first event time, and when it was sent */
	bool is_paced;
	int64_t first_event_us;
	int64_t first_sent_us;
} Replay;

static bool
is_stdin(const Replay *replay)
{
	return strcmp(replay->settings->words[0], "-") == 0;
}

static bool
file_open(Replay *replay)
{
	replay->file = is_stdin(replay) ? stdin : fopen(replay->settings->words[0], "r");
	if (replay->file != NULL)
		return setvbuf(replay->file, NULL, _IOFBF, READ_BYTES) == 0;
	log_error("could not open file \"%s\": %s", replay->settings->words[0], strerror(errno));
	return false;
}

/* Result: the length without the line's end, -1 behind the last line. */
static ssize_t
read_line(Replay *replay)
{
	ssize_t len = getline(&replay->line, &replay->room, replay->file);

	if (len < 0)
		return -1;
	replay->number++;
	if (len > 0 && replay->line[len - 1] == '\n')
		len--;
	if (len > 0 && replay->line[len - 1] == '\r')
		len--;
	return len;
}

/* Result: whether there was one more. */
static bool
read_record(Replay *replay)
{
	ssize_t len = read_line(replay);

	text_clear(&replay->record);
	if (len < 0)
		return false;
	text_add(&replay->record, replay->line, (size_t) len);
	while (csv_is_open(replay->record.data, replay->record.len))
	{
		len = read_line(replay);
		if (len < 0)
			break;
		text_add(&replay->record, "\n", 1);
		text_add(&replay->record, replay->line, (size_t) len);
	}
	return true;
}

/* CSV by option, or if the first byte is not that of an object. */
static void
decide_format(Replay *replay)
{
	int byte;

	if (strcmp(replay->settings->format, "auto") != 0)
	{
		replay->is_csv = strcmp(replay->settings->format, "csv") == 0;
		return;
	}
	byte = getc(replay->file);
	if (byte != EOF)
		ungetc(byte, replay->file);
	replay->is_csv = byte != '{' && byte != EOF;
}

static void
skip(Replay *replay, const char *why)
{
	replay->report.skipped++;
	if (replay->report.skipped <= 10)
		log_warning("line %" PRId64 ": %s; it is not sent", replay->number, why);
	if (replay->report.skipped == 10)
		log_warning("more such lines are only counted");
}

/* Result: false if it cannot be told. */
static bool
choose_partition(Replay *replay, const Payload *payload, int32_t *partition)
{
	const char *name = replay->settings->partition_field;
	char *end;
	long number;

	*partition = ANY_PARTITION;
	if (name == NULL)
		return true;
	if (!field_find(payload->data, payload->len, name, &replay->scratch))
		return false;
	number = strtol(replay->scratch.data, &end, 10);
	*partition = (int32_t) number;
	return *end == '\0' && end != replay->scratch.data && number >= 0 &&
		   number < sink_partitions(replay->sink, 0);
}

/* Waits until it is this event's turn. One without a time goes at once. */
static void
pace(Replay *replay, const Payload *payload)
{
	const Settings *settings = replay->settings;
	int64_t event_us;
	int64_t due_us;

	if (settings->speed == 0 ||
		!field_find(payload->data, payload->len, settings->time_field, &replay->scratch) ||
		(!moment_parse(replay->scratch.data, &event_us) &&
		 !moment_parse_number(replay->scratch.data, &event_us)))
		return;
	if (!replay->is_paced)
	{
		replay->is_paced = true;
		replay->first_event_us = event_us;
		replay->first_sent_us = monotonic_us();
	}
	due_us = replay->first_sent_us +
			 (int64_t) ((double) (event_us - replay->first_event_us) / settings->speed);
	if (due_us > monotonic_us())
		sink_serve(replay->sink, due_us);
}

static void
send_payload(Replay *replay, const Payload *payload)
{
	const char *name = replay->settings->key_field;
	Message message = {.value = payload->data, .len = payload->len};

	if (!choose_partition(replay, payload, &message.partition))
	{
		skip(replay, "its partition is missing or out of range");
		return;
	}
	if (name != NULL && field_find(payload->data, payload->len, name, &replay->key))
	{
		message.key = replay->key.data;
		message.key_len = replay->key.len;
	}
	pace(replay, payload);
	if (sink_goes_on(replay->sink))
		sink_send(replay->sink, &message);
}

static void
send_json_lines(Replay *replay)
{
	ssize_t len;

	while (sink_goes_on(replay->sink) && (len = read_line(replay)) >= 0)
	{
		if (len > 0)
			send_payload(replay, &(Payload){replay->line, (size_t) len});
	}
}

static void
send_records(Replay *replay)
{
	csv_header_free(&replay->header);
	if (read_record(replay))
		csv_header_read(&replay->header, replay->record.data, replay->record.len);
	while (sink_goes_on(replay->sink) && read_record(replay))
	{
		if (replay->record.len == 0)
			continue;
		if (csv_to_json(&replay->header, replay->record.data, replay->record.len, &replay->json))
			send_payload(replay, &(Payload){replay->json.data, replay->json.len});
		else
			skip(replay, "another number of values than in the header");
	}
}

static void
send_file(Replay *replay)
{
	replay->number = 0;
	replay->is_paced = false;
	if (replay->is_csv)
		send_records(replay);
	else
		send_json_lines(replay);
	if (ferror(replay->file))
		log_error("could not read file \"%s\": %s", replay->settings->words[0], strerror(errno));
}

/* Also once more from the start, as long as that sends anything. */
static void
send_all(Replay *replay)
{
	int64_t before;

	do
	{
		before = replay->report.produced;
		send_file(replay);
		if (!replay->settings->loops || ferror(replay->file))
			break;
		rewind(replay->file);
	} while (sink_goes_on(replay->sink) && replay->report.produced > before);
}

static void
check_settings(const Settings *settings)
{
	if (settings->speed != 0 && settings->time_field == NULL)
		usage_error("--speed wants --time, the field with the event time");
	if (settings->loops && strcmp(settings->words[0], "-") == 0)
		usage_error("--loop cannot begin stdin again");
}

static void
replay_free(Replay *replay)
{
	if (!is_stdin(replay))
		fclose(replay->file);
	free(replay->line);
	csv_header_free(&replay->header);
	text_free(&replay->record);
	text_free(&replay->json);
	text_free(&replay->key);
	text_free(&replay->scratch);
}

int
replay_run(const Command *command, const Settings *settings)
{
	Replay replay = {.settings = settings};
	bool is_broken;
	int exit_code;

	(void) command;
	check_settings(settings);
	if (!file_open(&replay))
		return EXIT_SOURCE;
	decide_format(&replay);
	report_init(&replay.report, settings, REPORT_US);
	replay.sink = sink_open(settings, &replay.report, &settings->topic, 1);
	send_all(&replay);
	is_broken = ferror(replay.file) != 0;
	sink_close(replay.sink);
	report_end(&replay.report);
	replay_free(&replay);
	exit_code = report_exit_code(&replay.report);
	if (exit_code == EXIT_DELIVERED && (is_broken || replay.report.skipped > 0))
		return EXIT_SOURCE;
	return exit_code;
}
