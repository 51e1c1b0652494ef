/* SPDX-License-Identifier: PostgreSQL
 *
 * Random numbers for unit tests: the same ones in every run.
 */
#ifndef WEIR_RANDOM_H
#define WEIR_RANDOM_H

#include <stdint.h>

static uint64_t random_state = 1;

static inline uint64_t
random_next(void)
{
	uint64_t z = (random_state += 0x9E3779B97F4A7C15ull);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

#endif
