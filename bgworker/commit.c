/* SPDX-License-Identifier: PostgreSQL
 *
 * The one transaction.
 *
 * Groups that close are marked before it begins and freed after it has ended, so that readers of either
 * side of it are right (docs/engine.md). Nothing in memory is changed by a commit that fails, but the
 * marks: a marked group takes no more events, for its window is closed by W.
 *
 * Rows are written as the view's owner, as a security-restricted operation; tables of ours as their
 * owner (run.c). A closed table that somebody has locked is not waited for: its view is left out, and
 * tries again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "chunk.h"
#include "commit.h"
#include "compat.h"
#include "inject.h"
#include "notify.h"
#include "setting.h"
#include "sink.h"
#include "slice.h"
#include "worker_slot.h"

#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
#define LOCK_RETRY_MIN_MS 100 /* doubled for each time, up to 6.4 s */
/* A full set of chunks is written when what was written since is this much and more than it took. */
#define CHAIN_MIN_BYTES (1024 * 1024)

typedef enum Outcome
{
	OUTCOME_DONE,
	OUTCOME_LEFT_OUT, /* a lock was not to be had */
	OUTCOME_FOREIGN,  /* changed from outside: load again */
	OUTCOME_FAILED
} Outcome;

/* Invalidations of relations, from 1 on: a view begins with 0. */
static uint64 catalog_changes = 1;

/* The view whose part of the transaction is being written; NULL: what belongs to none. */
static WeirWorkerView *at_work = NULL;

static Outcome commit_together(List *views);
static Outcome commit_view(WeirWorkerView *this);
static void write_closed(WeirWorkerView *this);
static void write_rejects(WeirWorkerView *this);
static void write_chunks(WeirWorkerView *this);
static void settle(WeirWorkerView *this);

bool
weir_commit_is_wanted(const WeirWorkerView *this)
{
	if (!this->pipeline->has_progress || weir_worker_view_is_refolding(this))
		return false;
	return this->retry_at == 0 || GetCurrentTimestamp() >= this->retry_at;
}

static void
on_relation_change(Datum argument, Oid relation_oid)
{
	(void) argument;
	(void) relation_oid;
	catalog_changes++;
}

static void
watch_catalog(void)
{
	static bool is_watching = false;

	if (!is_watching)
		CacheRegisterRelcacheCallback(on_relation_change, (Datum) 0);
	is_watching = true;
}

bool
weir_commit(List *views)
{
	List *wanted = NIL;
	ListCell *cell;
	Outcome outcome;

	watch_catalog();
	foreach (cell, views)
		if (weir_commit_is_wanted(lfirst(cell)))
			wanted = lappend(wanted, lfirst(cell));
	if (wanted == NIL)
		return true;
	outcome = commit_together(wanted);
	if (outcome == OUTCOME_FAILED && list_length(wanted) > 1)
		foreach (cell, wanted)
			if (weir_commit_is_wanted(lfirst(cell)) &&
				commit_together(list_make1(lfirst(cell))) == OUTCOME_FOREIGN)
				outcome = OUTCOME_FOREIGN;
	list_free(wanted);
	return outcome != OUTCOME_FOREIGN;
}

/*
 * The transaction
 */

/* Groups of closed windows get the mark of the coming generation. */
static void
mark(WeirWorkerView *this)
{
	WeirPipeline *pipeline = this->pipeline;
	WeirViewSlot *slot = this->slot;

	this->is_closing = weir_pipeline_is_due(pipeline);
	this->due_count = 0;
	this->due_generation = (uint64) this->run->generation;
	this->reject_count = pipeline->rejects->count;
	this->reject_unrecorded = pipeline->rejects->unrecorded;
	if (!this->is_closing)
		return;
	this->due_generation++;
	LWLockAcquire(&slot->lock, LW_EXCLUSIVE);
	this->due_count =
		weir_store_mark(pipeline->store, pipeline->clock.watermark_us, this->due_generation);
	slot->generation = this->due_generation;
	LWLockRelease(&slot->lock);
}

/* Rejects of groups come anew with the next attempt. */
static void
forget_attempt(WeirWorkerView *this)
{
	weir_reject_list_truncate(this->pipeline->rejects, this->reject_count, this->reject_unrecorded);
}

static void
note_failure(WeirWorkerView *this, const ErrorData *error)
{
	int64 delay_ms = (int64) RETRY_MIN_MS << Min(this->failures, 6);

	this->failures++;
	this->retry_at =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), Min(delay_ms, RETRY_MAX_MS));
	weir_worker_view_set_state(this, WEIR_RUN_RETRYING, error->sqlerrcode, error->message);
}

/* A lock that is soon gone is no news; from the second time on it is said. */
static void
note_left_out(WeirWorkerView *this, Oid locked_oid)
{
	int64 delay_ms = (int64) LOCK_RETRY_MIN_MS << Min(this->left_out, 6);

	this->left_out++;
	this->retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms);
	if (this->left_out > 1)
		weir_worker_view_set_state(
			this, WEIR_RUN_RETRYING, ERRCODE_LOCK_NOT_AVAILABLE,
			psprintf("relation \"%s\" is locked by another session", get_rel_name(locked_oid)));
}

/* That a view can be kept at work shows when its windows close. */
static void
note_success(WeirWorkerView *this)
{
	bool was_failing = this->failures > 0 || this->left_out > 1;

	this->failures = this->left_out = 0;
	this->retry_at = 0;
	if (this->is_closing && this->slot->failed_tries > 0)
		weir_registry_note_try(this->slot, true);
	if (was_failing)
		weir_worker_view_set_state(this, WEIR_RUN_RUNNING, 0, NULL);
}

static void
begin(void)
{
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	/* a deferred trigger would run as somebody else, at the end */
	SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0);
}

static void
finish(void)
{
	SPI_finish();
	PopActiveSnapshot();
	weir_inject("before_commit");
	CommitTransactionCommand();
	weir_inject("after_commit");
}

/* Raises what fails. */
static Outcome
commit_list(List *views, List **done)
{
	ListCell *cell;

	begin();
	foreach (cell, views)
	{
		WeirWorkerView *this = lfirst(cell);
		Outcome outcome;

		at_work = this;
		outcome = commit_view(this);
		at_work = NULL;
		if (outcome == OUTCOME_FOREIGN)
		{
			SPI_finish();
			PopActiveSnapshot();
			AbortCurrentTransaction();
			return OUTCOME_FOREIGN;
		}
		if (outcome == OUTCOME_DONE)
		{
			MemoryContext before = MemoryContextSwitchTo(this->pipeline->context);

			*done = lappend(*done, this);
			MemoryContextSwitchTo(before);
		}
	}
	finish();
	return OUTCOME_DONE;
}

static Outcome
commit_together(List *views)
{
	MemoryContext context = CurrentMemoryContext;
	TimestampTz start = GetCurrentTimestamp();
	List *volatile done = NIL;
	volatile Outcome outcome = OUTCOME_FAILED;
	ListCell *cell;

	foreach (cell, views)
		mark(lfirst(cell));
	weir_worker_be_cancelable(true);
	PG_TRY();
	{
		outcome = commit_list(views, (List **) &done);
		MemoryContextSwitchTo(context);
	}
	PG_CATCH();
	{
		ErrorData *error;

		weir_worker_be_cancelable(false);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		foreach (cell, views)
			forget_attempt(lfirst(cell));
		if (list_length(views) == 1)
			note_failure(linitial(views), error);
		else if (at_work != NULL)
			note_failure(at_work, error);
		at_work = NULL;
		FreeErrorData(error);
	}
	PG_END_TRY();
	weir_worker_be_cancelable(false);
	if (outcome != OUTCOME_DONE)
		return outcome;
	foreach (cell, done)
	{
		WeirWorkerView *this = lfirst(cell);
		settle(this);
		note_success(this);
		weir_worker_clear();
		pg_atomic_write_u64(&this->slot->commit_us, (uint64) (GetCurrentTimestamp() - start));
	}
	list_free(done);
	return OUTCOME_DONE;
}

/*
 * One view in it
 */

static bool
lock(WeirWorkerView *this, Oid relation_oid, LOCKMODE mode)
{
	if (ConditionalLockRelationOid(relation_oid, mode))
		return true;
	note_left_out(this, relation_oid);
	return false;
}

/* The link is as it was, and nobody holds the tables for themselves. */
static Outcome
secure(WeirWorkerView *this)
{
	const WeirView *view = this->view;
	const char *why;
	WeirView *now;
	uint64 changes;

	if (!lock(this, view->live_oid, AccessShareLock) ||
		!lock(this, view->query_oid, AccessShareLock) ||
		!lock(this, view->closed_oid, RowExclusiveLock))
		return OUTCOME_LEFT_OUT;
	/* the locks have brought what others changed */
	if (this->checked_at == catalog_changes)
		return OUTCOME_DONE;
	changes = catalog_changes;
	now = weir_view_read(view->live_oid, &why);
	if (now == NULL || !weir_view_is_same(now, view))
		return OUTCOME_FOREIGN;
	this->checked_at = changes;
	return OUTCOME_DONE;
}

static int64
commits_of(const WeirRun *run)
{
	return run->counter_count > WEIR_COUNT_COMMITS ? run->counters[WEIR_COUNT_COMMITS] : 0;
}

/* The generation is there before any row is: a trigger on the closed table may read the view. */
static void
save_generation(const WeirWorkerView *this, WeirRun *run)
{
	if (run->generation == (int64) this->due_generation)
		return;
	run->generation = (int64) this->due_generation;
	weir_run_save(run);
}

/* Takes the view's row. Result: FOREIGN if somebody else has taken an epoch, or if there is a commit that
 * memory does not know of: one that failed when it had been written. */
static Outcome
take_run(WeirWorkerView *this)
{
	WeirRun *now = weir_run_take(this->view->live_oid);

	if (now == NULL || now->epoch != this->run->epoch)
		return OUTCOME_FOREIGN;
	if (commits_of(now) == this->pipeline->counters[WEIR_COUNT_COMMITS])
	{
		save_generation(this, now);
		return OUTCOME_DONE;
	}
	ereport(LOG,
			errmsg("view \"%s\" has a commit that its worker does not know of", this->view->name),
			errdetail("It is loaded again."));
	return OUTCOME_FOREIGN;
}

static void
save_run(WeirWorkerView *this)
{
	WeirRun run = *this->run;

	run.generation = (int64) this->due_generation;
	run.starts = 0;
	run.counters = this->commit_counters;
	run.counter_count = WEIR_COUNTER_COUNT;
	weir_run_save(&run);
}

static Outcome
commit_view(WeirWorkerView *this)
{
	Outcome outcome = secure(this);

	if (outcome == OUTCOME_DONE)
		outcome = take_run(this);
	if (outcome != OUTCOME_DONE)
		return outcome;
	memcpy(this->commit_counters, this->pipeline->counters, sizeof(this->commit_counters));
	this->commit_counters[WEIR_COUNT_COMMITS]++;
	weir_inject("commit_view");
	if (this->is_closing)
		write_closed(this);
	write_rejects(this);
	write_chunks(this);
	weir_position_save(this->view->live_oid, weir_worker_view_position(this));
	save_run(this);
	if (this->is_closing)
		weir_notify_closed(this->view);
	return OUTCOME_DONE;
}

/* What was committed is no longer new; what closed is no longer there. */
static void
settle(WeirWorkerView *this)
{
	WeirPipeline *pipeline = this->pipeline;
	WeirViewSlot *slot = this->slot;

	memcpy(pipeline->counters, this->commit_counters, sizeof(this->commit_counters));
	this->run->generation = (int64) this->due_generation;
	this->next_chunk = this->commit_next_chunk;
	this->full_bytes = this->commit_full_bytes;
	this->chain_bytes = this->commit_chain_bytes;
	weir_reject_list_clear(pipeline->rejects);
	weir_reject_list_clear(pipeline->stream_rejects);
	memcpy(this->committed, pipeline->positions,
		   sizeof(int64) * (size_t) pipeline->clock.partition_count);
	if (pipeline->copy)
		weir_copy_clear(pipeline->copy);
	pipeline->has_progress = false;
	pipeline->committed_us = pipeline->clock.watermark_us;
	this->is_waiting = false;
	LWLockAcquire(&slot->lock, LW_EXCLUSIVE);
	weir_store_forget_changes(pipeline->store);
	weir_store_free(pipeline->store, this->due_count);
	if (this->due_count > 0)
		weir_heap_close_reserve(weir_store_heap(pipeline->store));
	if (this->is_closing)
		slot->freed = this->due_generation;
	LWLockRelease(&slot->lock);
	this->due_count = 0;
}

/*
 * Closed rows
 */

static void
reject_group(WeirWorkerView *this, const WeirHeap *heap, const WeirGroup *group,
			 WeirRejectKind kind, const char *detail)
{
	WeirReject reject = {.kind = kind,
						 .partition = -1,
						 .offset = -1,
						 .detail = detail,
						 .window_count = 1,
						 .windows = &group->start_us};

	reject.key = weir_key_text(this->pipeline->query, weir_group_key(heap, group));
	weir_reject_add(this->pipeline->rejects, reject);
	weir_reject_count(this->commit_counters, kind);
}

static char *
finish_detail(const ErrorData *error)
{
	return psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
}

/* weir.skip() asks for it; it is done with this commit. */
static bool
is_skipped(WeirWorkerView *this, const WeirHeap *heap, const WeirGroup *group)
{
	ListCell *cell;

	foreach (cell, this->skips)
	{
		const WeirSkip *skip = lfirst(cell);

		if (skip->window_start_us != group->start_us ||
			strcmp(skip->key, weir_key_text(this->pipeline->query, weir_group_key(heap, group))) !=
				0)
			continue;
		weir_run_forget_skip(this->view->live_oid, skip);
		return true;
	}
	return false;
}

static void
close_group(WeirWorkerView *this, WeirSink *sink, const WeirHeap *heap, const WeirGroup *group,
			const WeirFinished *finished)
{
	this->commit_counters[WEIR_COUNT_CLOSED]++;
	if (is_skipped(this, heap, group))
		reject_group(this, heap, group, WEIR_REJECT_SKIPPED, "by weir.skip()");
	else if (finished->error != NULL)
		reject_group(this, heap, group, WEIR_REJECT_FINISH, finish_detail(finished->error));
	else if (finished->values != NULL)
	{
		weir_sink_write(sink, finished->values, finished->nulls);
		this->commit_counters[WEIR_COUNT_ROWS]++;
	}
}

typedef struct Sorted
{
	const char *key;
	uint32 key_len;
	const WeirGroup *group;
} Sorted;

static int
compare_keys(const void *a, const void *b)
{
	const Sorted *left = a;
	const Sorted *right = b;
	int order = memcmp(left->key, right->key, Min(left->key_len, right->key_len));

	return order != 0 ? order : (int) left->key_len - (int) right->key_len;
}

/* Finished together, written together. */
StaticAssertDecl(WEIR_FINISH_MAX <= WEIR_SINK_MAX, "rows of one call are one flush");

static void
close_groups(WeirWorkerView *this, WeirSink *sink, const WeirHeap *heap, const Sorted *sorted,
			 int count)
{
	const WeirGroup *groups[WEIR_FINISH_MAX];
	const WeirFinished *finished;

	for (int i = 0; i < count; i++)
		groups[i] = sorted[i].group;
	finished = weir_finish_groups(this->finish, heap, groups, count);
	for (int i = 0; i < count; i++)
		close_group(this, sink, heap, groups[i], &finished[i]);
	weir_sink_flush(sink);
}

/* In the order of the keys' bytes: neighbours in the table's index are written one after the other. */
static void
close_window(WeirWorkerView *this, WeirSink *sink, const WeirWindow *window)
{
	const WeirOpenWindow *open;
	WeirStore *store = weir_slice_groups(this->pipeline->store, window, &open);
	const WeirHeap *heap = weir_store_heap(store);
	Sorted *sorted =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Sorted) * (Size) Max(open->count, 1));
	uint32 count = 0;

	for (uint32 next = open->first; next != 0;)
	{
		const WeirGroup *group = weir_store_group(store, next - 1);

		sorted[count++] = (Sorted){weir_group_key(heap, group), group->key_len, group};
		next = group->next;
	}
	qsort(sorted, count, sizeof(Sorted), compare_keys);
	for (uint32 i = 0; i < count; i += WEIR_FINISH_MAX)
		close_groups(this, sink, heap, sorted + i, (int) Min(count - i, WEIR_FINISH_MAX));
}

static void
close_windows(WeirWorkerView *this, WeirSink *sink)
{
	WeirPipeline *pipeline = this->pipeline;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "weir window", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	WeirWindow window;

	for (int64 after_us = WEIR_CLOCK_NONE; weir_pipeline_next_window(pipeline, after_us, &window) &&
										   weir_clock_has_closed(&pipeline->clock, window.end_us);
		 after_us = window.end_us)
	{
		CHECK_FOR_INTERRUPTS();
		close_window(this, sink, &window);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
}

static void
write_copy(WeirWorkerView *this, WeirSink *sink)
{
	const WeirCopy *copy = this->pipeline->copy;

	for (int i = 0; i < copy->count; i++)
	{
		weir_sink_write_tuple(sink, copy->rows[i], copy->desc);
		if ((i + 1) % WEIR_SINK_MAX != 0)
			continue;
		weir_sink_flush(sink);
		CHECK_FOR_INTERRUPTS();
	}
	this->commit_counters[WEIR_COUNT_ROWS] += copy->count;
}

static void
write_closed(WeirWorkerView *this)
{
	WeirSink *sink;
	Oid user;
	int security;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(this->view->owner_oid, security | SECURITY_RESTRICTED_OPERATION);
	sink = weir_sink_open(this->view->closed_oid, this->pipeline->query->desc);
	if (this->pipeline->copy)
		write_copy(this, sink);
	else
		close_windows(this, sink);
	weir_sink_close(sink);
	SetUserIdAndSecContext(user, security);
}

/*
 * Rejects
 */

static void
save_rejects(WeirWorkerView *this, Oid relation_oid, const WeirRejectList *list)
{
	for (int i = 0; i < list->count; i++)
		weir_run_save_reject(relation_oid, this->pipeline->stream->topic, &list->rejects[i]);
	this->commit_counters[WEIR_COUNT_UNRECORDED] += list->unrecorded;
}

static void
write_rejects(WeirWorkerView *this)
{
	save_rejects(this, this->view->live_oid, this->pipeline->rejects);
	save_rejects(this, this->view->stream_oid, this->pipeline->stream_rejects);
}

/*
 * State
 */

static void
save_chunk(void *argument, const char *data, int len)
{
	WeirWorkerView *this = argument;

	weir_chunk_save(this->view->live_oid, this->commit_next_chunk++, data, len);
	this->commit_chain_bytes += len;
}

/* The changes; now and then everything, in place of all that was written before. */
static void
write_chunks(WeirWorkerView *this)
{
	bool is_full =
		this->next_chunk == 0 || this->chain_bytes > Max(this->full_bytes, (int64) CHAIN_MIN_BYTES);

	this->commit_next_chunk = this->next_chunk;
	this->commit_full_bytes = this->full_bytes;
	this->commit_chain_bytes = is_full ? 0 : this->chain_bytes;
	weir_chunk_write(this->pipeline->store, is_full, save_chunk, this);
	if (!is_full)
		return;
	this->commit_full_bytes = this->commit_chain_bytes;
	this->commit_chain_bytes = 0;
	weir_chunk_delete_before(this->view->live_oid, this->next_chunk);
}
