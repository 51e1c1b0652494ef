/* SPDX-License-Identifier: PostgreSQL
 *
 * sensors: a hydraulic test rig with 17 sensors, a topic each, at the rig's own rates: made up, or from
 * the files of the UCI data set "Condition monitoring of hydraulic systems".
 *
 * Those files have a line for each minute and a value for each sample, separated by tabs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "log.h"
#include "moment.h"
#include "report.h"
#include "rig.h"
#include "sink.h"
#include "text.h"

#define REPORT_US (10 * SECOND_US)

typedef struct File
{
	FILE *file;
	char *line; /* of the minute at hand */
	size_t room;
	char *at; /* the next value */
} File;

typedef struct Sensors
{
	const Settings *settings;
	Report report;
	Sink *sink;
	char *topics[RIG_SENSORS];
	File files[RIG_SENSORS]; /* of --from */
	RigFault fault;
	int64_t fault_tick;
	int64_t start_ms;
	int64_t started_us;
	int64_t tick;
	Text payload;
} Sensors;

/* ------------------------------------------------------------------------------------------------
 * Values of files
 */

static bool
files_open(Sensors *sensors)
{
	for (int i = 0; i < RIG_SENSORS; i++)
	{
		Text path = {0};
		File *file = &sensors->files[i];

		text_addf(&path, "%s/%s.txt", sensors->settings->from, rig_sensors[i].name);
		file->file = fopen(path.data, "r");
		if (file->file == NULL)
			log_error("could not open file \"%s\": %s", path.data, strerror(errno));
		text_free(&path);
		if (file->file == NULL)
			return false;
	}
	return true;
}

static void
files_close(Sensors *sensors)
{
	for (int i = 0; i < RIG_SENSORS; i++)
	{
		if (sensors->files[i].file != NULL)
			fclose(sensors->files[i].file);
		free(sensors->files[i].line);
	}
}

/* Result: whether each file has one more minute. */
static bool
next_minute(Sensors *sensors)
{
	for (int i = 0; i < RIG_SENSORS; i++)
	{
		File *file = &sensors->files[i];

		if (getline(&file->line, &file->room, file->file) < 0)
			return false;
		file->at = file->line;
	}
	return true;
}

/* Result: the value's text; NULL if there is none or it is no number. */
static const char *
file_value(File *file)
{
	const char *value = file->at != NULL ? strsep(&file->at, "\t\r\n") : NULL;

	return value != NULL && decimal_is_valid(value, strlen(value), false) ? value : NULL;
}

/* ------------------------------------------------------------------------------------------------
 * The loop
 */

static void
build(Sensors *sensors, int sensor, const char *value)
{
	const RigSensor *kind = &rig_sensors[sensor];
	Text *payload = &sensors->payload;

	text_clear(payload);
	text_addf(payload, "{\"sensor\":\"%s\",\"value\":", kind->name);
	if (value != NULL)
		text_add_string(payload, value);
	else
		text_addf(payload, "%.*f", kind->places,
				  rig_value(sensor, sensors->tick, (uint64_t) sensors->settings->seed,
							sensors->fault, sensors->fault_tick));
	text_addf(payload, ",\"timestamp\":%" PRId64 "}",
			  sensors->start_ms + sensors->tick * (RIG_TICK_US / 1000));
}

static void
send_sensor(Sensors *sensors, int sensor)
{
	const char *value = NULL;

	if (sensors->settings->from != NULL)
	{
		value = file_value(&sensors->files[sensor]);
		if (value == NULL)
		{
			if (sensors->report.skipped++ == 0)
				log_warning("%s.txt: a value is missing or no number; it and others like it are "
							"left out",
							rig_sensors[sensor].name);
			return;
		}
	}
	build(sensors, sensor, value);
	sink_send(sensors->sink, &(Message){.topic = sensor,
										.partition = ANY_PARTITION,
										.key = rig_sensors[sensor].name,
										.key_len = strlen(rig_sensors[sensor].name),
										.value = sensors->payload.data,
										.len = sensors->payload.len});
}

static void
pace(Sensors *sensors)
{
	double speed = sensors->settings->speed;
	int64_t due_us;

	if (speed == 0)
		return;
	due_us = sensors->started_us + (int64_t) ((double) (sensors->tick * RIG_TICK_US) / speed);
	if (due_us > monotonic_us())
		sink_serve(sensors->sink, due_us);
}

/* Result: false at the end of what was asked for, or of the files. */
static bool
has_tick(Sensors *sensors)
{
	int64_t minutes = sensors->settings->minutes;

	if (!sink_goes_on(sensors->sink))
		return false;
	if (minutes > 0 && sensors->tick >= minutes * RIG_CYCLE_TICKS)
		return false;
	return sensors->settings->from == NULL || sensors->tick % RIG_CYCLE_TICKS != 0 ||
		   next_minute(sensors);
}

static void
send_ticks(Sensors *sensors)
{
	sensors->started_us = monotonic_us();
	for (; has_tick(sensors); sensors->tick++)
	{
		pace(sensors);
		for (int i = 0; i < RIG_SENSORS; i++)
		{
			if (sensors->tick % (RIG_TICKS_PER_SECOND / rig_sensors[i].hertz) == 0)
				send_sensor(sensors, i);
		}
	}
}

/* ------------------------------------------------------------------------------------------------
 * Beginning and end
 */

static RigFault
fault_of(const Settings *settings)
{
	if (settings->fault == NULL)
		return RIG_SOUND;
	return strcmp(settings->fault, "cooler") == 0  ? RIG_COOLER
		   : strcmp(settings->fault, "valve") == 0 ? RIG_VALVE
												   : RIG_PUMP;
}

static int64_t
start_ms(const Settings *settings)
{
	int64_t start_us = now_us();

	if (settings->start != NULL && strcmp(settings->start, "now") != 0 &&
		!moment_parse(settings->start, &start_us))
		usage_error("--start is a time of ISO 8601, or now, not \"%s\"", settings->start);
	return start_us / 1000;
}

static void
name_topics(Sensors *sensors)
{
	for (int i = 0; i < RIG_SENSORS; i++)
	{
		Text name = {0};

		text_addf(&name, "%s-%s", sensors->settings->topic, rig_sensors[i].name);
		sensors->topics[i] = name.data;
	}
}

static void
sensors_free(Sensors *sensors)
{
	files_close(sensors);
	text_free(&sensors->payload);
	for (int i = 0; i < RIG_SENSORS; i++)
		free(sensors->topics[i]);
}

int
sensors_run(const Command *command, const Settings *settings)
{
	Sensors sensors = {.settings = settings, .fault = fault_of(settings)};
	int exit_code;

	(void) command;
	sensors.start_ms = start_ms(settings);
	sensors.fault_tick = settings->fault_at_us / RIG_TICK_US;
	if (settings->from != NULL && !files_open(&sensors))
	{
		files_close(&sensors);
		return EXIT_SOURCE;
	}
	name_topics(&sensors);
	report_init(&sensors.report, settings, REPORT_US);
	sensors.sink =
		sink_open(settings, &sensors.report, (const char *const *) sensors.topics, RIG_SENSORS);
	send_ticks(&sensors);
	sink_close(sensors.sink);
	report_end(&sensors.report);
	exit_code = report_exit_code(&sensors.report);
	if (exit_code == EXIT_DELIVERED && sensors.report.skipped > 0)
		exit_code = EXIT_SOURCE;
	sensors_free(&sensors);
	return exit_code;
}
