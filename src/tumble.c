/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.tumble() and weir.tumble_end(): the start and the end of the window that holds a time.
 *
 * The arithmetic is window.c's, what the arguments mean is windowing.c's. Windows of constant
 * arguments are compiled once for each call in a plan, and the last window is tried first, since
 * neighbouring rows tend to share it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "windowing.h"

/* The positions of the arguments. */
enum
{
	ARG_TS,
	ARG_WIDTH,
	ARG_ZONE,
	ARG_ORIGIN,
};

/* In fn_extra. */
typedef struct Tumble
{
	bool is_constant; /* all arguments but the time */
	WeirWindowing windowing;
	WeirWindow last; /* empty, or wholly in the range of times */
} Tumble;

PG_FUNCTION_INFO_V1(weir_tumble);
PG_FUNCTION_INFO_V1(weir_tumble_end);

static void find_window(FunctionCallInfo fcinfo, WeirWindow *window);
static void compile(FunctionCallInfo fcinfo, WeirWindowing *windowing);
static _Noreturn void refuse_range(FunctionCallInfo fcinfo, const char *side);

Datum
weir_tumble(PG_FUNCTION_ARGS)
{
	WeirWindow window;

	find_window(fcinfo, &window);
	if (window.start_us == DT_NOBEGIN && !TIMESTAMP_IS_NOBEGIN(PG_GETARG_TIMESTAMPTZ(ARG_TS)))
		refuse_range(fcinfo, "start");
	PG_RETURN_TIMESTAMPTZ(window.start_us);
}

Datum
weir_tumble_end(PG_FUNCTION_ARGS)
{
	WeirWindow window;

	find_window(fcinfo, &window);
	if (window.end_us == DT_NOEND && !TIMESTAMP_IS_NOEND(PG_GETARG_TIMESTAMPTZ(ARG_TS)))
		refuse_range(fcinfo, "end");
	PG_RETURN_TIMESTAMPTZ(window.end_us);
}

static bool
is_constant(FunctionCallInfo fcinfo)
{
	for (int i = ARG_WIDTH; i < PG_NARGS(); i++)
		if (!get_fn_expr_arg_stable(fcinfo->flinfo, i))
			return false;
	return true;
}

static void
find_window(FunctionCallInfo fcinfo, WeirWindow *window)
{
	TimestampTz ts = PG_GETARG_TIMESTAMPTZ(ARG_TS);
	Tumble *tumble = fcinfo->flinfo->fn_extra;
	WeirWindowing windowing;

	if (tumble == NULL)
	{
		tumble = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Tumble));
		tumble->is_constant = is_constant(fcinfo);
		if (tumble->is_constant)
			compile(fcinfo, &tumble->windowing);
		fcinfo->flinfo->fn_extra = tumble;
	}
	if (!tumble->is_constant)
	{
		compile(fcinfo, &windowing);
		weir_window_of(&windowing, ts, window);
		return;
	}
	if (weir_window_holds(&tumble->last, ts))
		*window = tumble->last;
	else if (weir_window_of(&tumble->windowing, ts, window))
		tumble->last = *window;
}

static void
compile(FunctionCallInfo fcinfo, WeirWindowing *windowing)
{
	bool has_zone = PG_NARGS() > ARG_ZONE;
	bool has_origin = PG_NARGS() > ARG_ORIGIN;
	TimestampTz origin = has_origin ? PG_GETARG_TIMESTAMPTZ(ARG_ORIGIN) : 0;

	weir_windowing_make(windowing, PG_GETARG_INTERVAL_P(ARG_WIDTH),
						has_zone ? text_to_cstring(PG_GETARG_TEXT_PP(ARG_ZONE)) : NULL,
						has_origin ? &origin : NULL);
}

static void
refuse_range(FunctionCallInfo fcinfo, const char *side)
{
	ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			errmsg("%s of a window is out of range", side),
			errdetail("The window holds %s.", timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(ARG_TS))));
}
