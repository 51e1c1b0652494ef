/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages of a stream as rows.
 *
 * The decoder reads the payload once for all columns; each value is converted when it is asked for.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "convert.h"
#include "decode.h"
#include "meta.h"
#include "row.h"

/* A column that is wanted. */
typedef struct Target
{
	const WeirColumn *column;
	int field; /* index in the decoder's values, or -1 for a meta column */
} Target;

struct WeirRowMaker
{
	MemoryContext context;
	const WeirStream *stream;
	int target_count;
	Target *targets;
	WeirReading *reading;
	int field_count;
	WeirValue *values;
	char *scratch;
	size_t scratch_size;
};

WeirRowMaker *
weir_row_maker_create(const WeirStream *stream, const Bitmapset *attnums)
{
	WeirRowMaker *maker = palloc0_object(WeirRowMaker);
	WeirField *fields = palloc0_array(WeirField, stream->column_count + 1);

	maker->context = CurrentMemoryContext;
	maker->stream = stream;
	maker->targets = palloc0_array(Target, stream->column_count + 1);
	for (int i = 0; i < stream->column_count; i++)
	{
		const WeirColumn *column = &stream->columns[i];
		Target *target = &maker->targets[maker->target_count];

		if (attnums != NULL && !bms_is_member(column->attnum, attnums))
			continue;
		maker->target_count++;
		target->column = column;
		target->field = -1;
		if (column->meta != WEIR_META_NONE)
			continue;
		target->field = maker->field_count;
		fields[maker->field_count].steps = column->steps;
		fields[maker->field_count].step_count = column->step_count;
		fields[maker->field_count].type = column->type;
		fields[maker->field_count].unit = column->unit;
		maker->field_count++;
	}
	maker->reading = weir_reading_init(
		palloc(weir_reading_size(&stream->rules, fields, (uint32) maker->field_count)),
		&stream->rules, fields, (uint32) maker->field_count);
	maker->values = palloc0_array(WeirValue, maker->field_count + 1);
	return maker;
}

int
weir_row_maker_count(const WeirRowMaker *maker)
{
	return maker->target_count;
}

const WeirColumn *
weir_row_maker_column(const WeirRowMaker *maker, int i)
{
	return maker->targets[i].column;
}

static void
scratch_reserve(WeirRowMaker *maker, size_t payload_len)
{
	size_t wanted = weir_decoder_scratch(payload_len);

	if (wanted <= maker->scratch_size)
		return;
	if (maker->scratch)
		pfree(maker->scratch);
	maker->scratch = NULL;
	maker->scratch_size = 0;
	wanted = Max(wanted * 2, 65536);
	maker->scratch = MemoryContextAllocHuge(maker->context, wanted);
	maker->scratch_size = wanted;
}

bool
weir_row_begin(WeirRowMaker *maker, const WeirMessage *message, WeirFlaw *flaw)
{
	memset(flaw, 0, sizeof(*flaw));
	if (message->payload == NULL)
	{
		/* a tombstone: all NULL */
		for (int i = 0; i < maker->field_count; i++)
			maker->values[i].state = WEIR_STATE_MISSING;
		return true;
	}
	scratch_reserve(maker, message->payload_len);
	flaw->reason = weir_reading_run(maker->reading, message->payload, message->payload_len,
									maker->scratch, maker->values, &flaw->place);
	flaw->has_place = true;
	return flaw->reason == WEIR_REASON_NONE;
}

bool
weir_row_value(WeirRowMaker *maker, int i, const WeirMessage *message, Datum *value, bool *is_null,
			   WeirFlaw *flaw)
{
	const Target *target = &maker->targets[i];

	flaw->has_place = false;
	if (target->field < 0)
		flaw->reason = weir_meta_to_datum(maker->stream, target->column, message, value, is_null);
	else
	{
		const WeirValue *decoded = &maker->values[target->field];

		flaw->has_place = decoded->state == WEIR_STATE_BAD;
		flaw->place = decoded->place;
		flaw->reason = flaw->has_place
						   ? decoded->reason
						   : weir_value_to_datum(target->column, decoded, value, is_null);
	}
	flaw->column = target->column;
	return likely(flaw->reason == WEIR_REASON_NONE);
}
