-- weir.topics(): what there is on a server.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
DROP ROLE IF EXISTS regress_weir_stranger;
RESET client_min_messages;
CREATE SCHEMA tops;
SET search_path = tops;
SET timezone = 'UTC';
\pset null '<null>'
CREATE SERVER tops_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER tops_kafka;

-- nothing
SELECT * FROM weir.topics('tops_kafka');
-- an embedded topic has 4 partitions
CREATE FOREIGN TABLE b (part int OPTIONS (meta 'partition'), at timestamptz OPTIONS (meta 'timestamp'), id int)
SERVER tops_kafka OPTIONS (topic 'b-topic');
INSERT INTO b VALUES (0, '2026-11-20 10:00:00+00', 1), (0, '2026-11-20 09:00:00+00', 2), (3, '2026-11-20 09:59:00.123+00', 3);
SELECT * FROM weir.topics('tops_kafka');
-- the last message of each partition counts, not the largest timestamp
INSERT INTO b VALUES (3, '2026-11-20 11:00:00+00', 1);
SELECT topic, messages, high[4] AS "end of partition 3", newest FROM weir.topics('tops_kafka') WHERE messages > 0;
-- many topics in one go, again and again
DO $$
BEGIN
    FOR i IN 1 .. 20 LOOP
        EXECUTE format('CREATE FOREIGN TABLE many_%s (part int OPTIONS (meta ''partition''), id int) SERVER tops_kafka OPTIONS (topic ''many-%s'')', i, i);
        EXECUTE format('INSERT INTO many_%s SELECT n %% 4, n FROM generate_series(1, %s) AS n', i, i);
    END LOOP;
END $$;
SELECT count(*), sum(messages), bool_and(newest > now() - interval '1 hour') AS is_new FROM weir.topics('tops_kafka') WHERE topic LIKE 'many-%';
SELECT sum(t.messages) FROM generate_series(1, 3) AS n, weir.topics(CASE WHEN n > 0 THEN 'tops_kafka' END) AS t;
SELECT count(*) FROM weir.topics(NULL);

-- who may ask, and whom
SELECT * FROM weir.topics('no_such_server');
SELECT * FROM weir.topics('weir');
CREATE ROLE regress_weir_stranger;
SET ROLE regress_weir_stranger;
SELECT * FROM weir.topics('tops_kafka');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER tops_kafka TO regress_weir_stranger;
SET ROLE regress_weir_stranger;
SELECT topic FROM weir.topics('tops_kafka') WHERE topic !~ 'many';
RESET ROLE;
CREATE SERVER tops_unmapped FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
SELECT * FROM weir.topics('tops_unmapped');
CREATE SERVER tops_nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'no-such-host.invalid:9092', timeout '20s');
CREATE USER MAPPING FOR PUBLIC SERVER tops_nowhere;
\set VERBOSITY terse
SELECT * FROM weir.topics('tops_nowhere');
SET client_min_messages = warning;
DROP SCHEMA tops CASCADE;
DROP SERVER tops_kafka CASCADE;
DROP SERVER tops_unmapped, tops_nowhere CASCADE;
DROP ROLE regress_weir_stranger;
