/* SPDX-License-Identifier: PostgreSQL
 *
 * Keys of groups as bytes.
 *
 * Comparing bytes first decides nearly all cases: equal bytes are equal values in any type. Only where
 * a type has equal values of different bytes (numeric 1.0 and 1.00, float 0 and -0) are its functions
 * called, for keys whose hashes agree.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "key.h"

static int
pack_bytes(char *bytes, int at, const void *data, int len)
{
	if (at + len > WEIR_KEY_MAX)
		return -1;
	memcpy(bytes + at, data, (size_t) len);
	return at + len;
}

/* Result: where the next value goes, or -1: too long. */
static int
pack_value(const WeirKey *key, Datum value, char *bytes, int at)
{
	struct varlena *detoasted;
	uint32 len;

	if (key->is_by_value)
		return pack_bytes(bytes, at, &value, sizeof(Datum));
	if (key->len > 0)
		return pack_bytes(bytes, at, DatumGetPointer(value), key->len);
	detoasted = PG_DETOAST_DATUM_PACKED(value);
	len = VARSIZE_ANY_EXHDR(detoasted);
	if (len > WEIR_KEY_MAX)
		return -1;
	at = pack_bytes(bytes, at, &len, sizeof(len));
	return at < 0 ? -1 : pack_bytes(bytes, at, VARDATA_ANY(detoasted), (int) len);
}

int
weir_key_pack(const WeirQuery *query, const Datum *values, const bool *nulls, char *bytes)
{
	int at = 0;

	for (int i = 0; i < query->key_count && at >= 0; i++)
	{
		if (at >= WEIR_KEY_MAX)
			return -1;
		bytes[at++] = nulls[i];
		if (!nulls[i])
			at = pack_value(&query->keys[i], values[i], bytes, at);
	}
	return at;
}

/* Result: the bytes behind the value. */
static const char *
unpack_value(const WeirKey *key, const char *bytes, Datum *value)
{
	uint32 len;
	char *copy;

	if (key->is_by_value)
	{
		memcpy(value, bytes, sizeof(Datum));
		return bytes + sizeof(Datum);
	}
	if (key->len > 0)
	{
		copy = palloc((Size) key->len);
		memcpy(copy, bytes, (size_t) key->len);
		*value = PointerGetDatum(copy);
		return bytes + key->len;
	}
	memcpy(&len, bytes, sizeof(len));
	copy = palloc(VARHDRSZ + len);
	SET_VARSIZE(copy, VARHDRSZ + len);
	memcpy(VARDATA(copy), bytes + sizeof(len), len);
	*value = PointerGetDatum(copy);
	return bytes + sizeof(len) + len;
}

void
weir_key_unpack(const WeirQuery *query, const char *bytes, Datum *values, bool *nulls)
{
	for (int i = 0; i < query->key_count; i++)
	{
		nulls[i] = *bytes++;
		values[i] = (Datum) 0;
		if (!nulls[i])
			bytes = unpack_value(&query->keys[i], bytes, &values[i]);
	}
}

static bool
is_image_equal(const WeirQuery *query)
{
	for (int i = 0; i < query->key_count; i++)
		if (!query->keys[i].is_image_equal)
			return false;
	return true;
}

static uint32
hash_value(const WeirKey *key, Datum value)
{
	return DatumGetUInt32(
		FunctionCall1Coll((FmgrInfo *) (uintptr_t) &key->hash, key->collation, value));
}

uint32
weir_key_hash(const WeirQuery *query, int64 start_us, const char *bytes, int len,
			  const Datum *values, const bool *nulls)
{
	uint32 hash = hash_uint32((uint32) start_us ^ (uint32) ((uint64) start_us >> 32));

	if (is_image_equal(query))
		return hash_combine(hash, hash_bytes((const unsigned char *) bytes, len));
	for (int i = 0; i < query->key_count; i++)
		hash = hash_combine(hash, nulls[i] ? 0 : hash_value(&query->keys[i], values[i]));
	return hash;
}

uint32
weir_key_hash_packed(const WeirQuery *query, int64 start_us, const char *bytes, int len)
{
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	if (!is_image_equal(query))
		weir_key_unpack(query, bytes, values, nulls);
	return weir_key_hash(query, start_us, bytes, len, values, nulls);
}

static bool
is_equal_by_operators(const WeirQuery *query, const char *a, const char *b)
{
	for (int i = 0; i < query->key_count; i++)
	{
		const WeirKey *key = &query->keys[i];
		bool a_is_null = *a++;
		bool b_is_null = *b++;
		Datum a_value;
		Datum b_value;

		if (a_is_null != b_is_null)
			return false;
		if (a_is_null)
			continue;
		a = unpack_value(key, a, &a_value);
		b = unpack_value(key, b, &b_value);
		if (!DatumGetBool(FunctionCall2Coll((FmgrInfo *) (uintptr_t) &key->equal, key->collation,
											a_value, b_value)))
			return false;
	}
	return true;
}

bool
weir_key_equal(const WeirQuery *query, const char *a, int a_len, const char *b, int b_len)
{
	if (a_len == b_len && memcmp(a, b, (size_t) a_len) == 0)
		return true;
	return !is_image_equal(query) && is_equal_by_operators(query, a, b);
}

void
weir_key_write(const WeirQuery *query, const char *bytes, StringInfo out)
{
	for (int i = 0; i < query->key_count; i++)
	{
		const WeirKey *key = &query->keys[i];
		bool is_null = *bytes++;
		Datum value;

		if (is_null)
		{
			weir_portable_write_null(out);
			continue;
		}
		bytes = unpack_value(key, bytes, &value);
		weir_portable_write(&key->portable, value, out);
	}
}

void
weir_key_read(const WeirQuery *query, StringInfo in, Datum *values, bool *nulls)
{
	for (int i = 0; i < query->key_count; i++)
		values[i] = weir_portable_read(&query->keys[i].portable, in, &nulls[i]);
}

char *
weir_key_text(const WeirQuery *query, const char *bytes)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '(');
	for (int i = 0; i < query->key_count; i++)
	{
		bool is_null = *bytes++;
		Oid function;
		bool is_varlena;
		Datum value;

		if (i > 0)
			appendStringInfoString(&text, ", ");
		if (is_null)
		{
			appendStringInfoString(&text, "NULL");
			continue;
		}
		bytes = unpack_value(&query->keys[i], bytes, &value);
		getTypeOutputInfo(query->keys[i].type_oid, &function, &is_varlena);
		appendStringInfoString(&text, OidOutputFunctionCall(function, value));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}
