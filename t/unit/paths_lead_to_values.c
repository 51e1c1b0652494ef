/* SPDX-License-Identifier: PostgreSQL
 *
 * Wanted paths find their members and elements, whatever the order of keys was before.
 */
#include "message.h"
#include "tap.h"

typedef struct Case
{
	const char *fields;
	const char *document;
	const char *values;
} Case;

static const Case cases[] = {
	/* members */
	{"a:int4 b:int4", "{\"a\":1,\"b\":2}", "1 2"},
	{"a:int4 b:int4", "{\"b\":2,\"a\":1}", "1 2"},
	{"a:int4 b:int4", "{\"b\":2}", "- 2"},
	{"a:int4 b:int4", "{}", "- -"},
	{"a:int4", "{\"aa\":1,\"A\":2,\"\":3}", "-"},
	{"a:int4", "{\"x\":{\"a\":1},\"y\":[{\"a\":2}]}", "-"},
	{"a:int4 a:text a:json", "{\"a\":12}", "12 '12' 12<0>"},
	{"a:text a:text", "{\"a\":\"\\n\"}", "'\n' '\n'"},
	{"a:int4 a:bool", "{\"a\":\"x\"}", "!not_a_number@5 !not_a_boolean@5"},
	{"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz:int4",
	 "{\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\":1}", "1"},
	{"abcdefgh:int4 abcdefgi:int4 abcdefghabcdefgh:int4",
	 "{\"abcdefghabcdefgh\":3,\"abcdefgi\":2,\"abcdefgh\":1}", "1 2 3"},
	{"\xC3\xA4:int4", "{\"\xC3\xA4\":1}", "1"},

	/* keys with escapes */
	{"ab:int4", "{\"\\u0061b\":1}", "1"},
	{"ab:int4", "{\"\\u0061\\u0062\":1}", "1"},
	{"\xC3\xA4:int4", "{\"\\u00e4\":1}", "1"},
	{"a/b:int4", "{\"a\\/b\":1}", "1"},
	{"a:text b:text", "{\"a\":\"\\t1\",\"\\u0062\":\"\\t2\"}", "'\t1' '\t2'"},
	{"ab:int4", "{\"a\\u0000b\":1,\"\\u0000\":2}", "-"},

	/* paths */
	{"a.b:int4", "{\"a\":{\"b\":1}}", "1"},
	{"a.b.c.d:int4", "{\"a\":{\"b\":{\"x\":0,\"c\":{\"d\":1,\"e\":2}}}}", "1"},
	{"a.b:int4 c:int4", "{\"a\":{\"c\":3},\"c\":1,\"b\":2}", "- 1"},
	{"a.b:int4", "{\"a\":1}", "-"},
	{"a.b:int4", "{\"a\":null}", "-"},
	{"a.b:int4", "{\"a\":[1]}", "-"},
	{"a.b:int4", "{\"a\":\"b\"}", "-"},
	{"a.b:int4", "{\"a\":{\"b\":null}}", "null"},
	{"a[0]:int4", "{\"a\":{\"0\":1}}", "-"},
	{"a[0]:int4 a[2]:int4 a[9]:int4", "{\"a\":[1,2,3,4]}", "1 3 -"},
	{"a[2]:int4 a[0]:int4", "{\"a\":[1,2,3]}", "3 1"},
	{"a[1]:int4 a.b:int4", "{\"a\":[1,2]}", "2 -"},
	{"a[1]:int4 a.b:int4", "{\"a\":{\"b\":1}}", "- 1"},
	{"a[1].b:text a[1].c[0]:text", "{\"a\":[{\"b\":0},{\"b\":1,\"c\":[2]},{\"b\":3}]}", "'1' '2'"},
	{"a[0][1]:int4", "{\"a\":[[1,2],[3,4]]}", "2"},
	{"a[0]:int4", "{\"a\":[]}", "-"},
	{"a[0]:int4", "{\"a\":[ ]}", "-"},
	{"a[0]:int4", "{\"a\":[null]}", "null"},
	{"a[0]:int4 b:int4", "{\"a\":[[[1]],{\"b\":2}],\"b\":3}", "!wrong_kind@6 3"},
	{"a:json a.b:int4", "{\"a\":{\"b\":1}}", "{\"b\":1}<1> 1"},
	{"a.b:int4 a:text", "{\"a\":{\"b\":1,\"c\":[2]}}", "1 '{\"b\":1,\"c\":[2]}'"},
	{"a:json a.b:json a.b.c:text", "{\"a\":{\"b\":{\"c\":\"\\n\"}}}",
	 "{\"b\":{\"c\":\"\\n\"}}<2> {\"c\":\"\\n\"}<1> '\n'"},
	{"a:int4 a.b:int4", "{\"a\":5}", "5 -"},
	{"a:int4 a.b:int4", "{\"a\":{\"b\":5}}", "!wrong_kind@5 5"},
	{"a:int4 a.b:int4", "{\"a\":null}", "null -"},

	/* arrays for documents */
	{"[0]:int4 [1].a:int4", "[1,{\"a\":2}]", "1 2"},
	{"[0]:int4 a:int4", "{\"a\":1}", "- 1"},
	{"[0]:int4", "[]", "-"},
	{"[0]:int4", "{}", "-"},
	{"[0]:int4", "1", "not_object@0"},
	{"[0]:int4", "[1,]", "syntax@3"},
	{"[0]:int4", "[1", "truncated@2"},
	{"[0]:int4", "[1] 2", "trailing@4"},
	{"[1]:int4", "[,1]", "syntax@1"},
	{"[0]:int4", "[1}", "syntax@2"},

	/* duplicates: the last wins */
	{"a:int4", "{\"a\":1,\"a\":2}", "2"},
	{"a:int4", "{\"a\":1,\"a\":null}", "null"},
	{"a:int4", "{\"a\":\"x\",\"a\":2}", "2"},
	{"a:int4", "{\"a\":2,\"a\":\"x\"}", "!not_a_number@11"},
	{"a:int4", "{\"a\":1,\"\\u0061\":2}", "2"},
	{"a:text", "{\"a\":\"\\u0000\",\"a\":\"x\"}", "'x'"},
	{"a.b:int4", "{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "-"},
	{"a.b:int4", "{\"a\":{\"b\":1},\"a\":{\"b\":2}}", "2"},
	{"a.b:int4", "{\"a\":{\"b\":1},\"a\":3}", "-"},
	{"a.b:int4", "{\"a\":{\"b\":1},\"a\":null}", "-"},
	{"a.b:int4", "{\"a\":{\"b\":1},\"a\":[]}", "-"},
	{"a.b:int4 a.c:int4", "{\"a\":{\"b\":1,\"c\":2},\"a\":{\"c\":3}}", "- 3"},
	{"a.b.c:int4 a.d:int4 e:int4", "{\"e\":9,\"a\":{\"d\":1,\"b\":{\"c\":2}},\"a\":{}}", "- - 9"},
	{"a[1]:int4", "{\"a\":[1,2],\"a\":[3]}", "-"},
	{"a:json a.b:int4", "{\"a\":{\"b\":1},\"a\":[]}", "[]<1> -"},

	/* what is refused below a wanted path */
	{"a.b:int4", "{\"a\":{\"b\":1,}}", "syntax@12"},
	{"a.b:int4", "{\"a\":{\"b\" 1}}", "syntax@10"},
	{"a.b:int4", "{\"a\":{\"b\":1]}", "syntax@11"},
	{"a.b:int4", "{\"a\":{\"b\":1", "truncated@11"},
	{"a.b:int4", "{\"a\":{\"b\":", "truncated@10"},
	{"a.b:int4", "{\"a\":{\"b\"", "truncated@9"},
	{"a.b:int4", "{\"a\":{", "truncated@6"},
	{"a.b:int4", "{\"a\":", "truncated@5"},
	{"a.b:int4 a:json", "{\"a\":", "truncated@5"},
	{"a[0]:int4", "{\"a\":[1 2]}", "syntax@8"},
	{"a[0]:int4", "{\"a\":[1,", "truncated@8"},
	{"a[0]:int4", "{\"a\":[1:", "syntax@7"},
};

static void
order_of_keys_does_not_matter(void)
{
	/* each of them is read after each other one */
	static const Case messages[] = {
		{"", "{\"a\": 1, \"b\": 2, \"c\": 3}", "1 2 3"},
		{"", "{\"a\":1,\"b\":2,\"c\":3}", "1 2 3"},
		{"", "{\"a\" : 1 ,\n\"b\" : 2 , \"c\" : 3 }", "1 2 3"},
		{"", "{\"c\": 3, \"b\": 2, \"a\": 1}", "1 2 3"},
		{"", "{\"a\": 1, \"c\": 3}", "1 - 3"},
		{"", "{\"b\": 2, \"c\": 3}", "- 2 3"},
		{"", "{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4}", "1 2 3"},
		{"", "{\"z\": 0, \"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4}", "1 2 3"},
		{"", "{\"a\": 1, \"b\": 2, \"c\":", "truncated@21"},
		{"", "{\"a\": 1, \"b\": 2, \"c\": ", "truncated@22"},
		{"", "{\"a\": 1, \"b\": 2, \"c\":   3}", "1 2 3"},
		{"", "{\"a\": 1, \"b\": 2, \"a\": 3}", "3 2 -"},
		{"", "{\"a\": 1 \"b\": 2}", "syntax@8"},
		{"", "{, \"b\": 2}", "syntax@1"},
		{"", "{\"a\": 1\"a\": 1}", "syntax@7"},
		{"", "{\"a\": , \"b\": 2}", "syntax@6"},
		{"", "{\"a\": 1, \"b\": , \"c\": 3}", "syntax@14"},
		{"", "{}", "- - -"},
	};
	const size_t count = sizeof(messages) / sizeof(messages[0]);
	bool is_right = true;
	Message message;

	message_open(&message, "a:int4 b:int4 c:int4");
	for (size_t first = 0; first < count; first++)
		for (size_t second = 0; second < count && is_right; second++)
		{
			const Case *cases[] = {&messages[first], &messages[second], &messages[second]};

			for (int i = 0; i < 3; i++)
			{
				const char *document = cases[i]->document;

				if (strcmp(message_read(&message, document, strlen(document)), cases[i]->values) !=
					0)
					is_right = false;
			}
			if (!is_right)
				printf("# %zu after %zu\n", second, first);
		}
	message_close(&message);
	ok(is_right, "the order of keys does not matter, nor what it was before");
}

static void
many_keys_are_found(void)
{
	char document[8192];
	size_t len = 0;
	Message message;
	bool is_right = true;

	for (int i = 0; i < 300; i++)
		len += (size_t) snprintf(document + len, sizeof(document) - len, "%s\"key%d\":%d",
								 i == 0 ? "{" : ",", i, i);
	document[len++] = '}';
	message_open(&message, "key0:int4 key63:int4 key64:int4 key65:int4 key299:int4 key300:int4");
	for (int i = 0; i < 3; i++)
		is_right &= strcmp(message_read(&message, document, len), "0 63 64 65 299 -") == 0;
	ok(is_right, "more keys than are remembered");
	message_close(&message);
}

static void
many_fields_fit_their_memory(void)
{
	enum
	{
		COUNT = 1500
	};
	static char names[COUNT][16];
	static WeirStep steps[COUNT][3];
	static WeirField fields[COUNT];
	static WeirValue values[COUNT];
	static char document[65536];
	static char scratch[80000];
	size_t len = 0;
	uint32_t place;
	bool is_right;
	WeirDecoder *decoder;

	for (int i = 0; i < COUNT; i++)
	{
		uint32_t name_len = (uint32_t) snprintf(names[i], sizeof(names[i]), "f%d", i);

		steps[i][0] = (WeirStep){names[i % 10], 2, 0};
		steps[i][1] = (WeirStep){NULL, 0, (uint32_t) i % 3};
		steps[i][2] = (WeirStep){names[i], name_len, 0};
		fields[i] = (WeirField){steps[i], 3, WEIR_TYPE_INT4, WEIR_UNIT_ISO8601};
	}
	for (int top = 0; top < 10; top++)
	{
		len += (size_t) sprintf(document + len, "%s\"f%d\":[", top == 0 ? "{" : "},{}],", top);
		for (int element = 0; element < 3; element++)
		{
			len += (size_t) sprintf(document + len, "%s{\"x\":0", element == 0 ? "" : "},");
			for (int i = 0; i < COUNT; i++)
				if (i % 10 == top && i % 3 == element)
					len += (size_t) sprintf(document + len, ",\"f%d\":%d", i, i);
		}
	}
	len += (size_t) sprintf(document + len, "}]}");
	decoder = weir_decoder_init(malloc(weir_decoder_size(fields, COUNT)), fields, COUNT);
	is_right =
		weir_decoder_run(decoder, document, len, scratch, values, &place) == WEIR_REASON_NONE;
	for (int i = 0; i < COUNT; i++)
		is_right &= values[i].state == WEIR_STATE_SET && values[i].integer == i;
	ok(is_right, "%d fields below 30 objects", COUNT);
	free(decoder);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *this = &cases[i];

		is_text(message_read_once(this->fields, this->document, strlen(this->document)),
				this->values, "%s of %s", this->fields, this->document);
	}
	order_of_keys_does_not_matter();
	many_keys_are_found();
	many_fields_fit_their_memory();
	return done_testing();
}
