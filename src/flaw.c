/* SPDX-License-Identifier: PostgreSQL
 *
 * What a session says of messages that cannot be read.
 *
 * A piece of the message is shown to those only who may read the whole table.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"

#include "flaw.h"

/* A few bytes around the place, in ASCII. */
static char *
excerpt(const WeirMessage *message, uint32 place)
{
	size_t from = place > 20 ? place - 20 : 0;
	size_t to = Min(message->payload_len, from + 40);
	StringInfoData text;

	initStringInfo(&text);
	if (from > 0)
		appendStringInfoString(&text, "...");
	for (size_t i = from; i < to; i++)
	{
		unsigned char c = (unsigned char) message->payload[i];

		if (c >= 0x20 && c < 0x7f)
			appendStringInfoChar(&text, (char) c);
		else
			appendStringInfo(&text, "\\x%02x", c);
	}
	if (to < message->payload_len)
		appendStringInfoString(&text, "...");
	return text.data;
}

/* A view may show its users less than the message holds. */
static bool
may_see_payload(const WeirStream *stream)
{
	return pg_class_aclcheck(stream->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static char *
describe_message(const WeirStream *stream, const WeirMessage *message, const WeirFlaw *flaw)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Topic \"%s\", partition %d, offset " INT64_FORMAT, stream->topic,
					 message->partition, message->offset);
	if (!flaw->has_place || message->payload_len == 0)
		appendStringInfoChar(&text, '.');
	else if (!may_see_payload(stream))
		appendStringInfo(&text, ", byte %u.", flaw->place);
	else
		appendStringInfo(&text, ", byte %u: %s", flaw->place, excerpt(message, flaw->place));
	return text.data;
}

static void
refuse(const WeirStream *stream, const WeirMessage *message, const WeirFlaw *flaw)
{
	char *where = describe_message(stream, message, flaw);

	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_ERROR),
		 flaw->column ? errmsg("cannot read column \"%s\" of foreign table \"%s\": %s",
							   flaw->column->name, stream->name, weir_reason_text(flaw->reason))
					  : errmsg("cannot decode message of foreign table \"%s\": %s", stream->name,
							   weir_reason_text(flaw->reason)),
		 errdetail_internal("%s", where),
		 errhint("To leave such messages out and count them, set option on_error of the foreign "
				 "table to 'skip'.")));
}

static void
skip(const WeirStream *stream, const WeirMessage *message, const WeirFlaw *flaw,
	 WeirSkipped *skipped, MemoryContext context)
{
	const char *what;

	if (skipped->count++ > 0)
		return;
	what = flaw->column ? psprintf("column \"%s\": ", flaw->column->name) : "";
	skipped->first = MemoryContextStrdup(
		context, psprintf("The first, %s%s. %s", what, weir_reason_text(flaw->reason),
						  describe_message(stream, message, flaw)));
}

void
weir_flaw_meet(const WeirStream *stream, const WeirMessage *message, const WeirFlaw *flaw,
			   WeirSkipped *skipped, MemoryContext context)
{
	if (stream->on_error == WEIR_ON_ERROR_STOP)
		refuse(stream, message, flaw);
	skip(stream, message, flaw, skipped, context);
}

void
weir_flaw_tell(const WeirStream *stream, WeirSkipped *skipped)
{
	if (skipped->first == NULL)
		return;
	ereport(WARNING, (errcode(ERRCODE_WARNING),
					  errmsg_plural("left out " INT64_FORMAT
									" message of foreign table \"%s\" that cannot be read",
									"left out " INT64_FORMAT
									" messages of foreign table \"%s\" that cannot be read",
									(unsigned long) skipped->count, skipped->count, stream->name),
					  errdetail_internal("%s", skipped->first)));
	skipped->first = NULL;
}
