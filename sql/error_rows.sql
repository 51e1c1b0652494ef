-- on_error 'row': messages that cannot be read are rows that say why.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA rows;
SET search_path = rows;
SET timezone = 'UTC';
\pset null '<null>'
CREATE SERVER rows_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER rows_kafka;
CREATE FOREIGN TABLE raw (part int OPTIONS (meta 'partition'), key bytea OPTIONS (meta 'key'), message bytea)
SERVER rows_kafka OPTIONS (topic 'rows', format 'raw');
INSERT INTO raw VALUES
(0, NULL, '{"id": 1, "name": "a"}'),
(0, '\x6b', 'no json'),
(0, NULL, '{"id": "two", "name": "b"}'),
(0, NULL, '{"id": 3.5, "name": "a\\u0000b", "at": "yesterday"}'),
(0, '\xff', '{"id": 4}'),
(0, '\xff', ''),
(0, NULL, NULL),
(0, NULL, '{"id": 7, "other": "long enough to be shown"}');
CREATE FOREIGN TABLE r (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), key text OPTIONS (meta 'key'),
    id int, name text, at timestamptz)
SERVER rows_kafka OPTIONS (topic 'rows', on_error 'row');
-- not without a column that tells
SELECT * FROM r;
\echo :LAST_ERROR_SQLSTATE
ALTER FOREIGN TABLE r ADD COLUMN error text OPTIONS (meta 'error');
SELECT off, key, id, name, at, error FROM r ORDER BY off;
-- what is said does not depend on what else is asked for
SELECT off, error FROM r WHERE error IS NOT NULL ORDER BY off;
SELECT count(error), count(*) FROM r;
SELECT off, id FROM r ORDER BY off;
SELECT id, error FROM r WHERE off = 3;
SELECT r FROM r WHERE off = 2;
-- the newest as well
SELECT off, id, error FROM weir.recent(NULL::r, 100) WHERE off BETWEEN 1 AND 2 ORDER BY off;
SELECT off, id, error FROM weir.tail(NULL::r, '1 minute', '{5}') WHERE off < 7 ORDER BY off;
-- with another on_error it is empty; nobody writes it
ALTER FOREIGN TABLE r OPTIONS (SET on_error 'skip');
SELECT off, id, error FROM r ORDER BY off;
ALTER FOREIGN TABLE r OPTIONS (SET on_error 'stop');
SELECT off, id, error FROM r WHERE off = 0;
SELECT off, id, error FROM r WHERE off = 1;
INSERT INTO r (part, id) VALUES (1, 1);
INSERT INTO r (part, id, error) VALUES (1, 1, 'x');
-- of lines
CREATE FOREIGN TABLE lines (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), a int, b boolean, error text OPTIONS (meta 'error'))
SERVER rows_kafka OPTIONS (topic 'lines', format 'csv', on_error 'row');
CREATE FOREIGN TABLE raw_lines (part int OPTIONS (meta 'partition'), line text) SERVER rows_kafka OPTIONS (topic 'lines', format 'text');
INSERT INTO raw_lines VALUES (0, '1,t'), (0, '1'), (0, 'x,y');
SELECT off, a, b, error FROM lines ORDER BY off;
CREATE FOREIGN TABLE typed (error int OPTIONS (meta 'error')) SERVER rows_kafka OPTIONS (topic 'rows');
SELECT * FROM typed;
-- asked for, it is made
\pset tuples_only
\pset format unaligned
SELECT weir.infer('rows_kafka', 'lines', meta_columns => 'offset, error');

SET client_min_messages = warning;
DROP SCHEMA rows CASCADE;
DROP SERVER rows_kafka CASCADE;
