/* SPDX-License-Identifier: PostgreSQL
 *
 * The commands: each lives in a file of its name. Result: the exit code.
 */
#ifndef PRODUCER_COMMANDS_H
#define PRODUCER_COMMANDS_H

#include "options.h"

int binance_run(const Command *command, const Settings *settings);
int coinbase_run(const Command *command, const Settings *settings);
int klines_run(const Command *command, const Settings *settings);
int replay_run(const Command *command, const Settings *settings);
int sensors_run(const Command *command, const Settings *settings);
int synth_run(const Command *command, const Settings *settings);

/* Of binance: --source trades. */
int trades_run(const Command *command, const Settings *settings);

#endif
