/* SPDX-License-Identifier: PostgreSQL
 *
 * A continuous view in the worker.
 *
 * Loading is the only recovery there is: read the last commit, take a new epoch, go on from its
 * positions. A first start resolves its positions here and commits them before the first message.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "chunk.h"
#include "client.h"
#include "clock.h"
#include "compat.h"
#include "guard.h"
#include "setting.h"
#include "start.h"
#include "view.h"
#include "worker_slot.h"

#define FREE_STARTS 3 /* that came to nothing, before the next one has to wait */
/* What could not be loaded is tried again after this, doubled for each time. */
#define RELOAD_MIN_MS 5000
#define RELOAD_MAX_MS 60000
#define BEYOND_MS 1000 /* a new leader may not know its end yet */

typedef struct Loading
{
	MemoryContext context;
	WeirWorkerView *this;
	const WeirStreamFacts *facts;
	bool is_compiling;
	WeirRunState refusal; /* RUNNING: none */
	const char *why;
} Loading;

static void load(void *argument);

void
weir_worker_view_set_state(const WeirWorkerView *this, WeirRunState state, int sqlstate,
						   const char *error)
{
	weir_condition_set(&this->slot->condition, psprintf("view \"%s\"", this->view->name), state,
					   sqlstate, error);
}

static int
reload_ms(WeirViewSlot *slot)
{
	int tries = weir_registry_note_try(slot, false);

	return Min(RELOAD_MIN_MS << Min(tries - 1, 8), RELOAD_MAX_MS);
}

/* An error that the same try raises again, whatever happens outside: the definition means nothing any
 * more, what was stored is damaged, or the topic is another one. */
static bool
is_lasting(const Loading *loading, int sqlstate)
{
	int category = ERRCODE_TO_CATEGORY(sqlstate);

	if (category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_CORRUPTED) ||
		sqlstate == ERRCODE_DATA_EXCEPTION)
		return true;
	return loading->is_compiling && sqlstate != ERRCODE_INSUFFICIENT_PRIVILEGE &&
		   (category == ERRCODE_TO_CATEGORY(ERRCODE_FEATURE_NOT_SUPPORTED) ||
			category == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION));
}

static WeirRunState
state_of(const Loading *loading, int sqlstate)
{
	if (sqlstate == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED)
		return WEIR_RUN_FULL;
	return is_lasting(loading, sqlstate) ? WEIR_RUN_FAILED : WEIR_RUN_RETRYING;
}

static void
note_error(const Loading *loading, const ErrorData *error, int *retry_ms)
{
	WeirRunState state = state_of(loading, error->sqlerrcode);

	if (state != WEIR_RUN_FAILED)
		*retry_ms = reload_ms(loading->this->slot);
	weir_worker_view_set_state(loading->this, state, error->sqlerrcode, error->message);
}

WeirWorkerView *
weir_worker_view_load(WeirView *view, const WeirStreamFacts *facts, int *retry_ms)
{
	WeirWorkerView *this = palloc0_object(WeirWorkerView);
	Loading loading = {.context = CurrentMemoryContext, .this = this, .facts = facts};
	ErrorData *error;

	*retry_ms = 0;
	loading.refusal = WEIR_RUN_RUNNING;
	this->view = view;
	this->slot = weir_registry_claim_view(view->live_oid, view->stream_oid, facts->worker);
	if (this->slot == NULL)
	{
		ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("cannot run view \"%s\": all slots are taken", view->name),
				errhint("Raise weir.max_views and restart the server."));
		return NULL;
	}
	weir_worker_view_set_state(this, WEIR_RUN_STARTING, 0, NULL);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(loading.context);
	error = weir_guard(load, &loading);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(loading.context);
	if (error != NULL)
	{
		note_error(&loading, error, retry_ms);
		return NULL;
	}
	if (loading.refusal != WEIR_RUN_RUNNING)
	{
		*retry_ms = loading.refusal == WEIR_RUN_RETRYING ? RELOAD_MIN_MS : 0;
		weir_worker_view_set_state(this, loading.refusal, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
								   loading.why);
		return NULL;
	}
	weir_worker_view_publish(this, facts->area);
	return this;
}

/*
 * Loading
 */

static bool
is_same_connection(const WeirStream *a, const WeirStream *b)
{
	if (a->property_count != b->property_count)
		return false;
	for (int i = 0; i < a->property_count; i++)
		if (strcmp(a->properties[i].name, b->properties[i].name) != 0 ||
			strcmp(a->properties[i].value, b->properties[i].value) != 0)
			return false;
	return true;
}

/* Credentials are not lent: the owner's own mapping must connect as the worker's reader does. */
static void
check_connection(const Loading *loading)
{
	const WeirView *view = loading->this->view;
	Relation rel = relation_open(view->stream_oid, AccessShareLock);
	WeirStream *own = weir_stream_open(rel, view->owner_oid);

	relation_close(rel, AccessShareLock);
	if (!is_same_connection(own, loading->facts->stream))
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("owner of view \"%s\" has another user mapping than the worker of its stream",
				   view->name),
			errhint("Views of one foreign table run over one connection: use one mapping, or a "
					"foreign table of the owner's own."));
}

static WeirQuery *
compile(Loading *loading)
{
	const WeirView *view = loading->this->view;
	WeirQuery *query;

	if (pg_class_aclcheck(view->stream_oid, view->owner_oid, ACL_SELECT) != ACLCHECK_OK)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("owner of view \"%s\" may not select from its stream", view->name));
	check_connection(loading);
	loading->is_compiling = true;
	query = weir_query_compile(weir_query_of_view(view->query_oid));
	loading->is_compiling = false;
	return query;
}

/* A worker that dies by a signal takes the whole server with it, and what its memory knew of it. So
 * each start is counted before it begins, and the more of them came to nothing, the longer the next one
 * waits. */
static bool
is_too_early(const WeirRun *run)
{
	int64 wait_s =
		run->starts < FREE_STARTS ? 0 : INT64CONST(1) << Min(run->starts - FREE_STARTS, 6);

	return GetCurrentTimestamp() < MyStartTimestamp + wait_s * USECS_PER_SEC;
}

/* Result: may it run? */
static bool
judge(Loading *loading, WeirRun *run, const char *fingerprint)
{
	if (run == NULL || !run->is_here)
	{
		loading->refusal = WEIR_RUN_MOVED;
		loading->why = "it was not started in this database; weir.resume() starts it";
		return false;
	}
	if (run->fingerprint != NULL && strcmp(run->fingerprint, fingerprint) != 0)
	{
		loading->refusal = WEIR_RUN_CHANGED;
		loading->why = "its definition or stream has another meaning than its stored state; "
					   "weir.restart() starts it anew";
		return false;
	}
	if (is_too_early(run))
	{
		loading->refusal = WEIR_RUN_RETRYING;
		loading->why = psprintf("%d starts in a row came to nothing; the next one waits for longer",
								run->starts);
		return false;
	}
	return true;
}

/* Kafka's first messages of a time or later. */
static void
find_time(const WeirStreamFacts *facts, int64 time_us, int64 *offsets)
{
	WeirClient *client = weir_client_open(facts->stream, WEIR_SCOPE_CONSUMER);
	int64 unix_us = time_us + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	WeirTopic *topic =
		weir_client_describe_at(client, Max((unix_us + 999) / 1000, 0)); /* not before the time */

	for (int i = 0; i < Min(facts->partition_count, topic->partition_count); i++)
		offsets[i] = topic->ranges[i].at;
}

static void
find_offsets(const WeirStreamFacts *facts, const char *start_at, int64 *offsets)
{
	for (int i = 0; i < facts->partition_count; i++)
	{
		int64 offset;

		if (!weir_start_offset(start_at, i, &offset))
			continue;
		if (offset < facts->lows[i] || offset > facts->ends[i])
			ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("partition %d of topic \"%s\" has no offset " INT64_FORMAT
						   " to start at",
						   i, facts->stream->topic, offset),
					errdetail("It has " INT64_FORMAT " to " INT64_FORMAT ".", facts->lows[i],
							  facts->ends[i]));
		offsets[i] = offset;
	}
}

static void
find_start(const WeirStreamFacts *facts, const char *start_at, int64 *offsets)
{
	Size size = sizeof(int64) * (Size) facts->partition_count;
	WeirStart start;

	if (!weir_start_parse(start_at, &start))
		elog(ERROR, "option start_at has the value \"%s\"", start_at);
	memcpy(offsets, start.kind == WEIR_START_LATEST ? facts->ends : facts->lows, size);
	if (start.kind == WEIR_START_TIME)
		find_time(facts, start.time_us, offsets);
	else if (start.kind == WEIR_START_OFFSETS)
		find_offsets(facts, start_at, offsets);
}

/* Where a view begins that has no position, or was restarted. */
static WeirPosition *
first_position(const Loading *loading, const WeirPosition *restarted)
{
	const WeirStreamFacts *facts = loading->facts;
	WeirPosition *position = palloc0_object(WeirPosition);
	int count = facts->partition_count;

	position->topic = facts->stream->topic;
	position->watermark_us = WEIR_CLOCK_NONE;
	position->closed_until_us = restarted ? restarted->closed_until_us : WEIR_CLOCK_NONE;
	position->partition_count = count;
	position->positions = palloc_array(int64, count + 1);
	position->max_us = palloc_array(int64, count + 1);
	position->seals = palloc_array(WeirSeal, count + 1);
	for (int i = 0; i < count; i++)
	{
		position->max_us[i] = WEIR_CLOCK_NONE;
		position->seals[i] = WEIR_SEAL_NONE;
	}
	find_start(facts, loading->this->view->start_at, position->positions);
	position->replay_offsets = position->positions;
	return position;
}

static void
read_chunk(void *argument, int64 number, const char *data, int len)
{
	WeirWorkerView *this = argument;
	char name[96];

	snprintf(name, sizeof(name), "chunk " INT64_FORMAT " of view %u", number, this->view->live_oid);
	if (!weir_chunk_read(this->pipeline->store, data, len, name))
		ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("out of state memory"),
				errdetail("The open windows of view \"%s\" do not fit into it.", this->view->name),
				errhint("Raise weir.state_memory."));
	this->full_bytes += len;
}

/* Partitions that came after the position was stored begin at their oldest message. */
static void
take_position(WeirWorkerView *this, const WeirStreamFacts *facts, const WeirPosition *position)
{
	WeirPipeline *pipeline = this->pipeline;

	if (position->partition_count > facts->partition_count)
		ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
				errmsg("topic \"%s\" has fewer partitions than it had", facts->stream->topic),
				errdetail("It had %d, and has %d now: it was made anew.", position->partition_count,
						  facts->partition_count),
				errhint("weir.restart() begins with the new topic."));
	this->is_unsealed = palloc0_array(bool, facts->partition_count + 1);
	for (int i = 0; i < facts->partition_count; i++)
	{
		bool is_known = i < position->partition_count;

		pipeline->positions[i] = is_known ? position->positions[i] : facts->lows[i];
		pipeline->clock.partitions[i].max_us = is_known ? position->max_us[i] : WEIR_CLOCK_NONE;
		pipeline->seals[i] = is_known ? position->seals[i] : WEIR_SEAL_NONE;
		this->is_unsealed[i] = pipeline->seals[i].offset >= 0;
	}
	this->is_held = palloc0_array(bool, facts->partition_count + 1);
	this->committed = palloc_array(int64, facts->partition_count + 1);
	memcpy(this->committed, pipeline->positions, sizeof(int64) * (size_t) facts->partition_count);
	this->loaded = palloc_array(int64, facts->partition_count + 1);
	memcpy(this->loaded, pipeline->positions, sizeof(int64) * (size_t) facts->partition_count);
	this->loaded_at = GetCurrentTimestamp();
	pipeline->clock.watermark_us = position->watermark_us;
	pipeline->closed_until_us = position->closed_until_us;
	pipeline->committed_us = position->watermark_us;
	weir_clock_refresh(&pipeline->clock);
}

/* A position without chunks came out of a dump: the open windows are folded again from the messages
 * that fed them. */
static void
begin_refold(WeirWorkerView *this, const WeirPosition *position)
{
	WeirPipeline *pipeline = this->pipeline;

	pipeline->refold_watermark_us = position->watermark_us;
	for (int i = 0; i < position->partition_count; i++)
	{
		if (position->replay_offsets[i] >= position->positions[i])
			continue;
		pipeline->refold_until[i] = position->positions[i];
		pipeline->positions[i] = position->replay_offsets[i];
	}
}

static void
take_counters(WeirPipeline *pipeline, const WeirRun *run)
{
	for (int i = 0; i < Min(run->counter_count, WEIR_COUNTER_COUNT); i++)
		pipeline->counters[i] = run->counters[i];
}

static void
load_state(Loading *loading, WeirRun *run, WeirPosition *position)
{
	WeirWorkerView *this = loading->this;
	int64 watermark_us = position->watermark_us;

	this->next_chunk = weir_chunk_scan(run->view_oid, GetActiveSnapshot(), read_chunk, this);
	take_counters(this->pipeline, run);
	take_position(this, loading->facts, position);
	if (watermark_us != WEIR_CLOCK_NONE)
		weir_store_free(this->pipeline->store,
						weir_store_due_count(this->pipeline->store, watermark_us));
	if (this->next_chunk == 0)
		begin_refold(this, position);
	/* a smaller lateness closes windows without a message */
	this->pipeline->has_progress = weir_pipeline_is_due(this->pipeline);
}

static int64
count_recorded(const WeirWorkerView *this, Oid relation_oid)
{
	return weir_run_count_rejects(relation_oid, this->committed,
								  this->pipeline->clock.partition_count, weir_max_rejects);
}

/* What was recorded before counts too, but for messages that are still to come: those of the stream
 * may be there by another view, and are no second row. */
static void
set_reject_room(WeirWorkerView *this)
{
	this->pipeline->rejects->room -= count_recorded(this, this->view->live_oid);
	this->pipeline->stream_rejects->room -= count_recorded(this, this->view->stream_oid);
}

/* A new epoch: readers take nothing from the memory of an earlier one. */
static void
take_epoch(WeirRun *run, char *fingerprint)
{
	run->epoch++;
	run->starts++;
	run->fingerprint = fingerprint;
	weir_run_save(run);
}

static void
load(void *argument)
{
	Loading *loading = argument;
	WeirWorkerView *this = loading->this;
	const WeirStreamFacts *facts = loading->facts;
	Oid view_oid = this->view->live_oid;
	WeirHeap heap = {.area = facts->area};
	WeirPosition *position;
	WeirQuery *query;
	char *fingerprint;

	SPI_connect();
	MemoryContextSwitchTo(loading->context);
	query = compile(loading);
	fingerprint = weir_query_fingerprint(query);
	this->run = weir_run_take(view_oid);
	/* taking may have waited for a restart or another worker: what these wrote is to be seen */
	PushActiveSnapshot(GetTransactionSnapshot());
	if (judge(loading, this->run, fingerprint))
	{
		weir_heap_set_limit(&heap, (Size) weir_state_memory_kb * 1024);
		this->pipeline = weir_pipeline_create(facts->stream, facts->desc, query, heap,
											  facts->partition_count, weir_max_rejects);
		if (this->pipeline == NULL)
			ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					errmsg("out of state memory"), errhint("Raise weir.state_memory."));
		this->finish = weir_finish_create(query);
		position = weir_position_find(view_oid, GetActiveSnapshot());
		if (position == NULL || position->partition_count == 0)
		{
			position = first_position(loading, position);
			weir_position_save(view_oid, position);
		}
		load_state(loading, this->run, position);
		this->skips = weir_run_skips(view_oid);
		set_reject_room(this);
		take_epoch(this->run, fingerprint);
	}
	PopActiveSnapshot();
	SPI_finish();
}

/*
 * Working
 */

/* Expressions that may raise errors may be anybody's: they run as the owner. */
static int
step_guarded(WeirWorkerView *this, const WeirBatch *batch)
{
	Oid user;
	int security;
	int done;

	weir_worker_be_patient(false);
	PushActiveSnapshot(GetTransactionSnapshot());
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(this->view->owner_oid, security | SECURITY_RESTRICTED_OPERATION);
	done = weir_pipeline_step(this->pipeline, batch, 0, &this->slot->lock);
	SetUserIdAndSecContext(user, security);
	PopActiveSnapshot();
	weir_worker_be_patient(true);
	return done;
}

static bool
is_any_held(const WeirWorkerView *this)
{
	for (int i = 0; i < this->pipeline->clock.partition_count; i++)
		if (this->is_held[i])
			return true;
	return false;
}

static void
note_full(WeirWorkerView *this, bool is_full)
{
	if (this->is_full == is_full)
		return;
	this->is_full = is_full;
	if (weir_worker_view_is_failing(this))
		return; /* which is why, and is told already */
	if (is_full)
		weir_worker_view_set_state(this, WEIR_RUN_FULL, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
								   "the open windows fill weir.state_memory");
	else
		weir_worker_view_set_state(this, WEIR_RUN_RUNNING, 0, NULL);
}

int
weir_worker_view_step(WeirWorkerView *this, const WeirBatch *batch)
{
	int done = this->pipeline->query->can_raise_input
				   ? step_guarded(this, batch)
				   : weir_pipeline_step(this->pipeline, batch, 0, &this->slot->lock);

	this->is_waiting |= this->pipeline->is_waiting;
	if (batch->count > 0)
		this->is_held[batch->events[0].message->partition] =
			done < batch->count && !this->pipeline->is_waiting;
	note_full(this, is_any_held(this));
	return done;
}

/*
 * For readers
 */

/* Not while it folds open windows again: half a window is nobody's to see. */
void
weir_worker_view_publish(WeirWorkerView *this, dsa_area *area)
{
	WeirViewSlot *slot = this->slot;

	if (this->is_published || weir_worker_view_is_refolding(this))
		return;
	this->is_published = true;
	weir_worker_view_show(this);
	LWLockAcquire(&slot->lock, LW_EXCLUSIVE);
	slot->area = dsa_get_handle(area);
	slot->store = (dsa_pointer) weir_store_header_ref(this->pipeline->store);
	slot->epoch = (uint64) this->run->epoch;
	slot->generation = slot->freed = (uint64) this->run->generation;
	LWLockRelease(&slot->lock);
	weir_worker_view_set_state(this, WEIR_RUN_RUNNING, 0, NULL);
}

static void
show_holder(WeirViewSlot *slot, const WeirPipeline *pipeline)
{
	int holder = weir_clock_holder(&pipeline->clock);
	WeirWindow window;
	bool is_open = weir_pipeline_next_window(pipeline, WEIR_CLOCK_NONE, &window);

	pg_atomic_write_u32(&slot->holder, holder < 0 ? PG_UINT32_MAX : (uint32) holder);
	pg_atomic_write_u64(
		&slot->held_us,
		(uint64) (holder < 0 ? WEIR_CLOCK_NONE : pipeline->clock.partitions[holder].max_us));
	pg_atomic_write_u64(&slot->next_end_us, (uint64) (is_open ? window.end_us : WEIR_CLOCK_NONE));
}

void
weir_worker_view_show(WeirWorkerView *this)
{
	WeirViewSlot *slot = this->slot;
	const WeirPipeline *pipeline = this->pipeline;

	for (int i = 0; i < WEIR_COUNTER_COUNT; i++)
		pg_atomic_write_u64(&slot->counters[i], (uint64) pipeline->counters[i]);
	weir_rate_note(&this->rate, pipeline->counters[WEIR_COUNT_FOLDED], GetCurrentTimestamp());
	pg_atomic_write_u64(&slot->milli_rate, weir_rate_milli(&this->rate));
	pg_atomic_write_u64(&slot->watermark_us, (uint64) pipeline->clock.watermark_us);
	show_holder(slot, pipeline);
	pg_atomic_write_u64(&slot->open_groups, weir_store_group_count(pipeline->store));
	pg_atomic_write_u64(&slot->state_bytes, weir_store_bytes(pipeline->store));
}

int64
weir_worker_view_start_offset(const WeirWorkerView *this, int partition, int64 low)
{
	const WeirPipeline *pipeline = this->pipeline;
	int64 offset = pipeline->positions[partition];

	if (this->is_unsealed[partition] && pipeline->seals[partition].offset >= low)
		offset = Min(offset, pipeline->seals[partition].offset);
	return offset;
}

/* What was deleted or compacted since decides nothing. */
bool
weir_worker_view_check_seal(WeirWorkerView *this, const WeirMessage *messages, int count)
{
	int partition = messages[0].partition;
	const WeirSeal *seal = &this->pipeline->seals[partition];

	if (!this->is_unsealed[partition])
		return true;
	for (int i = 0; i < count && messages[i].offset <= seal->offset; i++)
		if (messages[i].offset == seal->offset &&
			weir_seal_of(&messages[i]).checksum != seal->checksum)
			return false;
	if (messages[count - 1].offset >= seal->offset)
		this->is_unsealed[partition] = false;
	return true;
}

/* An answer tells less than was read after the question: so what counts is what was there before it, at
 * loading, or while nothing can be fetched. */
bool
weir_worker_view_check_end(const WeirWorkerView *this, int partition,
						   const WeirSourcePartition *source)
{
	if (source->end < 0)
		return true;
	if (this->loaded[partition] > source->end &&
		TimestampDifferenceExceeds(this->loaded_at, source->end_at, BEYOND_MS))
		return false;
	return source->lost_at == 0 || this->pipeline->positions[partition] <= source->end ||
		   !TimestampDifferenceExceeds(source->lost_at, source->end_at, BEYOND_MS);
}

void
weir_worker_view_fail_topic(WeirWorkerView *this, const char *how)
{
	weir_worker_view_unload(this);
	weir_store_destroy(this->pipeline->store);
	weir_worker_view_set_state(
		this, WEIR_RUN_FAILED, ERRCODE_DATA_EXCEPTION,
		psprintf("topic \"%s\" is not what was read before: %s; weir.restart() begins anew",
				 this->pipeline->stream->topic, how));
}

bool
weir_worker_view_is_failing(const WeirWorkerView *this)
{
	return this->failures > 0 || this->left_out > 1;
}

int
weir_worker_view_set_aside(WeirWorkerView *this)
{
	weir_worker_view_unload(this);
	weir_store_destroy(this->pipeline->store);
	weir_worker_view_set_state(this, WEIR_RUN_RETRYING, 0, NULL);
	ereport(LOG, errmsg("view \"%s\" is set aside", this->view->name),
			errdetail("It cannot commit, and its memory is full. It goes on from its last "
					  "commit."));
	return reload_ms(this->slot);
}

void
weir_worker_view_unload(WeirWorkerView *this)
{
	weir_registry_drop_store(this->slot);
	weir_finish_free(this->finish);
	weir_pipeline_free(this->pipeline);
}

/*
 * Where it is
 */

static int64
replay_offset(const WeirPipeline *pipeline, int partition)
{
	int64 offset = pipeline->positions[partition];

	for (int i = 0; i < weir_store_window_count(pipeline->store); i++)
	{
		const WeirOpenWindow *window = weir_store_window(pipeline->store, i);

		if (!weir_clock_has_closed(&pipeline->clock, window->end_us))
			offset = Min(offset, window->first_offsets[partition]);
	}
	return offset;
}

WeirPosition *
weir_worker_view_position(const WeirWorkerView *this)
{
	const WeirPipeline *pipeline = this->pipeline;
	int count = pipeline->clock.partition_count;
	WeirPosition *position = palloc0_object(WeirPosition);

	position->topic = pipeline->stream->topic;
	position->watermark_us = pipeline->clock.watermark_us;
	position->closed_until_us = pipeline->closed_until_us;
	position->partition_count = count;
	position->positions = pipeline->positions;
	position->seals = pipeline->seals;
	position->replay_offsets = palloc_array(int64, count + 1);
	position->max_us = palloc_array(int64, count + 1);
	for (int i = 0; i < count; i++)
	{
		position->replay_offsets[i] = replay_offset(pipeline, i);
		position->max_us[i] = pipeline->clock.partitions[i].max_us;
	}
	return position;
}

bool
weir_worker_view_is_refolding(const WeirWorkerView *this)
{
	const WeirPipeline *pipeline = this->pipeline;

	for (int i = 0; i < pipeline->clock.partition_count; i++)
		if (pipeline->positions[i] < pipeline->refold_until[i])
			return true;
	return false;
}
