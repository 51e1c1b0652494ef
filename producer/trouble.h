/* SPDX-License-Identifier: PostgreSQL
 *
 * What is wrong with a source or a symbol: told when it begins, changes and ends, not each time.
 */
#ifndef PRODUCER_TROUBLE_H
#define PRODUCER_TROUBLE_H

#define TROUBLE_BYTES 200

/* All zero: none. */
typedef struct Trouble
{
	char text[TROUBLE_BYTES];
} Trouble;

/* "" is none. */
void trouble_tell(Trouble *trouble, const char *who, const char *text);

#endif
