/* SPDX-License-Identifier: PostgreSQL
 *
 * Keys of groups as bytes.
 *
 * A key is packed without padding: for each value a byte that says whether it is NULL, then eight bytes
 * for a value passed by value, the bytes of a type of fixed length, or four bytes of length and the data
 * of a varlena. Equal bytes are equal keys; other bytes are too where the types' operators say so.
 */
#ifndef WEIR_KEY_H
#define WEIR_KEY_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "query.h"

#define WEIR_KEY_MAX 2048 /* all values together */

/* Packs into `bytes`, which has room for WEIR_KEY_MAX. Result: the length, or -1: too long. */
extern int weir_key_pack(const WeirQuery *query, const Datum *values, const bool *nulls,
						 char *bytes);

/* The values again, in the current memory context. */
extern void weir_key_unpack(const WeirQuery *query, const char *bytes, Datum *values, bool *nulls);

/* A hash of window and key, by the types' operators where bytes do not tell. */
extern uint32 weir_key_hash(const WeirQuery *query, int64 start_us, const char *bytes, int len,
							const Datum *values, const bool *nulls);

/* The same of a key that is packed already. */
extern uint32 weir_key_hash_packed(const WeirQuery *query, int64 start_us, const char *bytes,
								   int len);

/* By the types' operators. */
extern bool weir_key_equal(const WeirQuery *query, const char *a, int a_len, const char *b,
						   int b_len);

/* Portably: by the types' send and receive functions. */
extern void weir_key_write(const WeirQuery *query, const char *bytes, StringInfo out);
extern void weir_key_read(const WeirQuery *query, StringInfo in, Datum *values, bool *nulls);

/* For people: (BTCUSDT, 7), NULL as NULL. */
extern char *weir_key_text(const WeirQuery *query, const char *bytes);

#endif
