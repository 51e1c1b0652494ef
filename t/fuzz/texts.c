/* SPDX-License-Identifier: PostgreSQL
 *
 * Numbers, times and dates of any text: floats are those of strtod() and strtof(), and a time that was
 * taken is written and read back as itself.
 *
 * Which texts are times is not judged here: a unit test has asked the server.
 */
#include <math.h>
#include <stdbool.h>

#include "isotime.h"

#include "inputs.h"

static bool
float8_is_right(const WeirNumber *number, const char *text)
{
	double wanted = strtod(text, NULL);
	double got = 0;
	WeirReason reason = weir_number_float8(number, &got);

	if (isinf(wanted) || (wanted == 0 && number->mantissa != 0))
		return reason == WEIR_REASON_OUT_OF_RANGE;
	return reason == WEIR_REASON_NONE && memcmp(&got, &wanted, sizeof(got)) == 0;
}

static bool
float4_is_right(const WeirNumber *number, const char *text)
{
	float wanted = strtof(text, NULL);
	float got = 0;
	WeirReason reason = weir_number_float4(number, &got);

	if (isinf(wanted) || (wanted == 0 && number->mantissa != 0))
		return reason == WEIR_REASON_OUT_OF_RANGE;
	return reason == WEIR_REASON_NONE && memcmp(&got, &wanted, sizeof(got)) == 0;
}

static bool
time_comes_back(int64_t time_us, WeirUnit unit)
{
	char text[WEIR_TIME_TEXT_MAX];
	int64_t again_us = 0;
	size_t len = weir_time_format(time_us, unit, text);

	return weir_time_parse(text, len, unit, &again_us) == WEIR_REASON_NONE && again_us == time_us;
}

static bool
date_comes_back(int32_t date_day, WeirUnit unit)
{
	char text[WEIR_TIME_TEXT_MAX];
	int32_t again_day = 0;
	size_t len = weir_date_format(date_day, unit, text);

	return weir_date_parse(text, len, unit, &again_day) == WEIR_REASON_NONE &&
		   again_day == date_day;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* no byte more than there are, for the address sanitizer to see */
	char *exact = malloc(size);
	char *text = malloc(size + 1);
	WeirNumber number;
	int64_t time_us;
	int32_t date_day;

	memcpy(exact, data, size);
	memcpy(text, data, size);
	text[size] = '\0';
	if (weir_number_parse(exact, size, &number) == WEIR_NUMBER_FINITE)
	{
		expect(float8_is_right(&number, text), "float8", data, size);
		expect(float4_is_right(&number, text), "float4", data, size);
	}
	for (int unit = 0; unit < WEIR_UNIT_COUNT; unit++)
	{
		if (weir_time_parse(exact, size, (WeirUnit) unit, &time_us) == WEIR_REASON_NONE)
			expect(time_comes_back(time_us, (WeirUnit) unit), "a time", data, size);
		if (weir_date_parse(exact, size, (WeirUnit) unit, &date_day) == WEIR_REASON_NONE)
			expect(date_comes_back(date_day, (WeirUnit) unit), "a date", data, size);
	}
	free(exact);
	free(text);
	return 0;
}

#ifdef WEIR_FUZZ_STANDALONE
int
main(int argc, char **argv)
{
	return inputs_run(argc, argv, text_make);
}
#endif
