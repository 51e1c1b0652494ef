/* SPDX-License-Identifier: PostgreSQL
 *
 * Strings that stand for another type: the white space around them, and their words.
 *
 * As PostgreSQL's input functions take them in the C locale. Layer 0. It reads no escapes.
 */
#ifndef WEIR_WORD_H
#define WEIR_WORD_H

#include <stdbool.h>
#include <stddef.h>

/* isspace() in the C locale. */
static inline bool
weir_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline void
weir_trim(const char **begin, const char **end)
{
	while (*begin < *end && weir_is_space(**begin))
		(*begin)++;
	while (*begin < *end && weir_is_space((*end)[-1]))
		(*end)--;
}

/* Is the text this word (in lower case, terminated), in any case? */
static inline bool
weir_word_equal(const char *text, size_t len, const char *word)
{
	size_t i;

	for (i = 0; i < len && word[i] != '\0'; i++)
	{
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char) (c - 'A' + 'a');
		if (c != word[i])
			return false;
	}
	return i == len && word[i] == '\0';
}

#endif
