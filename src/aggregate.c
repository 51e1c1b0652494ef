/* SPDX-License-Identifier: PostgreSQL
 *
 * Aggregates for any query: sum, avg, variance and stddev of floats by exact.c; first and last.
 *
 * A state lives in the aggregate's memory context; between parallel workers it travels as the bytes
 * that exact.c defines. sum and avg of the same values share one state, and so do all that need
 * moments. first and last have PostgreSQL's own copying of values, so they have no state.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/float.h"

#include "compat.h"
#include "exact.h"

PG_FUNCTION_INFO_V1(weir_sum_add_float8);
PG_FUNCTION_INFO_V1(weir_sum_add_float4);
PG_FUNCTION_INFO_V1(weir_sum_combine);
PG_FUNCTION_INFO_V1(weir_sum_serialize);
PG_FUNCTION_INFO_V1(weir_sum_deserialize);
PG_FUNCTION_INFO_V1(weir_sum_final_float8);
PG_FUNCTION_INFO_V1(weir_sum_final_float4);
PG_FUNCTION_INFO_V1(weir_sum_final_avg);

PG_FUNCTION_INFO_V1(weir_moments_add_float8);
PG_FUNCTION_INFO_V1(weir_moments_add_float4);
PG_FUNCTION_INFO_V1(weir_moments_combine);
PG_FUNCTION_INFO_V1(weir_moments_serialize);
PG_FUNCTION_INFO_V1(weir_moments_deserialize);
PG_FUNCTION_INFO_V1(weir_moments_final_var_pop);
PG_FUNCTION_INFO_V1(weir_moments_final_var_samp);
PG_FUNCTION_INFO_V1(weir_moments_final_stddev_pop);
PG_FUNCTION_INFO_V1(weir_moments_final_stddev_samp);

PG_FUNCTION_INFO_V1(weir_first_keep);
PG_FUNCTION_INFO_V1(weir_last_keep);

/* Result: a state of zeros in the aggregate's memory. */
static void *
make_state(FunctionCallInfo fcinfo, Size size)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return MemoryContextAllocZero(context, size);
}

/* Result: the state that is the first argument; a new one at the first value. */
static void *
state_of(FunctionCallInfo fcinfo, Size size)
{
	return PG_ARGISNULL(0) ? make_state(fcinfo, size) : PG_GETARG_POINTER(0);
}

/* A NULL leaves the state, or the lack of one, as it is. */
static Datum
keep_state(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static bytea *
make_bytes(Size size)
{
	bytea *bytes = palloc(VARHDRSZ + size);

	SET_VARSIZE(bytes, VARHDRSZ + size);
	return bytes;
}

static _Noreturn void
refuse_bytes(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED), errmsg("cannot read the state of an aggregate")));
}

/* --- sum, avg --- */

Datum
weir_sum_add_float8(PG_FUNCTION_ARGS)
{
	WeirSum *sum;

	if (PG_ARGISNULL(1))
		return keep_state(fcinfo);
	sum = state_of(fcinfo, sizeof(WeirSum));
	weir_sum_add(sum, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(sum);
}

Datum
weir_sum_add_float4(PG_FUNCTION_ARGS)
{
	WeirSum *sum;

	if (PG_ARGISNULL(1))
		return keep_state(fcinfo);
	sum = state_of(fcinfo, sizeof(WeirSum));
	weir_sum_add(sum, PG_GETARG_FLOAT4(1));
	PG_RETURN_POINTER(sum);
}

Datum
weir_sum_combine(PG_FUNCTION_ARGS)
{
	WeirSum *sum;

	if (PG_ARGISNULL(1))
		return keep_state(fcinfo);
	sum = state_of(fcinfo, sizeof(WeirSum));
	weir_sum_merge(sum, (WeirSum *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(sum);
}

Datum
weir_sum_serialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = make_bytes(WEIR_SUM_BYTES);

	weir_sum_write((WeirSum *) PG_GETARG_POINTER(0), (uint8_t *) VARDATA(bytes));
	PG_RETURN_BYTEA_P(bytes);
}

Datum
weir_sum_deserialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	WeirSum *sum = palloc(sizeof(WeirSum));

	if (VARSIZE_ANY_EXHDR(bytes) != WEIR_SUM_BYTES ||
		!weir_sum_read((const uint8_t *) VARDATA_ANY(bytes), sum))
		refuse_bytes();
	PG_RETURN_POINTER(sum);
}

Datum
weir_sum_final_float8(PG_FUNCTION_ARGS)
{
	double result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!weir_sum_float8((WeirSum *) PG_GETARG_POINTER(0), &result))
		float_overflow_error();
	PG_RETURN_FLOAT8(result);
}

Datum
weir_sum_final_float4(PG_FUNCTION_ARGS)
{
	float result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!weir_sum_float4((WeirSum *) PG_GETARG_POINTER(0), &result))
		float_overflow_error();
	PG_RETURN_FLOAT4(result);
}

Datum
weir_sum_final_avg(PG_FUNCTION_ARGS)
{
	double result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!weir_sum_mean((WeirSum *) PG_GETARG_POINTER(0), &result))
		float_overflow_error();
	PG_RETURN_FLOAT8(result);
}

/* --- variance, stddev --- */

Datum
weir_moments_add_float8(PG_FUNCTION_ARGS)
{
	WeirMoments *moments;

	if (PG_ARGISNULL(1))
		return keep_state(fcinfo);
	moments = state_of(fcinfo, sizeof(WeirMoments));
	weir_moments_add(moments, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(moments);
}

Datum
weir_moments_add_float4(PG_FUNCTION_ARGS)
{
	WeirMoments *moments;

	if (PG_ARGISNULL(1))
		return keep_state(fcinfo);
	moments = state_of(fcinfo, sizeof(WeirMoments));
	weir_moments_add(moments, PG_GETARG_FLOAT4(1));
	PG_RETURN_POINTER(moments);
}

Datum
weir_moments_combine(PG_FUNCTION_ARGS)
{
	WeirMoments *moments;

	if (PG_ARGISNULL(1))
		return keep_state(fcinfo);
	moments = state_of(fcinfo, sizeof(WeirMoments));
	weir_moments_merge(moments, (WeirMoments *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(moments);
}

Datum
weir_moments_serialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = make_bytes(WEIR_MOMENTS_BYTES);

	weir_moments_write((WeirMoments *) PG_GETARG_POINTER(0), (uint8_t *) VARDATA(bytes));
	PG_RETURN_BYTEA_P(bytes);
}

Datum
weir_moments_deserialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	WeirMoments *moments = palloc(sizeof(WeirMoments));

	if (VARSIZE_ANY_EXHDR(bytes) != WEIR_MOMENTS_BYTES ||
		!weir_moments_read((const uint8_t *) VARDATA_ANY(bytes), moments))
		refuse_bytes();
	PG_RETURN_POINTER(moments);
}

typedef bool (*Spread)(const WeirMoments *moments, bool is_sample, double *result);

static Datum
final_spread(FunctionCallInfo fcinfo, Spread spread, bool is_sample)
{
	WeirMoments *moments = PG_ARGISNULL(0) ? NULL : (WeirMoments *) PG_GETARG_POINTER(0);
	double result;

	if (moments == NULL || moments->count <= is_sample)
		PG_RETURN_NULL();
	if (!spread(moments, is_sample, &result))
		float_overflow_error();
	PG_RETURN_FLOAT8(result);
}

Datum
weir_moments_final_var_pop(PG_FUNCTION_ARGS)
{
	return final_spread(fcinfo, weir_moments_variance, false);
}

Datum
weir_moments_final_var_samp(PG_FUNCTION_ARGS)
{
	return final_spread(fcinfo, weir_moments_variance, true);
}

Datum
weir_moments_final_stddev_pop(PG_FUNCTION_ARGS)
{
	return final_spread(fcinfo, weir_moments_deviation, false);
}

Datum
weir_moments_final_stddev_samp(PG_FUNCTION_ARGS)
{
	return final_spread(fcinfo, weir_moments_deviation, true);
}

/* --- first, last --- */

/* Strict: the first value that is not NULL becomes the state. */
Datum
weir_first_keep(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* The caller copies the value into its own memory. */
Datum
weir_last_keep(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(1));
}
