/* SPDX-License-Identifier: PostgreSQL
 *
 * Windows as SQL describes them: an interval, the name of a zone, an origin, made into window.c's
 * plain data, or an error that says what is wrong with them.
 */
#ifndef WEIR_WINDOWING_H
#define WEIR_WINDOWING_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "window.h"

/* Compiles. `zone` NULL: UTC; `origin` NULL: the default; it needs a zone. Zones live for ever, so
 * the result is plain data. Errors: what weir.tumble() raises. */
extern void weir_windowing_make(WeirWindowing *windowing, const Interval *width, const char *zone,
								const TimestampTz *origin);

/* The same for weir.hop(). */
extern void weir_hopping_make(WeirHopping *hopping, const Interval *width, const Interval *slide,
							  const char *zone, const TimestampTz *origin);

/* Do both describe the same windows? */
extern bool weir_windowing_equal(const WeirWindowing *a, const WeirWindowing *b);

extern bool weir_hopping_equal(const WeirHopping *a, const WeirHopping *b);

/* The zone's name; NULL: it is a fixed offset. */
extern const char *weir_windowing_zone(const WeirWindowing *windowing);

#endif
