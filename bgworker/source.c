/* SPDX-License-Identifier: PostgreSQL
 *
 * Kafka's messages in the worker: positions, ends, idleness, losses.
 *
 * What librdkafka tells of a partition comes on two ways. Its queue brings messages and notes (the
 * end was reached, the offset is gone); a question that is asked again and again brings leaders and
 * ends. Idleness needs both: a note of the end comes once and says nothing of now, an answer alone
 * does not know what is still in the queue. A clock that jumps makes answers look old, never idle.
 *
 * It does not know time in events, nor who is held back and why: pipeline and worker do. Group
 * offsets are not committed to Kafka: librdkafka wants a group for the whole handle then, with a
 * coordinator, rights and errors of its own.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "budget.h"
#include "client.h"
#include "source.h"

/* The question for ends and partitions. */
#define PERIOD_MAX_MS 3000
#define PERIOD_FAILED_MS 250
#define PERIOD_LOST_MS 50
#define JOB_GRACE_MS 1000
#define CHECK_MS 10 /* idleness is worked out so often, or when there is an answer */

typedef struct Feed
{
	WeirSourcePartition state;

	const WeirMessage *batch; /* kafka.c's, until its next fetch */
	int batch_count;
	int batch_next;
	int run_end; /* messages before the next note: [batch_next, run_end) */
	bool is_dry; /* peeked for since the last wait, and found empty */
	bool has_given;

} Feed;

struct WeirSource
{
	MemoryContext context;
	WeirStream stream; /* the caller's, with properties of our own */
	WeirClient *client;
	int batch_max;
	int feed_count;
	Feed **feeds;

	/* the question */
	WeirJob *job; /* NULL: none is running */
	MemoryContextCallback job_callback;
	TimestampTz asked_at; /* the job, or the last one */
	TimestampTz ask_at;   /* the next one */
	int wake_ms;          /* while it runs: until librdkafka's threads are woken again */
	TimestampTz checked_at;

	/* troubles */
	WeirFault fault;         /* of the question */
	TimestampTz fault_since; /* 0: the last answer was well */
	bool has_fatal;
	WeirFault fatal;
	int fatal_partition;
};

/*
 * Opening
 */

static void
grow(WeirSource *source, int partition_count)
{
	MemoryContext before = MemoryContextSwitchTo(source->context);

	if (source->feeds == NULL)
		source->feeds = palloc_array(Feed *, partition_count);
	else
		source->feeds = repalloc_array(source->feeds, Feed *, partition_count);
	for (int i = source->feed_count; i < partition_count; i++)
	{
		source->feeds[i] = palloc0_object(Feed);
		source->feeds[i]->state.low = -1;
		source->feeds[i]->state.end = -1;
		source->feeds[i]->state.high = -1;
	}
	source->feed_count = partition_count;
	MemoryContextSwitchTo(before);
}

static void
note_range(Feed *feed, const WeirRange *range, TimestampTz asked_at)
{
	feed->state.has_leader = range->has_leader;
	if (!range->is_known)
		return;
	feed->state.low = range->low;
	feed->state.end = range->stable;
	feed->state.end_at = asked_at;
}

static void
release_job(void *argument)
{
	WeirSource *source = argument;

	if (source->job)
		weir_job_free(source->job);
	source->job = NULL;
}

/* A handle of its own asks first: how much a partition may fetch ahead depends on how many there are,
 * and a handle's properties are fixed. */
static WeirTopic *
survey(WeirSource *source, const WeirStream *stream)
{
	MemoryContext context =
		AllocSetContextCreate(source->context, "weir source survey", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	WeirClient *client = weir_client_open(stream, WEIR_SCOPE_CONSUMER);
	WeirTopic *topic;

	source->asked_at = GetCurrentTimestamp();
	MemoryContextSwitchTo(source->context);
	topic = weir_client_survey(client);
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
	return topic;
}

WeirSource *
weir_source_open(const WeirStream *stream)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "weir source", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	WeirSource *source = palloc0_object(WeirSource);
	WeirTopic *topic;

	source->context = context;
	topic = survey(source, stream);
	source->stream = *stream;
	source->batch_max = weir_budget_share(&source->stream, topic->partition_count);
	/* librdkafka joins no group for this: it only knows to which one to commit */
	if (stream->offsets_group != NULL)
		weir_stream_set_property(&source->stream, "group.id", stream->offsets_group);
	source->client = weir_client_open(&source->stream, WEIR_SCOPE_CONSUMER);
	/* Callbacks run last to first: the job goes before the handle. */
	source->job_callback.func = release_job;
	source->job_callback.arg = source;
	MemoryContextRegisterResetCallback(context, &source->job_callback);
	grow(source, topic->partition_count);
	for (int i = 0; i < topic->partition_count; i++)
		note_range(source->feeds[i], &topic->ranges[i], source->asked_at);
	MemoryContextSwitchTo(before);
	return source;
}

void
weir_source_offer(WeirSource *source, const int64 *offsets)
{
	if (source->stream.offsets_group)
		weir_kafka_offer_offsets(weir_client_kafka(source->client), offsets, source->feed_count);
}

int
weir_source_partition_count(const WeirSource *source)
{
	return source->feed_count;
}

static Feed *
feed_of(const WeirSource *source, int partition)
{
	if (partition < 0 || partition >= source->feed_count)
		elog(ERROR, "topic \"%s\" has no partition %d", source->stream.topic, partition);
	return source->feeds[partition];
}

WeirSourcePartition *
weir_source_partition(const WeirSource *source, int partition)
{
	return &feed_of(source, partition)->state;
}

/*
 * Messages
 */

/* Begins again where the position is. */
static void
fetch_from(WeirSource *source, int partition)
{
	Feed *feed = feed_of(source, partition);
	WeirFault fault;

	feed->batch_count = feed->batch_next = feed->run_end = 0;
	feed->is_dry = false;
	feed->state.lost_at = 0;
	if (!weir_kafka_partition_start(weir_client_kafka(source->client), source->stream.topic,
									partition, feed->state.next, source->batch_max, &fault))
		weir_client_fail(source->client, &fault, NULL);
}

void
weir_source_start(WeirSource *source, int partition, int64 offset)
{
	Feed *feed = feed_of(source, partition);
	WeirSourcePartition *state = &feed->state;

	state->next = offset;
	state->is_at_end = state->end_at != 0 && offset == state->end;
	state->at_end_since = state->is_at_end ? GetCurrentTimestamp() : 0;
	state->is_idle = false;
	feed->has_given = false;
	fetch_from(source, partition);
	state->is_started = true;
}

/* The position: behind commit markers too. */
static void
note_end(Feed *feed, int64 offset)
{
	WeirSourcePartition *state = &feed->state;

	if (offset < state->next)
		return;
	if (offset > state->next || state->at_end_since == 0)
		state->at_end_since = GetCurrentTimestamp();
	state->next = offset;
	state->is_at_end = true;
}

static void
note_fault(WeirSource *source, int partition, const WeirMessage *message)
{
	Feed *feed = source->feeds[partition];
	WeirFault fault;

	weir_message_fault(weir_client_kafka(source->client), message, &fault);
	if (fault.trouble == WEIR_TROUBLE_OUT_OF_RANGE)
	{
		feed->state.lost_at = GetCurrentTimestamp();
		source->ask_at = 0;
		return;
	}
	/* A broker that starts knows no topics for a moment: the question will tell. */
	if (weir_trouble_is_passing(fault.trouble) || fault.trouble == WEIR_TROUBLE_NO_TOPIC ||
		fault.trouble == WEIR_TROUBLE_NO_PARTITION || source->has_fatal)
		return;
	source->has_fatal = true;
	source->fatal = fault;
	source->fatal_partition = partition;
}

/* Notes come among the messages: each is taken when the messages before it are. */
static void
skip_notes(WeirSource *source, int partition)
{
	Feed *feed = source->feeds[partition];

	for (; feed->batch_next < feed->batch_count; feed->batch_next++)
	{
		const WeirMessage *message = &feed->batch[feed->batch_next];

		if (message->arrival == WEIR_ARRIVAL_MESSAGE)
			break;
		if (message->arrival == WEIR_ARRIVAL_END)
			note_end(feed, message->offset);
		else
			note_fault(source, partition, message);
	}
	feed->run_end = feed->batch_next;
	while (feed->run_end < feed->batch_count &&
		   feed->batch[feed->run_end].arrival == WEIR_ARRIVAL_MESSAGE)
		feed->run_end++;
}

int
weir_source_peek(WeirSource *source, int partition, const WeirMessage **messages)
{
	Feed *feed = feed_of(source, partition);

	if (feed->batch_next == feed->run_end)
		skip_notes(source, partition);
	while (feed->batch_next == feed->run_end)
	{
		feed->batch_next = feed->run_end = 0;
		feed->batch_count =
			weir_kafka_partition_fetch(weir_client_kafka(source->client), partition, &feed->batch);
		if (feed->batch_count == 0)
			break;
		skip_notes(source, partition);
	}
	*messages = feed->batch + feed->batch_next;
	feed->is_dry = feed->batch_next == feed->run_end;
	return feed->run_end - feed->batch_next;
}

void
weir_source_take(WeirSource *source, int partition, int count)
{
	Feed *feed = feed_of(source, partition);

	Assert(count >= 0 && count <= feed->run_end - feed->batch_next);
	if (count == 0)
		return;
	feed->batch_next += count;
	feed->state.next = feed->batch[feed->batch_next - 1].offset + 1;
	feed->state.is_at_end = false;
	feed->state.at_end_since = 0;
	feed->has_given = true;
	/* So that the end is known when the last message is taken, not a peek later. */
	if (feed->batch_next == feed->run_end)
		skip_notes(source, partition);
}

/*
 * Losses
 */

static void
fail_lost(const WeirSource *source, int partition)
{
	const WeirSourcePartition *state = &source->feeds[partition]->state;

	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("messages of foreign table \"%s\" were deleted before they were read",
					source->stream.name),
			 errdetail("Partition %d of topic \"%s\" no longer has offsets " INT64_FORMAT
					   " to " INT64_FORMAT ".",
					   partition, source->stream.topic, state->lost_from, state->lost_to - 1),
			 errhint("Keep the topic's messages longer by retention.ms and retention.bytes. To go "
					 "on without the lost ones, set option on_data_loss of the foreign table to "
					 "'continue'.")));
}

static void
lose(WeirSource *source, int partition)
{
	Feed *feed = source->feeds[partition];
	WeirSourcePartition *state = &feed->state;

	state->lost_from = state->next;
	state->lost_to = state->low;
	if (source->stream.on_data_loss == WEIR_ON_DATA_LOSS_STOP)
		fail_lost(source, partition);
	state->next = state->low;
	state->is_at_end = state->next == state->end;
	state->at_end_since = 0;
	fetch_from(source, partition);
}

/* Kafka did not have the position, and there is an answer since.
 * Result: true if there is a loss to record. */
static bool
settle_loss(WeirSource *source, int partition)
{
	Feed *feed = source->feeds[partition];
	WeirSourcePartition *state = &feed->state;

	if (feed->state.lost_at == 0 || state->end_at < feed->state.lost_at ||
		state->lost_from != state->lost_to)
		return false;
	if (state->next < state->low)
	{
		lose(source, partition);
		return true;
	}
	/* A new leader may for a moment not know its end; if it stays so, the views see it. */
	if (state->next > state->end)
		return false;
	fetch_from(source, partition);
	return false;
}

/*
 * The question
 */

static int
period_ms(const WeirSource *source)
{
	return (int) Min(source->stream.idle_timeout_us / 1000 / 4, PERIOD_MAX_MS);
}

static void
note_answer(Feed *feed, TimestampTz now)
{
	WeirSourcePartition *state = &feed->state;

	if (state->end > state->next)
	{
		state->is_at_end = false;
		state->at_end_since = 0;
	}
	else if (state->end == state->next)
	{
		state->is_at_end = true;
		if (state->at_end_since == 0)
			state->at_end_since = now;
	}
	/* A smaller end is older than the position: only a note or the next answer can tell. */
}

/* Result: true if the number of partitions has changed, or there is a loss to record. */
static bool
take_answer(WeirSource *source, const WeirTopic *topic)
{
	TimestampTz now = GetCurrentTimestamp();
	bool is_changed = topic->partition_count > source->feed_count;

	if (is_changed)
		grow(source, topic->partition_count);
	for (int i = 0; i < topic->partition_count; i++)
	{
		Feed *feed = source->feeds[i];

		note_range(feed, &topic->ranges[i], source->asked_at);
		if (!topic->ranges[i].has_leader)
			feed->state.at_end_since = 0;
		if (!topic->ranges[i].is_known || !feed->state.is_started)
			continue;
		note_answer(feed, now);
		if (settle_loss(source, i))
			is_changed = true;
	}
	return is_changed;
}

static bool
is_old(TimestampTz lost_at)
{
	return TimestampDifferenceExceeds(lost_at, GetCurrentTimestamp(), PERIOD_MAX_MS);
}

/* From one question to the next, not from the answer: an answer that came must not be too old before
 * the next one is here. */
static void
schedule(WeirSource *source, bool is_answered)
{
	int wait_ms = period_ms(source);

	if (!is_answered)
		wait_ms = Max(wait_ms, PERIOD_FAILED_MS);
	for (int i = 0; i < source->feed_count; i++)
		if (source->feeds[i]->state.lost_at != 0 && !is_old(source->feeds[i]->state.lost_at))
			wait_ms = Min(wait_ms, PERIOD_LOST_MS);
	source->ask_at = TimestampTzPlusMilliseconds(source->asked_at, wait_ms);
}

static void
note_trouble(WeirSource *source, const WeirFault *fault)
{
	if (source->fault_since == 0)
		source->fault_since = GetCurrentTimestamp();
	source->fault = *fault;
}

/* The topic cannot shrink: another one has its name. */
static void
check_shrunk(WeirSource *source, const WeirTopic *topic, WeirFault *fault)
{
	if (topic->partition_count >= source->feed_count)
		return;
	fault->trouble = WEIR_TROUBLE_NO_PARTITION;
	snprintf(fault->text, sizeof(fault->text), "The topic had %d partitions and now has %d.",
			 source->feed_count, topic->partition_count);
}

/* Result: as take_answer(). */
static bool
collect(WeirSource *source)
{
	WeirJob *job = source->job;
	WeirFault fault = {.trouble = WEIR_TROUBLE_NONE};
	const WeirTopic *topic;
	bool is_changed = false;

	if (!weir_job_is_done(job))
	{
		if (!TimestampDifferenceExceeds(source->asked_at, GetCurrentTimestamp(),
										source->stream.timeout_ms + JOB_GRACE_MS))
			return false;
		/* librdkafka does not come back to it: let it go. */
		fault.trouble = WEIR_TROUBLE_TIMEOUT;
		snprintf(fault.text, sizeof(fault.text), "no answer about the topic's partitions");
		topic = NULL;
	}
	else
		topic = weir_job_topic(job, &fault);
	if (topic)
		check_shrunk(source, topic, &fault);
	if (fault.trouble != WEIR_TROUBLE_NONE)
		note_trouble(source, &fault);
	else
		source->fault_since = 0;
	if (topic)
		is_changed = take_answer(source, topic);
	source->job = NULL;
	weir_job_free(job);
	schedule(source, topic != NULL && fault.trouble == WEIR_TROUBLE_NONE);
	return is_changed;
}

static void
ask(WeirSource *source)
{
	TimestampTz now = GetCurrentTimestamp();
	WeirFault fault;

	if (now < source->ask_at)
		return;
	source->asked_at = now;
	source->wake_ms = 5;
	source->job = weir_kafka_survey(weir_client_kafka(source->client), source->stream.topic,
									source->stream.timeout_ms, &fault);
	if (source->job)
		return;
	note_trouble(source, &fault); /* no thread: another time */
	schedule(source, false);
}

/*
 * Idleness
 */

static bool
decide_idle(const WeirSource *source, const Feed *feed, TimestampTz now)
{
	const WeirSourcePartition *state = &feed->state;

	if (state->at_end_since == 0 || state->end != state->next)
		return false;
	/* More than committed messages: they may still be, and with older times. */
	if (state->high > state->next)
		return false;
	if (state->low == state->end && !feed->has_given)
		return true; /* empty: nothing to wait for */
	return now - state->at_end_since >= source->stream.idle_timeout_us;
}

/* Result: true if idleness has changed. */
static bool
check_idle(WeirSource *source, int partition, TimestampTz now)
{
	Feed *feed = source->feeds[partition];
	WeirSourcePartition *state = &feed->state;
	bool was_idle = state->is_idle;

	state->high = weir_kafka_partition_high(weir_client_kafka(source->client), partition);
	/* Without a fresh answer the leader may have been lost. */
	if (now - state->end_at > source->stream.idle_timeout_us / 2)
		state->at_end_since = 0;
	state->is_idle = decide_idle(source, feed, now);
	return state->is_idle != was_idle;
}

static bool
check_all_idle(WeirSource *source)
{
	bool is_changed = false;

	source->checked_at = GetCurrentTimestamp();
	for (int i = 0; i < source->feed_count; i++)
		if (source->feeds[i]->state.is_started && check_idle(source, i, source->checked_at))
			is_changed = true;
	return is_changed;
}

/*
 * Looking
 */

static void
fail_if_hopeless(WeirSource *source)
{
	const WeirKafka *kafka = weir_client_kafka(source->client);

	if (source->has_fatal)
		weir_client_fail(source->client, &source->fatal,
						 psprintf("reading partition %d of topic \"%s\" at offset " INT64_FORMAT,
								  source->fatal_partition, source->stream.topic,
								  source->feeds[source->fatal_partition]->state.next));
	if (weir_kafka_is_hopeless(kafka))
		weir_client_fail(source->client, weir_kafka_fault(kafka), NULL);
	/* Brokers that come and go may say so for a moment: not for as long as the time-out. */
	if (source->fault_since != 0 && !weir_trouble_is_passing(source->fault.trouble) &&
		TimestampDifferenceExceeds(source->fault_since, GetCurrentTimestamp(),
								   source->stream.timeout_ms))
		weir_client_fail(source->client, &source->fault, NULL);
}

bool
weir_source_look(WeirSource *source)
{
	bool is_changed = false;
	bool is_due;

	weir_client_serve(source->client);
	if (source->job == NULL)
		ask(source);
	is_due = TimestampDifferenceExceeds(source->checked_at, GetCurrentTimestamp(), CHECK_MS);
	if (source->job && weir_job_is_done(source->job))
		is_due = true;
	if (source->job && collect(source))
		is_changed = true;
	fail_if_hopeless(source);
	if (is_due && check_all_idle(source))
		is_changed = true;
	return is_changed;
}

void
weir_source_ask_by(WeirSource *source, TimestampTz when)
{
	source->ask_at = Min(source->ask_at, when);
}

/*
 * Waiting
 */

/* A message that came after its partition was peeked for: its event may have been drained since. A
 * partition that nobody peeks for does not count, or there would be no rest while it is held. */
static bool
has_message(WeirSource *source)
{
	const WeirKafka *kafka = weir_client_kafka(source->client);
	bool is_found = false;

	for (int i = 0; i < source->feed_count; i++)
	{
		Feed *feed = source->feeds[i];

		if (feed->is_dry && weir_kafka_partition_has(kafka, i))
			is_found = true;
		feed->is_dry = false;
	}
	return is_found;
}

void
weir_source_wait(WeirSource *source, int timeout_ms)
{
	WeirKafka *kafka = weir_client_kafka(source->client);
	long left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), source->ask_at);

	if (source->job)
		left_ms = source->wake_ms;
	weir_kafka_rest(kafka);
	weir_client_wait(source->client, has_message(source) ? 0 : (int) Min(timeout_ms, left_ms));
	if (source->job == NULL)
		return;
	/* A request for a broker that has no connection yet waits until that broker's thread looks. */
	weir_kafka_wake(kafka);
	source->wake_ms = Min(source->wake_ms * 2, 1000);
}

char *
weir_source_trouble(const WeirSource *source)
{
	const WeirFault *fault = weir_kafka_fault(weir_client_kafka(source->client));

	if (fault->trouble != WEIR_TROUBLE_NONE)
		return pstrdup(fault->text);
	return source->fault_since != 0 ? pstrdup(source->fault.text) : NULL;
}
