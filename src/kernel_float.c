/* SPDX-License-Identifier: PostgreSQL
 *
 * Kernels for weir.sum, avg, variance and stddev of floats: states of exact.c in slots.
 *
 * PostgreSQL's own sums of floats have no kernel: their results depend on the order of the events.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "libpq/pqformat.h"
#include "utils/float.h"

#include "exact.h"
#include "kernel_impl.h"

StaticAssertDecl(sizeof(WeirSum) % 8 == 0 && sizeof(WeirMoments) % 8 == 0, "slots are aligned");

/*
 * weir.sum, weir.avg
 */

static WeirFoldResult
exact_float8_fold(WEIR_FOLD_ARGS)
{
	weir_sum_add(slot, DatumGetFloat8(value));
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
exact_float4_fold(WEIR_FOLD_ARGS)
{
	weir_sum_add(slot, DatumGetFloat4(value));
	return WEIR_FOLD_DONE;
}

static void
exact_merge(WEIR_MERGE_ARGS)
{
	weir_sum_merge(slot, other);
}

static Datum
exact_float8_finish(WEIR_FINISH_ARGS)
{
	const WeirSum *sum = slot;
	double result = 0;

	*is_null = sum->count == 0;
	if (!*is_null && !weir_sum_float8(sum, &result))
		float_overflow_error();
	return Float8GetDatum(result);
}

static Datum
exact_float4_finish(WEIR_FINISH_ARGS)
{
	const WeirSum *sum = slot;
	float result = 0;

	*is_null = sum->count == 0;
	if (!*is_null && !weir_sum_float4(sum, &result))
		float_overflow_error();
	return Float4GetDatum(result);
}

static Datum
exact_mean_finish(WEIR_FINISH_ARGS)
{
	const WeirSum *sum = slot;
	double result = 0;

	*is_null = sum->count == 0;
	if (!*is_null && !weir_sum_mean(sum, &result))
		float_overflow_error();
	return Float8GetDatum(result);
}

static void
exact_write(WEIR_WRITE_ARGS)
{
	uint8_t bytes[WEIR_SUM_BYTES];

	weir_sum_write(slot, bytes);
	pq_sendbytes(out, (const char *) bytes, WEIR_SUM_BYTES);
}

static bool
exact_read(WEIR_READ_ARGS)
{
	if (!weir_sum_read((const uint8_t *) weir_take(in, WEIR_SUM_BYTES), slot))
		weir_refuse_bytes(NULL);
	return true;
}

/*
 * weir.variance, weir.stddev
 */

static WeirFoldResult
moments_float8_fold(WEIR_FOLD_ARGS)
{
	weir_moments_add(slot, DatumGetFloat8(value));
	return WEIR_FOLD_DONE;
}

static WeirFoldResult
moments_float4_fold(WEIR_FOLD_ARGS)
{
	weir_moments_add(slot, DatumGetFloat4(value));
	return WEIR_FOLD_DONE;
}

static void
moments_merge(WEIR_MERGE_ARGS)
{
	weir_moments_merge(slot, other);
}

typedef bool (*MomentsResult)(const WeirMoments *moments, bool is_sample, double *result);

static Datum
moments_finish(const WeirMoments *moments, MomentsResult make, bool is_sample, bool *is_null)
{
	double result = 0;

	*is_null = moments->count <= is_sample;
	if (!*is_null && !make(moments, is_sample, &result))
		float_overflow_error();
	return Float8GetDatum(result);
}

static Datum
moments_var_samp_finish(WEIR_FINISH_ARGS)
{
	return moments_finish(slot, weir_moments_variance, true, is_null);
}

static Datum
moments_var_pop_finish(WEIR_FINISH_ARGS)
{
	return moments_finish(slot, weir_moments_variance, false, is_null);
}

static Datum
moments_stddev_samp_finish(WEIR_FINISH_ARGS)
{
	return moments_finish(slot, weir_moments_deviation, true, is_null);
}

static Datum
moments_stddev_pop_finish(WEIR_FINISH_ARGS)
{
	return moments_finish(slot, weir_moments_deviation, false, is_null);
}

static void
moments_write(WEIR_WRITE_ARGS)
{
	uint8_t bytes[WEIR_MOMENTS_BYTES];

	weir_moments_write(slot, bytes);
	pq_sendbytes(out, (const char *) bytes, WEIR_MOMENTS_BYTES);
}

static bool
moments_read(WEIR_READ_ARGS)
{
	if (!weir_moments_read((const uint8_t *) weir_take(in, WEIR_MOMENTS_BYTES), slot))
		weir_refuse_bytes(NULL);
	return true;
}

/*
 * The table
 */

#define MOMENT(TYPE, type, name, finish_of)                                                        \
	{                                                                                              \
		InvalidOid, name, TYPE##OID,                                                               \
			WEIR_KERNEL("weir." name "(" #type ")", WeirMoments, moments, moments_##type,          \
						moments_##finish_of, .can_raise = true)                                    \
	}

#define FLOATS(TYPE, type)                                                                         \
	{InvalidOid, "sum", TYPE##OID,                                                                 \
	 WEIR_KERNEL("weir.sum(" #type ")", WeirSum, exact, exact_##type, exact_##type,                \
				 .can_raise = true)},                                                              \
		{InvalidOid, "avg", TYPE##OID,                                                             \
		 WEIR_KERNEL("weir.avg(" #type ")", WeirSum, exact, exact_##type, exact_mean,              \
					 .can_raise = true)},                                                          \
		MOMENT(TYPE, type, "variance", var_samp), MOMENT(TYPE, type, "var_samp", var_samp),        \
		MOMENT(TYPE, type, "var_pop", var_pop), MOMENT(TYPE, type, "stddev", stddev_samp),         \
		MOMENT(TYPE, type, "stddev_samp", stddev_samp),                                            \
		MOMENT(TYPE, type, "stddev_pop", stddev_pop)

static const WeirKernelEntry entries[] = {FLOATS(FLOAT4, float4), FLOATS(FLOAT8, float8)};

const WeirKernelList weir_kernel_floats = {entries, lengthof(entries)};
