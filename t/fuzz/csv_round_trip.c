/* SPDX-License-Identifier: PostgreSQL
 *
 * Lines of CSV: of any bytes, a line that was taken is written and read back as the same fields, and its
 * end is cut off or doubled only where that says so.
 */
#include <stdbool.h>

#include "plain.h"

#include "inputs.h"

#define COLUMNS 8
#define LINE_MAX_BYTES (4 * MESSAGE_MAX)

static const WeirStep steps[COLUMNS] = {{.element = 0}, {.element = 1}, {.element = 2},
										{.element = 3}, {.element = 4}, {.element = 5},
										{.element = 6}, {.element = 7}};
static WeirField fields[COLUMNS];

/* No byte more than there are, for the address sanitizer to see. */
static WeirReason
read_line(const WeirCsv *csv, const char *line, size_t len, char **kept, WeirValue *values)
{
	char *exact = malloc(len);
	char *scratch = malloc(weir_decoder_scratch(len));
	uint32_t place = 0;
	WeirReason reason;

	memcpy(exact, line, len);
	reason = weir_csv_read(csv, fields, COLUMNS, exact, len, scratch, values, &place);
	expect(place <= len, "the place lies beyond the end", (const uint8_t *) line, len);
	kept[0] = exact;
	kept[1] = scratch;
	return reason;
}

static void
line_add(char *line, size_t *len, char c)
{
	if (*len < LINE_MAX_BYTES)
		line[(*len)++] = c;
}

static void
cell_write(const WeirCsv *csv, const WeirValue *value, char *line, size_t *len)
{
	bool is_quoted = value->state == WEIR_STATE_SET &&
					 weir_csv_needs_quotes(csv, value->slice.data, value->slice.len);
	const char *text = value->state == WEIR_STATE_SET ? value->slice.data : csv->null_text;
	size_t text_len = value->state == WEIR_STATE_SET ? value->slice.len : csv->null_len;

	if (is_quoted)
		line_add(line, len, csv->quote);
	for (size_t i = 0; i < text_len; i++)
	{
		if (is_quoted && text[i] == csv->quote)
			line_add(line, len, csv->quote);
		line_add(line, len, text[i]);
	}
	if (is_quoted)
		line_add(line, len, csv->quote);
}

static bool
is_same(const WeirValue *a, const WeirValue *b)
{
	if (a->state != b->state || a->state != WEIR_STATE_SET)
		return a->state == b->state;
	return a->slice.len == b->slice.len && memcmp(a->slice.data, b->slice.data, a->slice.len) == 0;
}

static void
check_line(const WeirCsv *csv, const uint8_t *data, size_t size)
{
	static char line[LINE_MAX_BYTES];
	WeirValue values[COLUMNS];
	WeirValue again[COLUMNS];
	char *kept[4];
	size_t len = 0;
	bool is_text = true;

	memset(values, 0, sizeof(values));
	memset(again, 0, sizeof(again));
	if (read_line(csv, (const char *) data, size, kept, values) == WEIR_REASON_NONE)
	{
		for (uint32_t i = 0; i < csv->column_count; i++)
		{
			is_text &= values[i].state != WEIR_STATE_BAD; /* a NUL byte */
			if (i > 0)
				line_add(line, &len, csv->delimiter);
			cell_write(csv, &values[i], line, &len);
		}
		if (is_text)
		{
			expect(read_line(csv, line, len, kept + 2, again) == WEIR_REASON_NONE,
				   "what was written is refused", data, size);
			for (uint32_t i = 0; i < csv->column_count; i++)
				expect(is_same(&values[i], &again[i]), "a field has changed", data, size);
			free(kept[2]);
			free(kept[3]);
		}
	}
	free(kept[0]);
	free(kept[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const WeirCsv styles[] = {
		{.delimiter = ',', .quote = '"', .null_text = "", .null_len = 0},
		{.delimiter = '\t', .quote = '\'', .null_text = "\\N", .null_len = 2},
		{.delimiter = ':', .quote = '"', .null_text = "null", .null_len = 4},
	};

	for (uint32_t i = 0; i < COLUMNS; i++)
		fields[i] = (WeirField){.steps = &steps[i], .step_count = 1, .type = WEIR_TYPE_TEXT};
	for (size_t style = 0; style < sizeof(styles) / sizeof(styles[0]); style++)
		for (uint32_t count = 1; count <= COLUMNS; count++)
		{
			WeirCsv csv = styles[style];

			csv.column_count = count;
			check_line(&csv, data, size);
		}
	return 0;
}

#ifdef WEIR_FUZZ_STANDALONE
/* Pieces of lines, more of them right than wrong, and then some bytes changed. */
static void
line_make(Input *input)
{
	for (uint32_t i = 1 + input_random(12); i > 0; i--)
	{
		INPUT_ONE_OF(input, "a", "\"b\"", "\"c,d\"", "\"e\"\"f\"", "\"\n\"", "", "", "'g:h'",
					 "null", "\\N", "'\\N'", "\xC3\xA4", " ", "1.5", "\"\"", "''");
		INPUT_ONE_OF(input, ",", ",", ",", "\t", ":", "\n", "\"", "\r\n", "'");
	}
	if (input_random(3) == 0)
		bytes_change(input);
}

int
main(int argc, char **argv)
{
	return inputs_run(argc, argv, line_make);
}
#endif
