/* SPDX-License-Identifier: PostgreSQL
 *
 * The right answer for a made-up ticker: daily candles in exact arithmetic, and what is not in them.
 */
#ifndef PRODUCER_ANSWER_H
#define PRODUCER_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "ticker.h"

typedef struct Answer Answer;

Answer *answer_new(int64_t start_us, int symbols);
/* Events of a partition come in the order of their offsets. */
void answer_add(Answer *answer, const Tick *tick, int64_t offset);
/* Result: whether the file was written. */
bool answer_write(const Answer *answer, const Ticker *ticker, const char *path);
void answer_free(Answer *answer);

#endif
