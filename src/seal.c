/* SPDX-License-Identifier: PostgreSQL
 *
 * The last message that a view has applied.
 */
#include "postgres.h"

#include "port/pg_crc32c.h"

#include "seal.h"

static pg_crc32c
add_number(pg_crc32c crc, int64 number)
{
	char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char) ((uint64) number >> (8 * i));
	COMP_CRC32C(crc, bytes, sizeof(bytes));
	return crc;
}

/* With its length, or -1 for none, so that no two tell the same bytes differently. */
static pg_crc32c
add_bytes(pg_crc32c crc, const char *bytes, size_t len)
{
	crc = add_number(crc, bytes ? (int64) len : -1);
	if (bytes)
		COMP_CRC32C(crc, bytes, len);
	return crc;
}

WeirSeal
weir_seal_of(const WeirMessage *message)
{
	WeirTimestampType type;
	pg_crc32c crc;

	INIT_CRC32C(crc);
	crc = add_number(crc, weir_message_timestamp_ms(message, &type));
	crc = add_bytes(crc, message->key, message->key_len);
	crc = add_bytes(crc, message->payload, message->payload_len);
	FIN_CRC32C(crc);
	return (WeirSeal){message->offset, (int64) crc};
}
