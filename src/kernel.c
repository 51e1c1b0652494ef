/* SPDX-License-Identifier: PostgreSQL
 *
 * Aggregates as kernels: which kernel an aggregate has.
 *
 * PostgreSQL's aggregates are known by their OIDs, which are the same everywhere; weir's by schema,
 * name and type of the argument. min and max take any type that has an order, first and last any; the
 * kernel for such a type is chosen when it is known, by weir_kernel_bind(). What has no kernel, such as
 * PostgreSQL's own sums of floats, is for others to refuse.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_namespace_d.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type_d.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "kernel_impl.h"

#define SCHEMA "weir"

static const WeirKernelList *const lists[] = {&weir_kernel_numbers, &weir_kernel_floats,
											  &weir_kernel_decimals, &weir_kernel_extremes};

/* Aggregates whose kernel depends on more than their function. */
typedef enum Family
{
	FAMILY_NONE,
	FAMILY_MIN,
	FAMILY_MAX,
	FAMILY_FIRST,
	FAMILY_LAST
} Family;

static const WeirKernel *find_by_oid(Oid function_oid);
static const WeirKernel *find_by_name(Oid function_oid);
static Family family_of(Oid function_oid);
static bool is_weir(const FormData_pg_proc *function);
static const WeirKernel *kernel_of_family(Family family, const WeirAggregate *aggregate);
static void find_compare(WeirAggregate *aggregate);
static void find_portables(WeirAggregate *aggregate);
static void find_portable(const WeirAggregate *aggregate, Oid type_oid, WeirPortable *portable);

const WeirKernel *
weir_kernel_find(Oid function_oid)
{
	static const WeirAggregate any;
	const WeirKernel *kernel = find_by_oid(function_oid);

	if (kernel == NULL)
		kernel = find_by_name(function_oid);
	if (kernel == NULL)
		kernel = kernel_of_family(family_of(function_oid), &any);
	return kernel;
}

static const WeirKernel *
find_by_oid(Oid function_oid)
{
	for (Size i = 0; i < lengthof(lists); i++)
		for (int j = 0; j < lists[i]->count; j++)
			if (lists[i]->entries[j].function_oid == function_oid && OidIsValid(function_oid))
				return &lists[i]->entries[j].kernel;
	return NULL;
}

/* Those of the schema weir that are over one type. */
static const WeirKernel *
find_by_name(Oid function_oid)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function_oid));
	const WeirKernel *kernel = NULL;
	const FormData_pg_proc *function;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	function = (const FormData_pg_proc *) GETSTRUCT(tuple);
	if (is_weir(function))
		for (int i = 0; i < weir_kernel_floats.count; i++)
		{
			const WeirKernelEntry *entry = &weir_kernel_floats.entries[i];

			if (function->proargtypes.values[0] == entry->argument_type &&
				strcmp(NameStr(function->proname), entry->weir_name) == 0)
				kernel = &entry->kernel;
		}
	ReleaseSysCache(tuple);
	return kernel;
}

static Family
family_of(Oid function_oid)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function_oid));
	Family family = FAMILY_NONE;
	const FormData_pg_proc *function;
	const char *name;

	if (!HeapTupleIsValid(tuple))
		return FAMILY_NONE;
	function = (const FormData_pg_proc *) GETSTRUCT(tuple);
	name = NameStr(function->proname);
	if (function->pronamespace == PG_CATALOG_NAMESPACE && function->prokind == PROKIND_AGGREGATE)
		family = strcmp(name, "min") == 0   ? FAMILY_MIN
				 : strcmp(name, "max") == 0 ? FAMILY_MAX
											: FAMILY_NONE;
	else if (is_weir(function) && function->proargtypes.values[0] == ANYELEMENTOID)
		family = strcmp(name, "first") == 0  ? FAMILY_FIRST
				 : strcmp(name, "last") == 0 ? FAMILY_LAST
											 : FAMILY_NONE;
	ReleaseSysCache(tuple);
	return family;
}

static bool
is_weir(const FormData_pg_proc *function)
{
	const char *schema;

	if (function->prokind != PROKIND_AGGREGATE || function->pronargs != 1)
		return false;
	schema = get_namespace_name(function->pronamespace);
	return schema != NULL && strcmp(schema, SCHEMA) == 0;
}

static const WeirKernel *
kernel_of_family(Family family, const WeirAggregate *aggregate)
{
	switch (family)
	{
		case FAMILY_MIN:
		case FAMILY_MAX:
			return weir_kernel_extreme(family == FAMILY_MAX, aggregate->is_argument_by_value);
		case FAMILY_FIRST:
		case FAMILY_LAST:
			return weir_kernel_end(family == FAMILY_LAST, aggregate);
		case FAMILY_NONE:
			break;
	}
	return NULL;
}

void
weir_kernel_bind(WeirAggregate *aggregate)
{
	Family family = family_of(aggregate->function_oid);

	if (aggregate->argument)
	{
		aggregate->argument_type = exprType((Node *) aggregate->argument);
		get_typlenbyval(aggregate->argument_type, &aggregate->argument_len,
						&aggregate->is_argument_by_value);
	}
	aggregate->kernel = find_by_oid(aggregate->function_oid);
	if (aggregate->kernel == NULL)
		aggregate->kernel = find_by_name(aggregate->function_oid);
	if (family == FAMILY_MIN || family == FAMILY_MAX)
		find_compare(aggregate);
	if (aggregate->kernel == NULL && family != FAMILY_NONE)
	{
		aggregate->kernel = kernel_of_family(family, aggregate);
		find_portables(aggregate);
	}
	if (aggregate->kernel == NULL)
		elog(ERROR, "aggregate %u has no kernel", aggregate->function_oid);
}

static void
find_compare(WeirAggregate *aggregate)
{
	TypeCacheEntry *type = lookup_type_cache(aggregate->argument_type, TYPECACHE_CMP_PROC);

	if (!OidIsValid(type->cmp_proc))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("could not identify a comparison function for type %s",
					   format_type_be(aggregate->argument_type)));
	fmgr_info(type->cmp_proc, &aggregate->compare);
}

static void
find_portables(WeirAggregate *aggregate)
{
	aggregate->portables = palloc0((aggregate->order_count + 1) * sizeof(WeirPortable));
	find_portable(aggregate, aggregate->argument_type, &aggregate->portables[0]);
	for (int i = 0; i < aggregate->order_count; i++)
		find_portable(aggregate, aggregate->order[i].type_oid, &aggregate->portables[i + 1]);
}

static void
find_portable(const WeirAggregate *aggregate, Oid type_oid, WeirPortable *portable)
{
	if (!weir_portable_find(type_oid, portable))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("aggregate %s of a continuous view cannot keep values of type %s",
					   get_func_name(aggregate->function_oid), format_type_be(type_oid)),
				errdetail("A view's state is stored in binary form, from which values of this type "
						  "cannot be read back."));
}
