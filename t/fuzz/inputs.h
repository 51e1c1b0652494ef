/* SPDX-License-Identifier: PostgreSQL
 *
 * Inputs for the fuzz targets where no fuzzer makes them: `target SEED COUNT` from one seed.
 *
 * Documents of a small grammar, so that much of what is made is valid, and then some bytes changed.
 */
#ifndef WEIR_INPUTS_H
#define WEIR_INPUTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 8192

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end, and the bytes with it, if a claim about them is wrong. */
static inline void
expect(bool is_right, const char *what, const void *data, size_t size)
{
	if (is_right)
		return;
	fprintf(stderr, "%s: %.*s\n", what, (int) size, (const char *) data);
	abort();
}

#ifdef WEIR_FUZZ_STANDALONE

typedef struct Input
{
	char text[MESSAGE_MAX];
	size_t len;
} Input;

static uint64_t input_state;

static uint32_t
input_random(uint32_t limit)
{
	uint64_t z = (input_state += 0x9E3779B97F4A7C15ull);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return (uint32_t) ((z ^ (z >> 31)) % limit);
}

static void
input_add(Input *input, const char *text)
{
	size_t len = strlen(text);

	if (input->len + len < MESSAGE_MAX)
	{
		memcpy(input->text + input->len, text, len);
		input->len += len;
	}
}

static void
input_add_one_of(Input *input, const char *const *texts, size_t count)
{
	input_add(input, texts[input_random((uint32_t) count)]);
}

#define INPUT_ONE_OF(input, ...)                                                                   \
	do                                                                                             \
	{                                                                                              \
		static const char *const texts_[] = {__VA_ARGS__};                                         \
		input_add_one_of(input, texts_, sizeof(texts_) / sizeof(texts_[0]));                       \
	} while (0)

static void
input_add_digits(Input *input, uint32_t count)
{
	char digit[2] = "0";

	while (count-- > 0)
	{
		digit[0] = (char) ('0' + input_random(10));
		input_add(input, digit);
	}
}

static void
number_make(Input *input)
{
	char first[2] = "1";

	INPUT_ONE_OF(input, "", "", "", "-");
	first[0] = (char) ('1' + input_random(9));
	if (input_random(4) == 0)
		input_add(input, "0");
	else
	{
		input_add(input, first);
		input_add_digits(input, input_random(input_random(8) == 0 ? 40 : 6));
	}
	if (input_random(2) == 0)
	{
		input_add(input, ".");
		input_add_digits(input, 1 + input_random(input_random(8) == 0 ? 40 : 6));
		INPUT_ONE_OF(input, "", "", "0", "000");
	}
	if (input_random(4) == 0)
	{
		INPUT_ONE_OF(input, "e", "E", "e+", "e-");
		input_add_digits(input, 1 + input_random(input_random(8) == 0 ? 5 : 2));
	}
}

static void
string_part_make(Input *input)
{
	switch (input_random(8))
	{
		case 0:
			INPUT_ONE_OF(input, "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0041",
						 "\\u00e4", "\\u20AC", "\\ud83d\\ude00", "\\u0000", "\\uFFFF", "\\u0061");
			break;
		case 1:
			INPUT_ONE_OF(input, "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xDF\xBF",
						 "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF", "\x7F");
			break;
		case 2:
			number_make(input);
			break;
		case 4:
			if (input_random(8) == 0)
				INPUT_ONE_OF(input, "\xC0\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
							 "\xF4\x90\x80\x80", "\xE2\x82", "\xC3", "\xF5\x80\x80\x80", "\\ud83d",
							 "\\ude00", "\\ud83d\\u0041", "\\ude00\\ud83d");
			break;
		case 3:
			INPUT_ONE_OF(input, "NaN", "Infinity", "-inf", "true", "FALSE", "2023-11-14T22:13:20Z",
						 "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", " ", "+", "0x1f");
			break;
		default:
			INPUT_ONE_OF(input, "a", "bc", "x y z", "0123456789abcdef", "[", "}", ",");
	}
}

static void
string_make(Input *input)
{
	input_add(input, "\"");
	if (input_random(3) == 0)
		number_make(input);
	else
		for (uint32_t count = input_random(5); count > 0; count--)
			string_part_make(input);
	input_add(input, "\"");
}

static void
key_make(Input *input)
{
	if (input_random(10) == 0)
		string_make(input);
	else
		INPUT_ONE_OF(input, "\"a\"", "\"a\"", "\"b\"", "\"b\"", "\"c\"", "\"price\"",
					 "\"a long name of more than thirty-two bytes\"", "\"\xC3\xA4\"", "\"\"",
					 "\"\\u0061\"", "\"pr\\u0069ce\"", "\"\\u00e4\"", "\"x\"", "\"symbol\"");
}

static void
space_make(Input *input, const char *usual)
{
	if (input_random(12) != 0)
		input_add(input, usual);
	else
		INPUT_ONE_OF(input, "", " ", "  ", "\n", "\t", "\r\n", "        ");
}

static void
value_make(Input *input, int depth)
{
	bool is_object = input_random(2) == 0;
	uint32_t count = input_random(4);
	uint32_t kind = input_random(depth > 6 ? 8 : 12);

	if (kind < 3)
		number_make(input);
	else if (kind < 6)
		string_make(input);
	else if (kind < 8)
		INPUT_ONE_OF(input, "true", "false", "null");
	else
	{
		input_add(input, is_object ? "{" : "[");
		for (uint32_t i = 0; i < count; i++)
		{
			if (i > 0)
			{
				space_make(input, "");
				input_add(input, ",");
				space_make(input, " ");
			}
			if (is_object)
			{
				key_make(input);
				space_make(input, "");
				input_add(input, ":");
				space_make(input, " ");
			}
			value_make(input, depth + 1);
		}
		input_add(input, is_object ? "}" : "]");
	}
}

static void
document_make(Input *input)
{
	uint32_t count = input_random(8);

	if (input_random(10) == 0)
	{
		value_make(input, 0);
		return;
	}
	input_add(input, "{");
	for (uint32_t i = 0; i < count; i++)
	{
		if (i > 0)
			input_add(input, ", ");
		key_make(input);
		input_add(input, ": ");
		space_make(input, "");
		value_make(input, 1);
	}
	input_add(input, "}");
}

/* Changes, drops or doubles a few bytes. */
static void
bytes_change(Input *input)
{
	static const char bytes[] =
		"\"\\{}[]:,0-+.eE19tfnu \x01\x1F\x7F\x80\xBF\xC0\xC3\xE2\xED\xF0\xF5\xFF";

	for (uint32_t count = 1 + input_random(3); count > 0 && input->len > 0; count--)
	{
		uint32_t at = input_random((uint32_t) input->len);

		switch (input_random(4))
		{
			case 0:
				input->len = at;
				break;
			case 1:
				memmove(input->text + at, input->text + at + 1, input->len - at - 1);
				input->len--;
				break;
			case 2:
				if (input->len + 1 < MESSAGE_MAX)
				{
					memmove(input->text + at + 1, input->text + at, input->len - at);
					input->len++;
				}
				break;
			default:
				input->text[at] = bytes[input_random(sizeof(bytes) - 1)];
		}
	}
}

/* A few messages of the same kind, separated by 0x1E. */
static inline void
messages_make(Input *input)
{
	for (uint32_t count = 1 + input_random(3); count > 0; count--)
	{
		Input message = {.len = 0};

		document_make(&message);
		if (input_random(2) == 0)
			bytes_change(&message);
		if (message.len > 0 && input->len + message.len + 1 < MESSAGE_MAX)
		{
			memcpy(input->text + input->len, message.text, message.len);
			input->len += message.len;
		}
		if (count > 1)
			input_add(input, "\x1E");
	}
}

/* A number, a time or something like it. */
static inline void
text_make(Input *input)
{
	if (input_random(2) == 0)
		number_make(input);
	else
	{
		input_add_digits(input, 4 + (input_random(6) == 0 ? input_random(4) : 0));
		INPUT_ONE_OF(input, "-01-", "-02-", "-09-", "-12-", "-11-", "-13-");
		INPUT_ONE_OF(input, "01", "14", "28", "29", "30", "31", "32");
		INPUT_ONE_OF(input, "T00:00:00", "T23:59:59", " 24:00:00", "T12:30", " 07:08:60", "");
		INPUT_ONE_OF(input, "", ".5", ".123456", ".999999", ".9999999", ".1234565", ".0000005");
		INPUT_ONE_OF(input, "", "Z", "+01", "-0130", "+05:45", "-15:59:59", "+16");
		INPUT_ONE_OF(input, "", "", "", " BC");
	}
	if (input_random(3) == 0)
		bytes_change(input);
}

static inline int
inputs_run(int argc, char **argv, void (*make)(Input *))
{
	long count = argc > 2 ? strtol(argv[2], NULL, 10) : 20000;

	input_state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	for (long i = 0; i < count; i++)
	{
		Input input = {.len = 0};

		make(&input);
		LLVMFuzzerTestOneInput((const uint8_t *) input.text, input.len);
	}
	printf("%ld inputs\n", count);
	return 0;
}

#endif

#endif
