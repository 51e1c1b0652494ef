/* SPDX-License-Identifier: PostgreSQL
 *
 * The module: what is set up when it is loaded.
 *
 * Loading needs no shared_preload_libraries: reading and writing Kafka as a table works in any
 * session. Where it is there, the module also asks for shared memory and a launcher.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"

#include "registry.h"
#include "setting.h"

PG_MODULE_MAGIC;

#define LAUNCHER_RESTART_S 5

extern void _PG_init(void);

/* By name: src/ knows nothing of bgworker/. */
static void
register_launcher(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = LAUNCHER_RESTART_S;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "pg_weir");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "weir_launcher_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "weir launcher");
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "weir launcher");
	RegisterBackgroundWorker(&worker);
}

void
_PG_init(void)
{
	weir_setting_define();
	if (!process_shared_preload_libraries_in_progress)
		return;
	weir_registry_request();
	if (!IsBinaryUpgrade)
		register_launcher();
}
