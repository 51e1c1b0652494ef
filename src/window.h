/* SPDX-License-Identifier: PostgreSQL
 *
 * Which windows hold a time: one that tumbles, several that hop.
 *
 * Tumbling windows tile time: no gap, no overlap, the end of one is the start of the next, also where
 * clocks are changed. Hopping windows overlap; they are made of *slices*, which tile time. Times are µs
 * since 2000-01-01 UTC, as in PostgreSQL. Layer 0: the zone comes in as a callback. It neither reads
 * names of zones nor knows which events are in a window, or when it closes.
 */
#ifndef WEIR_WINDOW_H
#define WEIR_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "isotime.h"

/* No zone's offset is larger: seven days, what the text of a POSIX zone can say. */
#define WEIR_ZONE_OFFSET_MAX_S (INT64_C(7) * 86400)
/* The end of a stretch of time that has none. */
#define WEIR_ZONE_NO_END INT64_MAX

/* A zone, as the offset of its clocks from UTC: local time = UTC + offset. */
typedef struct WeirZone
{
	/* Result: the offset at this time, and in *end_s the time from which on it may be another, later
	 * than at_s, or WEIR_ZONE_NO_END. Seconds, times since 2000-01-01 UTC. NULL: always offset_s. */
	int64_t (*offset)(const void *state, int64_t at_s, int64_t *end_s);
	const void *state;
	int64_t offset_s;
} WeirZone;

/* A width, as PostgreSQL's intervals are made. */
typedef struct WeirWidth
{
	int32_t months;
	int32_t days;
	int64_t time_us;
} WeirWidth;

/* [start_us, end_us) */
typedef struct WeirWindow
{
	int64_t start_us;
	int64_t end_us;
} WeirWindow;

typedef enum WeirWindowFault
{
	WEIR_WINDOW_FINE = 0,
	WEIR_WINDOW_NOT_POSITIVE, /* the width, or a part of it */
	WEIR_WINDOW_MIXED,        /* the width is not of one kind */
	WEIR_WINDOW_TOO_WIDE,     /* beyond 2^63 µs, or infinite */
	WEIR_WINDOW_ORIGIN,       /* the origin is infinite or out of the range of times */
	WEIR_WINDOW_ORIGIN_DAY,   /* windows of months, and the origin is on day 29, 30 or 31 */
	WEIR_WINDOW_SLIDE,        /* the slide is wider than the width */
	WEIR_WINDOW_KINDS,        /* width and slide are not of one kind */
	WEIR_WINDOW_TOO_MANY,     /* more than WEIR_SLICES_MAX slices in a window */
} WeirWindowFault;

/* Windows, compiled: plain data, read only from then on. `state` of the zone must live as long. */
typedef struct WeirWindowing
{
	int32_t months;    /* 0: the windows are even, width_us wide */
	bool is_local;     /* they are so in the zone's local time, whose offset changes */
	int64_t width_us;  /* even */
	int64_t phase_us;  /* even: a start, modulo width_us */
	int64_t offset_us; /* months in a zone of one offset */
	int64_t shift_us;  /* months: from the beginning of a month to a start in it */
	int64_t month;     /* months: a month with a start, since 2000-01 */
	WeirZone zone;
} WeirWindowing;

/* Compiles. `zone` NULL: UTC, and a width may then have days and time: a day is 24 hours. `origin_us`
 * NULL: Monday 2000-01-03 00:00 in the zone, for months 2000-01-01 00:00. */
extern WeirWindowFault weir_windowing_compile(WeirWindowing *windowing, const WeirWidth *width,
											  const WeirZone *zone, const int64_t *origin_us);

/* Which window holds a time: a finite one, in the range, or an infinite one.
 *
 * Result: true if the window is wholly in the range of times. If not, a start before the range is
 * WEIR_TIME_MINUS_INFINITY and an end beyond it WEIR_TIME_INFINITY; an infinite time is start and
 * end of its window. */
extern bool weir_window_of(const WeirWindowing *windowing, int64_t time_us, WeirWindow *window);

#define WEIR_SLICES_MAX 1000

/* Hopping windows: they start where a window of `starts` does, and are `length` slices long. */
typedef struct WeirHopping
{
	WeirWindowing starts;
	WeirWindowing slices;
	int32_t length; /* 0: these windows tumble, and the rest means nothing */
	int32_t slide;  /* slices from one start to the next */
} WeirHopping;

/* Compiles; the parameters are those of weir_windowing_compile(). A slice is the widest part that both
 * width and slide are made of. */
extern WeirWindowFault weir_hopping_compile(WeirHopping *hopping, const WeirWidth *width,
											const WeirWidth *slide, const WeirZone *zone,
											const int64_t *origin_us);

/* The first of the windows that hold a time. Result: false if it is not wholly in the range of times. */
extern bool weir_hopping_first(const WeirHopping *hopping, int64_t time_us, WeirWindow *window);
/* The one that starts next. Result: likewise. */
extern bool weir_hopping_next(const WeirHopping *hopping, WeirWindow *window);

/* The slice that holds a time, and the last window that holds the slice. Result: false if not all
 * windows of the slice are in the range of times. */
extern bool weir_hopping_slice(const WeirHopping *hopping, int64_t time_us, WeirWindow *slice,
							   WeirWindow *last);

/* For a caller that tries the last window first. */
static inline bool
weir_window_holds(const WeirWindow *window, int64_t time_us)
{
	return time_us >= window->start_us && time_us < window->end_us;
}

#endif
