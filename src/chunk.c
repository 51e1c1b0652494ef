/* SPDX-License-Identifier: PostgreSQL
 *
 * Groups of a store as portable bytes.
 *
 *   magic       4 bytes   "WEIR"
 *   version     2
 *   partitions  4         n: how many offsets a window has
 *   windows     4         each: start 8, end 8, n times 8
 *   groups      4         each: start 8, end 8, key, slots
 *   crc32c      4         of all before it
 *
 * All numbers are big-endian. A group is a piece with its length in front, so that a later version may
 * pass over what it does not know.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "port/pg_crc32c.h"

#include "chunk.h"
#include "compat.h"
#include "key.h"
#include "portable.h"

#define MAGIC 0x57454952
#define VERSION 1
#define CHUNK_BYTES (4 * 1024 * 1024)

/*
 * Writing
 */

static void
write_header(StringInfo out, const WeirStore *store)
{
	pq_sendint32(out, MAGIC);
	pq_sendint16(out, VERSION);
	pq_sendint32(out, (uint32) weir_store_partition_count(store));
}

static void
write_windows(StringInfo out, const WeirStore *store, bool is_full)
{
	int place = out->len;
	uint32 count = 0;

	pq_sendint32(out, 0);
	for (int i = 0; i < weir_store_window_count(store); i++)
	{
		const WeirOpenWindow *window = weir_store_window(store, i);

		if (!is_full && !window->is_changed)
			continue;
		pq_sendint64(out, (uint64) window->start_us);
		pq_sendint64(out, (uint64) window->end_us);
		for (int j = 0; j < weir_store_partition_count(store); j++)
			pq_sendint64(out, (uint64) window->first_offsets[j]);
		count++;
	}
	count = pg_hton32(count);
	memcpy(out->data + place, &count, sizeof(count));
}

static void
write_group(StringInfo out, const WeirStore *store, const WeirGroup *group)
{
	const WeirQuery *query = weir_store_query(store);
	const WeirHeap *heap = weir_store_heap((WeirStore *) (uintptr_t) store);
	int place = out->len;
	uint32 len;

	pq_sendint32(out, 0);
	pq_sendint64(out, (uint64) group->start_us);
	pq_sendint64(out, (uint64) group->end_us);
	weir_key_write(query, weir_group_key(heap, group), out);
	for (int i = 0; i < query->aggregate_count; i++)
	{
		const WeirAggregate *aggregate = &query->aggregates[i];

		aggregate->kernel->write(aggregate, heap, weir_group_slot(group, aggregate), out);
	}
	len = pg_hton32((uint32) (out->len - place - 4));
	memcpy(out->data + place, &len, sizeof(len));
}

typedef struct Writer
{
	StringInfoData out;
	int count_place;
	uint32 count;
	void (*save)(void *argument, const char *data, int len);
	void *argument;
	MemoryContext scratch; /* what writing groups leaves behind: reset with each chunk */
} Writer;

static void
begin_groups(Writer *writer)
{
	writer->count_place = writer->out.len;
	writer->count = 0;
	pq_sendint32(&writer->out, 0);
}

static void
end_chunk(Writer *writer)
{
	uint32 count = pg_hton32(writer->count);
	pg_crc32c crc;

	memcpy(writer->out.data + writer->count_place, &count, sizeof(count));
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, writer->out.data, (size_t) writer->out.len);
	FIN_CRC32C(crc);
	pq_sendint32(&writer->out, crc);
	writer->save(writer->argument, writer->out.data, writer->out.len);
}

/* A full chunk begins another one. */
static void
turn(Writer *writer, const WeirStore *store)
{
	if (writer->out.len < CHUNK_BYTES)
		return;
	end_chunk(writer);
	MemoryContextReset(writer->scratch);
	resetStringInfo(&writer->out);
	write_header(&writer->out, store);
	pq_sendint32(&writer->out, 0);
	begin_groups(writer);
}

static void
write_one(Writer *writer, const WeirStore *store, const WeirGroup *group)
{
	MemoryContext before;

	if (group->closes_in != 0)
		return;
	turn(writer, store);
	before = MemoryContextSwitchTo(writer->scratch);
	write_group(&writer->out, store, group);
	MemoryContextSwitchTo(before);
	writer->count++;
}

void
weir_chunk_write(const WeirStore *store, bool is_full,
				 void (*save)(void *argument, const char *data, int len), void *argument)
{
	Writer writer = {.save = save, .argument = argument};

	if (weir_store_changed_count(store) == 0 && !is_full)
		return;
	writer.scratch =
		AllocSetContextCreate(CurrentMemoryContext, "weir chunk", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&writer.out);
	write_header(&writer.out, store);
	write_windows(&writer.out, store, is_full);
	begin_groups(&writer);
	if (!is_full)
		for (int i = 0; i < weir_store_changed_count(store); i++)
			write_one(&writer, store, weir_store_changed(store, i));
	else
		for (int i = 0; i < weir_store_window_count(store); i++)
			for (uint32 next = weir_store_window(store, i)->first; next != 0;)
			{
				const WeirGroup *group = weir_store_group(store, next - 1);

				write_one(&writer, store, group);
				next = group->next;
			}
	end_chunk(&writer);
	pfree(writer.out.data);
	MemoryContextDelete(writer.scratch);
}

/*
 * Reading
 */

static _Noreturn void
refuse(const char *name, const char *why)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("cannot read %s: %s", name, why),
			errhint("Restore weir.chunk from a backup, or start the view anew by weir.restart()."));
}

static void
check(const char *data, int len, const char *name)
{
	pg_crc32c crc;
	uint32 stored;

	if (len < 22)
		refuse(name, "it is too short");
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, (size_t) len - 4);
	FIN_CRC32C(crc);
	memcpy(&stored, data + len - 4, sizeof(stored));
	if (pg_ntoh32(stored) != crc)
		refuse(name, "its checksum is wrong");
}

static void
read_windows(WeirStore *store, StringInfo in, int partition_count)
{
	uint32 count = weir_take_int32(in);

	for (uint32 i = 0; i < count; i++)
	{
		WeirWindow window;

		window.start_us = weir_take_int64(in);
		window.end_us = weir_take_int64(in);
		for (int j = 0; j < partition_count; j++)
			weir_store_feed(store, &window, j, weir_take_int64(in));
	}
}

/* Result: false if the heap is full. */
static bool
read_group(WeirStore *store, StringInfo in)
{
	WeirQuery *query = weir_store_query(store);
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
	char key[WEIR_KEY_MAX];
	int len = (int) weir_take_int32(in);
	int end = in->cursor + len;
	WeirWindow window;
	WeirGroup *group;
	int key_len;

	window.start_us = weir_take_int64(in);
	window.end_us = weir_take_int64(in);
	weir_key_read(query, in, values, nulls);
	key_len = weir_key_pack(query, values, nulls, key);
	if (key_len < 0)
		elog(ERROR, "key of a group is too long");
	group = weir_store_renew(store, &window, key, key_len,
							 weir_key_hash(query, window.start_us, key, key_len, values, nulls));
	if (group == NULL)
		return false;
	for (int i = 0; i < query->aggregate_count; i++)
	{
		const WeirAggregate *aggregate = &query->aggregates[i];

		if (!aggregate->kernel->read(aggregate, weir_store_heap(store),
									 weir_group_slot(group, aggregate), in))
			return false;
	}
	in->cursor = end;
	return true;
}

static void
name_chunk(void *argument)
{
	errcontext("reading %s", (const char *) argument);
}

bool
weir_chunk_read(WeirStore *store, const char *data, int len, const char *name)
{
	StringInfoData in = {.data = (char *) (uintptr_t) data, .len = len - 4, .maxlen = len};
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "weir chunk", ALLOCSET_DEFAULT_SIZES);
	ErrorContextCallback callback = {error_context_stack, name_chunk, (void *) (uintptr_t) name};
	MemoryContext before;
	uint32 count;
	int version;
	bool is_fitting = true;

	error_context_stack = &callback;
	check(data, len, name);
	if (weir_take_int32(&in) != MAGIC)
		refuse(name, "it does not begin as a chunk");
	version = weir_take_int16(&in);
	if (version != VERSION)
		refuse(name, psprintf("its version is %d, this pg_weir knows %d", version, VERSION));
	read_windows(store, &in, (int) weir_take_int32(&in));
	count = weir_take_int32(&in);
	before = MemoryContextSwitchTo(scratch);
	for (uint32 i = 0; i < count && is_fitting; i++)
	{
		is_fitting = read_group(store, &in);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(scratch);
	error_context_stack = callback.previous;
	return is_fitting;
}
