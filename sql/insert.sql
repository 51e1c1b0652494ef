-- INSERT: what becomes a message, and what the transaction has to do with it.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA ins;
SET search_path = ins;
CREATE SERVER ins_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER ins_kafka;
\pset null '<null>'

CREATE FOREIGN TABLE t (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), id int, note text DEFAULT 'none')
SERVER ins_kafka OPTIONS (topic 'ins');
-- the same messages as they are
CREATE FOREIGN TABLE sent (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), key text OPTIONS (meta 'key'),
    payload text OPTIONS (meta 'payload'))
SERVER ins_kafka OPTIONS (topic 'ins');

INSERT INTO t (part, id) VALUES (0, 1) RETURNING *;
INSERT INTO t (part, id, note) VALUES (0, 2, NULL), (0, 3, ''), (0, NULL, DEFAULT), (0, NULL, NULL) RETURNING id, note, off IS NULL AS no_offset;
INSERT INTO t (part, id) SELECT 1, i FROM generate_series(4, 6) AS i;
INSERT INTO t (part, id) SELECT 2, id FROM t WHERE part = 1;
WITH moved AS (INSERT INTO t (part, id) SELECT 3, id FROM t WHERE part = 2 RETURNING id) SELECT count(*) FROM moved;
SELECT part, off, payload FROM sent ORDER BY part, off;
-- a statement reads up to where Kafka was when it began to read: it does not meet its own rows for ever
INSERT INTO t (part, id) SELECT part, id + 100 FROM t WHERE part = 0 AND id IS NOT NULL;
SELECT count(*) FROM t WHERE part = 0;
-- no partition and no key: Kafka's client chooses
INSERT INTO t (id) VALUES (1000) RETURNING part;
SELECT count(*), min(part) BETWEEN 0 AND 3 AS is_some FROM t WHERE id = 1000;
EXPLAIN (COSTS OFF) INSERT INTO t (id) VALUES (1);
SELECT count(*) FROM t WHERE id = 1;
DO $$ BEGIN EXECUTE 'EXPLAIN ANALYZE INSERT INTO t (part, id) VALUES (3, 1)'; END $$;
SELECT count(*) FROM t WHERE id = 1;

--
-- Refused
--
INSERT INTO t (part, id) VALUES (4, 1);
INSERT INTO t (part, id) VALUES (-1, 1);
INSERT INTO t (off, id) VALUES (1, 1);
CREATE FOREIGN TABLE every (
    topic text OPTIONS (meta 'topic'), part bigint OPTIONS (meta 'partition'), at timestamptz OPTIONS (meta 'timestamp'),
    at_type text OPTIONS (meta 'timestamp_type'), headers jsonb OPTIONS (meta 'headers'), key bytea OPTIONS (meta 'key'),
    payload jsonb OPTIONS (meta 'payload'), id int)
SERVER ins_kafka OPTIONS (topic 'every');
INSERT INTO every (topic, id) VALUES ('other', 1);
INSERT INTO every (part, id) VALUES (9223372036854775807, 1);
INSERT INTO every (at, id) VALUES ('infinity', 1);
INSERT INTO every (at, id) VALUES ('1970-01-01 00:00:00+00', 1);
INSERT INTO every (at, id) VALUES ('4714-11-24 00:00:00+00 BC', 1);
INSERT INTO every (at_type, id) VALUES ('create', 1);
INSERT INTO every (headers, id) VALUES ('5', 1);
INSERT INTO every (headers, id) VALUES ('[5]', 1);
INSERT INTO every (headers, id) VALUES ('[{"value": "x"}]', 1);
INSERT INTO every (headers, id) VALUES ('{"a": 5}', 1);
INSERT INTO every (payload, id) VALUES ('{}', 1);
SELECT count(*) FROM every;
INSERT INTO every (part, payload) VALUES (0, '{"b": 1, "a": "é"}'), (0, '[1]');
SELECT part, payload FROM every WHERE part = 0 LIMIT 1;
UPDATE t SET id = 2;
DELETE FROM t;
TRUNCATE t;
BEGIN;
LOCK TABLE t;
ROLLBACK;
ANALYZE t;
VACUUM t;
INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO NOTHING;
INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2;
INSERT INTO t (part, id) VALUES (3, 7) ON CONFLICT DO NOTHING;
MERGE INTO t USING (VALUES (1)) AS v(id) ON t.id = v.id WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id);
CREATE INDEX ON t (id);
CREATE UNIQUE INDEX ON t (id);
ALTER FOREIGN TABLE t ADD PRIMARY KEY (id);
BEGIN READ ONLY;
INSERT INTO t (id) VALUES (1);
ROLLBACK;

--
-- Triggers, defaults, generated columns, views
--
CREATE TABLE trail (n int GENERATED ALWAYS AS IDENTITY, entry text);
CREATE FUNCTION on_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trail (entry) VALUES (format('%s %s %s', TG_WHEN, TG_LEVEL, NEW));
    IF TG_WHEN = 'BEFORE' AND NEW.id < 0 THEN
        RETURN NULL;
    END IF;
    IF TG_WHEN = 'BEFORE' THEN
        NEW.doubled := NEW.id * 2;
    END IF;
    RETURN NEW;
END $$;
CREATE SEQUENCE numbers;
CREATE FOREIGN TABLE rich (
    part int OPTIONS (meta 'partition') DEFAULT 1, id int DEFAULT nextval('numbers'), doubled int,
    tripled int GENERATED ALWAYS AS (id * 3) STORED)
SERVER ins_kafka OPTIONS (topic 'rich');
CREATE TRIGGER before_row BEFORE INSERT ON rich FOR EACH ROW EXECUTE FUNCTION on_row();
CREATE TRIGGER after_row AFTER INSERT ON rich FOR EACH ROW EXECUTE FUNCTION on_row();
INSERT INTO rich DEFAULT VALUES RETURNING *;
INSERT INTO rich (id) VALUES (-1), (10) RETURNING *;
SELECT * FROM rich ORDER BY id;
SELECT entry FROM trail ORDER BY n;
CREATE VIEW writable AS SELECT id, part FROM rich WHERE id < 100 WITH CHECK OPTION;
INSERT INTO writable (id) VALUES (50);
INSERT INTO writable (id) VALUES (500);
SELECT id, tripled FROM rich WHERE id >= 50 ORDER BY id;

--
-- COPY
--
COPY t (part, id, note) FROM stdin;
3	20	copied
3	21	\N
3	22	\\x
\.
SELECT id, note FROM t WHERE part = 3 AND id BETWEEN 20 AND 29 ORDER BY id;
COPY t TO stdout;
COPY (SELECT part, id, note FROM t WHERE id = 20) TO stdout;

--
-- Transactions
--
BEGIN;
INSERT INTO t (part, id) VALUES (0, 30);
SAVEPOINT a;
INSERT INTO t (part, id) VALUES (0, 31);
ROLLBACK TO a;
INSERT INTO t (part, id) VALUES (0, 32);
COMMIT;
-- ROLLBACK TO does not recall
SELECT id FROM t WHERE id BETWEEN 30 AND 39 ORDER BY id;
DO $$
BEGIN
    INSERT INTO t (part, id) VALUES (0, 40);
    BEGIN
        INSERT INTO t (part, id) VALUES (0, 41);
        INSERT INTO t (part, id) VALUES (99, 42);
    EXCEPTION WHEN numeric_value_out_of_range THEN
        RAISE NOTICE 'caught: %', SQLERRM;
    END;
    INSERT INTO t (part, id) VALUES (0, 43);
END $$;
SELECT id FROM t WHERE id BETWEEN 40 AND 49 ORDER BY id;
-- many statements, many rows, one wait
DO $$
BEGIN
    FOR i IN 1 .. 1000 LOOP
        INSERT INTO ins.t (part, id) VALUES (1, 2000 + i);
    END LOOP;
END $$;
INSERT INTO t (part, id) SELECT 1, 4000 + i FROM generate_series(1, 20000) AS i;
SELECT count(*), count(DISTINCT id), sum(id), bool_and(is_next) AS is_in_order
FROM (SELECT id, off = lag(off, 1, off - 1) OVER (ORDER BY ctid) + 1 AND id > lag(id, 1, id - 1) OVER (ORDER BY ctid) AS is_next
      FROM t WHERE part = 1 AND id > 2000) AS q;
-- a procedure that commits
CREATE PROCEDURE batches() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 3 LOOP
        INSERT INTO ins.t (part, id) VALUES (2, 50 + i);
        COMMIT;
        INSERT INTO ins.t (part, id) VALUES (2, 60 + i);
        ROLLBACK;
    END LOOP;
END $$;
CALL batches();
SELECT id FROM t WHERE part = 2 AND id BETWEEN 50 AND 59 ORDER BY id;
BEGIN;
INSERT INTO t (part, id) VALUES (2, 70);
PREPARE TRANSACTION 'weir';
SELECT count(*) FROM pg_prepared_xacts;
-- a local error after the insert: what was sent is sent, and the session goes on
BEGIN;
INSERT INTO t (part, id) VALUES (2, 71);
SELECT 1 / 0;
COMMIT;
INSERT INTO t (part, id) VALUES (2, 72);
SELECT id FROM t WHERE part = 2 AND id = 72;

--
-- A session's producers follow what is altered
--
CREATE FOREIGN TABLE changing (part int OPTIONS (meta 'partition'), id int) SERVER ins_kafka OPTIONS (topic 'changing');
CREATE FOREIGN TABLE changed (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), payload text OPTIONS (meta 'payload'))
SERVER ins_kafka OPTIONS (topic 'changing');
INSERT INTO changing VALUES (0, 1);
ALTER FOREIGN TABLE changing RENAME id TO number;
INSERT INTO changing VALUES (0, 2);
ALTER FOREIGN TABLE changing ADD COLUMN more text;
INSERT INTO changing VALUES (0, 3, 'm');
ALTER FOREIGN TABLE changing ALTER COLUMN number OPTIONS (ADD path 'a.b');
INSERT INTO changing VALUES (0, 4, 'm');
ALTER FOREIGN TABLE changing DROP COLUMN number;
INSERT INTO changing VALUES (0, 'm');
ALTER FOREIGN TABLE changing ALTER COLUMN more TYPE jsonb;
INSERT INTO changing VALUES (0, '{"deep": true}');
ALTER FOREIGN TABLE changing ALTER COLUMN more OPTIONS (ADD meta 'payload');
INSERT INTO changing VALUES (0, '{"whole": true}');
SELECT payload FROM changed WHERE part = 0 ORDER BY off;
PREPARE put(int) AS INSERT INTO changing (part) VALUES ($1);
EXECUTE put(1);
ALTER FOREIGN TABLE changing OPTIONS (SET topic 'changing_2');
EXECUTE put(1);
SELECT count(*) FROM changed WHERE part = 1;
SELECT count(*) FROM changing WHERE part = 1;
-- the server's options too: this one knows no broker
ALTER SERVER ins_kafka OPTIONS (ADD timeout '300ms', SET bootstrap_servers '127.0.0.1:1');
\set VERBOSITY sqlstate
EXECUTE put(1);
SELECT count(*) FROM changing;
\set VERBOSITY default
ALTER SERVER ins_kafka OPTIONS (DROP timeout, SET bootstrap_servers :'bootstrap');
EXECUTE put(1);
SELECT count(*) FROM changing WHERE part = 1;
DISCARD ALL;
SET search_path = ins;
INSERT INTO t (part, id) VALUES (2, 80);
-- more tables than producers are kept
DO $$
BEGIN
    FOR i IN 1 .. 7 LOOP
        EXECUTE format('CREATE FOREIGN TABLE ins.many_%s (id int) SERVER ins_kafka OPTIONS (topic ''many'')', i);
    END LOOP;
    FOR round IN 1 .. 2 LOOP
        FOR i IN 1 .. 7 LOOP
            EXECUTE format('INSERT INTO ins.many_%s VALUES (%s)', i, round * 10 + i);
        END LOOP;
    END LOOP;
END $$;
SELECT count(*), sum(id) FROM many_1;
INSERT INTO many_1 VALUES (1);
INSERT INTO many_2 VALUES (1);
DROP FOREIGN TABLE many_1;
SET client_min_messages = warning;
DROP SERVER ins_kafka CASCADE;
RESET client_min_messages;
CREATE SERVER ins_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER ins_kafka;
CREATE FOREIGN TABLE many_1 (id int) SERVER ins_kafka OPTIONS (topic 'many');
INSERT INTO many_1 VALUES (2);
SELECT count(*) FROM many_1;

SET client_min_messages = warning;
DROP SCHEMA ins CASCADE;
DROP SERVER ins_kafka CASCADE;
