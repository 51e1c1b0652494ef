/* SPDX-License-Identifier: PostgreSQL
 *
 * Options as objects carry them: the validator, which runs when somebody types one, and the way from
 * options to librdkafka's properties, which runs when they are used.
 *
 * Both go by the table of options, and use checks again: the validator may have been absent, and the
 * owner of a server may have changed since. Values are option_value.c's.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "option.h"
#include "option_value.h"

PG_FUNCTION_INFO_V1(weir_kafka_validator);
PG_FUNCTION_INFO_V1(weir_options);

#define PLACE_NONE ((WeirPlace) 0) /* the foreign-data wrapper itself: it takes no option */

static const char *
place_name(WeirPlace place)
{
	switch (place)
	{
		case WEIR_PLACE_SERVER:
			return "server";
		case WEIR_PLACE_MAPPING:
			return "user mapping";
		case WEIR_PLACE_TABLE:
			return "foreign table";
		case WEIR_PLACE_COLUMN:
			return "column";
		case WEIR_PLACE_IMPORT:
			return "import";
	}
	return "foreign-data wrapper";
}

static WeirPlace
place_of_catalog(Oid catalog)
{
	switch (catalog)
	{
		case ForeignServerRelationId:
			return WEIR_PLACE_SERVER;
		case UserMappingRelationId:
			return WEIR_PLACE_MAPPING;
		case ForeignTableRelationId:
			return WEIR_PLACE_TABLE;
		case AttributeRelationId:
			return WEIR_PLACE_COLUMN;
	}
	return PLACE_NONE;
}

static char *
a_place(WeirPlace place)
{
	return psprintf("%s %s", place == WEIR_PLACE_IMPORT ? "an" : "a", place_name(place));
}

/* "a server or a foreign table" */
static char *
places_text(int places)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int place = WEIR_PLACE_SERVER; place <= WEIR_PLACE_IMPORT; place <<= 1)
	{
		if (places & place)
			appendStringInfo(&text, "%s%s", text.len > 0 ? " or " : "", a_place((WeirPlace) place));
	}
	return text.data;
}

static const WeirOption *
find_option(const char *name, WeirPlace place)
{
	for (const WeirOption *option = weir_option_table; option->name != NULL; option++)
	{
		if ((option->places & place) && strcmp(option->name, name) == 0)
			return option;
	}
	return NULL;
}

/* Kafka's spelling, and others', as ours: "Bootstrap.Servers" -> "bootstrap_servers". */
static char *
spell_as_option(const char *name)
{
	char *spelled = pstrdup(name);

	for (char *at = spelled; *at != '\0'; at++)
	{
		if (*at == '.' || *at == '-')
			*at = '_';
		else
			*at = pg_ascii_tolower((unsigned char) *at);
	}
	return spelled;
}

/* The option that somebody may have meant by this spelling: ours, or that of the property it stands
 * for ("sasl_username" is "user"). Here first, then elsewhere. */
static const WeirOption *
find_by_spelling(const char *spelled, WeirPlace place)
{
	const WeirOption *elsewhere = NULL;

	for (const WeirOption *option = weir_option_table; option->name != NULL; option++)
	{
		bool is_meant =
			strcmp(option->name, spelled) == 0 ||
			(option->property && strcmp(spell_as_option(option->property), spelled) == 0);

		if (is_meant && (option->places & place))
			return option;
		if (is_meant && elsewhere == NULL)
			elsewhere = option;
	}
	return elsewhere;
}

/* "Options of a server: a, b, c." */
static char *
options_text(WeirPlace place)
{
	StringInfoData text;
	const char *separator = ": ";

	if (place == PLACE_NONE)
		return pstrdup("A foreign-data wrapper takes no options.");
	initStringInfo(&text);
	appendStringInfo(&text, "Options of %s", a_place(place));
	for (const WeirOption *option = weir_option_table; option->name != NULL; option++)
	{
		if (option->places & place)
		{
			appendStringInfo(&text, "%s%s", separator, option->name);
			separator = ", ";
		}
	}
	appendStringInfoChar(&text, '.');
	return text.data;
}

/* What to say about a name that is not in the table at all. */
static char *
nearest_option_hint(const char *spelled, WeirPlace place)
{
	WeirNearest nearest = {.source = spelled};

	for (const WeirOption *option = weir_option_table; option->name != NULL; option++)
	{
		if (option->places & place)
			weir_nearest_offer(&nearest, option->name);
	}
	if (nearest.match == NULL)
		return NULL;
	return psprintf("Perhaps you meant the option \"%s\".", nearest.match);
}

static _Noreturn void
refuse_misplaced(const char *name, const WeirOption *option, WeirPlace place)
{
	const char *hint = NULL;

	if (option->flags & WEIR_OPTION_SECRET)
		hint = psprintf("Everybody can read the options of a %s; secrets go into a user mapping: "
						"CREATE USER MAPPING ... OPTIONS (%s '...').",
						place_name(place), option->name);
	else if (strcmp(name, option->name) != 0)
		hint = psprintf("It is written \"%s\" there.", option->name);
	ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			errmsg("option \"%s\" belongs to %s, not to %s", name, places_text(option->places),
				   a_place(place)),
			hint ? errhint("%s", hint) : 0);
}

static _Noreturn void
refuse_name(const char *name, WeirPlace place)
{
	char *spelled = spell_as_option(name);
	const WeirOption *meant = find_by_spelling(spelled, place);
	const char *hint;

	for (const WeirRefusedOption *refused = weir_refused_option_table; refused->name; refused++)
	{
		if (strcmp(refused->name, spelled) == 0)
			ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					errmsg("option \"%s\" cannot be set for %s", name, a_place(place)),
					errdetail("%s", refused->why));
	}
	if (meant != NULL && !(meant->places & place))
		refuse_misplaced(name, meant, place);
	if (meant != NULL && strchr(name, '.') != NULL)
		hint = psprintf("Options are written with underscores; perhaps you meant \"%s\".",
						meant->name);
	else if (meant != NULL)
		hint = psprintf("Perhaps you meant the option \"%s\".", meant->name);
	else
		hint = nearest_option_hint(spelled, place);
	ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			errmsg("unknown option \"%s\" for %s", name, a_place(place)),
			errdetail("%s", options_text(place)), hint ? errhint("%s", hint) : 0);
}

static const WeirOption *
require_option(const char *name, WeirPlace place)
{
	const WeirOption *option = find_option(name, place);

	if (option == NULL)
		refuse_name(name, place);
	return option;
}

/* Would this make the server open a file, run a program, fetch a URL or load code? */
static bool
needs_superuser(const WeirOption *option, const char *value)
{
	return (option->flags & WEIR_OPTION_SUPERUSER) ||
		   weir_option_has_word(option->superuser_words, value);
}

static const char *
superuser_reason(const WeirOption *option, const char *value)
{
	if (option->flags & WEIR_OPTION_SUPERUSER)
		return psprintf("Option \"%s\" makes the database server open files, run programs, fetch "
						"URLs or load code.",
						option->name);
	return psprintf("Value \"%s\" makes the database server run programs or fetch URLs.", value);
}

static void
check_superuser(const WeirOption *option, const char *value)
{
	if (!needs_superuser(option, value) || superuser())
		return;
	ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			option->flags & WEIR_OPTION_SUPERUSER
				? errmsg("option \"%s\" may only be set by a superuser", option->name)
				: errmsg("value \"%s\" of option \"%s\" may only be set by a superuser", value,
						 option->name),
			errdetail("%s", superuser_reason(option, value)),
			strncmp(option->name, "ssl_", 4) == 0
				? errhint("A user mapping takes certificates and keys as text: options "
						  "\"ssl_ca_pem\", \"ssl_certificate_pem\", \"ssl_key_pem\".")
				: 0);
}

/* SASL without a mechanism would mean librdkafka's default, GSSAPI, which runs a program; and a
 * mechanism without SASL would silently connect without a password. */
static void
check_sasl(List *server_options)
{
	const char *protocol = weir_option_get(server_options, "security_protocol");
	const char *mechanism = weir_option_get(server_options, "sasl_mechanism");
	bool is_sasl = protocol != NULL && pg_strncasecmp(protocol, "sasl_", 5) == 0;

	if (is_sasl && mechanism == NULL)
		ereport(
			ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
			errmsg("option \"sasl_mechanism\" of a server is missing"),
			errdetail("Option \"security_protocol\" is \"%s\". Accepted: %s.", protocol,
					  weir_option_accepted(require_option("sasl_mechanism", WEIR_PLACE_SERVER))),
			errhint("Give both options in one command."));
	if (!is_sasl && mechanism != NULL)
		ereport(
			ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("option \"sasl_mechanism\" has no effect without SASL"),
			errdetail("Option \"security_protocol\" is \"%s\".", protocol ? protocol : "plaintext"),
			errhint("Set \"security_protocol\" to \"sasl_ssl\" or \"sasl_plaintext\"."));
}

static void
check_required(List *options, WeirPlace place)
{
	for (const WeirOption *option = weir_option_table; option->name != NULL; option++)
	{
		if ((option->places & place) && (option->flags & WEIR_OPTION_REQUIRED) &&
			weir_option_get(options, option->name) == NULL)
			ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
					errmsg("option \"%s\" of a %s is missing", option->name, place_name(place)),
					errdetail("%s Accepted: %s.", option->about, weir_option_accepted(option)),
					errhint("Add it: OPTIONS (%s '...').", option->name));
	}
}

static void
check_column(List *options)
{
	const char *other = NULL;

	if (weir_option_get(options, "meta") == NULL)
		return;
	if (weir_option_get(options, "path") != NULL)
		other = "path";
	else if (weir_option_get(options, "unit") != NULL)
		other = "unit";
	if (other != NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				errmsg("options \"meta\" and \"%s\" of a column exclude each other", other),
				errdetail("Option \"meta\" takes the value from beside the message, \"%s\" is for "
						  "values in the message.",
						  other));
}

static void
refuse_null_text(List *options, const char *mark_name, const char *default_mark)
{
	const char *mark = weir_option_get(options, mark_name);
	const char *null_text = weir_option_get(options, "null");

	if (null_text != NULL && strchr(null_text, mark ? mark[0] : default_mark[0]) != NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"null\" must not hold the %s", mark_name));
}

/* What is for one format is refused with another. */
static void
check_format(List *options)
{
	static const char *const of_csv[] = {"delimiter", "quote", "null"};
	const char *format = weir_option_get(options, "format");
	const char *delimiter = weir_option_get(options, "delimiter");
	const char *quote = weir_option_get(options, "quote");
	bool is_csv = format != NULL && pg_strcasecmp(format, "csv") == 0;

	for (int i = 0; i < (int) lengthof(of_csv); i++)
		if (!is_csv && weir_option_get(options, of_csv[i]) != NULL)
			ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					errmsg("option \"%s\" is for format csv", of_csv[i]),
					errdetail("Option \"format\" is \"%s\".", format ? format : "json"));
	if (strcmp(delimiter ? delimiter : ",", quote ? quote : "\"") == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("options \"delimiter\" and \"quote\" must differ"));
	refuse_null_text(options, "delimiter", ",");
	refuse_null_text(options, "quote", "\"");
}

/* Runs in: any backend, at CREATE and ALTER of an object that takes options, with all options the
 * object will have. It sees neither the object's name nor a column's type. */
Datum
weir_kafka_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	WeirPlace place = place_of_catalog(PG_GETARG_OID(1));
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *element = lfirst_node(DefElem, cell);
		const WeirOption *option = require_option(element->defname, place);
		const char *value = defGetString(element);

		check_superuser(option, weir_option_value(option, value));
	}
	check_required(options, place);
	if (place == WEIR_PLACE_SERVER)
		check_sasl(options);
	if (place == WEIR_PLACE_TABLE)
		check_format(options);
	if (place == WEIR_PLACE_COLUMN)
		check_column(options);
	PG_RETURN_VOID();
}

void
weir_option_check_import(List *options)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *element = lfirst_node(DefElem, cell);

		(void) weir_option_value(require_option(element->defname, WEIR_PLACE_IMPORT),
								 defGetString(element));
	}
}

const char *
weir_option_get(List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *element = lfirst_node(DefElem, cell);

		if (strcmp(element->defname, name) == 0)
			return defGetString(element);
	}
	return NULL;
}

static char *
to_utf8(char *text)
{
	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

static List *
append_properties(List *properties, List *options, WeirPlace place, const char *server_name,
				  bool is_superuser_server)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *element = lfirst_node(DefElem, cell);
		const WeirOption *option = require_option(element->defname, place);
		char *value = weir_option_value(option, defGetString(element));
		WeirProperty *property;

		if (!is_superuser_server && needs_superuser(option, value))
			ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("option \"%s\" of server \"%s\" may only be used if a superuser owns "
						   "the server",
						   option->name, server_name),
					errdetail("%s", superuser_reason(option, value)),
					errhint("Drop the option, or give the server to a superuser by ALTER SERVER "
							"... OWNER TO."));
		if (option->property == NULL)
			continue;
		property = palloc(sizeof(WeirProperty));
		property->name = option->property;
		property->value = to_utf8(value);
		property->scope = option->scope;
		properties = lappend(properties, property);
	}
	return properties;
}

/* PLAIN and SCRAM need a name and a password: better said here than by a broker. */
static void
check_credentials(List *server_options, List *mapping_options, const char *server_name)
{
	const char *mechanism = weir_option_get(server_options, "sasl_mechanism");
	const char *const by_password[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL};
	const char *missing = NULL;

	if (mechanism == NULL || !weir_option_has_word(by_password, mechanism))
		return;
	if (weir_option_get(mapping_options, "user") == NULL)
		missing = "user";
	else if (weir_option_get(mapping_options, "password") == NULL)
		missing = "password";
	if (missing != NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				errmsg("option \"%s\" of the user mapping for server \"%s\" is missing", missing,
					   server_name),
				errdetail("Option \"sasl_mechanism\" of the server is \"%s\".", mechanism),
				errhint("ALTER USER MAPPING ... SERVER %s OPTIONS (ADD %s '...').",
						quote_identifier(server_name), missing));
}

List *
weir_option_properties(List *server_options, List *mapping_options, const char *server_name,
					   bool is_superuser_server)
{
	List *properties = NIL;

	check_sasl(server_options);
	properties = append_properties(properties, server_options, WEIR_PLACE_SERVER, server_name,
								   is_superuser_server);
	properties = append_properties(properties, mapping_options, WEIR_PLACE_MAPPING, server_name,
								   is_superuser_server);
	check_credentials(server_options, mapping_options, server_name);
	return properties;
}

static void
put_option_row(ReturnSetInfo *result, const WeirOption *option, WeirPlace place)
{
	Datum values[7];
	bool is_null[7] = {false};

	values[0] = CStringGetTextDatum(place_name(place));
	values[1] = CStringGetTextDatum(option->name);
	values[2] = CStringGetTextDatum(weir_option_accepted(option));
	is_null[3] = option->default_value == NULL;
	values[3] = is_null[3] ? (Datum) 0 : CStringGetTextDatum(option->default_value);
	values[4] = BoolGetDatum((option->flags & WEIR_OPTION_REQUIRED) != 0);
	values[5] = BoolGetDatum((option->flags & WEIR_OPTION_SUPERUSER) != 0);
	values[6] = CStringGetTextDatum(option->about);
	tuplestore_putvalues(result->setResult, result->setDesc, values, is_null);
}

/* weir.options(): the table, for users and for the docs' test. */
Datum
weir_options(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int place = WEIR_PLACE_SERVER; place <= WEIR_PLACE_IMPORT; place <<= 1)
	{
		for (const WeirOption *option = weir_option_table; option->name != NULL; option++)
		{
			if (option->places & place)
				put_option_row(result, option, (WeirPlace) place);
		}
	}
	PG_RETURN_VOID();
}
