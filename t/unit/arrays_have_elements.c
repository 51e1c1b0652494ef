/* SPDX-License-Identifier: PostgreSQL
 *
 * The elements of an array are read one after the other, as the values of members are, whatever stands
 * between and within them.
 */
#include "message.h"
#include "tap.h"

static char out[4096];

static void
list_elements(const WeirSlice *json)
{
	char *scratch = malloc(weir_decoder_scratch(json->len));
	WeirElements elements;
	WeirValue value;
	size_t used = 0;

	if (!weir_elements_begin(&elements, json, scratch))
		snprintf(out, sizeof(out), "no array");
	else
		while (weir_elements_next(&elements, WEIR_TYPE_TEXT, WEIR_UNIT_ISO8601, &value))
		{
			bool is_set = value.state == WEIR_STATE_SET;
			const char *text = is_set                           ? value.slice.data
							   : value.state == WEIR_STATE_NULL ? "NULL"
																: "BAD!";

			used += (size_t) snprintf(out + used, sizeof(out) - used, "%.*s|",
									  is_set ? (int) value.slice.len : 4, text);
		}
	free(scratch);
}

/* Result: the elements of member "a" as texts, with "|" behind each; "no array"; "refused". */
static const char *
elements_of(const char *payload)
{
	WeirStep step = {.name = "a", .name_len = 1};
	WeirField field = {.steps = &step, .step_count = 1, .type = WEIR_TYPE_JSON};
	size_t len = strlen(payload);
	char *exact = memcpy(malloc(len), payload, len); /* for the address sanitizer */
	char *scratch = malloc(weir_decoder_scratch(len));
	WeirDecoder *decoder = weir_decoder_init(malloc(weir_decoder_size(&field, 1)), &field, 1);
	WeirValue value;
	uint32_t place;

	out[0] = '\0';
	if (weir_decoder_run(decoder, exact, len, scratch, &value, &place) != WEIR_REASON_NONE)
		snprintf(out, sizeof(out), "refused");
	else
		list_elements(&value.slice);
	free(decoder);
	free(scratch);
	free(exact);
	return out;
}

int
main(void)
{
	is_text(elements_of("{\"a\":[]}"), "", "none");
	is_text(elements_of("{\"a\": [ \t\r\n ] }"), "", "none but space");
	is_text(elements_of("{\"a\":[1]}"), "1|", "one");
	is_text(elements_of("{\"a\":[ 1 , -2.50e3,\"x\" ,true,false , null ]}"),
			"1|-2.50e3|x|true|false|NULL|", "every kind of scalar");
	is_text(elements_of("{\"a\":[\"\\u00e4\\n\",\"a,b\",\"]\",\"\\\"\"]}"), "\xC3\xA4\n|a,b|]|\"|",
			"strings with escapes, commas and brackets");
	is_text(elements_of("{\"a\":[[1,[2]],{\"b\":[3,\"]}\"]}, []]}"),
			"[1,[2]]|{\"b\":[3,\"]}\"]}|[]|", "arrays and objects are elements as they stand");
	is_text(elements_of("{\"a\":[\"\\u0000\",1]}"), "BAD!|1|", "a bad one does not end it");
	is_text(elements_of("{\"a\":5}"), "no array", "a number is no array");
	is_text(elements_of("{\"a\":\"[1]\"}"), "no array", "nor is a string");
	is_text(elements_of("{\"a\":{}}"), "no array", "nor is an object");
	is_text(elements_of("{\"a\":[1,]}"), "refused", "what is not JSON comes to nobody");
	return done_testing();
}
