/* SPDX-License-Identifier: PostgreSQL
 *
 * A foreign table for a topic, made from a sample of its messages.
 */
#ifndef WEIR_INFER_H
#define WEIR_INFER_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* IMPORT FOREIGN SCHEMA: a statement for each topic. */
extern List *weir_infer_import(ImportForeignSchemaStmt *statement, Oid server_oid);

#endif
