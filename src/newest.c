/* SPDX-License-Identifier: PostgreSQL
 *
 * The last messages of each partition.
 *
 * Reading begins so many offsets before the end as messages are wanted. Where commit markers or compaction
 * have left fewer there, the offsets before are read too, a few times, each time more of them.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "newest.h"
#include "reader.h"
#include "setting.h"

#define ROUNDS 4
#define STEP 16 /* times as many offsets in each further round */

/* Offsets [first, end) of a partition to be read next. */
typedef struct Window
{
	int64 low;
	int64 first;
	int64 end;
	int64 seen; /* messages that count, in all rounds */
} Window;

typedef struct Newest
{
	const WeirStream *stream;
	int64 share;
	int partition_count; /* 0: not yet asked for */
	Window *windows;
	int64 read_count;
} Newest;

static void
refuse_many(const Newest *newest, int64 count)
{
	if (weir_max_scan_messages == 0 || count <= weir_max_scan_messages)
		return;
	ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("the newest messages of topic \"%s\" are more than may be read",
				   newest->stream->topic),
			errdetail("About " INT64_FORMAT " of %d partitions; weir.max_scan_messages is %d.",
					  count, newest->partition_count, weir_max_scan_messages),
			errhint("Ask for fewer, or raise weir.max_scan_messages (0 means no limit)."));
}

/* The windows of the first round. */
static void
begin(Newest *newest, WeirClient *client, MemoryContext context, WeirShare share, void *argument)
{
	WeirTopic *topic = weir_client_describe(client);

	newest->partition_count = topic->partition_count;
	newest->share = share(argument, topic->partition_count);
	newest->windows =
		MemoryContextAllocZero(context, sizeof(Window) * (Size) topic->partition_count);
	for (int i = 0; i < topic->partition_count; i++)
	{
		Window *window = &newest->windows[i];

		window->low = topic->ranges[i].low;
		window->end = topic->ranges[i].stable;
		window->first = Max(window->low, window->end - newest->share);
	}
}

static void
read_windows(Newest *newest, WeirClient *client, WeirTake take, void *argument)
{
	WeirReader *reader = weir_reader_create(newest->stream, client, newest->partition_count);
	const WeirMessage *message;

	for (int i = 0; i < newest->partition_count; i++)
		weir_reader_want(reader, i, newest->windows[i].first, newest->windows[i].end);
	if (newest->read_count == 0)
		refuse_many(newest, weir_reader_wanted(reader));
	weir_reader_start(reader);
	while ((message = weir_reader_next(reader)) != NULL)
	{
		if (++newest->read_count % WEIR_FETCH_MAX == 0)
			refuse_many(newest, newest->read_count);
		newest->windows[message->partition].seen += take(argument, message);
	}
}

/* Result: is there more to read? */
static bool
widen(Newest *newest, int64 width)
{
	bool has_more = false;

	for (int i = 0; i < newest->partition_count; i++)
	{
		Window *window = &newest->windows[i];

		window->end = window->first;
		if (window->seen >= newest->share)
			continue;
		window->first = Max(window->low, window->end - width);
		has_more |= window->first < window->end;
	}
	return has_more;
}

void
weir_newest_read(const WeirStream *stream, WeirShare share, WeirTake take, void *argument)
{
	Newest newest = {.stream = stream};
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "weir newest", ALLOCSET_DEFAULT_SIZES);
	bool has_more = true;

	for (int round = 0; round < ROUNDS && has_more; round++)
	{
		WeirClient *client;

		/* a handle starts a partition once */
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		client = weir_client_open(stream, WEIR_SCOPE_CONSUMER);
		if (round == 0)
			begin(&newest, client, outer, share, argument);
		read_windows(&newest, client, take, argument);
		has_more = widen(&newest, newest.share << (4 * (round + 1)));
	}
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}
