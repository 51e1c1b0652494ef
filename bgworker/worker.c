/* SPDX-License-Identifier: PostgreSQL
 *
 * The worker of a stream: its main loop.
 *
 * A *life* is the time from loading to the next reason to load again: a view was added, paused, changed,
 * the stream has other options or partitions. Beginning a life is recovery, and the only one there is;
 * ending one is a commit and forgetting everything. An error that is no single view's ends the process,
 * and the launcher starts another.
 *
 * One transaction at a time, and none while waiting.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "foreign/foreign.h"
#include "nodes/nodes.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "commit.h"
#include "compat.h"
#include "inject.h"
#include "life.h"
#include "notify.h"
#include "run.h"
#include "setting.h"
#include "worker.h"
#include "worker_slot.h"

#define LOOK_AT_CATALOG_MS 500
#define OFFER_MS 1000
#define COPY_MS 20 /* between commits of copies at the head */
/* When messages begin to come, they come to all partitions, but not at the same moment: what was idle
 * before counts as idle again by an answer that was asked for this much later. */
#define SETTLE_MS 250

/* What this process has done, for its last line in the log. */
static struct
{
	int64 messages;
	int64 rows;
	int64 commits;
} done;

static void prepare(void);
static void live(WeirWorkerSlot *slot);
static void say_what_was_done(void);
static bool life_begin(WeirLife *life);
static void begin_activity(WeirLife *life);
static void life_turn(WeirLife *life);
static void life_end(WeirLife *life);

void
weir_worker_main(Datum main_arg)
{
	WeirWorkerSlot *slot = weir_worker_attach(main_arg);

	weir_inject("worker_start");
	prepare();
	while (!weir_stop_requested)
		live(slot);
	weir_notify_states(slot->stream_oid);
	say_what_was_done();
	proc_exit(0);
}

static void
say_what_was_done(void)
{
	ereport(LOG, errmsg("%s: ended after %.1f s: " INT64_FORMAT " messages applied, " INT64_FORMAT
						" closed rows written, " INT64_FORMAT " commits",
						weir_worker_title(),
						(double) (GetCurrentTimestamp() - MyStartTimestamp) / USECS_PER_SEC,
						done.messages, done.rows, done.commits));
}

/*
 * Settings of the process
 */

static void
set(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/* Whatever the database or the role has: the worker's transactions are its own. */
static void
prepare(void)
{
	set("search_path", "pg_catalog, pg_temp");
	set("TimeZone", "UTC");
	set("statement_timeout", "0");
	set("lock_timeout", "0");
	set("idle_in_transaction_session_timeout", "0");
	set("default_transaction_isolation", "read committed");
	set("default_transaction_read_only", "off");
	set("default_transaction_deferrable", "off");
	set("session_replication_role", "origin");
	set("row_security", "off");
	weir_setting_pin_process();
}

static void
reload_settings(WeirLife *life)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (weir_state_memory_kb != life->state_memory_kb || weir_max_rejects != life->max_rejects)
		life->is_over = true;
}

/*
 * A life
 */

static void
live(WeirWorkerSlot *slot)
{
	WeirLife life = {
		.slot = slot,
		.state_memory_kb = weir_state_memory_kb,
		.max_rejects = weir_max_rejects,
	};

	life.context = AllocSetContextCreate(TopMemoryContext, "weir life", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(life.context);
	if (!life_begin(&life))
	{
		weir_notify_states(slot->stream_oid);
		say_what_was_done();
		proc_exit(0); /* no view is wanted: the launcher knows, or will */
	}
	while (!weir_stop_requested && !life.is_over)
		life_turn(&life);
	life_end(&life);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(life.context);
}

/* A view that is to run, and the epoch that it has: another one means a change from outside. */
typedef struct Wanted
{
	WeirView *view;
	int64 epoch; /* 0: it was never started here */
} Wanted;

/* In a transaction. Result: list of Wanted *. */
static List *
read_wanted(const WeirLife *life)
{
	List *wanted = NIL;
	ListCell *cell;

	foreach (cell, weir_views_of_stream(life->slot->stream_oid))
	{
		WeirView *view = lfirst(cell);
		const WeirRun *run = weir_run_find(view->live_oid, GetActiveSnapshot());
		Wanted *this;

		if (!view->is_enabled)
			continue;
		this = palloc0_object(Wanted);
		this->view = view;
		this->epoch = run != NULL && run->is_here ? run->epoch : 0;
		wanted = lappend(wanted, this);
	}
	return wanted;
}

static bool
is_same_view(const Wanted *a, const Wanted *b)
{
	return weir_view_is_same(a->view, b->view) && strcmp(a->view->name, b->view->name) == 0 &&
		   a->view->has_notify == b->view->has_notify && a->epoch == b->epoch;
}

static bool
is_same(const List *a, const List *b)
{
	ListCell *cell_a;
	ListCell *cell_b;

	if (list_length(a) != list_length(b))
		return false;
	forboth (cell_a, a, cell_b, b)
		if (!is_same_view(lfirst(cell_a), lfirst(cell_b)))
			return false;
	return true;
}

/* Runs `work` in a transaction, its results in the life's memory. */
static void
in_transaction(WeirLife *life, void (*work)(WeirLife *life))
{
	weir_worker_be_patient(false);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(life->context);
	work(life);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(life->context);
	weir_worker_be_patient(true);
}

/* Everything about a stream whose change wants loading again: its columns, and the options of table,
 * columns, server and user mapping. */
static char *
describe_stream(Relation rel, Oid user_oid)
{
	TupleDesc desc = RelationGetDescr(rel);
	ForeignTable *table = GetForeignTable(RelationGetRelid(rel));
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%u %s %s %s\n", table->serverid, nodeToString(table->options),
					 nodeToString(GetForeignServer(table->serverid)->options),
					 nodeToString(GetUserMapping(user_oid, table->serverid)->options));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			appendStringInfo(
				&text, "%d %s %u %d %s\n", attribute->attnum, NameStr(attribute->attname),
				attribute->atttypid, attribute->atttypmod,
				nodeToString(GetForeignColumnOptions(RelationGetRelid(rel), attribute->attnum)));
	}
	return text.data;
}

static Oid
reader_oid(const List *wanted)
{
	return ((Wanted *) linitial(wanted))->view->owner_oid;
}

/* The reader connects as the views' owner does, so all must have the same user mapping's properties. */
static void
read_stream(WeirLife *life)
{
	Relation rel;

	life->wanted = read_wanted(life);
	if (life->wanted == NIL)
		return;
	rel = relation_open(life->slot->stream_oid, AccessShareLock);
	life->stream = weir_stream_open(rel, reader_oid(life->wanted));
	life->stream_text = describe_stream(rel, reader_oid(life->wanted));
	life->desc = CreateTupleDescCopy(RelationGetDescr(rel));
	relation_close(rel, AccessShareLock);
}

/* Until each partition has a range: one without a leader gets it later. */
static void
wait_for_ranges(WeirLife *life)
{
	for (int i = 0; i < life->partition_count && !weir_stop_requested; i++)
		while (weir_source_partition(life->source, i)->end < 0 && !weir_stop_requested)
		{
			weir_source_look(life->source);
			weir_source_wait(life->source, 100);
		}
}

static void
make_area(WeirLife *life)
{
	life->area = dsa_create(weir_registry_area_tranche());
	dsa_pin_mapping(life->area);
	weir_heap_set_own(life->area);
}

/* A view that is not at work is loaded by the next life, which begins then. */
static void
reload_after(WeirLife *life, int ms)
{
	TimestampTz at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);

	if (life->reload_at == 0 || at < life->reload_at)
		life->reload_at = at;
}

static void
load_views(WeirLife *life)
{
	int64 *lows = palloc_array(int64, life->partition_count + 1);
	int64 *ends = palloc_array(int64, life->partition_count + 1);
	WeirStreamFacts facts = {life->stream, life->desc, life->partition_count, lows,
							 ends,         life->area, weir_worker_index()};
	ListCell *cell;

	for (int i = 0; i < life->partition_count; i++)
	{
		lows[i] = weir_source_partition(life->source, i)->low;
		ends[i] = weir_source_partition(life->source, i)->end;
	}
	foreach (cell, life->wanted)
	{
		Wanted *wanted = lfirst(cell);
		int retry_ms;
		WeirWorkerView *view = weir_worker_view_load(wanted->view, &facts, &retry_ms);

		if (view != NULL)
		{
			life->views = lappend(life->views, view);
			wanted->epoch = view->run->epoch;
		}
		else if (retry_ms > 0)
			reload_after(life, retry_ms);
	}
}

static void
make_batches(WeirLife *life)
{
	Bitmapset *attnums = NULL;
	ListCell *cell;

	foreach (cell, life->views)
		attnums = bms_add_members(
			attnums, weir_pipeline_columns(((WeirWorkerView *) lfirst(cell))->pipeline->query));
	for (int i = 0; i < 2; i++)
		life->batches[i] = weir_batch_create(life->stream, life->desc->natts, attnums);
	life->ahead = weir_batch_start_ahead(life->batches[0]);
	life->batches[0]->ahead = life->batches[1]->ahead = life->ahead;
}

/* Each partition from where the hindmost view is. */
static void
start_partitions(WeirLife *life)
{
	for (int i = 0; i < life->partition_count && life->views != NIL; i++)
	{
		int64 offset = PG_INT64_MAX;
		ListCell *cell;

		foreach (cell, life->views)
			offset = Min(offset, weir_worker_view_start_offset(
									 lfirst(cell), i, weir_source_partition(life->source, i)->low));
		weir_source_start(life->source, i, offset);
	}
}

/* Result: false if there is nothing to do. */
static bool
life_begin(WeirLife *life)
{
	in_transaction(life, read_stream);
	if (life->wanted == NIL)
		return false;
	pgstat_report_activity(STATE_RUNNING, psprintf("%s: starting", weir_worker_title()));
	weir_condition_set(&life->slot->condition, weir_worker_title(), WEIR_RUN_STARTING, 0, NULL);
	weir_worker_be_patient(false); /* a broker that does not answer must not hold up a stop */
	life->source = weir_source_open(life->stream);
	weir_worker_be_patient(true);
	life->partition_count = weir_source_partition_count(life->source);
	wait_for_ranges(life);
	make_area(life);
	weir_worker_be_patient(false);
	load_views(life);
	weir_worker_be_patient(true);
	make_batches(life);
	weir_clock_init(&life->head, 0, palloc0_array(WeirPartitionClock, life->partition_count + 1),
					life->partition_count);
	start_partitions(life);
	begin_activity(life);
	life->last_commit = life->last_catalog_look = GetCurrentTimestamp();
	weir_condition_set(&life->slot->condition, weir_worker_title(), WEIR_RUN_RUNNING, 0, NULL);
	pgstat_report_activity(STATE_RUNNING, psprintf("%s: reading topic \"%s\"", weir_worker_title(),
												   life->stream->topic));
	return true;
}

static void show_checkpoint(const WeirLife *life);

static void
commit(WeirLife *life)
{
	weir_worker_be_patient(false);
	if (!weir_commit(life->views))
		life->is_over = true;
	MemoryContextSwitchTo(life->context);
	weir_worker_be_patient(true);
	life->last_commit = GetCurrentTimestamp();
	life->has_committed = true;
	show_checkpoint(life);
}

static int64
counted(const WeirWorkerView *view, WeirCounter counter)
{
	const WeirRun *start = view->run; /* its counters stay as they were loaded */

	return view->pipeline->counters[counter] -
		   ((int) counter < start->counter_count ? start->counters[counter] : 0);
}

static void
add_done(const WeirWorkerView *view)
{
	done.rows += counted(view, WEIR_COUNT_ROWS);
	done.commits += counted(view, WEIR_COUNT_COMMITS);
}

static void
life_end(WeirLife *life)
{
	ListCell *cell;

	if (life->ahead)
		weir_ahead_stop(life->ahead);
	commit(life);
	foreach (cell, life->views)
	{
		add_done(lfirst(cell));
		weir_worker_view_unload(lfirst(cell));
	}
	weir_worker_leave_views();
	weir_heap_set_own(NULL);
	dsa_detach(life->area);
}

/*
 * A turn
 */

static void wake_partitions(WeirLife *life);
static void make_room(WeirLife *life);
static void publish_views(WeirLife *life);
static void look_at_source(WeirLife *life);
static void look_at_idleness(WeirLife *life);
static void look_at_catalog(WeirLife *life);
static bool is_commit_due(const WeirLife *life);
static void offer_offsets(WeirLife *life);
static void show(WeirLife *life);

/* Until a turn is needed, whatever comes. */
static int
wait_ms(const WeirLife *life)
{
	ListCell *cell;

	foreach (cell, life->views)
	{
		const WeirCopy *copy = ((WeirWorkerView *) lfirst(cell))->pipeline->copy;

		if (copy != NULL && copy->count > 0)
			return COPY_MS;
	}
	return Min(weir_commit_interval_ms, 100);
}

static void
life_turn(WeirLife *life)
{
	life->applied = 0;
	life->has_committed = false;
	wake_partitions(life);
	weir_life_apply(life);
	done.messages += life->applied;
	make_room(life);
	publish_views(life);
	look_at_source(life);
	if (is_commit_due(life))
		commit(life);
	offer_offsets(life);
	show(life);
	look_at_catalog(life);
	reload_settings(life);
	if (life->applied == 0 && !life->has_committed && !life->is_over)
		weir_source_wait(life->source, wait_ms(life));
}

static bool
has_messages(WeirLife *life, int partition)
{
	const WeirMessage *messages;

	return weir_source_peek(life->source, partition, &messages) > 0;
}

static void
begin_activity(WeirLife *life)
{
	life->is_quiet = false;
	life->active_since = GetCurrentTimestamp();
	weir_source_ask_by(life->source, TimestampTzPlusMilliseconds(life->active_since, SETTLE_MS));
}

/* Before anything is applied: a partition with messages holds W, and so do all for a moment when the
 * first ones come. */
static void
wake_partitions(WeirLife *life)
{
	bool was_quiet = life->is_quiet;

	for (int i = 0; i < life->partition_count; i++)
	{
		ListCell *cell;

		if (!has_messages(life, i))
			continue;
		if (life->is_quiet)
			begin_activity(life);
		foreach (cell, life->views)
			weir_clock_set_idle(&((WeirWorkerView *) lfirst(cell))->pipeline->clock, i, false);
	}
	if (was_quiet && !life->is_quiet)
		look_at_idleness(life);
}

/* Result: does the topic have all that the view has applied? If not, the view is out. */
static bool
has_its_topic(WeirLife *life, WeirWorkerView *view)
{
	for (int i = 0; i < life->partition_count; i++)
	{
		const WeirSourcePartition *source = weir_source_partition(life->source, i);

		if (weir_worker_view_check_end(view, i, source))
			continue;
		weir_worker_view_fail_topic(view, psprintf("partition %d ends at " INT64_FORMAT
												   ", and was read up to " INT64_FORMAT,
												   i, source->end, view->pipeline->positions[i]));
		return false;
	}
	return true;
}

static void
check_ends(WeirLife *life)
{
	ListCell *cell;

	foreach (cell, life->views)
		if (!has_its_topic(life, lfirst(cell)))
			life->views = foreach_delete_current(life->views, cell);
}

/* Views that cannot commit do not hold up the others, for want of memory or for an event that waits. */
static void
make_room(WeirLife *life)
{
	bool is_full = false;
	ListCell *cell;

	foreach (cell, life->views)
		is_full |= ((WeirWorkerView *) lfirst(cell))->is_full;
	foreach (cell, life->views)
	{
		WeirWorkerView *view = lfirst(cell);

		if (!weir_worker_view_is_failing(view) || !(is_full || view->is_waiting))
			continue;
		reload_after(life, weir_worker_view_set_aside(view));
		life->views = foreach_delete_current(life->views, cell);
	}
}

static void
publish_views(WeirLife *life)
{
	ListCell *cell;

	foreach (cell, life->views)
		weir_worker_view_publish(lfirst(cell), life->area);
}

/* Idle by an answer that is not older than the activity, and nothing has come since. */
static bool
is_idle(WeirLife *life, int partition)
{
	const WeirSourcePartition *source = weir_source_partition(life->source, partition);

	return source->is_idle &&
		   source->end_at >= TimestampTzPlusMilliseconds(life->active_since, SETTLE_MS) &&
		   !has_messages(life, partition);
}

/* Offsets that hold no message (a transaction's markers) count as applied once the source is past them. */
static void
pass_gaps(WeirPipeline *pipeline, int partition, int64 next)
{
	if (pipeline->positions[partition] >= next)
		return;
	pipeline->positions[partition] = next;
	pipeline->has_progress = true;
}

static void
push_idle(const WeirLife *life, WeirPipeline *pipeline)
{
	if (life->stream->idle_close_us < 0 || !weir_clock_is_all_idle(&pipeline->clock))
		return;
	if (weir_clock_push(&pipeline->clock, GetCurrentTimestamp() - life->stream->lateness_us -
											  life->stream->idle_close_us) &&
		weir_pipeline_is_due(pipeline))
		pipeline->has_progress = true;
}

static void
bring_up_to_date(WeirLife *life, WeirWorkerView *view)
{
	WeirPipeline *pipeline = view->pipeline;

	for (int i = 0; i < life->partition_count; i++)
	{
		const WeirSourcePartition *source = weir_source_partition(life->source, i);

		if (source->is_at_end)
			pass_gaps(pipeline, i, source->next);
		if (weir_clock_set_idle(&pipeline->clock, i,
								is_idle(life, i) && pipeline->positions[i] >= source->next))
			pipeline->has_progress = true;
	}
	push_idle(life, pipeline);
}

static void
lose(WeirLife *life, int partition, int64 from, int64 to)
{
	ListCell *cell;

	foreach (cell, life->views)
		weir_pipeline_lose(((WeirWorkerView *) lfirst(cell))->pipeline, partition, from, to);
}

/* Lost data are logged with their offsets, once, and recorded with the positions behind them. */
static void
note_losses(WeirLife *life)
{
	for (int i = 0; i < life->partition_count; i++)
	{
		WeirSourcePartition *source = weir_source_partition(life->source, i);

		if (source->lost_from == source->lost_to)
			continue;
		ereport(WARNING,
				errmsg("messages of topic \"%s\" were deleted before they were read",
					   life->stream->topic),
				errdetail("Partition %d, offsets " INT64_FORMAT " to " INT64_FORMAT ".", i,
						  source->lost_from, source->lost_to - 1));
		lose(life, i, source->lost_from, source->lost_to);
		source->lost_from = source->lost_to = 0;
	}
}

static void
look_at_idleness(WeirLife *life)
{
	ListCell *cell;

	foreach (cell, life->views)
		bring_up_to_date(life, lfirst(cell));
}

/* A view that has come to the end of the topic has proved that it can: its starts are counted anew with
 * the next commit, which comes for this alone where there is nothing else to commit. */
static void
note_end(WeirLife *life)
{
	ListCell *cell;

	for (int i = 0; i < life->partition_count && !life->has_reached_end; i++)
		if (!weir_source_partition(life->source, i)->is_at_end)
			return;
	if (life->has_reached_end)
		return;
	life->has_reached_end = true;
	foreach (cell, life->views)
		((WeirWorkerView *) lfirst(cell))->pipeline->has_progress = true;
}

static void
look_at_source(WeirLife *life)
{
	bool is_quiet = life->applied == 0;

	if (weir_source_look(life->source) &&
		weir_source_partition_count(life->source) != life->partition_count)
		life->is_over = true;
	note_losses(life);
	check_ends(life);
	look_at_idleness(life);
	note_end(life);
	for (int i = 0; i < life->partition_count; i++)
		is_quiet = is_quiet && is_idle(life, i);
	life->is_quiet = life->is_quiet || is_quiet;
}

static bool
is_same_stream(const WeirLife *life, const List *wanted)
{
	Relation rel;
	bool is_same;

	/* somebody is about to change it: what is not committed is not waited for */
	if (!ConditionalLockRelationOid(life->slot->stream_oid, AccessShareLock))
		return true;
	rel = try_relation_open(life->slot->stream_oid, NoLock);
	if (rel == NULL)
		return false;
	is_same = strcmp(describe_stream(rel, reader_oid(wanted)), life->stream_text) == 0;
	relation_close(rel, NoLock);
	return is_same;
}

static void
compare_wanted(WeirLife *life)
{
	MemoryContext scratch =
		AllocSetContextCreate(life->context, "weir catalog", ALLOCSET_DEFAULT_SIZES);
	List *wanted;

	MemoryContextSwitchTo(scratch);
	wanted = read_wanted(life);
	if (!is_same(wanted, life->wanted) || !is_same_stream(life, wanted))
		life->is_over = true;
	MemoryContextSwitchTo(life->context);
	MemoryContextDelete(scratch);
}

static void
look_at_catalog(WeirLife *life)
{
	TimestampTz now = GetCurrentTimestamp();

	if (life->reload_at != 0 && now >= life->reload_at)
		life->is_over = true;
	if (now - life->last_catalog_look < LOOK_AT_CATALOG_MS * INT64CONST(1000))
		return;
	life->last_catalog_look = now;
	in_transaction(life, compare_wanted);
	weir_notify_states(life->slot->stream_oid);
}

/* At the head windows that close are committed at once, and rows of copies after a moment, in which more of
 * them come; while catching up they wait for the interval. */
static bool
is_due(const WeirLife *life, const WeirWorkerView *view, int64 waited_us)
{
	return life->applied < WEIR_FETCH_MAX && weir_pipeline_is_due(view->pipeline) &&
		   (view->pipeline->copy == NULL || waited_us >= COPY_MS * INT64CONST(1000));
}

static bool
is_commit_due(const WeirLife *life)
{
	int64 waited_us = GetCurrentTimestamp() - life->last_commit;
	bool is_time = waited_us >= weir_commit_interval_ms * INT64CONST(1000);
	ListCell *cell;

	foreach (cell, life->views)
	{
		const WeirWorkerView *view = lfirst(cell);

		if (!weir_commit_is_wanted(view))
			continue;
		if (is_time || view->is_waiting || is_due(life, view, waited_us))
			return true;
	}
	return false;
}

/*
 * Statistics
 */

static void
show_partition(WeirLife *life, int i)
{
	const WeirSourcePartition *source = weir_source_partition(life->source, i);
	WeirPartitionSlot *slot = &life->slot->partitions[i];

	pg_atomic_write_u64(&slot->fetched, (uint64) source->next);
	pg_atomic_write_u64(&slot->applied, (uint64) source->next);
	pg_atomic_write_u64(&slot->end, (uint64) source->end);
	pg_atomic_write_u64(&slot->max_us, (uint64) life->head.partitions[i].max_us);
	pg_atomic_write_u32(&slot->is_idle, source->is_idle);
}

/* The least that any view has committed. */
static int64
checkpoint(const WeirLife *life, int partition)
{
	int64 offset = PG_INT64_MAX;
	ListCell *cell;

	foreach (cell, life->views)
		offset = Min(offset, ((WeirWorkerView *) lfirst(cell))->committed[partition]);
	return offset;
}

static void
show_checkpoint(const WeirLife *life)
{
	for (int i = 0; i < Min(life->partition_count, WEIR_PARTITIONS_SHOWN) && life->views != NIL;
		 i++)
		pg_atomic_write_u64(&life->slot->partitions[i].checkpointed, (uint64) checkpoint(life, i));
}

/* Behind commits, not for each of them. */
static void
offer_offsets(WeirLife *life)
{
	TimestampTz now;
	int64 *offsets;

	if (life->stream->offsets_group == NULL || life->views == NIL ||
		life->last_offer >= life->last_commit)
		return;
	now = GetCurrentTimestamp();
	if (now - life->last_offer < OFFER_MS * INT64CONST(1000))
		return;
	life->last_offer = now;
	offsets = palloc_array(int64, life->partition_count + 1);
	for (int i = 0; i < life->partition_count; i++)
		offsets[i] = checkpoint(life, i);
	weir_source_offer(life->source, offsets);
	pfree(offsets);
}

static void
show(WeirLife *life)
{
	ListCell *cell;

	weir_rate_note(&life->rate, done.messages, GetCurrentTimestamp());
	pg_atomic_write_u64(&life->slot->milli_rate, weir_rate_milli(&life->rate));
	pg_atomic_write_u32(&life->slot->partition_count, (uint32) life->partition_count);
	for (int i = 0; i < Min(life->partition_count, WEIR_PARTITIONS_SHOWN); i++)
		show_partition(life, i);
	foreach (cell, life->views)
		weir_worker_view_show(lfirst(cell));
}
