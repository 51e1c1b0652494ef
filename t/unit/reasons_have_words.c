/* SPDX-License-Identifier: PostgreSQL
 *
 * Every reason has a word of its own and a sentence that can stand in an error message.
 */
#include "reason.h"
#include "tap.h"

static bool
is_word(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && text[len] == '\0';
}

int
main(void)
{
	for (int i = 0; i < WEIR_REASON_COUNT; i++)
	{
		const char *name = weir_reason_name((WeirReason) i);
		const char *text = weir_reason_text((WeirReason) i);
		bool is_own = true;

		for (int other = 0; other < i; other++)
			is_own &= strcmp(name, weir_reason_name((WeirReason) other)) != 0;
		ok(is_word(name) && is_own, "the word %s", name);
		ok(strlen(text) > 0 && text[strlen(text) - 1] != '.' && (text[0] < 'A' || text[0] > 'Z'),
		   "the sentence: %s", text);
	}
	is_text(weir_reason_name(WEIR_REASON_COUNT), "unknown", "what is no reason");
	is_text(weir_reason_text((WeirReason) -1), "unknown reason", "what is no reason either");
	return done_testing();
}
