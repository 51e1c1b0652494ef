/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages of a stream as rows.
 *
 * The payload is read once for all columns; each value is converted when it is asked for.
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
	int field;     /* index in the decoded values, or -1 for a meta column */
	bool is_plain; /* the decoded value is the Datum, bit for bit */
} Target;

struct WeirRowMaker
{
	MemoryContext context;
	const WeirStream *stream;
	int target_count;
	Target *targets;
	WeirField *fields;
	WeirReading *reading;
	int field_count;
	const WeirValue *values; /* of the message at hand */
	WeirValue *own_values;
	char *scratch;
	size_t scratch_size;
};

static bool
is_plain(const WeirColumn *column)
{
#ifdef USE_FLOAT8_BYVAL
	switch (column->type)
	{
		case WEIR_TYPE_INT2:
		case WEIR_TYPE_INT4:
		case WEIR_TYPE_INT8:
		case WEIR_TYPE_FLOAT8:
		case WEIR_TYPE_DATE:
			return true;
		case WEIR_TYPE_TIMESTAMP:
			return column->typmod < 0;
		default:
			break;
	}
#else
	(void) column;
#endif
	return false;
}

WeirRowMaker *
weir_row_maker_create(const WeirStream *stream, const Bitmapset *attnums)
{
	WeirRowMaker *maker = palloc0_object(WeirRowMaker);

	maker->fields = palloc0_array(WeirField, stream->column_count + 1);
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
		target->is_plain = is_plain(column);
		maker->fields[maker->field_count++] = (WeirField){.steps = column->steps,
														  .step_count = column->step_count,
														  .type = column->type,
														  .unit = column->unit};
	}
	maker->reading = weir_row_maker_make_reading(maker);
	maker->own_values = palloc0_array(WeirValue, maker->field_count + 1);
	return maker;
}

WeirReading *
weir_row_maker_make_reading(const WeirRowMaker *maker)
{
	const WeirRules *rules = &maker->stream->rules;
	uint32 count = (uint32) maker->field_count;

	return weir_reading_init(palloc(weir_reading_size(rules, maker->fields, count)), rules,
							 maker->fields, count);
}

WeirReading *
weir_row_maker_reading(const WeirRowMaker *maker)
{
	return maker->reading;
}

int
weir_row_maker_field_count(const WeirRowMaker *maker)
{
	return maker->field_count;
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

static bool
begin(WeirRowMaker *maker, const WeirValue *values, const WeirVerdict *verdict, WeirFlaw *flaw)
{
	maker->values = values;
	*flaw = (WeirFlaw){
		.reason = verdict->reason,
		.place = verdict->place,
		.has_place = verdict->reason != WEIR_REASON_NONE,
	};
	return verdict->reason == WEIR_REASON_NONE;
}

bool
weir_row_begin(WeirRowMaker *maker, const WeirMessage *message, WeirFlaw *flaw)
{
	WeirVerdict verdict;
	WeirDecoded decoded = {
		.messages = message,
		.count = 1,
		.field_count = maker->field_count,
		.verdicts = &verdict,
		.values = maker->own_values,
		.scratch = &maker->scratch,
	};

	scratch_reserve(maker, message->payload_len);
	weir_decoded_run(&decoded, maker->reading);
	return begin(maker, maker->own_values, &verdict, flaw);
}

bool
weir_row_take(WeirRowMaker *maker, const WeirDecoded *decoded, int i, WeirFlaw *flaw)
{
	return begin(maker, decoded->values + (Size) i * (Size) maker->field_count,
				 &decoded->verdicts[i], flaw);
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
	return flaw->reason == WEIR_REASON_NONE;
}

int
weir_row_fill(WeirRowMaker *maker, const WeirMessage *message, int from, Datum *values, bool *nulls,
			  WeirFlaw *flaw)
{
	for (int i = from; i < maker->target_count; i++)
	{
		const Target *target = &maker->targets[i];
		int at = target->column->attnum - 1;

		if (target->is_plain && maker->values[target->field].state == WEIR_STATE_SET)
		{
			values[at] = (Datum) maker->values[target->field].integer;
			nulls[at] = false;
		}
		else if (unlikely(!weir_row_value(maker, i, message, &values[at], &nulls[at], flaw)))
			return i;
	}
	return maker->target_count;
}
