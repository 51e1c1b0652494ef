/* SPDX-License-Identifier: PostgreSQL
 *
 * Work that may raise an error, in a subtransaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/resowner.h"

#include "guard.h"

/* Not the work's fault. */
static bool
is_passed_on(int sqlstate)
{
	return sqlstate == ERRCODE_QUERY_CANCELED ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_OPERATOR_INTERVENTION ||
		   sqlstate == ERRCODE_OUT_OF_MEMORY || sqlstate == ERRCODE_DISK_FULL;
}

ErrorData *
weir_guard(void (*work)(void *argument), void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (is_passed_on(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

typedef struct Part
{
	const WeirGuarded *guarded;
	int from;
	int to;
} Part;

static void
work_on_part(void *argument)
{
	const Part *part = argument;

	part->guarded->work(part->guarded->argument, part->from, part->to);
}

void
weir_guard_each(const WeirGuarded *guarded, int from, int to)
{
	Part part = {guarded, from, to};
	int middle = from + (to - from) / 2;
	ErrorData *error;

	if (from >= to)
		return;
	error = weir_guard(work_on_part, &part);
	if (error == NULL)
		return;
	if (to - from == 1)
	{
		guarded->fail(guarded->argument, from, error);
		return;
	}
	weir_guard_each(guarded, from, middle);
	weir_guard_each(guarded, middle, to);
}
