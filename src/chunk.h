/* SPDX-License-Identifier: PostgreSQL
 *
 * Groups of a store as portable bytes with a checksum, and back.
 *
 * A chunk holds windows with the offsets that fed them first, and groups. Chunks are read in order; what
 * a later one says of a group replaces what an earlier one said. The format is independent of machine
 * and of PostgreSQL's release; its version stands in the first bytes.
 */
#ifndef WEIR_CHUNK_H
#define WEIR_CHUNK_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "store.h"

/* Writes the groups that have no mark: the changed ones, or all. `save` is called for each chunk, of
 * some megabytes at most; for none if there is nothing to write. */
extern void weir_chunk_write(const WeirStore *store, bool is_full,
							 void (*save)(void *argument, const char *data, int len),
							 void *argument);

/* Reads a chunk into a store. `name` stands in errors.
 * Result: false if the heap is full. */
extern bool weir_chunk_read(WeirStore *store, const char *data, int len, const char *name);

#endif
