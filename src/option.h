/* SPDX-License-Identifier: PostgreSQL
 *
 * Options of servers, user mappings, foreign tables and columns: one table that says which there
 * are, where each may stand and what it accepts. The validator checks by it when an option is
 * typed; stream.c reads by it later; the docs are compared with it by a test.
 */
#ifndef WEIR_OPTION_H
#define WEIR_OPTION_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "stream.h"

/* The value of an option, or NULL. */
extern const char *weir_option_get(List *options, const char *name);

/* IMPORT FOREIGN SCHEMA's options, which no validator sees. */
extern void weir_option_check_import(List *options);

/* Parsers of option values: they raise the same error that the validator raises. */
/* Result: -1 for the option's word, like 'off'; with value NULL, the default of the table. */
extern int64 weir_option_duration_us(const char *name, const char *value);
extern WeirFormat weir_option_format(const char *value);
extern WeirOnError weir_option_on_error(const char *value);
extern WeirOnLate weir_option_on_late(const char *value);
extern WeirOnDataLoss weir_option_on_data_loss(const char *value);
extern WeirMeta weir_option_meta(const char *value);
extern WeirUnit weir_option_unit(const char *value);

/* 'a.b[0]' -> steps; names with odd characters in double quotes: 'a."b.c"[2]'.
 * Result: steps in the current memory context, names in UTF-8. */
extern WeirStep *weir_option_path(const char *value, uint32 *step_count);

/* Appends the librdkafka properties that server and mapping options stand for.
 * `is_superuser_server`: the server's owner is a superuser; without it, options that open files, run
 * programs or fetch URLs are refused here again, since the owner may have changed. */
extern List *weir_option_properties(List *server_options, List *mapping_options,
									const char *server_name, bool is_superuser_server);

#endif
