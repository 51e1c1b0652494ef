/* SPDX-License-Identifier: PostgreSQL
 *
 * A field of a JSON object, found without reading the rest: the text as it stands, no digit changed.
 */
#ifndef PRODUCER_FIELD_H
#define PRODUCER_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* Result: whether the object has it at its top level, and not as null. Strings come without quotes. */
bool field_find(const char *json, size_t len, const char *name, Text *value);

#endif
