/* SPDX-License-Identifier: PostgreSQL
 *
 * Decoding ahead: on a thread of its own, while the caller is at something else.
 *
 * Thread and caller take messages of a run in turn, so a run is never done later than without the
 * thread: what it has not begun when the caller comes for the run, the caller decodes itself. The
 * thread runs the decoder and nothing else: no call into PostgreSQL, no allocation, no signal.
 */
#ifndef WEIR_AHEAD_H
#define WEIR_AHEAD_H

#include <stdatomic.h>

#include "kafka.h"
#include "reading.h"

/* Of a whole message. */
typedef struct WeirVerdict
{
	WeirReason reason; /* NONE: it can be read */
	uint32_t place;
} WeirVerdict;

/* Messages and what they hold. The memory is the caller's; `field_count` values for each message. */
typedef struct WeirDecoded
{
	const WeirMessage *messages;
	int count;
	int field_count;
	WeirVerdict *verdicts;
	WeirValue *values;
	char **scratch;  /* of each message: weir_decoder_scratch() bytes for its payload */
	atomic_int next; /* that nobody has taken yet */
} WeirDecoded;

/* Decodes the messages that nobody has taken. */
extern void weir_decoded_run(WeirDecoded *decoded, WeirReading *reading);

typedef struct WeirAhead WeirAhead;

/* `reading` is the thread's alone from here on. Result: NULL if there is no thread or no second
 * processor to be had: then all is to be decoded by the caller. */
extern WeirAhead *weir_ahead_start(WeirReading *reading);
/* Ends the thread. */
extern void weir_ahead_stop(WeirAhead *ahead);

/* One run at a time: its memory and its messages must stay until it was finished. */
extern void weir_ahead_begin(WeirAhead *ahead, WeirDecoded *decoded);
/* Decodes what is left, with the caller's own reading, and waits for what the thread is at. */
extern void weir_ahead_finish(WeirAhead *ahead, WeirReading *reading);

#endif
