/* SPDX-License-Identifier: PostgreSQL
 *
 * Values of options: what is accepted, the form in which they are passed on, and the word nearest to
 * one that is not accepted.
 */
#ifndef WEIR_OPTION_VALUE_H
#define WEIR_OPTION_VALUE_H

#include "postgres.h"

#include "option_table.h"

/* Checks, or raises an error.
 * Result: the value as librdkafka and our own readers take it, in the current memory context. */
extern char *weir_option_value(const WeirOption *option, const char *value);

/* What the option accepts, for people: goes behind "Accepted: ". */
extern char *weir_option_accepted(const WeirOption *option);

extern bool weir_option_has_word(const char *const *words, const char *word);

/* Looks for the nearest of several candidates: set `source`, offer each, read `match`. */
typedef struct WeirNearest
{
	const char *source;
	const char *match; /* NULL: none is near */
	int distance;
} WeirNearest;

extern void weir_nearest_offer(WeirNearest *nearest, const char *candidate);

#endif
