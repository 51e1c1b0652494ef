/* SPDX-License-Identifier: PostgreSQL
 *
 * The rules of the watermark, one by one, and against a slow reading of them on random events.
 */
#include "clock.h"

#include "random.h"
#include "tap.h"

#define COUNT 5

static WeirPartitionClock partitions[COUNT];
static WeirClock clock_;

static uint64_t
random_below(uint64_t bound)
{
	return random_next() % bound;
}

static void
begin(int64_t lateness_us, int count)
{
	weir_clock_init(&clock_, lateness_us, partitions, count);
}

static void
no_event_is_no_watermark(void)
{
	begin(0, 2);
	ok(clock_.watermark_us == WEIR_CLOCK_NONE, "without events there is no watermark");
	ok(!weir_clock_has_closed(&clock_, INT64_MIN), "and nothing has closed");
	weir_clock_see(&clock_, 0, 1000);
	ok(clock_.watermark_us == WEIR_CLOCK_NONE, "nor while a partition has none");
	ok(weir_clock_see(&clock_, 1, 500) && clock_.watermark_us == 500,
	   "then it is the least of the partitions' largest times");
}

static void
lateness_is_taken_off(void)
{
	begin(100, 1);
	weir_clock_see(&clock_, 0, 1000);
	ok(clock_.watermark_us == 900, "lateness is taken off");
	ok(weir_clock_has_closed(&clock_, 900), "a window that ends at the watermark is closed");
	ok(!weir_clock_has_closed(&clock_, 901), "one that ends later is open");
	weir_clock_see(&clock_, 0, 950);
	ok(clock_.watermark_us == 900, "an earlier event does not take the watermark back");
	begin(100, 1);
	weir_clock_see(&clock_, 0, INT64_MIN + 50);
	ok(clock_.watermark_us == WEIR_CLOCK_NONE, "times before all times are no watermark");
}

static void
idle_partitions_do_not_hold(void)
{
	begin(0, 2);
	weir_clock_see(&clock_, 0, 1000);
	ok(weir_clock_set_idle(&clock_, 1, true) && clock_.watermark_us == 1000,
	   "an idle partition does not hold the watermark");
	ok(!weir_clock_see(&clock_, 1, 10) && clock_.watermark_us == 1000,
	   "one that comes back does not take it back");
	ok(!weir_clock_see(&clock_, 0, 2000) && clock_.watermark_us == 1000, "but holds it again");
	weir_clock_set_idle(&clock_, 0, true);
	weir_clock_set_idle(&clock_, 1, true);
	ok(weir_clock_is_all_idle(&clock_) && clock_.watermark_us == 1000,
	   "when all are idle the watermark stays");
	ok(weir_clock_push(&clock_, 1500) && !weir_clock_push(&clock_, 1200) &&
		   clock_.watermark_us == 1500,
	   "the wall clock moves it forwards only");
}

/* The rules, read again at each event. */
static int64_t
slow_watermark(const int64_t *max_us, const bool *is_idle, int64_t lateness_us, int64_t before_us)
{
	int64_t lowest_us = INT64_MAX;

	for (int i = 0; i < COUNT; i++)
		if (!is_idle[i] && max_us[i] < lowest_us)
			lowest_us = max_us[i];
	if (lowest_us == INT64_MAX || lowest_us == WEIR_CLOCK_NONE)
		return before_us;
	return lowest_us - lateness_us > before_us ? lowest_us - lateness_us : before_us;
}

static void
random_events_agree(void)
{
	bool agrees = true;

	for (int round = 0; round < 2000 && agrees; round++)
	{
		int64_t max_us[COUNT];
		bool is_idle[COUNT] = {false};
		int64_t watermark_us = WEIR_CLOCK_NONE;
		int64_t lateness_us = (int64_t) (random_below(50));

		for (int i = 0; i < COUNT; i++)
			max_us[i] = WEIR_CLOCK_NONE;
		begin(lateness_us, COUNT);
		for (int i = 0; i < 200 && agrees; i++)
		{
			int p = (int) random_below(COUNT);

			if (random_below(10) == 0)
			{
				is_idle[p] = random_below(2);
				weir_clock_set_idle(&clock_, p, is_idle[p]);
			}
			else
			{
				int64_t time_us = i * 3 + (int64_t) random_below(100) - 50;

				is_idle[p] = false;
				if (time_us > max_us[p])
					max_us[p] = time_us;
				weir_clock_see(&clock_, p, time_us);
			}
			watermark_us = slow_watermark(max_us, is_idle, lateness_us, watermark_us);
			agrees = clock_.watermark_us == watermark_us;
		}
	}
	ok(agrees, "2,000 random streams have the watermark that the rules say");
}

int
main(void)
{
	no_event_is_no_watermark();
	lateness_is_taken_off();
	idle_partitions_do_not_hold();
	random_events_agree();
	return done_testing();
}
