-- weir.recent() and weir.tail(): the newest messages, and those that come.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
DROP ROLE IF EXISTS regress_weir_stranger;
RESET client_min_messages;
CREATE SCHEMA rec;
SET search_path = rec;
SET timezone = 'UTC';
CREATE SERVER rec_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER rec_kafka;
CREATE FOREIGN TABLE r (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), gone text,
    at timestamptz OPTIONS (meta 'timestamp'), key text OPTIONS (meta 'key'), id int)
SERVER rec_kafka OPTIONS (topic 'rec');
ALTER FOREIGN TABLE r DROP COLUMN gone;

-- over all partitions, the newest last; what is in one partition alone too
INSERT INTO r (part, at, key, id) SELECT i % 4, '2026-11-20'::timestamptz + i * interval '1 s', 'k' || i, i FROM generate_series(1, 1000) AS i;
SELECT * FROM weir.recent(NULL::r, 5);
SELECT count(*) FROM weir.recent(NULL::r);
INSERT INTO r (part, at, id) SELECT 2, '2026-11-21', i FROM generate_series(2001, 2007) AS i;
SELECT part, off, id FROM weir.recent(NULL::r, 8);
-- those of one time by partition and offset
INSERT INTO r (part, at, id) VALUES (3, '2026-11-22', 1), (1, '2026-11-22', 2), (3, '2026-11-22', 3), (0, '2026-11-22', 4);
SELECT part, off, id FROM weir.recent(NULL::r, 4);
SELECT part, off, id FROM weir.recent(NULL::r, 2);
-- an old timestamp on a new message: it is old
INSERT INTO r (part, at, id) VALUES (0, '2026-11-01', 5);
SELECT part, off, id FROM weir.recent(NULL::r, 4);
-- the same as the whole topic says
SELECT count(*), sum(id) FROM weir.recent(NULL::r, 700);
SELECT count(*), sum(id) FROM (SELECT id FROM r ORDER BY at DESC, part DESC, off DESC LIMIT 700) AS q;
SELECT count(*) FROM weir.recent(NULL::r, 100000);
SELECT (weir.recent(NULL::r, 1)).id;
SELECT n, (SELECT max(id) FROM weir.recent(NULL::r, n)) FROM generate_series(0, 2) AS n;
SELECT * FROM weir.recent(NULL::r, 0);
SELECT * FROM weir.recent(NULL::r, NULL);

-- what cannot be read: an error if it is among the newest
CREATE FOREIGN TABLE raw (part int OPTIONS (meta 'partition'), at timestamptz OPTIONS (meta 'timestamp'), payload text OPTIONS (meta 'payload'))
SERVER rec_kafka OPTIONS (topic 'rec');
INSERT INTO raw VALUES (1, '2026-11-23', '{"id": "one"}'), (1, '2026-11-24', '{"id": 6}');
SELECT part, id FROM weir.recent(NULL::r, 1);
SELECT part, id FROM weir.recent(NULL::r, 2);
ALTER FOREIGN TABLE r OPTIONS (ADD on_error 'skip');
SELECT part, id FROM weir.recent(NULL::r, 2);
-- what is left out makes room for what is before it
CREATE FOREIGN TABLE one_raw (part int OPTIONS (meta 'partition'), payload text OPTIONS (meta 'payload')) SERVER rec_kafka OPTIONS (topic 'one');
CREATE FOREIGN TABLE one (part int OPTIONS (meta 'partition'), id int) SERVER rec_kafka OPTIONS (topic 'one', on_error 'skip');
INSERT INTO one_raw VALUES (0, '{"id": 1}'), (0, '{"id": 2}'), (0, 'no json'), (0, 'nor this');
SELECT id FROM weir.recent(NULL::one, 2);
-- in time, not for ever
SET weir.max_scan_messages = 10;
SELECT part, id FROM weir.recent(NULL::r, 2);
SELECT part, id FROM weir.recent(NULL::r, 3);
\echo :LAST_ERROR_SQLSTATE
RESET weir.max_scan_messages;
SELECT * FROM weir.recent(NULL::r, -1);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM weir.recent(NULL::r, 1000001);
SELECT * FROM weir.recent(NULL::pg_class, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM weir.recent(1, 1);

--
-- weir.tail()
--
CREATE FOREIGN TABLE t (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), id int)
SERVER rec_kafka OPTIONS (topic 'tail');
INSERT INTO t (part, id) VALUES (0, 1), (0, 2), (1, 3);
-- what was there before is not new
SELECT * FROM weir.tail(NULL::t, '100 ms');
SELECT * FROM weir.tail(NULL::t, '0');
-- from offsets on: those that are not given begin behind what is there
SELECT * FROM weir.tail(NULL::t, '1 minute', '{1}');
SELECT * FROM weir.tail(NULL::t, '1 minute', '{NULL,0}');
SELECT * FROM weir.tail(NULL::t, '100 ms', '{2,1}');
-- no message is lost between two calls that go by high and by offset
INSERT INTO t (part, id) VALUES (3, 4);
SELECT t.* FROM weir.topics('rec_kafka') AS topics, weir.tail(NULL::t, '1 minute', ARRAY[high[1], high[2], high[3], high[4] - 1]) AS t WHERE topic = 'tail';
SELECT * FROM weir.tail(NULL::t, NULL);
SELECT * FROM weir.tail(NULL::t, '-1 s');
SELECT * FROM weir.tail(NULL::t, '2 days');
SELECT * FROM weir.tail(NULL::pg_class, '1 s');

-- who may
CREATE ROLE regress_weir_stranger;
GRANT USAGE ON SCHEMA rec TO regress_weir_stranger;
SET ROLE regress_weir_stranger;
SELECT * FROM weir.recent(NULL::rec.t, 1);
SELECT * FROM weir.tail(NULL::rec.t, '1 s');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT SELECT (part, off) ON t TO regress_weir_stranger;
SET ROLE regress_weir_stranger;
SELECT * FROM weir.recent(NULL::rec.t, 1);
RESET ROLE;
GRANT SELECT (id) ON t TO regress_weir_stranger;
SET ROLE regress_weir_stranger;
SELECT count(*) FROM weir.recent(NULL::rec.t, 1);
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA rec CASCADE;
DROP SERVER rec_kafka CASCADE;
DROP ROLE regress_weir_stranger;
