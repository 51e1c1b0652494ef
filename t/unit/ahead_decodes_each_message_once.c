/* SPDX-License-Identifier: PostgreSQL
 *
 * A run of messages holds the same, whoever decoded which of them: thread, caller, or both.
 */
#include "ahead.c"

#include "random.h"
#include "tap.h"

#define MESSAGES 300
#define FIELDS 2
#define RUNS 3000

static char payloads[MESSAGES][64];
static WeirMessage messages[MESSAGES];
static char scratch_space[MESSAGES][128];
static char *scratch[MESSAGES];
static WeirVerdict verdicts[MESSAGES];
static WeirValue values[MESSAGES * FIELDS];
static WeirDecoded run = {
	.messages = messages,
	.field_count = FIELDS,
	.verdicts = verdicts,
	.values = values,
	.scratch = scratch,
};

static WeirReading *
make_reading(void)
{
	static const WeirRules rules = {.format = WEIR_FORMAT_JSON};
	static const WeirStep steps[FIELDS] = {{"n", 1, 0}, {"s", 1, 0}};
	static const WeirField fields[FIELDS] = {
		{.steps = &steps[0], .step_count = 1, .type = WEIR_TYPE_INT8},
		{.steps = &steps[1], .step_count = 1, .type = WEIR_TYPE_TEXT}};

	return weir_reading_init(malloc(weir_reading_size(&rules, fields, FIELDS)), &rules, fields,
							 FIELDS);
}

/* Of each seven one is a tombstone, and one no JSON. */
static void
make_run(int count)
{
	run.count = count;
	for (int i = 0; i < count; i++)
	{
		int64_t number = (int64_t) (random_next() >> 1);

		scratch[i] = scratch_space[i];
		snprintf(payloads[i], sizeof(payloads[i]), "{\"n\":%lld,\"s\":\"\\u0041%d\"%s",
				 (long long) number, i, i % 7 == 1 ? "" : "}");
		messages[i] = (WeirMessage){.payload = i % 7 == 0 ? NULL : payloads[i],
									.payload_len = i % 7 == 0 ? 0 : strlen(payloads[i]),
									.offset = number};
		verdicts[i] = (WeirVerdict){WEIR_REASON_COUNT, 0};
	}
	memset(values, 0x7F, sizeof(values));
	atomic_store(&run.next, 0);
}

static bool
is_right(int i)
{
	const WeirValue *value = &values[i * FIELDS];
	char text[16];

	if (i % 7 == 1)
		return verdicts[i].reason == WEIR_REASON_TRUNCATED &&
			   verdicts[i].place == messages[i].payload_len;
	if (verdicts[i].reason != WEIR_REASON_NONE)
		return false;
	if (i % 7 == 0)
		return value[0].state == WEIR_STATE_MISSING && value[1].state == WEIR_STATE_MISSING;
	snprintf(text, sizeof(text), "A%d", i);
	return value[0].state == WEIR_STATE_SET && value[0].integer == messages[i].offset &&
		   value[1].state == WEIR_STATE_SET && value[1].slice.len == strlen(text) &&
		   memcmp(value[1].slice.data, text, strlen(text)) == 0;
}

static int
count_right(void)
{
	int count = 0;

	for (int i = 0; i < run.count; i++)
		count += is_right(i);
	return count;
}

static void
without_a_thread(WeirReading *reading)
{
	make_run(MESSAGES);
	weir_decoded_run(&run, reading);
	ok(count_right() == MESSAGES, "the caller alone decodes all");
}

/* The caller comes at once, or when the thread may be done. */
static void
with_a_thread(WeirAhead *ahead, WeirReading *reading)
{
	int wrong = 0;

	for (int i = 0; i < RUNS; i++)
	{
		int count = (int) (random_next() % MESSAGES) + 1;

		make_run(count);
		weir_ahead_begin(ahead, &run);
		for (int looks = 0; i % 3 == 0 && atomic_load(&run.next) < count && looks < 100000; looks++)
			usleep(10); /* the caller decodes what the thread does not */
		weir_ahead_finish(ahead, reading);
		wrong += count_right() != count;
	}
	ok(wrong == 0, "%d of %d runs are wrong", wrong, RUNS);
}

static void
what_is_dropped_is_left_alone(WeirAhead *ahead, WeirReading *reading)
{
	int touched = 0;

	for (int i = 0; i < RUNS; i++)
	{
		make_run(MESSAGES);
		weir_ahead_begin(ahead, &run);
		atomic_store(&run.next, run.count);
		weir_ahead_finish(ahead, reading);
		make_run(MESSAGES);
		for (int j = 0; j < MESSAGES; j++)
			touched += verdicts[j].reason != WEIR_REASON_COUNT;
	}
	ok(touched == 0, "after a run was dropped, nothing of it is touched any more");
}

int
main(void)
{
	WeirReading *reading = make_reading();
	WeirReading *threads = make_reading();
	WeirAhead *ahead = weir_ahead_start(threads);

	without_a_thread(reading);
	if (ahead != NULL)
	{
		with_a_thread(ahead, reading);
		what_is_dropped_is_left_alone(ahead, reading);
		weir_ahead_finish(ahead, reading);
		ok(true, "finishing what was not begun is nothing");
		weir_ahead_stop(ahead);
		ahead = weir_ahead_start(threads);
		weir_ahead_stop(ahead);
		ok(true, "a thread that has nothing to do ends");
	}
	free(reading);
	free(threads);
	return done_testing();
}
