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

#endif
