/* SPDX-License-Identifier: PostgreSQL
 *
 * Values as portable bytes.
 *
 * Send and receive functions convert text, at any depth (arrays, composites, jsonb, labels of enums),
 * to and from the client's encoding, and sessions with other encodings read what a worker wrote. So
 * the client's encoding is the database's while they run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/elog.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "portable.h"

static Datum receive_copy(const WeirPortable *portable, const char *bytes, int32 len);
static bool is_of_data(int sqlstate);
static int encoding_pin(void);
static void encoding_restore(int encoding);

bool
weir_portable_find(Oid type_oid, WeirPortable *portable)
{
	Oid base_oid = getBaseType(type_oid);
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base_oid));
	Form_pg_type type;
	bool is_found;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", base_oid);
	type = (Form_pg_type) GETSTRUCT(tuple);
	is_found = type->typtype != TYPTYPE_PSEUDO && type->typisdefined && OidIsValid(type->typsend) &&
			   OidIsValid(type->typreceive);
	if (is_found)
	{
		portable->type_oid = base_oid;
		portable->io_parameter = getTypeIOParam(tuple);
		fmgr_info(type->typsend, &portable->send);
		fmgr_info(type->typreceive, &portable->receive);
	}
	ReleaseSysCache(tuple);
	return is_found;
}

void
weir_portable_write(const WeirPortable *portable, Datum value, StringInfo out)
{
	FmgrInfo *send = unconstify(FmgrInfo *, &portable->send);
	int encoding = encoding_pin();

	PG_TRY();
	{
		bytea *sent = SendFunctionCall(send, value);

		pq_sendint32(out, VARSIZE(sent) - VARHDRSZ);
		appendBinaryStringInfoNT(out, VARDATA(sent), (int) (VARSIZE(sent) - VARHDRSZ));
		pfree(sent);
	}
	PG_FINALLY();
	{
		encoding_restore(encoding);
	}
	PG_END_TRY();
}

void
weir_portable_write_null(StringInfo out)
{
	pq_sendint32(out, (uint32) -1);
}

Datum
weir_portable_read(const WeirPortable *portable, StringInfo in, bool *is_null)
{
	int32 len = weir_take_int32(in);

	*is_null = len == -1;
	if (*is_null)
		return (Datum) 0;
	return receive_copy(portable, weir_take(in, len), len);
}

/* Receive functions write into what they read (a NUL behind an element), so they get a copy. Their
 * errors about the bytes become the one that callers know. */
static Datum
receive_copy(const WeirPortable *portable, const char *bytes, int32 len)
{
	FmgrInfo *receive = unconstify(FmgrInfo *, &portable->receive);
	MemoryContext context = CurrentMemoryContext;
	int encoding;
	StringInfoData copy;
	volatile Datum value = (Datum) 0;

	initStringInfo(&copy);
	appendBinaryStringInfo(&copy, bytes, len);
	encoding = encoding_pin();
	PG_TRY();
	{
		value = ReceiveFunctionCall(receive, &copy, portable->io_parameter, -1);
	}
	PG_CATCH();
	{
		ErrorData *error;

		encoding_restore(encoding);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_of_data(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		weir_refuse_bytes(error->message);
	}
	PG_END_TRY();
	encoding_restore(encoding);
	if (copy.cursor != copy.len)
		weir_refuse_bytes(NULL);
	pfree(copy.data);
	return value;
}

/* What receive functions say of bad bytes: protocol violations, data exceptions, wrong types, too
 * large, or that this cannot be. */
static bool
is_of_data(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case MAKE_SQLSTATE('0', '8', '0', '0', '0'):
		case MAKE_SQLSTATE('2', '2', '0', '0', '0'):
		case MAKE_SQLSTATE('4', '2', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '4', '0', '0', '0'):
		case MAKE_SQLSTATE('X', 'X', '0', '0', '0'):
			return true;
		default:
			return false;
	}
}

/* Result: the client's encoding, to be restored. */
static int
encoding_pin(void)
{
	int encoding = pg_get_client_encoding();
	int server = GetDatabaseEncoding();

	if (encoding != server && (PrepareClientEncoding(server) < 0 || SetClientEncoding(server) < 0))
		elog(ERROR, "could not set client encoding %d", server);
	return encoding;
}

/* Conversions of the encoding that was in use are still known, so this looks nothing up. */
static void
encoding_restore(int encoding)
{
	if (encoding != pg_get_client_encoding())
		SetClientEncoding(encoding);
}

const char *
weir_take(StringInfo in, int64 len)
{
	const char *bytes = in->data + in->cursor;

	if (len < 0 || len > in->len - in->cursor)
		weir_refuse_bytes(NULL);
	in->cursor += (int) len;
	return bytes;
}

uint8
weir_take_byte(StringInfo in)
{
	return (uint8) *weir_take(in, 1);
}

int16
weir_take_int16(StringInfo in)
{
	uint16 bits;

	memcpy(&bits, weir_take(in, sizeof bits), sizeof bits);
	return (int16) pg_ntoh16(bits);
}

int32
weir_take_int32(StringInfo in)
{
	uint32 bits;

	memcpy(&bits, weir_take(in, sizeof bits), sizeof bits);
	return (int32) pg_ntoh32(bits);
}

int64
weir_take_int64(StringInfo in)
{
	uint64 bits;

	memcpy(&bits, weir_take(in, sizeof bits), sizeof bits);
	return (int64) pg_ntoh64(bits);
}

void
weir_refuse_bytes(const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("cannot read the state of an aggregate"),
			detail ? errdetail("%s.", detail) : 0);
}
