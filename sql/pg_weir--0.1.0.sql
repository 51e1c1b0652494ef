-- SPDX-License-Identifier: PostgreSQL
\echo Use "CREATE EXTENSION pg_weir" to load this file. \quit

CREATE SCHEMA weir;
COMMENT ON SCHEMA weir IS 'pg_weir: functions and relations of the extension';
GRANT USAGE ON SCHEMA weir TO PUBLIC;

CREATE FUNCTION weir.weir_kafka_handler()
    RETURNS fdw_handler
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION weir.weir_kafka_handler() IS
    'Foreign data wrapper handler of weir_kafka';

CREATE FUNCTION weir.weir_kafka_validator(options text[], catalog oid)
    RETURNS void
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION weir.weir_kafka_validator(text[], oid) IS
    'Checks the options of servers, user mappings, foreign tables and columns of weir_kafka';

CREATE FOREIGN DATA WRAPPER weir_kafka
    HANDLER weir.weir_kafka_handler
    VALIDATOR weir.weir_kafka_validator;
COMMENT ON FOREIGN DATA WRAPPER weir_kafka IS
    'Apache Kafka: topics as foreign tables';

CREATE FUNCTION weir.options(OUT object text, OUT name text, OUT accepted text,
                             OUT default_value text, OUT is_required boolean,
                             OUT is_superuser_only boolean, OUT description text)
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE ROWS 80
    AS 'MODULE_PATHNAME', 'weir_options';
COMMENT ON FUNCTION weir.options() IS
    'The options of servers, user mappings, foreign tables and columns: what each accepts and what it is for';

CREATE FUNCTION weir.tumble(ts timestamptz, width interval)
    RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_tumble';
COMMENT ON FUNCTION weir.tumble(timestamptz, interval) IS
    'Start of the tumbling window that holds a time, in UTC';

CREATE FUNCTION weir.tumble(ts timestamptz, width interval, zone text)
    RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_tumble';
COMMENT ON FUNCTION weir.tumble(timestamptz, interval, text) IS
    'Start of the tumbling window that holds a time, in a time zone';

CREATE FUNCTION weir.tumble(ts timestamptz, width interval, zone text, origin timestamptz)
    RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_tumble';
COMMENT ON FUNCTION weir.tumble(timestamptz, interval, text, timestamptz) IS
    'Start of the tumbling window that holds a time, in a time zone, counted from an origin';

CREATE FUNCTION weir.tumble_end(ts timestamptz, width interval)
    RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_tumble_end';
COMMENT ON FUNCTION weir.tumble_end(timestamptz, interval) IS
    'End of the tumbling window that holds a time, in UTC';

CREATE FUNCTION weir.tumble_end(ts timestamptz, width interval, zone text)
    RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_tumble_end';
COMMENT ON FUNCTION weir.tumble_end(timestamptz, interval, text) IS
    'End of the tumbling window that holds a time, in a time zone';

CREATE FUNCTION weir.tumble_end(ts timestamptz, width interval, zone text, origin timestamptz)
    RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_tumble_end';
COMMENT ON FUNCTION weir.tumble_end(timestamptz, interval, text, timestamptz) IS
    'End of the tumbling window that holds a time, in a time zone, counted from an origin';
