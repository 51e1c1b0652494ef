/* SPDX-License-Identifier: PostgreSQL
 *
 * A message as a whole row.
 *
 * With on_error 'row' a message that cannot be read is a row too: what can be read of it, NULL for the
 * rest, and in the column with meta 'error' what is wrong with each.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "record.h"

static void
append_flaw(StringInfo text, const WeirFlaw *flaw)
{
	if (text->len > 0)
		appendStringInfoString(text, "; ");
	if (flaw->column != NULL)
		appendStringInfo(text, "column \"%s\": ", flaw->column->name);
	appendStringInfoString(text, weir_reason_text(flaw->reason));
	if (flaw->has_place)
		appendStringInfo(text, " at byte %u", flaw->place);
}

/* Reads again what there is. `whole` is the flaw of the whole message; NULL: some values are bad. */
static void
make_flawed(WeirRowMaker *maker, const WeirMessage *message, Datum *values, bool *nulls,
			const WeirFlaw *whole)
{
	StringInfoData text;
	WeirFlaw flaw;

	initStringInfo(&text);
	if (whole != NULL)
		append_flaw(&text, whole);
	for (int i = 0; i < weir_row_maker_count(maker); i++)
	{
		const WeirColumn *column = weir_row_maker_column(maker, i);
		int at = column->attnum - 1;

		nulls[at] = true;
		if (whole != NULL && column->meta == WEIR_META_NONE)
			continue;
		if (weir_row_value(maker, i, message, &values[at], &nulls[at], &flaw))
			continue;
		nulls[at] = true;
		append_flaw(&text, &flaw);
	}
	for (int i = 0; i < weir_row_maker_count(maker); i++)
	{
		const WeirColumn *column = weir_row_maker_column(maker, i);

		if (column->meta != WEIR_META_ERROR)
			continue;
		nulls[column->attnum - 1] = false;
		values[column->attnum - 1] = CStringGetTextDatum(text.data);
	}
}

bool
weir_record_make(WeirRowMaker *maker, const WeirStream *stream, const WeirMessage *message,
				 Datum *values, bool *nulls, WeirFlaw *flaw)
{
	bool is_whole = weir_row_begin(maker, message, flaw);
	bool is_read = is_whole && weir_row_fill(maker, message, 0, values, nulls, flaw) ==
								   weir_row_maker_count(maker);

	if (likely(is_read) || stream->on_error != WEIR_ON_ERROR_ROW)
		return is_read;
	make_flawed(maker, message, values, nulls, is_whole ? NULL : flaw);
	return true;
}
