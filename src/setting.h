/* SPDX-License-Identifier: PostgreSQL
 *
 * The settings, as plain variables.
 */
#ifndef WEIR_SETTING_H
#define WEIR_SETTING_H

#include "postgres.h"

extern bool weir_enabled;
extern int weir_commit_interval_ms;
extern int weir_state_memory_kb;
extern int weir_max_rejects;
extern int weir_max_views;
extern int weir_max_scan_messages;  /* 0: no limit */
extern int weir_synchronous_commit; /* SyncCommitLevel */

/* In _PG_init. */
extern void weir_setting_define(void);

/* Some functions are IMMUTABLE by the catalog, though the text that they make follows a setting:
 * closed rows, made by the worker, and live rows, made by a session, must not differ by that. In
 * between, such settings are those of the worker. Result: for unpin. */
extern int weir_setting_pin(void);
extern void weir_setting_unpin(int level);
/* For the process's life. */
extern void weir_setting_pin_process(void);

#endif
