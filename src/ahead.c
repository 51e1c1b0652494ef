/* SPDX-License-Identifier: PostgreSQL
 *
 * Decoding ahead.
 *
 * The thread holds a run while it is `busy`; the flag is its last access to it. Nobody waits long: a
 * turn is a few messages, so the caller looks again and again for a moment before it sleeps.
 */
#include "ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TURN 8      /* messages taken at once */
#define LOOKS 20000 /* some twenty microseconds */

struct WeirAhead
{
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t has_work; /* or is to end */
	pthread_cond_t is_done;
	WeirReading *reading;
	WeirDecoded *offered; /* not begun by the thread */
	WeirDecoded *begun;   /* by the caller: not finished */
	atomic_bool is_busy;
	bool is_ending;
};

static void
decode_message(const WeirDecoded *decoded, WeirReading *reading, int i)
{
	const WeirMessage *message = &decoded->messages[i];
	WeirValue *values = decoded->values + (size_t) i * (size_t) decoded->field_count;
	WeirVerdict *verdict = &decoded->verdicts[i];

	if (message->payload != NULL)
	{
		verdict->reason = weir_reading_run(reading, message->payload, message->payload_len,
										   decoded->scratch[i], values, &verdict->place);
		return;
	}
	/* a tombstone: all NULL */
	*verdict = (WeirVerdict){.reason = WEIR_REASON_NONE};
	for (int field = 0; field < decoded->field_count; field++)
		values[field].state = WEIR_STATE_MISSING;
}

void
weir_decoded_run(WeirDecoded *decoded, WeirReading *reading)
{
	int from;

	while ((from = atomic_fetch_add(&decoded->next, TURN)) < decoded->count)
	{
		int to = from + TURN < decoded->count ? from + TURN : decoded->count;

		for (int i = from; i < to; i++)
			decode_message(decoded, reading, i);
	}
}

/* Lock: held. Result: NULL if the thread is to end. */
static WeirDecoded *
wait_for_work(WeirAhead *ahead)
{
	WeirDecoded *work;

	while (ahead->offered == NULL && !ahead->is_ending)
		pthread_cond_wait(&ahead->has_work, &ahead->lock);
	if (ahead->is_ending)
		return NULL;
	work = ahead->offered;
	ahead->offered = NULL;
	atomic_store(&ahead->is_busy, true);
	return work;
}

static void *
thread_main(void *argument)
{
	WeirAhead *ahead = argument;
	WeirDecoded *work;

	pthread_mutex_lock(&ahead->lock);
	while ((work = wait_for_work(ahead)) != NULL)
	{
		pthread_mutex_unlock(&ahead->lock);
		weir_decoded_run(work, ahead->reading);
		pthread_mutex_lock(&ahead->lock);
		atomic_store(&ahead->is_busy, false);
		pthread_cond_signal(&ahead->is_done);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* The process's signals are the main thread's. */
static bool
start_thread(WeirAhead *ahead)
{
	sigset_t all;
	sigset_t before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&ahead->thread, NULL, thread_main, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0;
}

WeirAhead *
weir_ahead_start(WeirReading *reading)
{
	WeirAhead *ahead;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return NULL;
	ahead = calloc(1, sizeof(*ahead));
	if (ahead == NULL)
		return NULL;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->has_work, NULL);
	pthread_cond_init(&ahead->is_done, NULL);
	ahead->reading = reading;
	if (start_thread(ahead))
		return ahead;
	free(ahead);
	return NULL;
}

void
weir_ahead_stop(WeirAhead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->is_ending = true;
	pthread_cond_signal(&ahead->has_work);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	pthread_mutex_destroy(&ahead->lock);
	pthread_cond_destroy(&ahead->has_work);
	pthread_cond_destroy(&ahead->is_done);
	free(ahead);
}

void
weir_ahead_begin(WeirAhead *ahead, WeirDecoded *decoded)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->offered = decoded;
	ahead->begun = decoded;
	pthread_cond_signal(&ahead->has_work);
	pthread_mutex_unlock(&ahead->lock);
}

void
weir_ahead_finish(WeirAhead *ahead, WeirReading *reading)
{
	if (ahead->begun == NULL)
		return;
	weir_decoded_run(ahead->begun, reading);
	ahead->begun = NULL;
	for (int i = 0; i < LOOKS && atomic_load(&ahead->is_busy); i++)
		;
	pthread_mutex_lock(&ahead->lock);
	ahead->offered = NULL;
	while (atomic_load(&ahead->is_busy))
		pthread_cond_wait(&ahead->is_done, &ahead->lock);
	pthread_mutex_unlock(&ahead->lock);
}
