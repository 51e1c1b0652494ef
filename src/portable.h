/* SPDX-License-Identifier: PostgreSQL
 *
 * Values as portable bytes: the same on any machine, in any release, under any client_encoding.
 *
 * A value is a length of four bytes, big endian, and what its type's binary send function makes of
 * it; a NULL is the length -1. What reads them checks all it takes: bytes that cannot be what they
 * should are an error, data_corrupted, never more.
 */
#ifndef WEIR_PORTABLE_H
#define WEIR_PORTABLE_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

/* How values of a type are written and read. */
typedef struct WeirPortable
{
	Oid type_oid;
	Oid io_parameter;
	FmgrInfo send;
	FmgrInfo receive;
} WeirPortable;

/* Result: false if the type's values have no portable form. Looks into the catalogs; what is looked
 * up lives in the current memory context. */
extern bool weir_portable_find(Oid type_oid, WeirPortable *portable);

extern void weir_portable_write(const WeirPortable *portable, Datum value, StringInfo out);
extern void weir_portable_write_null(StringInfo out);

/* Result: the value, in the current memory context. */
extern Datum weir_portable_read(const WeirPortable *portable, StringInfo in, bool *is_null);

/* The next bytes of `in`, which are there, or an error is raised. */
extern const char *weir_take(StringInfo in, int64 len);
extern uint8 weir_take_byte(StringInfo in);
extern int16 weir_take_int16(StringInfo in);
extern int32 weir_take_int32(StringInfo in);
extern int64 weir_take_int64(StringInfo in);

/* Raises the error of bytes that cannot be read. `detail` may be NULL. */
extern _Noreturn void weir_refuse_bytes(const char *detail);

#endif
