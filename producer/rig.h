/* SPDX-License-Identifier: PostgreSQL
 *
 * A hydraulic test rig, made up: what each of its sensors reads at a time. Pure: the same seed and time
 * give the same value.
 */
#ifndef PRODUCER_RIG_H
#define PRODUCER_RIG_H

#include <stdint.h>

#define RIG_SENSORS 17
#define RIG_TICK_US 10000 /* the fastest sensors */
#define RIG_TICKS_PER_SECOND 100
#define RIG_CYCLE_TICKS 6000 /* the load repeats each minute */

typedef enum RigFault
{
	RIG_SOUND,
	RIG_COOLER, /* oil gets hot */
	RIG_VALVE,  /* pressure lags and swings */
	RIG_PUMP,   /* it leaks: less flow for more power */
} RigFault;

typedef struct RigSensor
{
	const char *name;
	int hertz;
	int places;
	double rest;  /* without load */
	double swing; /* that the load adds */
	double noise;
	/* what each fault adds, when it is full */
	double cooler;
	double valve;
	double pump;
} RigSensor;

extern const RigSensor rig_sensors[RIG_SENSORS];

/* fault_tick: when the fault began; it grows for ten minutes. */
double rig_value(int sensor, int64_t tick, uint64_t seed, RigFault fault, int64_t fault_tick);

#endif
