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

CREATE FUNCTION weir.weir_live_handler()
    RETURNS fdw_handler
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION weir.weir_live_handler() IS
    'Foreign data wrapper handler of weir_live';

CREATE FUNCTION weir.weir_live_validator(options text[], catalog oid)
    RETURNS void
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION weir.weir_live_validator(text[], oid) IS
    'Checks the options of live tables';

CREATE FOREIGN DATA WRAPPER weir_live
    HANDLER weir.weir_live_handler
    VALIDATOR weir.weir_live_validator;
COMMENT ON FOREIGN DATA WRAPPER weir_live IS
    'Open windows of continuous views as foreign tables';

CREATE SERVER weir FOREIGN DATA WRAPPER weir_live;
COMMENT ON SERVER weir IS 'This server: where live tables live';
GRANT USAGE ON FOREIGN SERVER weir TO PUBLIC;

CREATE FUNCTION weir.defined_by(query regclass, closed regclass)
    RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_defined_by';
COMMENT ON FUNCTION weir.defined_by(regclass, regclass) IS
    'In a CHECK constraint of a live table: names its definition and its closed table';

CREATE FUNCTION weir.create_view(name text, query text, if_not_exists boolean DEFAULT false,
                                 start_at text DEFAULT 'earliest', enabled boolean DEFAULT true,
                                 notify boolean DEFAULT false)
    RETURNS regclass
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'weir_create_view';
COMMENT ON FUNCTION weir.create_view(text, text, boolean, text, boolean, boolean) IS
    'Makes a continuous view by plain DDL: definition, closed table, live table, and the view over both';

CREATE FUNCTION weir.drop_view(name text, keep_closed boolean DEFAULT true,
                               if_exists boolean DEFAULT false)
    RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'weir_drop_view';
COMMENT ON FUNCTION weir.drop_view(text, boolean, boolean) IS
    'Drops a continuous view; its closed table stays unless keep_closed is false';

CREATE FUNCTION weir.validate(query text, OUT what text, OUT value text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 20
    AS 'MODULE_PATHNAME', 'weir_validate';
COMMENT ON FUNCTION weir.validate(text) IS
    'What a definition would mean as a continuous view, or why it cannot be one; makes nothing';

CREATE FUNCTION weir.options(OUT object text, OUT name text, OUT accepted text,
                             OUT default_value text, OUT is_required boolean,
                             OUT is_superuser_only boolean, OUT description text)
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE ROWS 80
    AS 'MODULE_PATHNAME', 'weir_options';
COMMENT ON FUNCTION weir.options() IS
    'The options of servers, user mappings, foreign tables and columns: what each accepts and what it is for';

CREATE FUNCTION weir.topics(server text, OUT topic text, OUT partitions integer, OUT messages bigint,
                            OUT low bigint[], OUT high bigint[], OUT newest timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT ROWS 100
    AS 'MODULE_PATHNAME', 'weir_topics';
COMMENT ON FUNCTION weir.topics(text) IS
    'The topics of a server: partitions, messages, the ends of each partition, and the timestamp of the newest message';

CREATE FUNCTION weir.infer(server text, topic text, sample integer DEFAULT 1000,
                           nested text DEFAULT 'columns', meta_columns text DEFAULT NULL)
    RETURNS text
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'weir_infer';
COMMENT ON FUNCTION weir.infer(text, text, integer, text, text) IS
    'CREATE FOREIGN TABLE for a topic, with columns that fit its newest messages; IMPORT FOREIGN SCHEMA does it for all topics';

CREATE FUNCTION weir.recent(stream anyelement, count integer DEFAULT 10)
    RETURNS SETOF anyelement
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'weir_recent';
COMMENT ON FUNCTION weir.recent(anyelement, integer) IS
    'The newest messages of a stream over all partitions, oldest of them first: weir.recent(NULL::ticker, 10)';

CREATE FUNCTION weir.tail(stream anyelement, timeout interval, "from" bigint[] DEFAULT NULL)
    RETURNS SETOF anyelement
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'weir_tail';
COMMENT ON FUNCTION weir.tail(anyelement, interval, bigint[]) IS
    'Waits until messages come, and returns them; none if none has come in time: weir.tail(NULL::ticker, ''5 seconds'')';

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

CREATE FUNCTION weir.hop(ts timestamptz, width interval, slide interval)
    RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10
    AS 'MODULE_PATHNAME', 'weir_hop';
COMMENT ON FUNCTION weir.hop(timestamptz, interval, interval) IS
    'Starts of the hopping windows that hold a time, one a row, in their order, in UTC';

CREATE FUNCTION weir.hop(ts timestamptz, width interval, slide interval, zone text)
    RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10
    AS 'MODULE_PATHNAME', 'weir_hop';
COMMENT ON FUNCTION weir.hop(timestamptz, interval, interval, text) IS
    'Starts of the hopping windows that hold a time, one a row, in their order, in a time zone';

CREATE FUNCTION weir.hop(ts timestamptz, width interval, slide interval, zone text, origin timestamptz)
    RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10
    AS 'MODULE_PATHNAME', 'weir_hop';
COMMENT ON FUNCTION weir.hop(timestamptz, interval, interval, text, timestamptz) IS
    'Starts of the hopping windows that hold a time, one a row, in their order, in a time zone, counted from an origin';

CREATE FUNCTION weir.hop_end(ts timestamptz, width interval, slide interval)
    RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10
    AS 'MODULE_PATHNAME', 'weir_hop_end';
COMMENT ON FUNCTION weir.hop_end(timestamptz, interval, interval) IS
    'Ends of the hopping windows that hold a time, one a row, in their order, in UTC';

CREATE FUNCTION weir.hop_end(ts timestamptz, width interval, slide interval, zone text)
    RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10
    AS 'MODULE_PATHNAME', 'weir_hop_end';
COMMENT ON FUNCTION weir.hop_end(timestamptz, interval, interval, text) IS
    'Ends of the hopping windows that hold a time, one a row, in their order, in a time zone';

CREATE FUNCTION weir.hop_end(ts timestamptz, width interval, slide interval, zone text, origin timestamptz)
    RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10
    AS 'MODULE_PATHNAME', 'weir_hop_end';
COMMENT ON FUNCTION weir.hop_end(timestamptz, interval, interval, text, timestamptz) IS
    'Ends of the hopping windows that hold a time, one a row, in their order, in a time zone, counted from an origin';

CREATE FUNCTION weir.to_date(value text)
    RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_to_date';
COMMENT ON FUNCTION weir.to_date(text) IS
    'A date from ISO 8601, whatever the session''s settings are';

CREATE FUNCTION weir.to_timestamp(value text)
    RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_to_timestamp';
COMMENT ON FUNCTION weir.to_timestamp(text) IS
    'A time from ISO 8601, in UTC if it has no zone, whatever the session''s settings are';

CREATE FUNCTION weir.sum_add(state internal, value float8)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_add_float8';
COMMENT ON FUNCTION weir.sum_add(internal, float8) IS
    'Adds a value to the state of sum and avg';

CREATE FUNCTION weir.sum_add(state internal, value float4)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_add_float4';
COMMENT ON FUNCTION weir.sum_add(internal, float4) IS
    'Adds a value to the state of sum and avg';

CREATE FUNCTION weir.sum_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_combine';
COMMENT ON FUNCTION weir.sum_combine(internal, internal) IS
    'Adds a state of sum and avg to another';

CREATE FUNCTION weir.sum_serialize(state internal)
    RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_serialize';
COMMENT ON FUNCTION weir.sum_serialize(internal) IS
    'The state of sum and avg as bytes';

CREATE FUNCTION weir.sum_deserialize(bytes bytea, unused internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_deserialize';
COMMENT ON FUNCTION weir.sum_deserialize(bytea, internal) IS
    'The state of sum and avg from bytes';

CREATE FUNCTION weir.sum_final_float8(state internal)
    RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_final_float8';
COMMENT ON FUNCTION weir.sum_final_float8(internal) IS
    'The sum, rounded to a float8';

CREATE FUNCTION weir.sum_final_float4(state internal)
    RETURNS float4
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_final_float4';
COMMENT ON FUNCTION weir.sum_final_float4(internal) IS
    'The sum, rounded to a float4';

CREATE FUNCTION weir.sum_final_avg(state internal)
    RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_sum_final_avg';
COMMENT ON FUNCTION weir.sum_final_avg(internal) IS
    'The mean, rounded to a float8';

CREATE FUNCTION weir.moments_add(state internal, value float8)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_add_float8';
COMMENT ON FUNCTION weir.moments_add(internal, float8) IS
    'Adds a value to the state of variance and stddev';

CREATE FUNCTION weir.moments_add(state internal, value float4)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_add_float4';
COMMENT ON FUNCTION weir.moments_add(internal, float4) IS
    'Adds a value to the state of variance and stddev';

CREATE FUNCTION weir.moments_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_combine';
COMMENT ON FUNCTION weir.moments_combine(internal, internal) IS
    'Adds a state of variance and stddev to another';

CREATE FUNCTION weir.moments_serialize(state internal)
    RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_serialize';
COMMENT ON FUNCTION weir.moments_serialize(internal) IS
    'The state of variance and stddev as bytes';

CREATE FUNCTION weir.moments_deserialize(bytes bytea, unused internal)
    RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_deserialize';
COMMENT ON FUNCTION weir.moments_deserialize(bytea, internal) IS
    'The state of variance and stddev from bytes';

CREATE FUNCTION weir.moments_final_var_pop(state internal)
    RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_final_var_pop';
COMMENT ON FUNCTION weir.moments_final_var_pop(internal) IS
    'The population variance, rounded to a float8';

CREATE FUNCTION weir.moments_final_var_samp(state internal)
    RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_final_var_samp';
COMMENT ON FUNCTION weir.moments_final_var_samp(internal) IS
    'The sample variance, rounded to a float8';

CREATE FUNCTION weir.moments_final_stddev_pop(state internal)
    RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_final_stddev_pop';
COMMENT ON FUNCTION weir.moments_final_stddev_pop(internal) IS
    'The population standard deviation, rounded to a float8';

CREATE FUNCTION weir.moments_final_stddev_samp(state internal)
    RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_moments_final_stddev_samp';
COMMENT ON FUNCTION weir.moments_final_stddev_samp(internal) IS
    'The sample standard deviation, rounded to a float8';

CREATE AGGREGATE weir.sum(float8) (
    SFUNC = weir.sum_add, STYPE = internal, SSPACE = 64, FINALFUNC = weir.sum_final_float8,
    COMBINEFUNC = weir.sum_combine, SERIALFUNC = weir.sum_serialize,
    DESERIALFUNC = weir.sum_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.sum(float8) IS
    'Sum of float8 values: exact, rounded once, whatever their order';

CREATE AGGREGATE weir.sum(float4) (
    SFUNC = weir.sum_add, STYPE = internal, SSPACE = 64, FINALFUNC = weir.sum_final_float4,
    COMBINEFUNC = weir.sum_combine, SERIALFUNC = weir.sum_serialize,
    DESERIALFUNC = weir.sum_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.sum(float4) IS
    'Sum of float4 values: exact, rounded once, whatever their order';

CREATE AGGREGATE weir.avg(float8) (
    SFUNC = weir.sum_add, STYPE = internal, SSPACE = 64, FINALFUNC = weir.sum_final_avg,
    COMBINEFUNC = weir.sum_combine, SERIALFUNC = weir.sum_serialize,
    DESERIALFUNC = weir.sum_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.avg(float8) IS
    'Mean of float8 values: exact, rounded once, whatever their order';

CREATE AGGREGATE weir.avg(float4) (
    SFUNC = weir.sum_add, STYPE = internal, SSPACE = 64, FINALFUNC = weir.sum_final_avg,
    COMBINEFUNC = weir.sum_combine, SERIALFUNC = weir.sum_serialize,
    DESERIALFUNC = weir.sum_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.avg(float4) IS
    'Mean of float4 values: exact, rounded once, whatever their order';

CREATE AGGREGATE weir.variance(float8) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_var_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.variance(float8) IS
    'Sample variance of float8 values, whatever their order';

CREATE AGGREGATE weir.variance(float4) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_var_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.variance(float4) IS
    'Sample variance of float4 values, whatever their order';

CREATE AGGREGATE weir.var_samp(float8) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_var_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.var_samp(float8) IS
    'Sample variance of float8 values, whatever their order';

CREATE AGGREGATE weir.var_samp(float4) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_var_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.var_samp(float4) IS
    'Sample variance of float4 values, whatever their order';

CREATE AGGREGATE weir.var_pop(float8) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_var_pop,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.var_pop(float8) IS
    'Population variance of float8 values, whatever their order';

CREATE AGGREGATE weir.var_pop(float4) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_var_pop,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.var_pop(float4) IS
    'Population variance of float4 values, whatever their order';

CREATE AGGREGATE weir.stddev(float8) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_stddev_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.stddev(float8) IS
    'Sample standard deviation of float8 values, whatever their order';

CREATE AGGREGATE weir.stddev(float4) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_stddev_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.stddev(float4) IS
    'Sample standard deviation of float4 values, whatever their order';

CREATE AGGREGATE weir.stddev_samp(float8) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_stddev_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.stddev_samp(float8) IS
    'Sample standard deviation of float8 values, whatever their order';

CREATE AGGREGATE weir.stddev_samp(float4) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_stddev_samp,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.stddev_samp(float4) IS
    'Sample standard deviation of float4 values, whatever their order';

CREATE AGGREGATE weir.stddev_pop(float8) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_stddev_pop,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.stddev_pop(float8) IS
    'Population standard deviation of float8 values, whatever their order';

CREATE AGGREGATE weir.stddev_pop(float4) (
    SFUNC = weir.moments_add, STYPE = internal, SSPACE = 120, FINALFUNC = weir.moments_final_stddev_pop,
    COMBINEFUNC = weir.moments_combine, SERIALFUNC = weir.moments_serialize,
    DESERIALFUNC = weir.moments_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.stddev_pop(float4) IS
    'Population standard deviation of float4 values, whatever their order';

CREATE FUNCTION weir.first_keep(state anyelement, value anyelement)
    RETURNS anyelement
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_first_keep';
COMMENT ON FUNCTION weir.first_keep(anyelement, anyelement) IS
    'The state: a step of weir.first()';

CREATE AGGREGATE weir.first(anyelement) (
    SFUNC = weir.first_keep, STYPE = anyelement, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.first(anyelement) IS
    'The first value that is not NULL, in the order of the aggregate''s ORDER BY; without one, any value';

CREATE FUNCTION weir.last_keep(state anyelement, value anyelement)
    RETURNS anyelement
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'weir_last_keep';
COMMENT ON FUNCTION weir.last_keep(anyelement, anyelement) IS
    'The value: a step of weir.last()';

CREATE AGGREGATE weir.last(anyelement) (
    SFUNC = weir.last_keep, STYPE = anyelement, PARALLEL = SAFE);
COMMENT ON AGGREGATE weir.last(anyelement) IS
    'The last value that is not NULL, in the order of the aggregate''s ORDER BY; without one, any value';

-- --- what a running view has stored ------------------------------------------------------------------

CREATE TABLE weir.position (
    view regclass PRIMARY KEY,
    topic text NOT NULL,
    watermark timestamptz,
    positions bigint[] NOT NULL,
    replay_offsets bigint[] NOT NULL,
    max_event_times timestamptz[] NOT NULL,
    closed_until timestamptz,
    last_offsets bigint[] NOT NULL,
    last_checksums bigint[] NOT NULL
);
COMMENT ON TABLE weir.position IS
    'How far each continuous view has come, by its last commit; arrays by partition, the first is partition 0';
COMMENT ON COLUMN weir.position.view IS 'The view''s live table';
COMMENT ON COLUMN weir.position.topic IS 'The Kafka topic';
COMMENT ON COLUMN weir.position.watermark IS 'The watermark: windows that end at or before it are closed; NULL: none is';
COMMENT ON COLUMN weir.position.positions IS 'Of each partition the next offset to apply';
COMMENT ON COLUMN weir.position.replay_offsets IS 'Of each partition the smallest offset that is in an open window, or the position';
COMMENT ON COLUMN weir.position.max_event_times IS 'Of each partition the largest event time; NULL: none was seen';
COMMENT ON COLUMN weir.position.closed_until IS 'Windows that end at or before it have rows from an earlier start, and are left as they are';
COMMENT ON COLUMN weir.position.last_offsets IS 'Of each partition the offset of the last applied message; -1: none was';
COMMENT ON COLUMN weir.position.last_checksums IS 'Of each partition the CRC-32C of the last applied message: another message at its offset means another topic';
GRANT SELECT, INSERT ON weir.position TO PUBLIC; -- INSERT: for a restore

CREATE FUNCTION weir.position_guard()
    RETURNS trigger
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'weir_position_guard';
COMMENT ON FUNCTION weir.position_guard() IS
    'Lets a role write positions of its own views only';
CREATE TRIGGER position_guard BEFORE INSERT ON weir.position
    FOR EACH ROW EXECUTE FUNCTION weir.position_guard();
SELECT pg_catalog.pg_extension_config_dump('weir.position',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class WHERE pg_class.oid = view)');

CREATE TABLE weir.run (
    view oid PRIMARY KEY,
    system_identifier bigint NOT NULL,
    database oid NOT NULL,
    epoch bigint NOT NULL,
    generation bigint NOT NULL,
    starts integer NOT NULL,
    fingerprint text,
    counters bigint[] NOT NULL
);
COMMENT ON TABLE weir.run IS
    'Which continuous views were started in this database, and the state of their last commit';
COMMENT ON COLUMN weir.run.view IS 'The view''s live table';
COMMENT ON COLUMN weir.run.system_identifier IS 'The cluster that it was started in';
COMMENT ON COLUMN weir.run.database IS 'The database that it was started in';
COMMENT ON COLUMN weir.run.epoch IS 'Counts starts of a worker and changes from outside';
COMMENT ON COLUMN weir.run.generation IS 'Counts commits that closed windows';
COMMENT ON COLUMN weir.run.starts IS 'Starts of a worker since it last made progress';
COMMENT ON COLUMN weir.run.fingerprint IS 'What the stored state means: the definition, without names';
COMMENT ON COLUMN weir.run.counters IS 'Totals, as weir.stat_view names them';

CREATE TABLE weir.chunk (
    view oid NOT NULL,
    number bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (view, number)
);
ALTER TABLE weir.chunk ALTER data SET STORAGE EXTERNAL;
COMMENT ON TABLE weir.chunk IS
    'Open windows of continuous views as of their last commits: bytes with a checksum';
COMMENT ON COLUMN weir.chunk.view IS 'The view''s live table';
COMMENT ON COLUMN weir.chunk.number IS 'The order: what comes later replaces what came before';
COMMENT ON COLUMN weir.chunk.data IS 'Groups of open windows, see docs/engine.md';

CREATE TABLE weir.reject (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation oid NOT NULL,
    topic text NOT NULL,
    partition integer,
    "offset" bigint,
    reason text NOT NULL,
    detail text,
    event_time timestamptz,
    windows timestamptz[],
    key text,
    rejected_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE UNIQUE INDEX reject_message_key ON weir.reject (relation, topic, partition, "offset")
    WHERE "offset" IS NOT NULL;
CREATE INDEX reject_relation_idx ON weir.reject (relation, id);
COMMENT ON SEQUENCE weir.reject_id_seq IS 'Numbers of rejects';
COMMENT ON COLUMN weir.reject.id IS 'A number, in the order of recording';
COMMENT ON COLUMN weir.reject.relation IS 'The stream or the view''s live table';
COMMENT ON COLUMN weir.reject.topic IS 'The Kafka topic';
COMMENT ON COLUMN weir.reject.partition IS 'The partition; NULL: a group';
COMMENT ON COLUMN weir.reject."offset" IS 'The offset; NULL: a group';
COMMENT ON COLUMN weir.reject.reason IS 'Why, in a word';
COMMENT ON COLUMN weir.reject.detail IS 'Why, for people';
COMMENT ON COLUMN weir.reject.event_time IS 'The event time, if there is one';
COMMENT ON COLUMN weir.reject.windows IS 'Starts of the windows that missed it';
COMMENT ON COLUMN weir.reject.key IS 'The key of a group';
COMMENT ON COLUMN weir.reject.rejected_at IS 'When it was recorded';
COMMENT ON TABLE weir.reject IS 'Messages and groups that were kept out of windows; read weir.rejected';

CREATE TABLE weir.skip (
    view oid NOT NULL,
    window_start timestamptz NOT NULL,
    key text NOT NULL,
    PRIMARY KEY (view, window_start, key)
);
COMMENT ON TABLE weir.skip IS 'Groups that weir.skip() asks to be left out when their windows close';
COMMENT ON COLUMN weir.skip.view IS 'The view''s live table';
COMMENT ON COLUMN weir.skip.window_start IS 'The start of the window';
COMMENT ON COLUMN weir.skip.key IS 'The key, as weir.rejected shows it';

CREATE VIEW weir.rejected WITH (security_barrier) AS
    SELECT r.relation::regclass AS relation, r.topic, r.partition, r."offset", r.reason, r.detail,
           r.event_time, r.windows, r.key, r.rejected_at
    FROM weir.reject AS r
    JOIN pg_catalog.pg_class AS c ON c.oid = r.relation
    WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE');
COMMENT ON VIEW weir.rejected IS
    'Messages that were kept out of windows, of streams and views that the reader owns';
COMMENT ON COLUMN weir.rejected.relation IS
    'The stream, for a message that is no event for any view; else the view''s live table';
COMMENT ON COLUMN weir.rejected.topic IS 'The Kafka topic';
COMMENT ON COLUMN weir.rejected.partition IS 'The partition; NULL: a group, not a message';
COMMENT ON COLUMN weir.rejected."offset" IS 'The offset; NULL: a group, not a message';
COMMENT ON COLUMN weir.rejected.reason IS 'Why, in a word that does not change';
COMMENT ON COLUMN weir.rejected.detail IS 'Why, for people';
COMMENT ON COLUMN weir.rejected.event_time IS 'The event time, if there is one';
COMMENT ON COLUMN weir.rejected.windows IS 'Starts of the windows that missed the event, or of the group''s window';
COMMENT ON COLUMN weir.rejected.key IS 'The key of a group';
COMMENT ON COLUMN weir.rejected.rejected_at IS 'When it was recorded';
GRANT SELECT ON weir.rejected TO PUBLIC;

-- --- trying a definition ---------------------------------------------------------------------------

CREATE TYPE weir.event AS (
    partition integer,
    "offset" bigint,
    "timestamp" timestamptz,
    value text,
    key text
);
COMMENT ON TYPE weir.event IS 'A message, for weir.simulate(): what is NULL is partition 0, the next offset, no timestamp, a tombstone, no key';
COMMENT ON COLUMN weir.event.partition IS 'The partition';
COMMENT ON COLUMN weir.event."offset" IS 'The offset; in one partition they rise';
COMMENT ON COLUMN weir.event."timestamp" IS 'The record''s timestamp';
COMMENT ON COLUMN weir.event.value IS 'The payload';
COMMENT ON COLUMN weir.event.key IS 'The record''s key';

CREATE FUNCTION weir.event(value text, partition integer DEFAULT 0, "timestamp" timestamptz DEFAULT NULL,
                           key text DEFAULT NULL, "offset" bigint DEFAULT NULL)
    RETURNS weir.event
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(partition, "offset", "timestamp", value, key)::weir.event;
COMMENT ON FUNCTION weir.event(text, integer, timestamptz, text, bigint) IS
    'A message, for weir.simulate(): its payload and, where they matter, the rest';

CREATE FUNCTION weir.simulate(query text, events weir.event[], trace boolean DEFAULT false,
                              OUT step bigint, OUT kind text, OUT "row" json, OUT partition integer,
                              OUT "offset" bigint, OUT reason text, OUT detail text,
                              OUT event_time timestamptz, OUT windows timestamptz[], OUT key text,
                              OUT watermark timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'weir_simulate';
COMMENT ON FUNCTION weir.simulate(text, weir.event[], boolean) IS
    'What a continuous view would make of messages, in the order given: closed, live and rejected rows, and what on_late discards; with trace, the watermark after each';

CREATE FUNCTION weir.live(view anyelement)
    RETURNS SETOF anyelement
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'weir_live';
COMMENT ON FUNCTION weir.live(anyelement) IS
    'Live rows of a view: weir.live(NULL::crypto_daily_live)';

CREATE FUNCTION weir.restart(view text, "from" text DEFAULT 'earliest',
                             keep_closed boolean DEFAULT true)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'weir_restart';
COMMENT ON FUNCTION weir.restart(text, text, boolean) IS
    'Begins a view anew: forgets its open windows and positions; closed rows stay, unless they are discarded';

CREATE FUNCTION weir.skip(view text, window_start timestamptz, VARIADIC key text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'weir_skip';
COMMENT ON FUNCTION weir.skip(text, timestamptz, text[]) IS
    'Leaves one group of a view out when its window closes, as where the closed table refuses its row: it becomes a reject';

CREATE FUNCTION weir.flush(view text, timeout interval DEFAULT '1 minute')
    RETURNS void
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'weir_flush';
COMMENT ON FUNCTION weir.flush(text, interval) IS
    'Waits until all that Kafka has now is applied and committed';

-- --- running it, and how it runs ---------------------------------------------------------------------

CREATE FUNCTION weir.pause(view text)
    RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'weir_pause';
COMMENT ON FUNCTION weir.pause(text) IS
    'Stops a continuous view after a last commit, until it is resumed: sets option enabled of its live table';

CREATE FUNCTION weir.resume(view text)
    RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'weir_resume';
COMMENT ON FUNCTION weir.resume(text) IS
    'Lets a continuous view run, from where it was: one that was paused, failed, or was restored from a dump';

CREATE FUNCTION weir.get_stat_stream(OUT stream regclass,
                              OUT wanted_state text,
                              OUT actual_state text,
                              OUT state_since timestamptz,
                              OUT view_count integer,
                              OUT pid integer,
                              OUT started_at timestamptz,
                              OUT restarts bigint,
                              OUT failures integer,
                              OUT retry_at timestamptz,
                              OUT partition_count integer,
                              OUT message_lag bigint,
                              OUT messages_per_second double precision,
                              OUT state_bytes bigint,
                              OUT last_error text,
                              OUT last_error_sqlstate text,
                              OUT last_error_at timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10
    AS 'MODULE_PATHNAME', 'weir_stat_stream';
COMMENT ON FUNCTION weir.get_stat_stream() IS
    'The rows of weir.stat_stream';

CREATE VIEW weir.stat_stream AS
    SELECT * FROM weir.get_stat_stream();
COMMENT ON VIEW weir.stat_stream IS
    'Streams of this database that have continuous views: states, the worker, lag; rows of what the reader owns, or all for pg_read_all_stats';
COMMENT ON COLUMN weir.stat_stream.stream IS 'The stream';
COMMENT ON COLUMN weir.stat_stream.wanted_state IS 'What its owner wants: running or stopped (state)';
COMMENT ON COLUMN weir.stat_stream.actual_state IS 'What it does (state); docs/operations.md lists the states';
COMMENT ON COLUMN weir.stat_stream.state_since IS 'When the actual state began; NULL: it never ran since the server started';
COMMENT ON COLUMN weir.stat_stream.view_count IS 'Continuous views of the stream, wanted or not (gauge, views)';
COMMENT ON COLUMN weir.stat_stream.pid IS 'Process of the worker; NULL: none runs';
COMMENT ON COLUMN weir.stat_stream.started_at IS 'When the worker started';
COMMENT ON COLUMN weir.stat_stream.restarts IS 'Starts of the worker after its first, since the server started (counter, starts)';
COMMENT ON COLUMN weir.stat_stream.failures IS 'Failures of the worker in a row (gauge, failures)';
COMMENT ON COLUMN weir.stat_stream.retry_at IS 'When a worker is started again; NULL: one runs, or none is wanted';
COMMENT ON COLUMN weir.stat_stream.partition_count IS 'Partitions of the topic; NULL: no worker runs (gauge, partitions)';
COMMENT ON COLUMN weir.stat_stream.message_lag IS 'Offsets between what is applied and the ends of the partitions (gauge, messages)';
COMMENT ON COLUMN weir.stat_stream.messages_per_second IS 'Messages applied, averaged over about ten seconds; NULL: no worker runs (gauge, messages per second)';
COMMENT ON COLUMN weir.stat_stream.state_bytes IS 'Shared memory of the open windows of all its views; weir.state_memory limits it (gauge, bytes)';
COMMENT ON COLUMN weir.stat_stream.last_error IS 'The last error since the server started; NULL: none';
COMMENT ON COLUMN weir.stat_stream.last_error_sqlstate IS 'Its SQLSTATE';
COMMENT ON COLUMN weir.stat_stream.last_error_at IS 'When it happened last';
GRANT SELECT ON weir.stat_stream TO PUBLIC;

CREATE FUNCTION weir.get_stat_partition(OUT stream regclass,
                              OUT partition integer,
                              OUT fetched bigint,
                              OUT applied bigint,
                              OUT checkpointed bigint,
                              OUT end_offset bigint,
                              OUT message_lag bigint,
                              OUT max_event_time timestamptz,
                              OUT event_time_lag interval,
                              OUT is_idle boolean)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10
    AS 'MODULE_PATHNAME', 'weir_stat_partition';
COMMENT ON FUNCTION weir.get_stat_partition() IS
    'The rows of weir.stat_partition';

CREATE VIEW weir.stat_partition AS
    SELECT * FROM weir.get_stat_partition();
COMMENT ON VIEW weir.stat_partition IS
    'Partitions of streams whose worker runs, the first 256 of each: positions and lag; rows as in weir.stat_stream';
COMMENT ON COLUMN weir.stat_partition.stream IS 'The stream';
COMMENT ON COLUMN weir.stat_partition.partition IS 'The partition';
COMMENT ON COLUMN weir.stat_partition.fetched IS 'The next offset to fetch (position, offset)';
COMMENT ON COLUMN weir.stat_partition.applied IS 'The next offset to apply (position, offset)';
COMMENT ON COLUMN weir.stat_partition.checkpointed IS 'The next offset to apply by the last commit (position, offset)';
COMMENT ON COLUMN weir.stat_partition.end_offset IS 'The last stable offset, as last told by Kafka (position, offset)';
COMMENT ON COLUMN weir.stat_partition.message_lag IS 'Offsets between what is applied and the end (gauge, messages)';
COMMENT ON COLUMN weir.stat_partition.max_event_time IS 'The largest event time since the worker started; NULL: none was seen';
COMMENT ON COLUMN weir.stat_partition.event_time_lag IS 'How long ago that was (gauge, time)';
COMMENT ON COLUMN weir.stat_partition.is_idle IS 'Does the partition not hold the watermark back, having nothing to read?';
GRANT SELECT ON weir.stat_partition TO PUBLIC;

CREATE FUNCTION weir.get_stat_view(OUT view regclass,
                              OUT stream regclass,
                              OUT wanted_state text,
                              OUT actual_state text,
                              OUT state_since timestamptz,
                              OUT messages bigint,
                              OUT bytes bigint,
                              OUT filtered bigint,
                              OUT folded bigint,
                              OUT late bigint,
                              OUT rejected bigint,
                              OUT unrecorded bigint,
                              OUT opened bigint,
                              OUT closed bigint,
                              OUT rows_written bigint,
                              OUT commits bigint,
                              OUT replayed bigint,
                              OUT lost bigint,
                              OUT rejected_by_reason jsonb,
                              OUT events_per_second double precision,
                              OUT watermark timestamptz,
                              OUT watermark_lag interval,
                              OUT open_groups bigint,
                              OUT state_bytes bigint,
                              OUT commit_ms double precision,
                              OUT last_error text,
                              OUT last_error_sqlstate text,
                              OUT last_error_at timestamptz)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10
    AS 'MODULE_PATHNAME', 'weir_stat_view';
COMMENT ON FUNCTION weir.get_stat_view() IS
    'The rows of weir.stat_view';

CREATE VIEW weir.stat_view AS
    SELECT * FROM weir.get_stat_view();
COMMENT ON VIEW weir.stat_view IS
    'Continuous views of this database: states, totals, watermark; rows of what the reader owns, or all for pg_read_all_stats';
COMMENT ON COLUMN weir.stat_view.view IS 'The view''s live table';
COMMENT ON COLUMN weir.stat_view.stream IS 'Its stream';
COMMENT ON COLUMN weir.stat_view.wanted_state IS 'What its owner wants: running or stopped (state)';
COMMENT ON COLUMN weir.stat_view.actual_state IS 'What it does (state); docs/operations.md lists the states';
COMMENT ON COLUMN weir.stat_view.state_since IS 'When the actual state began; NULL: it never ran since the server started';
COMMENT ON COLUMN weir.stat_view.messages IS 'Messages applied, since the view was created (counter, messages)';
COMMENT ON COLUMN weir.stat_view.bytes IS 'Their payloads, since the view was created (counter, bytes)';
COMMENT ON COLUMN weir.stat_view.filtered IS 'Messages that WHERE left out, since the view was created (counter, messages)';
COMMENT ON COLUMN weir.stat_view.folded IS 'Messages counted in a window or more, since the view was created (counter, messages)';
COMMENT ON COLUMN weir.stat_view.late IS 'Messages that came after a window of theirs had closed; of hopping windows others may count them, since the view was created (counter, messages)';
COMMENT ON COLUMN weir.stat_view.rejected IS 'Messages and groups kept out, for all reasons, late ones too where they are rejects, since the view was created (counter, rejects)';
COMMENT ON COLUMN weir.stat_view.unrecorded IS 'Of those, the ones beyond weir.max_rejects, which are not in weir.rejected, since the view was created (counter, rejects)';
COMMENT ON COLUMN weir.stat_view.opened IS 'Groups that were opened, of hopping windows those of slices, since the view was created (counter, groups)';
COMMENT ON COLUMN weir.stat_view.closed IS 'Groups that were closed, since the view was created (counter, groups)';
COMMENT ON COLUMN weir.stat_view.rows_written IS 'Rows written to the closed table, since the view was created (counter, rows)';
COMMENT ON COLUMN weir.stat_view.commits IS 'Commits, since the view was created (counter, commits)';
COMMENT ON COLUMN weir.stat_view.replayed IS 'Events passed over for their windows have rows from before a restart, since the view was created (counter, events)';
COMMENT ON COLUMN weir.stat_view.lost IS 'Offsets that Kafka had deleted before they were read, with on_data_loss continue, since the view was created (counter, offsets)';
COMMENT ON COLUMN weir.stat_view.rejected_by_reason IS 'Rejects by reason, those beyond weir.max_rejects too, since the view was created: {"late": 3}; what could not be read is "unreadable" (counters, rejects)';
COMMENT ON COLUMN weir.stat_view.events_per_second IS 'Events counted in a window, averaged over about ten seconds; NULL: no worker runs (gauge, events per second)';
COMMENT ON COLUMN weir.stat_view.watermark IS 'W: windows that end at or before it are closed; NULL: there is none yet, or no worker runs';
COMMENT ON COLUMN weir.stat_view.watermark_lag IS 'How long ago that was (gauge, time)';
COMMENT ON COLUMN weir.stat_view.open_groups IS 'Groups in open windows, of hopping ones those of slices (gauge, groups)';
COMMENT ON COLUMN weir.stat_view.state_bytes IS 'Shared memory of its open windows (gauge, bytes)';
COMMENT ON COLUMN weir.stat_view.commit_ms IS 'How long the last commit took (gauge, milliseconds)';
COMMENT ON COLUMN weir.stat_view.last_error IS 'The last error since the server started; NULL: none';
COMMENT ON COLUMN weir.stat_view.last_error_sqlstate IS 'Its SQLSTATE';
COMMENT ON COLUMN weir.stat_view.last_error_at IS 'When it happened last';
GRANT SELECT ON weir.stat_view TO PUBLIC;

CREATE FUNCTION weir.why(view text)
    RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'weir_why';
COMMENT ON FUNCTION weir.why(text) IS
    'Which window of a view closes next, at which watermark, and what holds the watermark back';
