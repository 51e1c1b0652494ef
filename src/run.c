/* SPDX-License-Identifier: PostgreSQL
 *
 * What is stored of a running view.
 *
 * Statements are ordinary SQL with kept plans; what a reader needs is read by index scans under its
 * own snapshot, without a look at privileges: a live scan's were checked for the live table.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/guc.h"

#include "clock.h"
#include "compat.h"
#include "run.h"

#define RUN_COLUMNS 8
#define POSITION_COLUMNS 9
#define CHUNK_COLUMNS 3
#define ARGUMENTS_MAX 9

/*
 * Statements
 */

typedef struct Statement
{
	const char *sql;
	int count;
	Oid types[ARGUMENTS_MAX];
	SPIPlanPtr plan; /* kept for the process's life */
} Statement;

static Oid
table_owner(void)
{
	HeapTuple tuple;
	Oid relation_oid = get_relname_relid("run", get_namespace_oid("weir", false));
	Oid owner;

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation_oid));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table weir.run does not exist"),
				errhint("Extension pg_weir must be created anew or updated."));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Runs a statement as the owner of our tables. Result: how many rows it touched. */
static uint64
execute(Statement *statement, Datum *values, const char *nulls)
{
	MemoryContext context = CurrentMemoryContext;
	int guc_level = NewGUCNestLevel();
	Oid user;
	int security;

	/* whatever operators the caller's path would find */
	set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
					  GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(table_owner(),
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	if (statement->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(statement->sql, statement->count, statement->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "cannot prepare: %s", statement->sql);
		statement->plan = plan;
	}
	if (SPI_execute_plan(statement->plan, values, nulls, false, 0) < 0)
		elog(ERROR, "cannot execute: %s", statement->sql);
	SetUserIdAndSecContext(user, security);
	AtEOXact_GUC(false, guc_level);
	MemoryContextSwitchTo(context); /* SPI leaves its own behind */
	return SPI_processed;
}

static void
execute_for_view(Statement *statement, Oid view_oid)
{
	Datum value = ObjectIdGetDatum(view_oid);

	execute(statement, &value, NULL);
}

/*
 * weir.run
 */

void
weir_run_start(Oid view_oid)
{
	static Statement start = {
		"INSERT INTO weir.run AS r (view, system_identifier, database, epoch, generation, starts,"
		" counters) VALUES ($1, $2, $3, 1, 0, 0, '{}')"
		" ON CONFLICT (view) DO UPDATE SET system_identifier = $2, database = $3,"
		" epoch = r.epoch + 1, starts = 0",
		3,
		{OIDOID, INT8OID, OIDOID},
		NULL};
	Datum values[3] = {ObjectIdGetDatum(view_oid), Int64GetDatum((int64) GetSystemIdentifier()),
					   ObjectIdGetDatum(MyDatabaseId)};

	execute(&start, values, NULL);
}

void
weir_run_forget(Oid view_oid)
{
	static Statement statements[] = {
		{"DELETE FROM weir.chunk WHERE view = $1", 1, {OIDOID}, NULL},
		{"DELETE FROM weir.position WHERE view = $1", 1, {OIDOID}, NULL},
		{"DELETE FROM weir.reject WHERE relation = $1", 1, {OIDOID}, NULL},
		{"DELETE FROM weir.skip WHERE view = $1", 1, {OIDOID}, NULL},
		{"DELETE FROM weir.run WHERE view = $1", 1, {OIDOID}, NULL},
	};

	(void) weir_run_take(view_oid); /* first, as a worker's commit does */
	for (int i = 0; i < (int) lengthof(statements); i++)
		execute_for_view(&statements[i], view_oid);
}

static int64 *
read_numbers(Datum array, int *count)
{
	Datum *values;
	int64 *numbers;

	deconstruct_array(DatumGetArrayTypeP(array), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, NULL, count);
	numbers = palloc_array(int64, *count + 1);
	for (int i = 0; i < *count; i++)
		numbers[i] = DatumGetInt64(values[i]);
	return numbers;
}

static Datum
make_numbers(const int64 *numbers, int count)
{
	Datum *values = palloc_array(Datum, count + 1);

	for (int i = 0; i < count; i++)
		values[i] = Int64GetDatum(numbers[i]);
	return PointerGetDatum(
		construct_array(values, count, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static WeirRun *
run_from(const Datum *values, const bool *nulls)
{
	WeirRun *run = palloc0_object(WeirRun);

	run->view_oid = DatumGetObjectId(values[0]);
	run->is_here = DatumGetInt64(values[1]) == (int64) GetSystemIdentifier() &&
				   DatumGetObjectId(values[2]) == MyDatabaseId;
	run->epoch = DatumGetInt64(values[3]);
	run->generation = DatumGetInt64(values[4]);
	run->starts = DatumGetInt32(values[5]);
	run->fingerprint = nulls[6] ? NULL : TextDatumGetCString(values[6]);
	run->counters = read_numbers(values[7], &run->counter_count);
	return run;
}

static Relation
open_table(const char *name)
{
	return table_open(get_relname_relid(name, get_namespace_oid("weir", false)), AccessShareLock);
}

/* The row of one of our tables whose first column, its key, is this view.
 * Result: false if there is none; values in the current memory context. */
static bool
find_row(const char *table_name, Oid view_oid, Snapshot snapshot, Datum *values, bool *nulls)
{
	Relation table = open_table(table_name);
	TupleDesc desc = RelationGetDescr(table);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(view_oid));
	scan = systable_beginscan(table, linitial_oid(RelationGetIndexList(table)), true, snapshot, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		heap_deform_tuple(heap_copytuple(tuple), desc, values, nulls);
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

WeirRun *
weir_run_find(Oid view_oid, Snapshot snapshot)
{
	Datum values[RUN_COLUMNS];
	bool nulls[RUN_COLUMNS];

	if (!find_row("run", view_oid, snapshot, values, nulls))
		return NULL;
	return run_from(values, nulls);
}

/* The row of a statement that gives at most one: its values, in the caller's memory context. */
static bool
one_row(Datum *values, bool *nulls, int count)
{
	TupleDesc desc = SPI_tuptable->tupdesc;

	if (SPI_processed == 0)
		return false;
	for (int i = 0; i < count; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		values[i] = SPI_getbinval(SPI_tuptable->vals[0], desc, i + 1, &nulls[i]);
		if (!nulls[i])
			values[i] = SPI_datumTransfer(values[i], attribute->attbyval, attribute->attlen);
	}
	return true;
}

WeirRun *
weir_run_take(Oid view_oid)
{
	static Statement take = {"SELECT view, system_identifier, database, epoch, generation, starts,"
							 " fingerprint, counters FROM weir.run WHERE view = $1 FOR UPDATE",
							 1,
							 {OIDOID},
							 NULL};
	Datum values[RUN_COLUMNS];
	bool nulls[RUN_COLUMNS];

	execute_for_view(&take, view_oid);
	return one_row(values, nulls, RUN_COLUMNS) ? run_from(values, nulls) : NULL;
}

void
weir_run_save(const WeirRun *run)
{
	static Statement save = {"UPDATE weir.run SET epoch = $2, generation = $3, starts = $4,"
							 " fingerprint = $5, counters = $6 WHERE view = $1",
							 6,
							 {OIDOID, INT8OID, INT8OID, INT4OID, TEXTOID, INT8ARRAYOID},
							 NULL};
	Datum values[6] = {ObjectIdGetDatum(run->view_oid),
					   Int64GetDatum(run->epoch),
					   Int64GetDatum(run->generation),
					   Int32GetDatum(run->starts),
					   run->fingerprint ? CStringGetTextDatum(run->fingerprint) : (Datum) 0,
					   make_numbers(run->counters, run->counter_count)};
	char nulls[6] = {' ', ' ', ' ', ' ', run->fingerprint ? ' ' : 'n', ' '};

	if (execute(&save, values, nulls) != 1)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("state of a view was removed while it ran"));
}

/*
 * weir.position
 */

/* An array that is too short, as from hands, has none at its end. */
static WeirSeal *
read_seals(Datum offsets, Datum checksums, int count)
{
	WeirSeal *seals = palloc_array(WeirSeal, count + 1);
	int offset_count;
	int checksum_count;
	int64 *offset = read_numbers(offsets, &offset_count);
	int64 *checksum = read_numbers(checksums, &checksum_count);

	for (int i = 0; i < count; i++)
	{
		seals[i] = WEIR_SEAL_NONE;
		if (i < offset_count && i < checksum_count)
			seals[i] = (WeirSeal){offset[i], checksum[i]};
	}
	return seals;
}

static void
split_seals(const WeirPosition *position, Datum *offsets, Datum *checksums)
{
	int count = position->partition_count;
	int64 *numbers = palloc_array(int64, count + 1);

	for (int i = 0; i < count; i++)
		numbers[i] = position->seals[i].offset;
	*offsets = make_numbers(numbers, count);
	for (int i = 0; i < count; i++)
		numbers[i] = position->seals[i].checksum;
	*checksums = make_numbers(numbers, count);
}

static int64 *
read_times(Datum array, int count)
{
	Datum *values;
	bool *nulls;
	int found;
	int64 *times = palloc_array(int64, count + 1);

	deconstruct_array(DatumGetArrayTypeP(array), TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, &nulls, &found);
	for (int i = 0; i < count; i++)
		times[i] = i >= found || nulls[i] ? WEIR_CLOCK_NONE : DatumGetTimestampTz(values[i]);
	return times;
}

static Datum
make_times(const int64 *times, int count)
{
	Datum *values = palloc_array(Datum, count + 1);
	bool *nulls = palloc_array(bool, count + 1);
	int dims[1] = {count};
	int lower[1] = {1};

	for (int i = 0; i < count; i++)
	{
		nulls[i] = times[i] == WEIR_CLOCK_NONE;
		values[i] = TimestampTzGetDatum(times[i]);
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, lower, TIMESTAMPTZOID, 8,
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

WeirPosition *
weir_position_find(Oid view_oid, Snapshot snapshot)
{
	Datum values[POSITION_COLUMNS];
	bool nulls[POSITION_COLUMNS];
	int replay_count;
	WeirPosition *position;

	if (!find_row("position", view_oid, snapshot, values, nulls))
		return NULL;
	position = palloc0_object(WeirPosition);
	position->topic = TextDatumGetCString(values[1]);
	position->watermark_us = nulls[2] ? WEIR_CLOCK_NONE : DatumGetTimestampTz(values[2]);
	position->positions = read_numbers(values[3], &position->partition_count);
	position->replay_offsets = read_numbers(values[4], &replay_count);
	position->max_us = read_times(values[5], position->partition_count);
	position->closed_until_us = nulls[6] ? WEIR_CLOCK_NONE : DatumGetTimestampTz(values[6]);
	position->seals = read_seals(values[7], values[8], position->partition_count);
	if (replay_count != position->partition_count)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("row of weir.position has arrays of different lengths"));
	return position;
}

static Datum
time_or_null(int64 time_us, char *null)
{
	*null = time_us == WEIR_CLOCK_NONE ? 'n' : ' ';
	return TimestampTzGetDatum(time_us);
}

void
weir_position_save(Oid view_oid, const WeirPosition *position)
{
	static Statement save = {
		"INSERT INTO weir.position (view, topic, watermark, positions, replay_offsets,"
		" max_event_times, closed_until, last_offsets, last_checksums)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT (view) DO UPDATE SET topic = $2, watermark = $3, positions = $4,"
		" replay_offsets = $5, max_event_times = $6, closed_until = $7, last_offsets = $8,"
		" last_checksums = $9",
		9,
		{REGCLASSOID, TEXTOID, TIMESTAMPTZOID, INT8ARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID,
		 TIMESTAMPTZOID, INT8ARRAYOID, INT8ARRAYOID},
		NULL};
	char nulls[9] = "         ";
	int count = position->partition_count;
	Datum values[9] = {ObjectIdGetDatum(view_oid),
					   CStringGetTextDatum(position->topic),
					   time_or_null(position->watermark_us, &nulls[2]),
					   make_numbers(position->positions, count),
					   make_numbers(position->replay_offsets, count),
					   make_times(position->max_us, count),
					   time_or_null(position->closed_until_us, &nulls[6])};

	split_seals(position, &values[7], &values[8]);
	execute(&save, values, nulls);
}

void
weir_position_delete(Oid view_oid)
{
	static Statement forget = {"DELETE FROM weir.position WHERE view = $1", 1, {OIDOID}, NULL};

	execute_for_view(&forget, view_oid);
}

/*
 * weir.chunk
 */

static void
use_chunk(HeapTuple tuple, TupleDesc desc, int64 *next,
		  void (*use)(void *argument, int64 number, const char *data, int len), void *argument)
{
	Datum values[3];
	bool nulls[3];
	bytea *data;

	heap_deform_tuple(tuple, desc, values, nulls);
	data = DatumGetByteaPP(values[2]);
	use(argument, DatumGetInt64(values[1]), VARDATA_ANY(data), (int) VARSIZE_ANY_EXHDR(data));
	*next = DatumGetInt64(values[1]) + 1;
	if ((Pointer) data != DatumGetPointer(values[2]))
		pfree(data);
}

bool
weir_chunk_exists(Oid view_oid, Snapshot snapshot)
{
	Datum values[CHUNK_COLUMNS];
	bool nulls[CHUNK_COLUMNS];

	return find_row("chunk", view_oid, snapshot, values, nulls);
}

int64
weir_chunk_scan(Oid view_oid, Snapshot snapshot,
				void (*use)(void *argument, int64 number, const char *data, int len),
				void *argument)
{
	Relation table = open_table("chunk");
	Relation index = index_open(linitial_oid(RelationGetIndexList(table)), AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;
	int64 next = 0;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(view_oid));
	scan = systable_beginscan_ordered(table, index, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
		use_chunk(tuple, RelationGetDescr(table), &next, use, argument);
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return next;
}

void
weir_chunk_save(Oid view_oid, int64 number, const char *data, int len)
{
	static Statement save = {"INSERT INTO weir.chunk (view, number, data) VALUES ($1, $2, $3)",
							 3,
							 {OIDOID, INT8OID, BYTEAOID},
							 NULL};
	bytea *bytes = palloc((Size) len + VARHDRSZ);
	Datum values[3] = {ObjectIdGetDatum(view_oid), Int64GetDatum(number), PointerGetDatum(bytes)};

	SET_VARSIZE(bytes, len + VARHDRSZ);
	memcpy(VARDATA(bytes), data, (size_t) len);
	execute(&save, values, NULL);
	pfree(bytes);
}

void
weir_chunk_delete_before(Oid view_oid, int64 number)
{
	static Statement forget = {
		"DELETE FROM weir.chunk WHERE view = $1 AND number < $2", 2, {OIDOID, INT8OID}, NULL};
	Datum values[2] = {ObjectIdGetDatum(view_oid), Int64GetDatum(number)};

	execute(&forget, values, NULL);
}

/*
 * weir.reject
 */

static Datum
text_or_null(const char *text, char *null)
{
	*null = text ? ' ' : 'n';
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

void
weir_run_save_reject(Oid relation_oid, const char *topic, const WeirReject *reject)
{
	static Statement save = {
		"INSERT INTO weir.reject (relation, topic, partition, \"offset\", reason, detail,"
		" event_time, windows, key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT DO NOTHING",
		9,
		{OIDOID, TEXTOID, INT4OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID,
		 TEXTOID},
		NULL};
	bool is_message = reject->offset >= 0;
	char nulls[9] = "         ";
	Datum values[9] = {ObjectIdGetDatum(relation_oid),
					   CStringGetTextDatum(topic),
					   Int32GetDatum(reject->partition),
					   Int64GetDatum(reject->offset),
					   CStringGetTextDatum(reject->reason),
					   text_or_null(reject->detail, &nulls[5]),
					   TimestampTzGetDatum(reject->time_us),
					   reject->window_count > 0 ? weir_reject_windows(reject) : (Datum) 0,
					   text_or_null(reject->key, &nulls[8])};

	nulls[2] = nulls[3] = is_message ? ' ' : 'n';
	nulls[6] = reject->has_time ? ' ' : 'n';
	nulls[7] = reject->window_count > 0 ? ' ' : 'n';
	execute(&save, values, nulls);
}

void
weir_run_forget_rejects(Oid relation_oid)
{
	static Statement forget = {"DELETE FROM weir.reject WHERE relation = $1", 1, {OIDOID}, NULL};

	execute_for_view(&forget, relation_oid);
}

/*
 * weir.skip
 */

static void
execute_for_skip(Statement *statement, Oid view_oid, const WeirSkip *skip)
{
	Datum values[3] = {ObjectIdGetDatum(view_oid), TimestampTzGetDatum(skip->window_start_us),
					   CStringGetTextDatum(skip->key)};

	execute(statement, values, NULL);
}

void
weir_run_save_skip(Oid view_oid, const WeirSkip *skip)
{
	static Statement save = {"INSERT INTO weir.skip (view, window_start, key) VALUES ($1, $2, $3)"
							 " ON CONFLICT DO NOTHING",
							 3,
							 {OIDOID, TIMESTAMPTZOID, TEXTOID},
							 NULL};

	execute_for_skip(&save, view_oid, skip);
}

void
weir_run_forget_skip(Oid view_oid, const WeirSkip *skip)
{
	static Statement forget = {
		"DELETE FROM weir.skip WHERE view = $1 AND window_start = $2 AND key = $3",
		3,
		{OIDOID, TIMESTAMPTZOID, TEXTOID},
		NULL};

	execute_for_skip(&forget, view_oid, skip);
}

List *
weir_run_skips(Oid view_oid)
{
	static Statement find = {
		"SELECT window_start, key FROM weir.skip WHERE view = $1", 1, {OIDOID}, NULL};
	List *skips = NIL;

	execute_for_view(&find, view_oid);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		WeirSkip *skip = palloc_object(WeirSkip);
		bool is_null;

		skip->window_start_us = DatumGetTimestampTz(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		skip->key = pstrdup(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
		skips = lappend(skips, skip);
	}
	return skips;
}

int64
weir_run_count_rejects(Oid relation_oid, const int64 *positions, int count, int64 limit)
{
	static Statement statement = {
		"SELECT 1 FROM weir.reject WHERE relation = $1 AND (\"offset\" IS NULL OR \"offset\" <"
		" coalesce(($2)[partition + 1], 0)) LIMIT $3",
		3,
		{OIDOID, INT8ARRAYOID, INT8OID},
		NULL};
	Datum values[3] = {ObjectIdGetDatum(relation_oid), make_numbers(positions, count),
					   Int64GetDatum(limit)};

	return (int64) execute(&statement, values, NULL);
}
