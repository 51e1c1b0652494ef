-- Options: what each object takes, and what the errors say. Needs no broker.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;

CREATE ROLE regress_weir_alice;
CREATE ROLE regress_weir_root SUPERUSER;
GRANT USAGE ON FOREIGN DATA WRAPPER weir_kafka TO regress_weir_alice;
CREATE SCHEMA options;
GRANT ALL ON SCHEMA options TO regress_weir_alice;
SET ROLE regress_weir_alice;
SET search_path = options;

-- what is accepted
CREATE SERVER good FOREIGN DATA WRAPPER weir_kafka OPTIONS (
    bootstrap_servers 'one.example:9092, 192.0.2.7:19092 ,[2001:db8::1]:9092,[::1],two',
    security_protocol 'SASL_SSL', sasl_mechanism 'scram-sha-512', client_id 'reports',
    socket_keepalive_enable 'on', fetch_max_bytes '1048576', compression_type 'ZSTD',
    compression_level '-1', timeout '1.5 min');
CREATE USER MAPPING FOR PUBLIC SERVER good OPTIONS (
    "user" 'alice', password 'secret', ssl_ca_pem E'-----BEGIN CERTIFICATE-----\n',
    ssl_key_pem E'\n-----BEGIN PRIVATE KEY-----\n', ssl_key_password 'secret');
CREATE FOREIGN TABLE good (
    plain text,
    nested int OPTIONS (path 'a.b[0]'),
    quoted int OPTIONS (path '"a b"."say ""hi"""[1][2].$c-d'),
    at timestamptz OPTIONS (unit 'ms'),
    day date OPTIONS (path 'when.day', unit 'iso8601'),
    part int OPTIONS (meta 'partition')
) SERVER good OPTIONS (topic 'a.topic-with_all.0', format 'JSON', on_error 'skip', timeout '500ms');
SELECT attname, attfdwoptions FROM pg_attribute
WHERE attrelid = 'good'::regclass AND attfdwoptions IS NOT NULL ORDER BY attnum;
ALTER FOREIGN TABLE good OPTIONS (SET topic 'other', DROP format);
ALTER SERVER good OPTIONS (DROP compression_type);

-- the function that lists them
SELECT object, count(*) > 0 AS has_options FROM weir.options() GROUP BY object ORDER BY object COLLATE "C";
SELECT * FROM weir.options() WHERE object = 'foreign table' ORDER BY name COLLATE "C";
SELECT name FROM weir.options() GROUP BY object, name HAVING count(*) > 1;
SELECT object, name FROM weir.options() WHERE is_required ORDER BY name COLLATE "C";

-- a name that is unknown: nearest match, and none
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topc 'a');
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a', colour 'blue');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS ("Topic" 'a');
CREATE FOREIGN TABLE bad (a text OPTIONS (paht 'a')) SERVER good OPTIONS (topic 'a');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_server 'a:9092');
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (ADD passwd 'secret');

-- Kafka's spelling
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS ("bootstrap.servers" 'a:9092');
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (ADD "sasl.username" 'alice');
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (ADD sasl_username 'alice');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS ("sasl.password" 'secret');

-- an option that belongs elsewhere
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', topic 'a');
\echo :LAST_ERROR_SQLSTATE
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', password 'secret');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', ssl_ca_pem '-----BEGIN');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a', bootstrap_servers 'a:9092');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a', unit 'ms');
CREATE FOREIGN TABLE bad (a text OPTIONS (timeout '1s')) SERVER good OPTIONS (topic 'a');
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (ADD ssl_key_location '/etc/passwd');
RESET ROLE;
ALTER FOREIGN DATA WRAPPER weir_kafka OPTIONS (ADD topic 'a');
ALTER FOREIGN DATA WRAPPER weir_kafka OPTIONS (ADD colour 'blue');
SET ROLE regress_weir_alice;

-- properties that pg_weir decides itself, or keeps away
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', "group.id" 'a');
\echo :LAST_ERROR_SQLSTATE
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', isolation_level 'a');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', acks '1');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', plugin_library_paths 'a.so');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', enable_ssl_certificate_verification 'off');

-- options that are missing
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka;
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE bad () SERVER good;
ALTER FOREIGN TABLE good OPTIONS (DROP topic);

-- brokers
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'kafka://one:9092');
\echo :LAST_ERROR_SQLSTATE
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'one:9092,,two:9092');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'one:0');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'one:65536');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'one:');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'one:90x');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '::1');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '[::1:9092');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '[]:9092');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'one two:9092');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers ':9092');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'one/9092');

-- words, booleans, numbers, times, text
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a', format 'jsn');
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a', format 'avro');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a', on_error 'skp');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', security_protocol 'tls');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', socket_nagle_disable 'maybe');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', linger_ms '-1');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', linger_ms '900001');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', linger_ms '99999999999999999999');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', linger_ms '5 ms');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', linger_ms '');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', timeout '99ms');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', timeout '61min');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a', timeout 'soon');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', client_id '');
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', client_id E'a\nb');

-- durations, as long as a life
CREATE FUNCTION try_duration(name text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE tried () SERVER good OPTIONS (topic ''a'', %I %L)', name, value);
    DROP FOREIGN TABLE tried;
    RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN detail || coalesce(' / ' || nullif(hint, ''), '');
END $$;
SELECT name, value, try_duration(name, value) FROM (VALUES
    ('lateness', '0'), ('lateness', '1 hour'), ('lateness', '30 days'), ('lateness', '3650d'), ('lateness', '1 Week 2 DAYS 3h'),
    ('lateness', '1.5 min'), ('lateness', ' 250 us '), ('lateness', '100000 days'), ('lateness', '0 seconds'),
    ('lateness', '100001 days'), ('lateness', '5'), ('lateness', '-1 s'), ('lateness', ''), ('lateness', 'hour'),
    ('lateness', '1 month'), ('lateness', '1 year'), ('lateness', '1 fortnight'), ('lateness', '1 h,'), ('lateness', '1 h 5'),
    ('lateness', '1e300 d'), ('lateness', 'nan s'), ('lateness', '1:30'), ('lateness', 'off'),
    ('idle_timeout', '499ms'), ('idle_timeout', '500ms'),
    ('idle_close', 'OFF'), ('idle_close', '0'), ('max_ahead', 'off'), ('max_ahead', '0'), ('max_ahead', '1 s'),
    ('align', '0'), ('timeout', '500'), ('timeout', '10 sec')
) AS durations (name, value);

-- topics
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic '');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic '..');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'a b');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic 'prices,trades');
CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic '^prices');
\set SHOW_CONTEXT never
DO $$ BEGIN EXECUTE format('CREATE FOREIGN TABLE longest () SERVER good OPTIONS (topic %L)', repeat('a', 249)); END $$;
DROP FOREIGN TABLE longest;
DO $$ BEGIN EXECUTE format('CREATE FOREIGN TABLE bad () SERVER good OPTIONS (topic %L)', repeat('a', 250)); END $$;
\set SHOW_CONTEXT errors

-- secrets are never shown
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (SET password '');
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (SET ssl_key_pem '/etc/ssl/private/key.pem');
\echo :LAST_ERROR_SQLSTATE
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (SET ssl_key_pem '-----BEGIN PRIVATE KEY-----\nMII');
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (SET ssl_key_password '');

-- SASL
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', security_protocol 'sasl_ssl');
\echo :LAST_ERROR_SQLSTATE
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', sasl_mechanism 'PLAIN');
\echo :LAST_ERROR_SQLSTATE
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', security_protocol 'sasl_ssl', sasl_mechanism 'SCRAM-SHA-25');

-- what opens files, runs programs, fetches URLs or loads code is for superusers
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', ssl_key_location '/etc/passwd');
\echo :LAST_ERROR_SQLSTATE
CREATE SERVER bad FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'a:9092', security_protocol 'sasl_plaintext', sasl_mechanism 'gssapi');
\echo :LAST_ERROR_SQLSTATE
SELECT name FROM weir.options() WHERE is_superuser_only ORDER BY name COLLATE "C";
DO $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT name, CASE accepted WHEN 'oidc' THEN 'oidc' ELSE '1' END AS value
             FROM weir.options() WHERE is_superuser_only
    LOOP
        BEGIN
            EXECUTE format('ALTER SERVER good OPTIONS (ADD %I %L)', o.name, o.value);
            RAISE 'option % was taken', o.name;
        EXCEPTION WHEN insufficient_privilege THEN
        END;
    END LOOP;
END $$;

-- paths
CREATE FUNCTION try_path(path text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE tried (a text OPTIONS (path %L)) SERVER good OPTIONS (topic ''a'')', path);
    DROP FOREIGN TABLE tried;
    RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN regexp_replace(detail, ' Accepted: .*', '') || coalesce(' / ' || nullif(hint, ''), '');
END $$;
SELECT path, try_path(path) FROM (VALUES
    ('a'), ('a.b.c'), ('a[0][12].b'), ('""'), ('"a"'), ('"["[0]'), ('_x1'), ('a-b'), ('@type'), ('"$"'), ('$id'),
    (''), ('.a'), ('a.'), ('a..b'), ('a b'), ('a.b c'), ('a.*'), ('$.a'), ('$'), ('[0]'), ('a.[0]'),
    ('a['), ('a[]'), ('a[x]'), ('a[-1]'), ('a[1'), ('a[1 ]'), ('a[2147483647]'), ('a[2147483648]'), ('a[99999999999999999999]'),
    ('"a'), ('a."b'), ('"a"b'), ('a"b"'), ('a]'), ('a[0]b')
) AS paths (path);
CREATE FOREIGN TABLE bad (a text OPTIONS (path 'a..b')) SERVER good OPTIONS (topic 'a');
\echo :LAST_ERROR_SQLSTATE

-- meta stands alone
CREATE FOREIGN TABLE bad (a text OPTIONS (meta 'kee')) SERVER good OPTIONS (topic 'a');
CREATE FOREIGN TABLE bad (a text OPTIONS (meta 'key', path 'a')) SERVER good OPTIONS (topic 'a');
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE bad (a text OPTIONS (meta 'timestamp', unit 'ms')) SERVER good OPTIONS (topic 'a');
CREATE FOREIGN TABLE bad (a text OPTIONS (unit 'sec')) SERVER good OPTIONS (topic 'a');

-- types of columns are checked at first use
CREATE SERVER plain FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE USER MAPPING FOR PUBLIC SERVER plain;
CREATE FUNCTION try_column(definition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE tried (c %s) SERVER plain OPTIONS (topic ''a'')', definition);
    EXECUTE 'SELECT FROM tried';
    RETURN 'accepted';
EXCEPTION WHEN fdw_invalid_data_type THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN detail || coalesce(' / ' || nullif(hint, ''), '');
END $$;
CREATE DOMAIN point_domain AS point;
CREATE FOREIGN TABLE bad (c point) SERVER plain OPTIONS (topic 'a');
SELECT * FROM bad;
\echo :LAST_ERROR_SQLSTATE
DROP FOREIGN TABLE bad;
CREATE FOREIGN TABLE bad (c point_domain) SERVER plain OPTIONS (topic 'a');
SET search_path = pg_catalog;
SELECT * FROM options.bad;
SET search_path = options;
DROP FOREIGN TABLE bad;
SELECT definition, try_column(definition) FROM (VALUES
    ('char(3)'), ('bytea'), ('interval[]'), ('interval'), ('text OPTIONS (unit ''ms'')'), ('bigint OPTIONS (unit ''ms'')'),
    ('int OPTIONS (meta ''topic'')'), ('smallint OPTIONS (meta ''partition'')'), ('int OPTIONS (meta ''offset'')'),
    ('timestamp OPTIONS (meta ''timestamp'')'), ('int OPTIONS (meta ''timestamp_type'')'),
    ('jsonb OPTIONS (meta ''key'')'), ('text OPTIONS (meta ''headers'')'), ('int OPTIONS (meta ''payload'')')
) AS columns (definition);

-- so is the column of event time
CREATE FOREIGN TABLE timed (at timestamptz, day date, stamp timestamptz OPTIONS (meta 'timestamp'), local timestamp)
    SERVER plain OPTIONS (topic 'a', event_time 'at', timeout '100ms');
ALTER FOREIGN TABLE timed RENAME at TO happened_at;
SELECT * FROM timed;
\echo :LAST_ERROR_SQLSTATE
ALTER FOREIGN TABLE timed OPTIONS (SET event_time 'local');
SELECT * FROM timed;
\echo :LAST_ERROR_SQLSTATE
ALTER FOREIGN TABLE timed OPTIONS (SET event_time 'stamp');
EXPLAIN (COSTS OFF) SELECT * FROM timed;
DROP FOREIGN TABLE timed;

-- the user mapping, and what it must hold
DROP USER MAPPING FOR PUBLIC SERVER plain;
CREATE FOREIGN TABLE bad (c text) SERVER plain OPTIONS (topic 'a');
SELECT * FROM bad;
\echo :LAST_ERROR_SQLSTATE
DROP FOREIGN TABLE bad;
CREATE FOREIGN TABLE bad (c text) SERVER good OPTIONS (topic 'a');
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (DROP password);
SELECT * FROM bad;
\echo :LAST_ERROR_SQLSTATE
ALTER USER MAPPING FOR PUBLIC SERVER good OPTIONS (DROP "user");
SELECT * FROM bad;
DROP FOREIGN TABLE bad;

-- a superuser's server, given to somebody else
RESET ROLE;
SET ROLE regress_weir_root;
CREATE SERVER files FOREIGN DATA WRAPPER weir_kafka OPTIONS (
    bootstrap_servers 'a:9092', security_protocol 'ssl', ssl_ca_location '/etc/ssl/certs');
CREATE USER MAPPING FOR PUBLIC SERVER files;
CREATE SERVER kerberos FOREIGN DATA WRAPPER weir_kafka OPTIONS (
    bootstrap_servers 'a:9092', security_protocol 'sasl_plaintext', sasl_mechanism 'GSSAPI');
CREATE USER MAPPING FOR PUBLIC SERVER kerberos;
CREATE FOREIGN TABLE files (c text) SERVER files OPTIONS (topic 'a');
CREATE FOREIGN TABLE kerberos (c text) SERVER kerberos OPTIONS (topic 'a');
ALTER SERVER files OWNER TO regress_weir_alice;
ALTER SERVER kerberos OWNER TO regress_weir_alice;
SELECT * FROM files;
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM kerberos;
\echo :LAST_ERROR_SQLSTATE
-- its new owner cannot change other options beside
SET ROLE regress_weir_alice;
ALTER SERVER files OPTIONS (ADD client_id 'a');
ALTER SERVER files OPTIONS (DROP ssl_ca_location);

RESET ROLE;
RESET search_path;
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA options CASCADE;
DROP OWNED BY regress_weir_alice, regress_weir_root CASCADE;
DROP ROLE regress_weir_alice, regress_weir_root;
