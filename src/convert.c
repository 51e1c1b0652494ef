/* SPDX-License-Identifier: PostgreSQL
 *
 * Decoded values made into Datums.
 *
 * A bad value must become a reason, not an error: a scan that skips, and the worker, go on with the
 * next message, and PostgreSQL before 16 has no soft errors. So the types that could raise are
 * checked beforehand, with the arithmetic that PostgreSQL itself does afterwards, and the plain ones
 * (booleans, integers, floats, times, text) are made without a call into the function manager.
 *
 * It does not judge JSON (decode.c did) and does not know domains: a stream has no such columns.
 */
#include "postgres.h"

#include <limits.h>

#include "catalog/namespace.h"
#include "catalog/pg_type_d.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/elog.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "convert.h"

/* Deepest jsonb. PostgreSQL's parser recurses and gives up where max_stack_depth ends, so that one
 * session takes what another refuses; this bound lies below any usual setting (2 MB hold ten times
 * as much), and a message is judged alike everywhere. A json value is not parsed, and has none. */
#define DEPTH_MAX 1000

/* numeric's own limits: a weight of 2^15 base-10000 digits before the point, 14 bits of scale. */
#define NUMERIC_WEIGHT_MAX (4 * 32768 - 1)
#define NUMERIC_DSCALE_MAX 16383

/* Digits that surely fit an int64. */
#define INT64_DIGITS 18

/* A number's text, taken apart. */
typedef struct Number
{
	const char *whole; /* digits before the point */
	const char *part;  /* digits after it */
	int64 whole_count;
	int64 part_count;
	int64 first;    /* index of the first digit that is not 0; -1: the number is 0 */
	int64 exponent; /* clamped far beyond what numeric takes */
	int64 mantissa; /* all digits as one integer, when INT64_DIGITS hold them */
	bool is_finite;
	bool is_nan;
	bool is_negative;
	bool is_plain; /* no exponent, and `mantissa` is valid */
} Number;

static WeirReason text_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum);
static WeirReason json_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum);
static WeirReason array_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum);
static WeirReason numeric_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum);
static WeirReason timestamp_to_datum(const WeirColumn *column, const WeirValue *value,
									 Datum *datum);
static Datum uuid_to_datum(const WeirValue *value);
static Datum json_null(const WeirColumn *column);
static Number number_parse(const char *text, uint32 len);
static bool number_fits(const Number *number, int32 typmod);
static int64 number_rounded_weight(const Number *number, int scale);
static bool number_to_numeric(const Number *number, int32 typmod, Datum *datum);
static WeirReason server_bytes(const WeirSlice *slice, Size header, char **bytes, Size *len);
static bool is_ascii(const WeirSlice *slice);
static WeirReason converted_bytes(const WeirSlice *slice, Size header, char **bytes, Size *len);
static WeirReason input_call(PGFunction function, char *text, Size len, int32 typmod, Datum *datum);
static WeirReason reason_of_error(int sqlstate, Size len);

WeirReason
weir_value_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum, bool *is_null)
{
	*datum = (Datum) 0;
	*is_null = value->state != WEIR_STATE_SET;
	if (unlikely(value->state != WEIR_STATE_SET))
	{
		if (value->state == WEIR_STATE_BAD)
			return value->reason;
		if (value->state == WEIR_STATE_NULL && column->type == WEIR_TYPE_JSON &&
			column->element == NULL)
		{
			*datum = json_null(column);
			*is_null = false;
		}
		return WEIR_REASON_NONE;
	}

	switch (column->type)
	{
		case WEIR_TYPE_BOOL:
			*datum = BoolGetDatum(value->boolean);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_INT2:
			*datum = Int16GetDatum((int16) value->integer);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_INT4:
			*datum = Int32GetDatum((int32) value->integer);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_INT8:
			*datum = Int64GetDatum(value->integer);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_FLOAT4:
			*datum = Float4GetDatum((float4) value->real);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_FLOAT8:
			*datum = Float8GetDatum(value->real);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_NUMERIC:
			return numeric_to_datum(column, value, datum);
		case WEIR_TYPE_TEXT:
			return text_to_datum(column, value, datum);
		case WEIR_TYPE_TIMESTAMP:
			return timestamp_to_datum(column, value, datum);
		case WEIR_TYPE_DATE:
			*datum = DateADTGetDatum((DateADT) value->integer);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_UUID:
			*datum = uuid_to_datum(value);
			return WEIR_REASON_NONE;
		case WEIR_TYPE_JSON:
			return column->element ? array_to_datum(column, value, datum)
								   : json_to_datum(column, value, datum);
		case WEIR_TYPE_BYTES:
			*datum = PointerGetDatum(
				cstring_to_text_with_len(value->slice.data, (int) value->slice.len));
			return WEIR_REASON_NONE;
		case WEIR_TYPE_COUNT:
			break;
	}
	pg_unreachable();
}

/* text and varchar. Of a varchar(n), spaces beyond n are cut, as varchar's input does. */
static WeirReason
text_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum)
{
	char *bytes;
	Size len;
	WeirReason reason = server_bytes(&value->slice, VARHDRSZ, &bytes, &len);

	if (reason != WEIR_REASON_NONE)
		return reason;

	if (column->typmod >= (int32) VARHDRSZ && len > (Size) (column->typmod - VARHDRSZ))
	{
		const char *data = bytes + VARHDRSZ;
		Size kept = pg_mbcharcliplen(data, (int) len, column->typmod - VARHDRSZ);

		for (Size i = kept; i < len; i++)
		{
			if (data[i] != ' ')
				return WEIR_REASON_TOO_LONG;
		}
		len = kept;
	}

	SET_VARSIZE(bytes, VARHDRSZ + len);
	*datum = PointerGetDatum(bytes);
	return WEIR_REASON_NONE;
}

static WeirReason
json_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum)
{
	bool is_jsonb = column->type_oid == JSONBOID;
	char *bytes;
	Size len;
	WeirReason reason;

	if (is_jsonb && value->has_nul)
		return WEIR_REASON_NUL;
	if (is_jsonb && value->depth > DEPTH_MAX)
		return WEIR_REASON_TOO_DEEP;
	reason = server_bytes(&value->slice, is_jsonb ? 0 : VARHDRSZ, &bytes, &len);
	if (reason != WEIR_REASON_NONE)
		return reason;

	if (is_jsonb)
		return input_call(jsonb_in, bytes, len, -1, datum);
	SET_VARSIZE(bytes, VARHDRSZ + len);
	*datum = PointerGetDatum(bytes);
	return WEIR_REASON_NONE;
}

/* Of one dimension. A bad element makes a bad array. */
static WeirReason
array_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum)
{
	const WeirElement *element = column->element;
	WeirColumn single = {.type_oid = element->type_oid,
						 .typmod = column->typmod,
						 .type = element->type,
						 .unit = column->unit};
	int capacity = 16;
	Datum *datums = palloc_array(Datum, capacity);
	bool *nulls = palloc_array(bool, capacity);
	int count = 0;
	int lower = 1;
	WeirElements elements;
	WeirValue one;
	char *scratch =
		MemoryContextAllocHuge(CurrentMemoryContext, weir_decoder_scratch(value->slice.len));

	if (!weir_elements_begin(&elements, &value->slice, scratch))
		return WEIR_REASON_WRONG_KIND;
	while (weir_elements_next(&elements, element->type, column->unit, &one))
	{
		WeirReason reason;

		if (count == capacity)
		{
			capacity *= 2;
			if ((Size) capacity > MaxAllocSize / sizeof(Datum))
				return WEIR_REASON_TOO_LONG;
			datums = repalloc(datums, sizeof(Datum) * (Size) capacity);
			nulls = repalloc(nulls, sizeof(bool) * (Size) capacity);
		}
		reason = weir_value_to_datum(&single, &one, &datums[count], &nulls[count]);
		if (reason != WEIR_REASON_NONE)
			return reason;
		count++;
	}
	if (count == 0)
		*datum = PointerGetDatum(construct_empty_array(element->type_oid));
	else
		*datum =
			PointerGetDatum(construct_md_array(datums, nulls, 1, &count, &lower, element->type_oid,
											   element->len, element->is_by_value, element->align));
	return WEIR_REASON_NONE;
}

static WeirReason
numeric_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum)
{
	const WeirSlice *slice = &value->slice;
	Number number = number_parse(slice->data, slice->len);
	char small[128];
	char *text = small;
	WeirReason reason;

	if (!number_fits(&number, column->typmod))
		return WEIR_REASON_OUT_OF_RANGE;
	if (number_to_numeric(&number, column->typmod, datum))
		return WEIR_REASON_NONE;

	/* numeric_in() allocates a byte per digit, and a little */
	if (slice->len > MaxAllocSize - 64)
		return WEIR_REASON_TOO_LONG;
	if (slice->len >= sizeof(small))
		text = palloc((Size) slice->len + 1);
	memcpy(text, slice->data, slice->len);
	text[slice->len] = '\0';
	reason = input_call(numeric_in, text, slice->len, column->typmod, datum);
	if (text != small)
		pfree(text);
	return reason;
}

/* Rounds to timestamp(n) half away from 2000-01-01, as the server does. */
static WeirReason
timestamp_to_datum(const WeirColumn *column, const WeirValue *value, Datum *datum)
{
	static const int64 steps_us[MAX_TIMESTAMP_PRECISION] = {1000000, 100000, 10000, 1000, 100, 10};
	int64 time_us = value->integer;

	if (column->typmod >= 0 && column->typmod < MAX_TIMESTAMP_PRECISION &&
		!TIMESTAMP_NOT_FINITE(time_us))
	{
		int64 step_us = steps_us[column->typmod];
		int64 half_us = time_us >= 0 ? step_us / 2 : -(step_us / 2);

		time_us = (time_us + half_us) / step_us * step_us;
		if (!IS_VALID_TIMESTAMP(time_us))
			return WEIR_REASON_OUT_OF_RANGE;
	}
	*datum = TimestampGetDatum(time_us);
	return WEIR_REASON_NONE;
}

static Datum
uuid_to_datum(const WeirValue *value)
{
	pg_uuid_t *uuid = palloc(sizeof(pg_uuid_t));

	StaticAssertStmt(sizeof(uuid->data) == sizeof(value->uuid), "a uuid has 16 bytes");
	memcpy(uuid->data, value->uuid, sizeof(uuid->data));
	return UUIDPGetDatum(uuid);
}

static Datum
json_null(const WeirColumn *column)
{
	if (column->type_oid == JSONBOID)
		return DirectFunctionCall1(jsonb_in, CStringGetDatum("null"));
	return PointerGetDatum(cstring_to_text_with_len("null", 4));
}

/* `text` is a number as numeric_in() reads it, or NaN or ±Infinity: the decoder saw to that. */
static Number
number_parse(const char *text, uint32 len)
{
	const char *end = text + len;
	const char *p = text;
	uint64 mantissa = 0;
	Number number = {.first = -1, .is_finite = true};

	if (p < end && (*p == '-' || *p == '+'))
		number.is_negative = *p++ == '-';
	if (p < end && (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
	{
		number.is_finite = false;
		number.is_nan = (*p | 0x20) == 'n';
		return number;
	}

	number.whole = p;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		if (*p != '0' && number.first < 0)
			number.first = p - number.whole;
		mantissa = mantissa * 10 + (uint64) (*p - '0');
	}
	number.whole_count = p - number.whole;
	number.part = p;
	if (p < end && *p == '.')
	{
		number.part = ++p;
		for (; p < end && *p >= '0' && *p <= '9'; p++)
		{
			if (*p != '0' && number.first < 0)
				number.first = number.whole_count + (p - number.part);
			mantissa = mantissa * 10 + (uint64) (*p - '0');
		}
		number.part_count = p - number.part;
	}
	number.is_plain = p == end && number.whole_count + number.part_count <= INT64_DIGITS;
	number.mantissa = number.is_plain ? (int64) mantissa : 0;

	if (p < end && (*p == 'e' || *p == 'E'))
	{
		bool is_negative = false;

		p++;
		if (p < end && (*p == '-' || *p == '+'))
			is_negative = *p++ == '-';
		for (; p < end && *p >= '0' && *p <= '9'; p++)
		{
			if (number.exponent < INT_MAX)
				number.exponent = number.exponent * 10 + (*p - '0');
		}
		if (is_negative)
			number.exponent = -number.exponent;
	}
	return number;
}

/* Whether numeric_in() takes the number: the same limits, checked on the digits. */
static bool
number_fits(const Number *number, int32 typmod)
{
	bool is_limited = typmod >= (int32) VARHDRSZ;

	if (!number->is_finite)
		return number->is_nan || !is_limited;
	if (number->exponent >= INT_MAX / 2 || number->exponent <= -(INT_MAX / 2))
		return false;

	if (is_limited)
	{
		int precision = ((typmod - VARHDRSZ) >> 16) & 0xFFFF;
		int scale = (((typmod - VARHDRSZ) & 0x7FF) ^ 1024) - 1024;

		return number_rounded_weight(number, scale) + 1 <= precision - scale;
	}

	if (number->part_count - number->exponent > NUMERIC_DSCALE_MAX)
		return false;
	return number->first < 0 ||
		   number->whole_count - 1 - number->first + number->exponent <= NUMERIC_WEIGHT_MAX;
}

static inline char
number_digit(const Number *number, int64 i)
{
	return i < number->whole_count ? number->whole[i] : number->part[i - number->whole_count];
}

/* The power of ten of the first digit, after rounding half away from zero to `scale` digits behind
 * the point; PG_INT32_MIN for zero. */
static int64
number_rounded_weight(const Number *number, int scale)
{
	int64 units = number->whole_count + number->exponent; /* index of the digit of 10^-1 */
	int64 weight = units - 1 - number->first;
	int64 cut = units + scale; /* index of the first digit that is rounded away */

	if (number->first < 0 || cut < number->first)
		return PG_INT32_MIN;
	if (cut >= number->whole_count + number->part_count)
		return weight;
	if (number_digit(number, cut) < '5')
		return cut == number->first ? PG_INT32_MIN : weight;
	for (int64 i = number->first; i < cut; i++)
	{
		if (number_digit(number, i) != '9')
			return weight;
	}
	return weight + 1;
}

/* Makes the numeric from one integer, twice as fast as numeric_in(), where that is exact.
 * Result: whether it was. */
static bool
number_to_numeric(const Number *number, int32 typmod, Datum *datum)
{
	int64 mantissa = number->is_negative ? -number->mantissa : number->mantissa;
	int scale = (int) number->part_count;

	if (!number->is_plain)
		return false;
	if (typmod >= (int32) VARHDRSZ)
	{
		int wanted = (((typmod - VARHDRSZ) & 0x7FF) ^ 1024) - 1024;

		if (wanted < scale || number->whole_count + wanted > INT64_DIGITS)
			return false;
		for (; scale < wanted; scale++)
			mantissa *= 10;
	}
	*datum = NumericGetDatum(int64_div_fast_to_numeric(mantissa, scale));
	return true;
}

/* Copies a slice into the database's encoding, behind `header` bytes left free and with a NUL byte
 * behind it. */
static WeirReason
server_bytes(const WeirSlice *slice, Size header, char **bytes, Size *len)
{
	int encoding = GetDatabaseEncoding();

	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII && !is_ascii(slice))
		return converted_bytes(slice, header, bytes, len);

	if (slice->len > MaxAllocSize - header - 1)
		return WEIR_REASON_TOO_LONG;
	*bytes = palloc(header + slice->len + 1);
	*len = slice->len;
	memcpy(*bytes + header, slice->data, slice->len);
	(*bytes)[header + slice->len] = '\0';
	return WEIR_REASON_NONE;
}

static bool
is_ascii(const WeirSlice *slice)
{
	for (uint32 i = 0; i < slice->len; i++)
	{
		if (IS_HIGHBIT_SET(slice->data[i]))
			return false;
	}
	return true;
}

/* The server's conversions want room for the worst case, so 268 MB is the longest here. */
static WeirReason
converted_bytes(const WeirSlice *slice, Size header, char **bytes, Size *len)
{
	int encoding = GetDatabaseEncoding();
	Oid proc = FindDefaultConversionProc(PG_UTF8, encoding);
	Size room = (Size) slice->len * MAX_CONVERSION_GROWTH + 1;
	int done;

	if (!OidIsValid(proc))
		return WEIR_REASON_NO_CONVERSION;
	if (room > MaxAllocSize - header)
		return WEIR_REASON_TOO_LONG;

	*bytes = palloc(header + room);
	done = pg_do_encoding_conversion_buf(proc, PG_UTF8, encoding, (unsigned char *) slice->data,
										 (int) slice->len, (unsigned char *) *bytes + header,
										 (int) room, true);
	if (done != (int) slice->len)
		return WEIR_REASON_NO_CONVERSION;
	*len = strlen(*bytes + header);
	return WEIR_REASON_NONE;
}

/* Calls an input function that is known to be pure: it reads its argument and allocates, so that an
 * error leaves nothing behind that a subtransaction would have to undo. The checks before it leave
 * few errors: jsonb's limits, numbers within jsonb, escapes without equivalent in the database's
 * encoding. Errors that are no judgement of the text are passed on. */
static WeirReason
input_call(PGFunction function, char *text, Size len, int32 typmod, Datum *datum)
{
	MemoryContext context = CurrentMemoryContext;
	volatile WeirReason reason = WEIR_REASON_NONE;

	PG_TRY();
	{
		*datum = DirectFunctionCall3(function, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
									 Int32GetDatum(typmod));
	}
	PG_CATCH();
	{
		reason = reason_of_error(geterrcode(), len);
		if (reason == WEIR_REASON_NONE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	return reason;
}

/* Result: NONE for an error that is not the text's fault. */
static WeirReason
reason_of_error(int sqlstate, Size len)
{
	switch (sqlstate)
	{
		case ERRCODE_UNTRANSLATABLE_CHARACTER:
			return WEIR_REASON_NO_CONVERSION;
		case ERRCODE_FEATURE_NOT_SUPPORTED: /* before 16: no conversion at all for an escape */
			return WEIR_REASON_NO_CONVERSION;
		case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
			return WEIR_REASON_OUT_OF_RANGE;
		case ERRCODE_STATEMENT_TOO_COMPLEX:
			return WEIR_REASON_TOO_DEEP;
		case ERRCODE_INTERNAL_ERROR:
			/* 2^24 elements or 2^23 members: an array of them is beyond what palloc() gives */
			return len >= 32 * 1024 * 1024 ? WEIR_REASON_TOO_LONG : WEIR_REASON_NONE;
		default:
			break;
	}
	if (ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		return WEIR_REASON_TOO_LONG;
	if (ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION)
		return WEIR_REASON_WRONG_KIND;
	return WEIR_REASON_NONE;
}
