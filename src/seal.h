/* SPDX-License-Identifier: PostgreSQL
 *
 * The last message that a view has applied of a partition, so that a topic which was made anew under
 * the same name is known again: at the same offset stands something else.
 *
 * The checksum is stored, and the same on any machine and release. No payload can be found from it.
 */
#ifndef WEIR_SEAL_H
#define WEIR_SEAL_H

#include "postgres.h"

#include "kafka.h"

typedef struct WeirSeal
{
	int64 offset; /* -1: no message was applied */
	int64 checksum;
} WeirSeal;

#define WEIR_SEAL_NONE ((WeirSeal){.offset = -1})

extern WeirSeal weir_seal_of(const WeirMessage *message);

#endif
