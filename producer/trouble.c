/* SPDX-License-Identifier: PostgreSQL
 *
 * What is wrong with a source or a symbol, told once.
 */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "trouble.h"

void
trouble_tell(Trouble *trouble, const char *who, const char *text)
{
	if (strncmp(trouble->text, text, sizeof(trouble->text) - 1) == 0)
		return;
	if (text[0] != '\0')
		log_warning("%s: %s", who, text);
	else
		log_info("%s: well again", who);
	snprintf(trouble->text, sizeof(trouble->text), "%s", text);
}
