/* SPDX-License-Identifier: PostgreSQL
 *
 * Each kind of JSON value becomes each wanted type, or a reason, as docs/decoder.md says.
 */
#include "message.h"
#include "tap.h"

typedef struct Case
{
	const char *type;
	const char *json;
	const char *value; /* of !x@: the place is that of the value, 5 */
} Case;

static const Case cases[] = {
	{"bool", "true", "true"},
	{"bool", "false", "false"},
	{"bool", "\"true\"", "true"},
	{"bool", "\"false\"", "false"},
	{"bool", "\" True \"", "true"},
	{"bool", "\"tr\\u0075e\"", "true"},
	{"bool", "1", "true"},
	{"bool", "0", "false"},
	{"bool", "1.0", "true"},
	{"bool", "-0", "false"},
	{"bool", "2", "!not_a_boolean@5"},
	{"bool", "0.5", "!not_a_boolean@5"},
	{"bool", "\"yes\"", "!not_a_boolean@5"},
	{"bool", "\"1\"", "!not_a_boolean@5"},
	{"bool", "\"\"", "!not_a_boolean@5"},
	{"bool", "[]", "!wrong_kind@5"},
	{"bool", "{}", "!wrong_kind@5"},
	{"bool", "null", "null"},

	{"int2", "32767", "32767"},
	{"int2", "-32768", "-32768"},
	{"int2", "32768", "!out_of_range@5"},
	{"int2", "-32769", "!out_of_range@5"},
	{"int4", "2147483647", "2147483647"},
	{"int4", "-2147483648", "-2147483648"},
	{"int4", "2147483648", "!out_of_range@5"},
	{"int8", "9223372036854775807", "9223372036854775807"},
	{"int8", "-9223372036854775808", "-9223372036854775808"},
	{"int8", "9223372036854775808", "!out_of_range@5"},
	{"int8", "-9223372036854775809", "!out_of_range@5"},
	{"int8", "18446744073709551616", "!out_of_range@5"},
	{"int8", "9223372036854775807.0", "9223372036854775807"},
	{"int8", "9223372036854775807.00000000000000000000", "9223372036854775807"},
	{"int8", "922337203685477580700e-2", "9223372036854775807"},
	{"int8", "0.00000000000000000000000000012e29", "12"},
	{"int8", "1000000000000000000000000000000e-20", "10000000000"},
	{"int8", "1e18", "1000000000000000000"},
	{"int8", "1e19", "!out_of_range@5"},
	{"int8", "1e400", "!out_of_range@5"},
	{"int8", "0e400", "0"},
	{"int8", "0e-400", "0"},
	{"int8", "1e-400", "!not_an_integer@5"},
	{"int8", "1.5", "!not_an_integer@5"},
	{"int8", "12345678901234567890.5", "!not_an_integer@5"},
	{"int8", "0.99999999999999999999999", "!not_an_integer@5"},
	{"int4", "1.0", "1"},
	{"int4", "1e3", "1000"},
	{"int4", "-0", "0"},
	{"int4", "120e-1", "12"},
	{"int4", "125e-1", "!not_an_integer@5"},
	{"int4", "\"12\"", "12"},
	{"int4", "\" +12\\n\"", "12"},
	{"int4", "\"\\u0031\\u0032\"", "12"},
	{"int4", "\"12.\"", "12"},
	{"int4", "\"007\"", "7"},
	{"int4", "\"\"", "!not_a_number@5"},
	{"int4", "\" \"", "!not_a_number@5"},
	{"int4", "\"-\"", "!not_a_number@5"},
	{"int4", "\".\"", "!not_a_number@5"},
	{"int4", "\"1 2\"", "!not_a_number@5"},
	{"int4", "\"12x\"", "!not_a_number@5"},
	{"int4", "\"12e\"", "!not_a_number@5"},
	{"int4", "\"0x10\"", "!not_a_number@5"},
	{"int4", "\"1_000\"", "!not_a_number@5"},
	{"int4", "\"NaN\"", "!not_a_number@5"},
	{"int4", "\"12\\u0000\"", "!not_a_number@5"},
	{"int4", "true", "!wrong_kind@5"},
	{"int4", "[1]", "!wrong_kind@5"},
	{"int4", "null", "null"},

	{"float8", "0.1", "0.10000000000000001"},
	{"float8", "-0", "-0"},
	{"float8", "0", "0"},
	{"float8", "1e308", "1e+308"},
	{"float8", "1.7976931348623157e308", "1.7976931348623157e+308"},
	{"float8", "1.7976931348623159e308", "!out_of_range@5"},
	{"float8", "1e309", "!out_of_range@5"},
	{"float8", "-1e400", "!out_of_range@5"},
	{"float8", "5e-324", "4.9406564584124654e-324"},
	{"float8", "2e-324", "!out_of_range@5"},
	{"float8", "1e-400", "!out_of_range@5"},
	{"float8", "0e-400", "0"},
	{"float8", "0.000e999999999999", "0"},
	{"float8", "9007199254740993", "9007199254740992"},
	{"float8", "9007199254740993.0000000000000000000000000000001", "9007199254740994"},
	{"float8", "\"1.5\"", "1.5"},
	{"float8", "\" .5e1 \"", "5"},
	{"float8", "\"NaN\"", "nan"},
	{"float8", "\"nan\"", "nan"},
	{"float8", "\"Infinity\"", "inf"},
	{"float8", "\"+infinity\"", "inf"},
	{"float8", "\"-INF\"", "-inf"},
	{"float8", "\" inf \"", "inf"},
	{"float8", "\"infi\"", "!not_a_number@5"},
	{"float8", "\"0x1p3\"", "!not_a_number@5"},
	{"float8", "\"1,5\"", "!not_a_number@5"},
	{"float8", "\"\"", "!not_a_number@5"},
	{"float8", "false", "!wrong_kind@5"},
	{"float8", "{}", "!wrong_kind@5"},
	{"float4", "0.1", "0.100000001"},
	{"float4", "16777217", "16777216"},
	{"float4", "16777217.0000000001", "16777218"},
	{"float4", "3.4028235e38", "3.40282347e+38"},
	{"float4", "3.4028236e38", "!out_of_range@5"},
	{"float4", "1e39", "!out_of_range@5"},
	{"float4", "1e-45", "1.40129846e-45"},
	{"float4", "1e-46", "!out_of_range@5"},
	{"float4", "\"-Infinity\"", "-inf"},

	{"numeric", "0.1", "0.1"},
	{"numeric", "1.50", "1.50"},
	{"numeric", "-0", "-0"},
	{"numeric", "1e400", "1e400"},
	{"numeric", "1E-5", "1E-5"},
	{"numeric", "123456789012345678901234567890.123456789012345678901234567890",
	 "123456789012345678901234567890.123456789012345678901234567890"},
	{"numeric", "\"1.50\"", "1.50"},
	{"numeric", "\" +1.50 \"", "+1.50"},
	{"numeric", "\"nan\"", "NaN"},
	{"numeric", "\"inf\"", "Infinity"},
	{"numeric", "\"-infinity\"", "-Infinity"},
	{"numeric", "\"abc\"", "!not_a_number@5"},
	{"numeric", "\"-NaN\"", "!not_a_number@5"},
	{"numeric", "true", "!wrong_kind@5"},
	{"numeric", "[]", "!wrong_kind@5"},

	{"text", "\"\"", "''"},
	{"text", "\"x y\"", "'x y'"},
	{"text", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "'\"\\/\b\f\n\r\t'"},
	{"text", "\"\\u0041\\u00e4\\u20ac\\uD83D\\uDE00\"", "'A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80'"},
	{"text", "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
	 "'\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF'"},
	{"text", "\"\\ud800\\udc00\\udbff\\udfff\"", "'\xF0\x90\x80\x80\xF4\x8F\xBF\xBF'"},
	{"text", "\"a\\u0000b\"", "!nul@5"},
	{"text", "1.50", "'1.50'"},
	{"text", "true", "'true'"},
	{"text", "false", "'false'"},
	{"text", "{ \"b\" : [1 , 2] }", "'{ \"b\" : [1 , 2] }'"},
	{"text", "[\"\\u0000\"]", "'[\"\\u0000\"]'"},
	{"text", "null", "null"},
	{"text", "\"null\"", "'null'"},

	{"json", "{ \"b\" : [1 , 2] }", "{ \"b\" : [1 , 2] }<2>"},
	{"json", "\"\\u00e4\"", "\"\\u00e4\"<0>"},
	{"json", "1.50", "1.50<0>"},
	{"json", "[[],[]]", "[[],[]]<2>"},
	{"json", "null", "null"},

	{"timestamp", "\"2023-11-14T22:13:20.123456Z\"", "2023-11-14T22:13:20.123456Z"},
	{"timestamp", "\"2023\\u002d11-14\"", "2023-11-14T00:00:00Z"},
	{"timestamp", "1700000000", "!not_a_time@5"},
	{"timestamp", "\"1700000000\"", "!not_a_time@5"},
	{"timestamp", "\"\"", "!not_a_time@5"},
	{"timestamp", "true", "!wrong_kind@5"},
	{"timestamp", "{}", "!wrong_kind@5"},
	{"timestamp", "null", "null"},
	{"timestamp", "\"infinity\"", "infinity"},
	{"timestamp/s", "1700000000", "2023-11-14T22:13:20Z"},
	{"timestamp/s", "1700000000.123456", "2023-11-14T22:13:20.123456Z"},
	{"timestamp/s", "1.7e9", "2023-11-14T22:13:20Z"},
	{"timestamp/s", "\"1700000000.5\"", "2023-11-14T22:13:20.5Z"},
	{"timestamp/s", "1700000000.1234565", "2023-11-14T22:13:20.123456Z"},
	{"timestamp/s", "1700000000.1234575", "2023-11-14T22:13:20.123458Z"},
	{"timestamp/s", "1700000000.12345650000000000000000001", "2023-11-14T22:13:20.123457Z"},
	{"timestamp/s", "-1.5", "1969-12-31T23:59:58.5Z"},
	{"timestamp/s", "0", "1970-01-01T00:00:00Z"},
	{"timestamp/ms", "1700000000123", "2023-11-14T22:13:20.123Z"},
	{"timestamp/ms", "1700000000123.4567", "2023-11-14T22:13:20.123457Z"},
	{"timestamp/ms", "\" 1700000000123 \"", "2023-11-14T22:13:20.123Z"},
	{"timestamp/us", "1700000000123456", "2023-11-14T22:13:20.123456Z"},
	{"timestamp/us", "-0.5", "1970-01-01T00:00:00Z"},
	{"timestamp/ns", "1700000000123456789", "2023-11-14T22:13:20.123456Z"},
	{"timestamp/ns", "999", "1970-01-01T00:00:00Z"},
	{"timestamp/ns", "-1", "1969-12-31T23:59:59.999999Z"},
	{"timestamp/ns", "-1000", "1969-12-31T23:59:59.999999Z"},
	{"timestamp/ns", "-1001", "1969-12-31T23:59:59.999998Z"},
	{"timestamp/ns", "1e-30", "1970-01-01T00:00:00Z"},
	{"timestamp/ns", "-1e-30", "1969-12-31T23:59:59.999999Z"},
	{"timestamp/ms", "\"2023-11-14\"", "!not_a_time@5"},
	{"timestamp/ms", "\"\"", "!not_a_time@5"},
	{"timestamp/ms", "\"NaN\"", "!not_a_time@5"},
	{"timestamp/ms", "\"-infinity\"", "-infinity"},
	{"timestamp/ms", "[]", "!wrong_kind@5"},
	{"timestamp/s", "9224318015999.999999", "294276-12-31T23:59:59.999999Z"},
	{"timestamp/s", "9224318016000", "!out_of_range@5"},
	{"timestamp/s", "-210866803200", "4714-11-24T00:00:00Z BC"},
	{"timestamp/s", "-210866803200.000001", "!out_of_range@5"},
	{"timestamp/s", "1e300", "!out_of_range@5"},
	{"timestamp/ns", "9224318015999999999999", "294276-12-31T23:59:59.999999Z"},

	{"date", "\"2023-11-14\"", "2023-11-14"},
	{"date", "\"2023-11-14T23:59:59.999Z\"", "2023-11-14"},
	{"date", "\"2023-11-14T23:30:00-01:00\"", "2023-11-15"},
	{"date", "\"2023-11-14T00:30:00+01:00\"", "2023-11-13"},
	{"date", "\"5874897-12-31\"", "5874897-12-31"},
	{"date", "\"5874898-01-01\"", "!out_of_range@5"},
	{"date", "\"infinity\"", "infinity"},
	{"date", "\"x\"", "!not_a_date@5"},
	{"date", "20231114", "!not_a_date@5"},
	{"date", "true", "!wrong_kind@5"},
	{"date/s", "1700000000", "2023-11-14"},
	{"date/ms", "-1", "1969-12-31"},
	{"date/ns", "86399999999999", "1970-01-01"},
	{"date/ns", "86400000000000", "1970-01-02"},
	{"date/ns", "185331707078400000000000", "!out_of_range@5"},
	{"date/ns", "185331706992000000000000", "5874897-12-31"},
	{"date/s", "\"2023-11-14\"", "!not_a_date@5"},

	{"uuid", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	{"uuid", "\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	{"uuid", "\"{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}\"", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	{"uuid", "\"a0eebc999c0b4ef8bb6d6bb9bd380a11\"", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	{"uuid", "\"a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11\"", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	{"uuid", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1\"", "!not_a_uuid@5"},
	{"uuid", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111\"", "!not_a_uuid@5"},
	{"uuid", "\"a0eebc999c0b4ef8bb6d6bb9bd380a11-\"", "!not_a_uuid@5"},
	{"uuid", "\"{a0eebc999c0b4ef8bb6d6bb9bd380a11\"", "!not_a_uuid@5"},
	{"uuid", "\"a0eebc999c0b4ef8bb6d6bb9bd380a11}\"", "!not_a_uuid@5"},
	{"uuid", "\"a0-eebc999c0b4ef8bb6d6bb9bd380a11\"", "!not_a_uuid@5"},
	{"uuid", "\"g0eebc999c0b4ef8bb6d6bb9bd380a11\"", "!not_a_uuid@5"},
	{"uuid", "\" a0eebc999c0b4ef8bb6d6bb9bd380a11\"", "!not_a_uuid@5"},
	{"uuid", "\"\"", "!not_a_uuid@5"},
	{"uuid", "\"{}\"", "!not_a_uuid@5"},
	{"uuid", "\"{\"", "!not_a_uuid@5"},
	{"uuid", "1", "!wrong_kind@5"},
};

static void
long_numbers_keep_their_digits(void)
{
	char digits[401];
	char document[420];

	for (int i = 0; i < 400; i++)
		digits[i] = (char) ('1' + i % 9);
	digits[400] = '\0';
	snprintf(document, sizeof(document), "{\"a\":%s}", digits);
	is_text(message_read_once("a:numeric", document, strlen(document)), digits,
			"a numeric of 400 digits");
	is_text(message_read_once("a:float8", document, strlen(document)), "!out_of_range@5",
			"a float8 of 400 digits");
	digits[1] = '.';
	snprintf(document, sizeof(document), "{\"a\":\"%s\"}", digits);
	is_text(message_read_once("a:numeric", document, strlen(document)), digits,
			"a string with a numeric of 400 digits");
	is_text(message_read_once("a:float8", document, strlen(document)), "1.3456789123456789",
			"a string with a float8 of 400 digits");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *this = &cases[i];
		char field[32];
		char document[256];

		snprintf(field, sizeof(field), "a:%s", this->type);
		snprintf(document, sizeof(document), "{\"a\":%s}", this->json);
		is_text(message_read_once(field, document, strlen(document)), this->value, "%s of %s",
				this->type, this->json);
	}
	long_numbers_keep_their_digits();
	return done_testing();
}
