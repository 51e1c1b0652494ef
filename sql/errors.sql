-- Messages that cannot be read, and scans that would read too much.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA err;
SET search_path = err;
CREATE SERVER err_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER err_kafka;

CREATE FOREIGN TABLE raw (part int OPTIONS (meta 'partition'), key bytea OPTIONS (meta 'key'), payload bytea OPTIONS (meta 'payload'))
SERVER err_kafka OPTIONS (topic 'bad');
INSERT INTO raw VALUES
(0, NULL, '{"id": 1}'),
(0, NULL, ''),
(0, NULL, 'no json'),
(0, NULL, '{"id": 3, "deep": [1, 2'),
(0, NULL, '{"id": 4} {}'),
(0, NULL, '\x7b226964223a22ff227d'),
(0, NULL, '{"id": "a", "t": "\\ud800"}'),
(0, NULL, '[{"id": 7}]'),
(0, NULL, '{"id": 8, "long text before it": "abcdefghijklmnopqrstuvwxyz", "n": wrong, "long text behind it": "abcdefghijklmnopqrstuvwxyz"}'),
(0, NULL, '{"id": "nine"}'),
(0, NULL, '{"id": 1.5}'),
(0, NULL, '{"id": 99999999999}'),
(0, NULL, '{"id": {"a": 1}}'),
(0, NULL, '{"id": 13, "at": "yesterday"}'),
(0, NULL, '{"id": 14, "t": "a\\u0000b"}'),
(0, NULL, '{"id": 15, "v": "too long"}'),
(0, '\xff', '{"id": 16}'),
(0, NULL, '{"id": 17}'),
(0, NULL, NULL);

CREATE FOREIGN TABLE stop (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), key text OPTIONS (meta 'key'),
    id int, t text, v varchar(3), at timestamptz)
SERVER err_kafka OPTIONS (topic 'bad');
CREATE FOREIGN TABLE skip (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), key text OPTIONS (meta 'key'),
    id int, t text, v varchar(3), at timestamptz)
SERVER err_kafka OPTIONS (topic 'bad', on_error 'skip');

-- stop: topic, partition, offset, byte, reason
SELECT id FROM stop;
\echo :LAST_ERROR_SQLSTATE
CREATE FUNCTION verdict(wanted bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM stop FROM err.stop WHERE off = wanted;
    RETURN 'a row';
EXCEPTION WHEN fdw_error THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLERRM || E'\n' || detail;
END $$;
SELECT o, verdict(o) FROM generate_series(0, 18) AS o;
-- a bad value concerns those who use it, a bad message all
SELECT off, t FROM stop WHERE off BETWEEN 9 AND 13 ORDER BY off;
SELECT count(*) FROM stop WHERE off >= 9;
SELECT count(*) FROM stop WHERE off < 3;
-- what stands before it has been delivered
BEGIN;
DECLARE c CURSOR FOR SELECT off FROM stop;
FETCH 1 FROM c;
FETCH 1 FROM c;
ROLLBACK;

-- skip: the same messages are left out, whatever the query uses
SELECT off, id FROM skip ORDER BY off;
SELECT count(*) FROM skip;
SELECT count(at) FROM skip;
SELECT FROM skip;
SELECT skip FROM skip ORDER BY off;
SELECT count(*) FROM skip WHERE off = 8;
SELECT count(*) FROM skip WHERE off = 0;
DO $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json) SELECT off FROM skip' INTO plan;
    plan := plan->0->'Plan';
    RAISE NOTICE 'read %, skipped %', plan->'Messages Read', plan->'Messages Skipped';
END $$;
-- a rescan does not warn again; a scan that is ended early warns too
SET enable_material = off;
SELECT n, (SELECT count(*) FROM skip WHERE off > n) FROM generate_series(13, 14) AS n;
RESET enable_material;
SELECT off FROM skip WHERE part = 0 ORDER BY off LIMIT 2;
SELECT count(*) FROM (SELECT off FROM skip WHERE part = 0 LIMIT 2) AS q;
SELECT count(*) FROM (SELECT off FROM skip WHERE part = 0 LIMIT 1) AS q;
ALTER FOREIGN TABLE skip OPTIONS (SET on_error 'stop');
SELECT count(*) FROM skip;

-- memory stays flat over what is left out
CREATE FOREIGN TABLE many_raw (part int OPTIONS (meta 'partition'), payload text OPTIONS (meta 'payload'))
SERVER err_kafka OPTIONS (topic 'many');
INSERT INTO many_raw SELECT 0, '{"t": "' || repeat('x', 1000) || '", "z": "no number"}' FROM generate_series(1, 2000);
INSERT INTO many_raw VALUES (0, '{"t": "good"}');
CREATE FOREIGN TABLE many (t text, z int) SERVER err_kafka OPTIONS (topic 'many', on_error 'skip');
BEGIN;
DECLARE c CURSOR FOR SELECT t FROM many;
FETCH 1 FROM c;
SELECT coalesce(max(total_bytes), 0) < 1000000 AS is_flat FROM pg_backend_memory_contexts WHERE name = 'ExprContext';
COMMIT;

--
-- weir.max_scan_messages
--
SHOW weir.max_scan_messages;
SET weir.max_scan_messages = 100;
SELECT count(*) FROM many_raw;
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM many_raw WHERE part = 1;
SELECT count(*) FROM (SELECT part FROM many_raw LIMIT 100) AS q;
SELECT count(*) FROM (SELECT part FROM many_raw LIMIT 101) AS q;
-- a LIMIT behind all rows does not count
SELECT count(*) FROM many_raw LIMIT 1;
SELECT part FROM many_raw GROUP BY part LIMIT 1;
SELECT DISTINCT part FROM many_raw LIMIT 1;
SELECT part FROM many_raw ORDER BY payload LIMIT 1;
SELECT row_number() OVER () FROM many_raw LIMIT 1;
SELECT count(*) OVER () FROM many_raw LIMIT 1;
-- what is read counts, not what is shown
CREATE FOREIGN TABLE many_at (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'))
SERVER err_kafka OPTIONS (topic 'many');
SELECT count(*) FROM many_at WHERE off < 100;
SELECT count(*) FROM many_at WHERE off <= 100;
SELECT count(*) FROM many_at WHERE off >= 1950 AND part = 0;
SET weir.max_scan_messages = 0;
SELECT count(*) FROM many_raw;
SET weir.max_scan_messages = -1;
RESET weir.max_scan_messages;
SET weir.max_scan_message = 1;

-- Kafka deletes from the front (the embedded one keeps 5 MB): a scan and ctid begin where it does
INSERT INTO many_raw SELECT 0, repeat(' ', 1000) || '{}' FROM generate_series(1, 10000);
SELECT count(*) BETWEEN 100 AND 10000 AS is_part, min(off) > 2000 AS is_late, max(off), min(ctid),
       bool_and(ctid = format('(%s,%s)', (off - low) >> 16, (off - low) & 65535)::tid) AS is_counted
FROM (SELECT off, ctid, min(off) OVER () AS low FROM many_at WHERE part = 0) AS q;
SELECT count(*) FROM many_at WHERE off < -9223372036854775808;
SELECT count(*) FROM many_at WHERE part = 0 AND off < 2000;
SELECT count(*) FROM many_at WHERE off >= 12000;

--
-- What is not there
--
CREATE FOREIGN TABLE grown (part int OPTIONS (meta 'partition'), id int) SERVER err_kafka OPTIONS (topic 'grown');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FOREIGN TABLE with_domain (id positive) SERVER err_kafka OPTIONS (topic 'bad');
SELECT * FROM with_domain;
CREATE FOREIGN TABLE with_array (id interval[]) SERVER err_kafka OPTIONS (topic 'bad');
INSERT INTO with_array VALUES ('{1 day}');
EXPLAIN (COSTS OFF) SELECT * FROM with_array;
CREATE SERVER unmapped FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE FOREIGN TABLE unmapped (id int) SERVER unmapped OPTIONS (topic 'bad');
SELECT * FROM unmapped;
INSERT INTO unmapped VALUES (1);
DROP SERVER unmapped CASCADE;

SET client_min_messages = warning;
DROP SCHEMA err CASCADE;
DROP SERVER err_kafka CASCADE;
