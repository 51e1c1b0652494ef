/* SPDX-License-Identifier: PostgreSQL
 *
 * Kafka's metadata as Datums.
 */
#ifndef WEIR_META_H
#define WEIR_META_H

#include "postgres.h"

#include "stream.h"

/* Result: reason; *datum and *is_null, in the current memory context. Raises no error that a
 * message can cause. */
extern WeirReason weir_meta_to_datum(const WeirStream *stream, const WeirColumn *column,
									 const WeirMessage *message, Datum *datum, bool *is_null);

#endif
