/* SPDX-License-Identifier: PostgreSQL
 *
 * weir.to_date() and weir.to_timestamp(): times from text, by ISO 8601 alone.
 *
 * PostgreSQL's own casts follow DateStyle and TimeZone, so that a definition may not use them. These
 * read what the columns of a stream read, and mean the same in each session: a time without a zone is
 * UTC, and there are no words but infinity.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "isotime.h"

PG_FUNCTION_INFO_V1(weir_to_date);
PG_FUNCTION_INFO_V1(weir_to_timestamp);

#define SHOWN_MAX 100

static void
check(WeirReason reason, const text *value, const char *type, const char *example)
{
	if (reason == WEIR_REASON_NONE)
		return;
	ereport(ERROR,
			errcode(reason == WEIR_REASON_OUT_OF_RANGE ? ERRCODE_DATETIME_VALUE_OUT_OF_RANGE
													   : ERRCODE_INVALID_DATETIME_FORMAT),
			reason == WEIR_REASON_OUT_OF_RANGE
				? errmsg("%s out of range: \"%.*s\"", type, SHOWN_MAX, text_to_cstring(value))
				: errmsg("invalid %s: \"%.*s\"", type, SHOWN_MAX, text_to_cstring(value)),
			errdetail("Accepted: ISO 8601, such as %s.", example));
}

Datum
weir_to_date(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	int32 date_day = 0;

	check(
		weir_date_parse(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), WEIR_UNIT_ISO8601, &date_day),
		value, "date", "2026-01-31");
	PG_RETURN_DATEADT(date_day);
}

Datum
weir_to_timestamp(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	int64_t time_us = 0;

	check(
		weir_time_parse(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), WEIR_UNIT_ISO8601, &time_us),
		value, "time", "2026-01-31T12:00:00Z");
	PG_RETURN_TIMESTAMPTZ(time_us);
}
