/* SPDX-License-Identifier: PostgreSQL
 *
 * The module: what is set up when it is loaded.
 *
 * Loading needs no shared_preload_libraries: reading and writing Kafka as a table works in any
 * session.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/guc.h"

#include "scan.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

static void
define_settings(void)
{
	DefineCustomIntVariable(
		"weir.max_scan_messages", "Most messages that one scan of a foreign table may read.",
		"A scan that would read more is an error with an estimate; 0 means no limit. Raise it for "
		"a session that means to read a large topic.",
		&weir_max_scan_messages, 10000000, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("weir");
}

void
_PG_init(void)
{
	define_settings();
}
