/* SPDX-License-Identifier: PostgreSQL
 *
 * A hydraulic test rig, made up after the one whose measurements UCI has published: the same sensors,
 * rates and magnitudes, a load that repeats each minute, and faults that grow.
 */
#include "rig.h"

#define FAULT_TICKS (600 * RIG_TICKS_PER_SECOND)

/* bar, W, l/min, °C, mm/s, %, kW, % */
const RigSensor rig_sensors[RIG_SENSORS] = {
	/* name, Hz, places, rest, swing, noise, cooler, valve, pump */
	{"PS1", 100, 2, 155, 32, 0.4, -2, -8, -6},
	{"PS2", 100, 2, 104, 26, 0.4, -1, -9, -5},
	{"PS3", 100, 3, 1.9, 0.7, 0.03, 0, -0.3, -0.4},
	{"PS4", 100, 3, 2.4, 1.1, 0.03, -0.8, 0, 0},
	{"PS5", 100, 3, 9.6, 0.4, 0.02, -1.2, 0, 0},
	{"PS6", 100, 3, 9.5, 0.4, 0.02, -1.1, 0, 0},
	{"EPS1", 100, 1, 2350, 480, 12, 60, 90, 260},
	{"FS1", 10, 3, 6.3, 1.8, 0.05, 0.1, -0.4, -1.4},
	{"FS2", 10, 3, 9.9, 0.3, 0.02, -1.1, 0, 0},
	{"TS1", 1, 3, 36, 1.2, 0.05, 19, 0.4, 1.5},
	{"TS2", 1, 3, 41, 1.1, 0.05, 18, 0.4, 1.6},
	{"TS3", 1, 3, 38, 1, 0.05, 18, 0.4, 1.4},
	{"TS4", 1, 3, 31, 0.9, 0.05, 20, 0.3, 1.2},
	{"VS1", 1, 3, 0.56, 0.06, 0.01, 0.02, 0.05, 0.2},
	{"CE", 1, 3, 46, 1.5, 0.2, -26, 0, 0},
	{"CP", 1, 3, 2.1, 0.1, 0.02, -0.7, 0, 0},
	{"SE", 1, 3, 58, 6, 0.3, -1, -9, -12},
};

/* splitmix64's mixing */
static uint64_t
mix(uint64_t number)
{
	number = (number ^ (number >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	number = (number ^ (number >> 27)) * UINT64_C(0x94D049BB133111EB);
	return number ^ (number >> 31);
}

/* From -1 to 1, mostly near 0. */
static double
noise(uint64_t seed, int sensor, int64_t tick)
{
	uint64_t bits = mix(mix(seed + (uint64_t) sensor) + (uint64_t) tick);
	double sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (double) ((bits >> (16 * i)) & 0xFFFF) / 65535.0 - 0.5;
	return sum / 2;
}

/* The load of the cycle, 0 to 1: ramps between steps of its own. */
static double
load(int64_t tick)
{
	static const double steps[] = {0.2, 0.9, 1.0, 0.6, 0.3, 0.75, 0.75, 0.4, 0.1, 0.1, 0.2};
	double at = (double) (tick % RIG_CYCLE_TICKS) / (RIG_CYCLE_TICKS / 10.0);
	int step = (int) at;

	return steps[step] + (steps[step + 1] - steps[step]) * (at - step);
}

static double
fault_share(int64_t tick, int64_t fault_tick)
{
	if (tick < fault_tick)
		return 0;
	return tick - fault_tick > FAULT_TICKS ? 1 : (double) (tick - fault_tick) / FAULT_TICKS;
}

double
rig_value(int sensor, int64_t tick, uint64_t seed, RigFault fault, int64_t fault_tick)
{
	const RigSensor *kind = &rig_sensors[sensor];
	double full = fault == RIG_COOLER  ? kind->cooler
				  : fault == RIG_VALVE ? kind->valve
				  : fault == RIG_PUMP  ? kind->pump
									   : 0;
	double share = fault_share(tick, fault_tick);
	/* a valve that sticks makes everything swing more */
	double unrest = fault == RIG_VALVE ? 1 + 3 * share : 1;

	return kind->rest + kind->swing * load(tick) +
		   unrest * kind->noise * noise(seed, sensor, tick) + share * full;
}
