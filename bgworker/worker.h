/* SPDX-License-Identifier: PostgreSQL
 *
 * Entry points of background workers, found by name.
 */
#ifndef WEIR_WORKER_H
#define WEIR_WORKER_H

#include "postgres.h"

extern PGDLLEXPORT void weir_launcher_main(Datum main_arg);
extern PGDLLEXPORT void weir_scanner_main(Datum main_arg);
extern PGDLLEXPORT void weir_worker_main(Datum main_arg);

#endif
