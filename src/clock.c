/* SPDX-License-Identifier: PostgreSQL
 *
 * Event time of one view.
 *
 * W is looked for again only when the partition that holds it moves: the usual event costs two
 * comparisons.
 */
#include "clock.h"

#include <stddef.h>

static bool
advance(WeirClock *clock, int64_t watermark_us)
{
	if (watermark_us == WEIR_CLOCK_NONE || watermark_us <= clock->watermark_us)
		return false;
	clock->watermark_us = watermark_us;
	return true;
}

/* Saturates: -infinity stays what it is. */
static int64_t
minus_lateness(const WeirClock *clock, int64_t time_us)
{
	int64_t result_us;

	if (time_us == WEIR_CLOCK_NONE ||
		__builtin_sub_overflow(time_us, clock->lateness_us, &result_us))
		return WEIR_CLOCK_NONE;
	return result_us;
}

/* Result: W has advanced. With no partition, or all idle, it stays. */
static bool
look(WeirClock *clock)
{
	int64_t lowest_us = INT64_MAX;
	bool is_held = false;

	for (int32_t i = 0; i < clock->partition_count; i++)
	{
		const WeirPartitionClock *partition = &clock->partitions[i];

		if (partition->is_idle)
			continue;
		is_held = true;
		if (partition->max_us < lowest_us)
			lowest_us = partition->max_us;
	}
	clock->lowest_us = is_held ? lowest_us : WEIR_CLOCK_NONE;
	return is_held && advance(clock, minus_lateness(clock, lowest_us));
}

void
weir_clock_init(WeirClock *clock, int64_t lateness_us, WeirPartitionClock *partitions,
				int32_t partition_count)
{
	clock->lateness_us = lateness_us;
	clock->watermark_us = WEIR_CLOCK_NONE;
	clock->partition_count = partition_count;
	clock->partitions = partitions;
	clock->lowest_us = WEIR_CLOCK_NONE;
	for (int32_t i = 0; i < partition_count; i++)
		partitions[i] = (WeirPartitionClock){.max_us = WEIR_CLOCK_NONE, .is_idle = false};
}

void
weir_clock_refresh(WeirClock *clock)
{
	look(clock);
}

bool
weir_clock_see(WeirClock *clock, int32_t partition_number, int64_t time_us)
{
	WeirPartitionClock *partition = &clock->partitions[partition_number];
	int64_t before_us = partition->max_us;
	bool was_idle = partition->is_idle;

	partition->is_idle = false;
	if (time_us > before_us)
		partition->max_us = time_us;
	else if (!was_idle)
		return false;
	if (!was_idle && before_us != clock->lowest_us)
		return false;
	return look(clock);
}

bool
weir_clock_set_idle(WeirClock *clock, int32_t partition_number, bool is_idle)
{
	WeirPartitionClock *partition = &clock->partitions[partition_number];

	if (partition->is_idle == is_idle)
		return false;
	partition->is_idle = is_idle;
	return look(clock);
}

bool
weir_clock_push(WeirClock *clock, int64_t watermark_us)
{
	return advance(clock, watermark_us);
}

bool
weir_clock_is_all_idle(const WeirClock *clock)
{
	for (int32_t i = 0; i < clock->partition_count; i++)
		if (!clock->partitions[i].is_idle)
			return false;
	return true;
}

int32_t
weir_clock_holder(const WeirClock *clock)
{
	int32_t holder = -1;

	for (int32_t i = 0; i < clock->partition_count; i++)
		if (!clock->partitions[i].is_idle &&
			(holder < 0 || clock->partitions[i].max_us < clock->partitions[holder].max_us))
			holder = i;
	return holder;
}
