/* SPDX-License-Identifier: PostgreSQL
 *
 * The end by SIGINT or SIGTERM: the first asks, the second ends at once.
 */
#ifndef PRODUCER_STOP_H
#define PRODUCER_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Messages sent and not yet delivered, for the handler of the second signal to tell. */
extern _Atomic int64_t stop_undelivered;

void stop_on_signals(bool is_json);
bool stop_is_asked(void);
/* Whether the time is over that a first signal leaves for the rest of the work. */
bool stop_is_due(void);
/* How long that will be; a year if nobody asked. */
int64_t stop_left_us(void);

#endif
