/* SPDX-License-Identifier: PostgreSQL
 *
 * A message is valid JSON or it is refused, with the reason and the place, whatever is wanted of it.
 *
 * Every document stands right before a page that cannot be touched, and every valid one is cut off at
 * every byte: what is left is truncated, and nothing else.
 */
#include "message.h"
#include "tap.h"

typedef struct Case
{
	const char *document;
	const char *verdict; /* of the message, or the value of a */
} Case;

static const Case cases[] = {
	/* documents */
	{"{}", "-"},
	{" \t\r\n{ \t\r\n} \t\r\n", "-"},
	{"{\"a\":1}", "1<0>"},
	{"{\"a\" : 1 }", "1<0>"},
	{"{\"a\":1,\"b\":2}", "1<0>"},
	{"{\"b\":{\"a\":2}}", "-"},
	{"", "empty@0"},
	{" ", "empty@0"},
	{" \n\t\r ", "empty@0"},
	{"[]", "not_object@0"},
	{" [1]", "not_object@1"},
	{"[{\"a\":1}]", "not_object@0"},
	{"1", "not_object@0"},
	{"-0.5e-3", "not_object@0"},
	{"\"a\"", "not_object@0"},
	{"true", "not_object@0"},
	{"null", "not_object@0"},
	{"[1", "truncated@2"},
	{"[1}", "syntax@2"},
	{"{} {}", "trailing@3"},
	{"{}x", "trailing@2"},
	{"{},", "trailing@2"},
	{"{}}", "trailing@2"},
	{"1 2", "trailing@2"},
	{"\xEF\xBB\xBF{}", "syntax@0"},
	{"\xFE\xFF", "syntax@0"},
	{"x", "syntax@0"},
	{"//{}", "syntax@0"},
	{"'a'", "syntax@0"},
	{"\v{}", "syntax@0"},
	{"\xC2\xA0{}", "syntax@0"},

	/* objects */
	{"{,}", "syntax@1"},
	{"{\"a\"}", "syntax@4"},
	{"{\"a\":}", "syntax@5"},
	{"{\"a\":1,}", "syntax@7"},
	{"{\"a\":1 \"b\":2}", "syntax@7"},
	{"{\"a\":1,,\"b\":2}", "syntax@7"},
	{"{\"a\"::1}", "syntax@5"},
	{"{\"a\",1}", "syntax@4"},
	{"{a:1}", "syntax@1"},
	{"{'a':1}", "syntax@1"},
	{"{1:1}", "syntax@1"},
	{"{null:1}", "syntax@1"},
	{"{\"a\":1]", "syntax@6"},
	{"{\"a\":1}}", "trailing@7"},
	{"{\"\":1}", "-"},
	{"{\"b\":{}, \"c\":{ }}", "-"},
	{"{\"b\":{,}}", "syntax@6"},
	{"{\"b\":{\"c\"}}", "syntax@9"},
	{"{\"b\":{\"c\":1,}}", "syntax@12"},
	{"{\"b\":{\"c\":1]}", "syntax@11"},
	{"{\"b\":{1:1}}", "syntax@6"},

	/* arrays */
	{"{\"a\":[]}", "[]<1>"},
	{"{\"a\":[ ]}", "[ ]<1>"},
	{"{\"a\":[1,2 , 3]}", "[1,2 , 3]<1>"},
	{"{\"a\":[[],[[]],{}]}", "[[],[[]],{}]<3>"},
	{"{\"a\":[,]}", "syntax@6"},
	{"{\"a\":[1,]}", "syntax@8"},
	{"{\"a\":[,1]}", "syntax@6"},
	{"{\"a\":[1 2]}", "syntax@8"},
	{"{\"a\":[1:2]}", "syntax@7"},
	{"{\"a\":[1}}", "syntax@7"},
	{"{\"a\":[1]]}", "syntax@8"},
	{"{\"a\":[\"b\":1]}", "syntax@9"},
	{"{\"a\":{\"b\":1}}", "{\"b\":1}<1>"},
	{"{\"a\":{\"b\":{\"c\":[1]}}}", "{\"b\":{\"c\":[1]}}<3>"},

	/* words */
	{"{\"a\":true}", "true<0>"},
	{"{\"a\":false}", "false<0>"},
	{"{\"a\":null}", "null"},
	{"{\"a\":True}", "syntax@5"},
	{"{\"a\":truE}", "syntax@8"},
	{"{\"a\":truex}", "syntax@9"},
	{"{\"a\":fals}", "syntax@9"},
	{"{\"a\":nul}", "syntax@8"},
	{"{\"a\":nulll}", "syntax@9"},
	{"{\"a\":NaN}", "syntax@5"},
	{"{\"a\":nan}", "syntax@6"},
	{"{\"a\":Infinity}", "syntax@5"},
	{"{\"a\":-Infinity}", "syntax@6"},
	{"{\"a\":undefined}", "syntax@5"},

	/* numbers */
	{"{\"a\":0}", "0<0>"},
	{"{\"a\":-0}", "-0<0>"},
	{"{\"a\":10}", "10<0>"},
	{"{\"a\":0.0}", "0.0<0>"},
	{"{\"a\":1.25}", "1.25<0>"},
	{"{\"a\":1e5}", "1e5<0>"},
	{"{\"a\":1E+5}", "1E+5<0>"},
	{"{\"a\":0e-05}", "0e-05<0>"},
	{"{\"a\":12345678901234567890123456789}", "12345678901234567890123456789<0>"},
	{"{\"a\":1e999999999999999999999}", "1e999999999999999999999<0>"},
	{"{\"a\":00}", "syntax@6"},
	{"{\"a\":01}", "syntax@6"},
	{"{\"a\":-01}", "syntax@7"},
	{"{\"a\":0123456789}", "syntax@6"},
	{"{\"a\":+1}", "syntax@5"},
	{"{\"a\":.5}", "syntax@5"},
	{"{\"a\":-.5}", "syntax@6"},
	{"{\"a\":1.}", "syntax@7"},
	{"{\"a\":1.e5}", "syntax@7"},
	{"{\"a\":1e}", "syntax@7"},
	{"{\"a\":1e+}", "syntax@8"},
	{"{\"a\":1e5.5}", "syntax@8"},
	{"{\"a\":1.2.3}", "syntax@8"},
	{"{\"a\":--1}", "syntax@6"},
	{"{\"a\":-}", "syntax@6"},
	{"{\"a\":- 1}", "syntax@6"},
	{"{\"a\":0x10}", "syntax@6"},
	{"{\"a\":1_000}", "syntax@6"},
	{"{\"a\":1d}", "syntax@6"},
	{"{\"a\":12345678x}", "syntax@13"},
	{"{\"a\":\xD9\xA1}", "syntax@5"},

	/* strings */
	{"{\"a\":\"\"}", "\"\"<0>"},
	{"{\"a\":\"\x7F\"}", "\"\x7F\"<0>"},
	{"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"<0>"},
	{"{\"a\":\"\\u0000\"}", "\"\\u0000\"<0 nul>"},
	{"{\"a\":[\"x\",{\"\\u0000\":1}]}", "[\"x\",{\"\\u0000\":1}]<2 nul>"},
	{"{\"b\":\"\\u0000\",\"a\":1}", "1<0>"},
	{"{\"a\":\"\\u0000\",\"a\":\"x\"}", "\"x\"<0>"},
	{"{\"a\":\"\n\"}", "syntax@6"},
	{"{\"a\":\"\t\"}", "syntax@6"},
	{"{\"a\":\"0123456789\x1F\"}", "syntax@16"},
	{"{\"a\":\"0123456789012345678\x01\"}", "syntax@25"},
	{"{\"a\":\"\\a\"}", "syntax@7"},
	{"{\"a\":\"\\x41\"}", "syntax@7"},
	{"{\"a\":\"\\'\"}", "syntax@7"},
	{"{\"a\":\"\\U0041\"}", "syntax@7"},
	{"{\"a\":\"\\u004\"}", "syntax@11"},
	{"{\"a\":\"\\u004g\"}", "syntax@11"},
	{"{\"a\":\"\\u+041\"}", "syntax@8"},
	{"{\"a\":\"\\u 041\"}", "syntax@8"},
	{"{\"a\":\"\\\n\"}", "syntax@7"},
	{"{\"\\a\":1}", "syntax@3"},
	{"{\"\n\":1}", "syntax@2"},

	/* surrogates */
	{"{\"a\":\"\\ud83d\\ude00\"}", "\"\\ud83d\\ude00\"<0>"},
	{"{\"a\":\"\\uD83D\\uDE00\"}", "\"\\uD83D\\uDE00\"<0>"},
	{"{\"a\":\"\\uffff\"}", "\"\\uffff\"<0>"},
	{"{\"a\":\"\\ud83d\"}", "surrogate@6"},
	{"{\"a\":\"\\ude00\"}", "surrogate@6"},
	{"{\"a\":\"x\\ude00\\ud83d\"}", "surrogate@7"},
	{"{\"a\":\"\\ud83d\\ud83d\"}", "surrogate@6"},
	{"{\"a\":\"\\ud83d\\u0041\"}", "surrogate@6"},
	{"{\"a\":\"\\ud83dx\"}", "surrogate@6"},
	{"{\"a\":\"\\ud83d\\n\"}", "surrogate@6"},
	{"{\"a\":\"\\ud83d\\u00\"}", "syntax@16"},
	{"{\"\\ud83d\":1}", "surrogate@2"},
	{"{\"b\":[\"\\ud83d\"]}", "surrogate@7"},

	/* UTF-8 */
	{"{\"a\":\"\xC3\xA4\"}", "\"\xC3\xA4\"<0>"},
	{"{\"a\":\"\xE2\x82\xAC\"}", "\"\xE2\x82\xAC\"<0>"},
	{"{\"a\":\"\xF0\x9F\x98\x80\"}", "\"\xF0\x9F\x98\x80\"<0>"},
	{"{\"a\":\"\xC2\x80\"}", "\"\xC2\x80\"<0>"},
	{"{\"a\":\"\xDF\xBF\"}", "\"\xDF\xBF\"<0>"},
	{"{\"a\":\"\xE0\xA0\x80\"}", "\"\xE0\xA0\x80\"<0>"},
	{"{\"a\":\"\xED\x9F\xBF\"}", "\"\xED\x9F\xBF\"<0>"},
	{"{\"a\":\"\xEE\x80\x80\"}", "\"\xEE\x80\x80\"<0>"},
	{"{\"a\":\"\xEF\xBF\xBF\"}", "\"\xEF\xBF\xBF\"<0>"},
	{"{\"a\":\"\xF0\x90\x80\x80\"}", "\"\xF0\x90\x80\x80\"<0>"},
	{"{\"a\":\"\xF4\x8F\xBF\xBF\"}", "\"\xF4\x8F\xBF\xBF\"<0>"},
	{"{\"\xC3\xA4\":1}", "-"},
	{"{\"a\":\"\x80\"}", "utf8@6"},
	{"{\"a\":\"\xBF\"}", "utf8@6"},
	{"{\"a\":\"\xC0\x80\"}", "utf8@6"},
	{"{\"a\":\"\xC1\xBF\"}", "utf8@6"},
	{"{\"a\":\"\xC3\"}", "utf8@6"},
	{"{\"a\":\"\xC3\xC3\xA4\"}", "utf8@6"},
	{"{\"a\":\"\xE0\x9F\xBF\"}", "utf8@6"},
	{"{\"a\":\"\xE2\x82\"}", "utf8@6"},
	{"{\"a\":\"\xE2\x28\xA1\"}", "utf8@6"},
	{"{\"a\":\"\xED\xA0\x80\"}", "utf8@6"},
	{"{\"a\":\"\xED\xBF\xBF\"}", "utf8@6"},
	{"{\"a\":\"\xF0\x8F\xBF\xBF\"}", "utf8@6"},
	{"{\"a\":\"\xF0\x9F\x98\"}", "utf8@6"},
	{"{\"a\":\"\xF4\x90\x80\x80\"}", "utf8@6"},
	{"{\"a\":\"\xF5\x80\x80\x80\"}", "utf8@6"},
	{"{\"a\":\"\xF8\x88\x80\x80\x80\"}", "utf8@6"},
	{"{\"a\":\"\xFF\"}", "utf8@6"},
	{"{\"a\":\"0123456789abcdefghi\xFF\"}", "utf8@25"},
	{"{\"\xFF\":1}", "utf8@2"},
	{"{\"b\":\"\xC0\x80\"}", "utf8@6"},
	{"{\"b\":[{\"c\":\"\xFE\"}]}", "utf8@12"},
	{"{\xC3\xA4}", "syntax@1"},
};

#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

/* Is it cut off wherever it is cut? What is a whole document before its end is none of ours. */
static bool
is_truncated_everywhere(const char *document)
{
	const char *begin = document + strspn(document, " \t\r\n");
	size_t len = strlen(document);

	while (len > 0 && strchr(" \t\r\n", document[len - 1]) != NULL)
		len--;
	for (size_t cut = 0; cut < len; cut++)
	{
		const char *verdict = message_read_once("a:json a.b:text", document, cut);
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "truncated@%zu", cut);
		if (strcmp(verdict, document + cut <= begin ? "empty@0" : wanted) != 0)
		{
			printf("# cut at %zu: %s\n", cut, verdict);
			return false;
		}
	}
	return true;
}

static void
nesting_is_judged(size_t depth)
{
	size_t len = 5 + 2 * depth + 1;
	char *document = malloc(len);
	Message message;
	char wanted[32];

	memcpy(document, "{\"a\":", 5);
	memset(document + 5, '[', depth);
	memset(document + 5 + depth, ']', depth);
	document[len - 1] = '}';
	message_open(&message, "a:json");
	message_read(&message, document, len);
	ok(message.reason == WEIR_REASON_NONE && message.values[0].depth == depth, "%zu levels", depth);
	snprintf(wanted, sizeof(wanted), "truncated@%zu", len - 1);
	is_text(message_read(&message, document, len - 1), wanted, "%zu levels without the end", depth);
	document[5 + depth] = '}';
	snprintf(wanted, sizeof(wanted), "syntax@%zu", 5 + depth);
	is_text(message_read(&message, document, len), wanted, "%zu levels, one closed wrongly", depth);
	message_close(&message);
	free(document);
}

static void
strings_are_judged(size_t string_len)
{
	size_t len = string_len + 8;
	char *document = malloc(len);
	Message message;
	bool is_right = true;

	memcpy(document, "{\"a\":\"", 6);
	memset(document + 6, 'x', string_len);
	memcpy(document + 6 + string_len, "\"}", 2);
	message_open(&message, "a:text");
	message_read(&message, document, len);
	ok(message.reason == WEIR_REASON_NONE && message.values[0].slice.len == string_len,
	   "a string of %zu", string_len);
	/* an intruder near both ends and at all places of a word */
	for (size_t i = 0; i < 80 && i < string_len && is_right; i++)
	{
		size_t place = 6 + (i < 40 ? i : string_len - 1 - (i - 40));
		char wanted[32];

		document[place] = '\x07';
		snprintf(wanted, sizeof(wanted), "syntax@%zu", place);
		is_right = strcmp(message_read(&message, document, len), wanted) == 0;
		document[place] = '\xFF';
		snprintf(wanted, sizeof(wanted), "utf8@%zu", place);
		is_right &= strcmp(message_read(&message, document, len), wanted) == 0;
		document[place] = 'x';
	}
	ok(is_right, "an intruder in a string of %zu", string_len);
	message_close(&message);
	free(document);
}

int
main(void)
{
	for (size_t i = 0; i < CASE_COUNT; i++)
	{
		const Case *this = &cases[i];
		size_t len = strlen(this->document);
		char unwanted[4096];

		is_text(message_read_once("a:json", this->document, len), this->verdict, "case %zu: %s", i,
				this->document[0] == '\xEF' ? "byte order mark" : this->document);
		/* the same verdict where the walk goes another way */
		snprintf(unwanted, sizeof(unwanted), "%s",
				 message_read_once("zz:int4", this->document, len));
		if (strchr(this->verdict, '@') != NULL)
			is_text(unwanted, this->verdict, "case %zu, nothing of it wanted", i);
		else
		{
			is_text(unwanted, "-", "case %zu, nothing of it wanted", i);
			ok(is_truncated_everywhere(this->document), "case %zu, cut off", i);
		}
	}
	ok(CASE_COUNT >= 120, "there are %zu cases", CASE_COUNT);
	is_text(message_read_once("a:text", "{\"a\":\"\0\"}", 9), "syntax@6",
			"a zero byte in a string");
	is_text(message_read_once("a:text", "{}\0", 3), "trailing@2", "a zero byte behind a document");
	is_text(message_read_once("a:text", "\0", 1), "syntax@0", "a zero byte for a document");
	is_text(message_read_once("a:text", "{\"a\":\"\\\0\"}", 10), "syntax@7", "a zero byte escaped");
	nesting_is_judged(1);
	nesting_is_judged(8);
	nesting_is_judged(1000000);
	for (size_t len = 1; len < 50; len += 7)
		strings_are_judged(len);
	strings_are_judged(1 << 20);
	return done_testing();
}
