-- Formats of messages other than JSON, and the wire around them: both ways.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA form;
SET search_path = form;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SERVER form_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER form_kafka;
\pset null '<null>'
-- the same messages as they are
CREATE PROCEDURE raw_table(topic text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE %I (part int OPTIONS (meta ''partition''), off bigint OPTIONS (meta ''offset''), message bytea) SERVER form_kafka OPTIONS (topic %L, format ''raw'')', 'raw_' || topic, topic);
END $$;

--
-- text
--
CALL raw_table('lines');
CREATE FOREIGN TABLE lines (off bigint OPTIONS (meta 'offset'), line text, part int OPTIONS (meta 'partition'))
SERVER form_kafka OPTIONS (topic 'lines', format 'text');
INSERT INTO lines (part, line) VALUES (0, 'a line'), (0, ''), (0, NULL), (0, '{"json": 1}'), (0, E'two\nlines, "quoted" \\ größe');
SELECT off, line FROM lines ORDER BY off;
SELECT off, convert_from(message, 'UTF8') AS message FROM raw_lines ORDER BY off;
SELECT count(*) FROM lines WHERE line LIKE '%line%';
-- what is no text
INSERT INTO raw_lines (part, message) VALUES (1, '\x61ff'), (1, '\x6100');
SELECT line FROM lines WHERE part = 1 AND off = 0;
SELECT line FROM lines WHERE part = 1 AND off = 1;
SELECT off FROM lines WHERE part = 1 AND off = 1;
-- of any type that a text stands for
CREATE FOREIGN TABLE counts (part int OPTIONS (meta 'partition'), n bigint) SERVER form_kafka OPTIONS (topic 'counts', format 'text');
INSERT INTO counts VALUES (0, 17), (0, -9223372036854775808), (0, NULL);
SELECT n FROM counts WHERE part = 0;
CREATE FOREIGN TABLE moments (part int OPTIONS (meta 'partition'), at timestamptz OPTIONS (unit 'ms')) SERVER form_kafka OPTIONS (topic 'moments', format 'text');
INSERT INTO moments VALUES (0, '2026-11-20 10:00+00'), (0, 'infinity');
SELECT at FROM moments;
CREATE FOREIGN TABLE raw_moments (message text) SERVER form_kafka OPTIONS (topic 'moments', format 'text');
SELECT * FROM raw_moments;
CREATE FOREIGN TABLE two (a text, b text) SERVER form_kafka OPTIONS (topic 'lines', format 'text');
SELECT * FROM two;
CREATE FOREIGN TABLE pathed (a text OPTIONS (path 'b')) SERVER form_kafka OPTIONS (topic 'lines', format 'text');
SELECT * FROM pathed;
CREATE FOREIGN TABLE typed (a jsonb) SERVER form_kafka OPTIONS (topic 'lines', format 'text');
SELECT * FROM typed;
-- no column of the message at all
CREATE FOREIGN TABLE around (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset')) SERVER form_kafka OPTIONS (topic 'lines', format 'raw');
SELECT count(*) FROM around;

--
-- raw
--
INSERT INTO raw_lines (part, message) VALUES (2, '\x'), (2, '\x00ff'), (2, NULL);
SELECT off, message FROM raw_lines WHERE part = 2 ORDER BY off;
CREATE FOREIGN TABLE raw_text (a text) SERVER form_kafka OPTIONS (topic 'lines', format 'raw');
SELECT * FROM raw_text;
CREATE FOREIGN TABLE json_bytes (a bytea) SERVER form_kafka OPTIONS (topic 'lines');
SELECT * FROM json_bytes;

--
-- csv
--
CALL raw_table('csv');
CREATE FOREIGN TABLE csv (
    part int OPTIONS (meta 'partition'), id int, gone text, name text, price numeric, ok boolean, at timestamptz,
    day date OPTIONS (unit 's'), id2 uuid, ratio float8, off bigint OPTIONS (meta 'offset'))
SERVER form_kafka OPTIONS (topic 'csv', format 'csv');
ALTER FOREIGN TABLE csv DROP COLUMN gone;
INSERT INTO csv (part, id, name, price, ok, at, day, id2, ratio) VALUES
    (0, 1, 'plain', 1.50, true, '2026-11-20 10:00:00.5+00', '2026-11-20', '7c9e6679-7425-40de-944b-e07fc1f90ae7', 'Infinity'),
    (0, 2, 'a, "quoted" one', -0.00, false, '-infinity', 'infinity', NULL, 'NaN'),
    (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (0, 4, '', 'NaN', NULL, '1969-12-31 23:59:59.999999+00', '1969-12-31', NULL, 0.1),
    (0, 5, E'two\r\nlines', NULL, NULL, NULL, NULL, NULL, -1e300);
SELECT off, convert_from(message, 'UTF8') AS message FROM raw_csv ORDER BY off;
SELECT * FROM csv ORDER BY off;
SELECT name, ratio FROM csv WHERE id = 2;
-- as others write it
CREATE FOREIGN TABLE others (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), a text, b int, c boolean)
SERVER form_kafka OPTIONS (topic 'others', format 'csv');
CALL raw_table('others');
INSERT INTO raw_others (part, message) SELECT 0, convert_to(m, 'UTF8') FROM (VALUES (E'x,1,t\r\n'), (E'"x",1,f\n'), (',,'), ('"",,1'), ('"a""b""",2,0'), (' x , 3 ,TRUE')) AS m (m);
SELECT * FROM others WHERE part = 0 ORDER BY off;
-- and as nobody should
INSERT INTO raw_others (part, message) SELECT 1, convert_to(m, 'UTF8') FROM (VALUES ('x,1'), ('x,1,t,'), (E'x,1,t\ny,2,f'), ('"x,1,t'), ('"x"y,1,t'), ('x"y,1,t'), (''), (E'x,1,t\n\n')) AS m (m);
INSERT INTO raw_others (part, message) VALUES (1, '\x61ff2c312c74'), (1, NULL), (1, 'x,one,t'), (1, 'x,1,maybe');
CREATE FUNCTION verdict(wanted bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    result text;
BEGIN
    SELECT others::text INTO result FROM form.others WHERE part = 1 AND off = wanted;
    RETURN result;
EXCEPTION WHEN fdw_error THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN regexp_replace(SQLERRM, '.*: ', '') || ': ' || regexp_replace(detail, '.*(byte \d+).*', '\1');
END $$;
SELECT o, verdict(o) FROM generate_series(0, 11) AS o;
-- other marks
CREATE FOREIGN TABLE marks (part int OPTIONS (meta 'partition'), a text, b text, c int)
SERVER form_kafka OPTIONS (topic 'marks', format 'csv', delimiter ';', quote '''', "null" 'NULL');
CALL raw_table('marks');
INSERT INTO marks VALUES (0, 'a;b', 'it''s', 1), (0, NULL, 'NULL', NULL), (0, '', '"x", y', 2);
SELECT off, convert_from(message, 'UTF8') AS message FROM raw_marks ORDER BY off;
SELECT a, b, c FROM marks;
CREATE FOREIGN TABLE tabs (part int OPTIONS (meta 'partition'), a text, b int) SERVER form_kafka OPTIONS (topic 'tabs', format 'csv', delimiter E'\t');
INSERT INTO tabs VALUES (0, E'a\tb', 1);
SELECT a, b FROM tabs;
-- options that do not fit
CREATE FOREIGN TABLE bad (a text) SERVER form_kafka OPTIONS (topic 'a', format 'cvs');
CREATE FOREIGN TABLE bad (a text) SERVER form_kafka OPTIONS (topic 'a', delimiter ';');
CREATE FOREIGN TABLE bad (a text) SERVER form_kafka OPTIONS (topic 'a', format 'csv', delimiter ';;');
CREATE FOREIGN TABLE bad (a text) SERVER form_kafka OPTIONS (topic 'a', format 'csv', delimiter 'x');
CREATE FOREIGN TABLE bad (a text) SERVER form_kafka OPTIONS (topic 'a', format 'csv', delimiter '"');
CREATE FOREIGN TABLE bad (a text) SERVER form_kafka OPTIONS (topic 'a', format 'csv', "null" 'a,b');
CREATE FOREIGN TABLE bad (a text) SERVER form_kafka OPTIONS (topic 'a', wire 'conflunt');

--
-- wire
--
CALL raw_table('wired');
CREATE FOREIGN TABLE wired (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), id int, payload bytea OPTIONS (meta 'payload'))
SERVER form_kafka OPTIONS (topic 'wired', wire 'confluent');
INSERT INTO raw_wired (part, message) VALUES (0, '\x0000000011' || convert_to('{"id": 1}', 'UTF8')), (0, NULL), (0, '\x0000000011' || convert_to('{"id": "one"}', 'UTF8')), (0, '{"id": 1}'), (0, '\x000000');
SELECT id, payload FROM wired WHERE off < 2 ORDER BY off;
SELECT id FROM wired WHERE off = 2;
SELECT id FROM wired WHERE off = 3;
SELECT id FROM wired WHERE off = 4;
INSERT INTO wired (part, id) VALUES (1, 5);
ALTER FOREIGN TABLE wired OPTIONS (ADD schema_id '17');
INSERT INTO wired (part, id) VALUES (1, 5);
SELECT message FROM raw_wired WHERE part = 1;
SELECT id FROM wired WHERE part = 1;
CREATE FOREIGN TABLE wired_line (part int OPTIONS (meta 'partition'), line text) SERVER form_kafka OPTIONS (topic 'wired_line', format 'text', wire 'confluent', schema_id '1');
INSERT INTO wired_line VALUES (0, 'a line'), (0, NULL);
SELECT line FROM wired_line;

--
-- Continuous views read them too
--
CREATE FOREIGN TABLE ticks (at timestamptz, price float8) SERVER form_kafka OPTIONS (topic 'ticks', format 'csv', event_time 'at');
SELECT kind, "row", reason, detail FROM weir.simulate('SELECT weir.tumble(at, ''1 hour'') AS hour, count(*), sum(price) FROM ticks GROUP BY 1',
    ARRAY[weir.event('2026-11-20T10:00:00Z,1.5'), weir.event('2026-11-20T10:30:00Z,2'), weir.event('2026-11-20T10:31:00Z'), weir.event('2026-11-20T10:32:00Z,x'), weir.event('2026-11-20T11:00:00Z,4')]);

--
-- What is inferred of a topic that is not JSON
--
\pset tuples_only
\pset format unaligned
SELECT weir.infer('form_kafka', 'marks');
SELECT weir.infer('form_kafka', 'lines', meta_columns => 'offset');
INSERT INTO raw_wired (part, message) VALUES (0, '\x00');
SELECT weir.infer('form_kafka', 'wired');
CREATE FOREIGN TABLE clean (part int OPTIONS (meta 'partition'), id int, name text) SERVER form_kafka OPTIONS (topic 'clean', wire 'confluent', schema_id '3');
INSERT INTO clean VALUES (0, 1, 'a'), (1, 2, 'b');
SELECT weir.infer('form_kafka', 'clean');

SET client_min_messages = warning;
DROP SCHEMA form CASCADE;
DROP SERVER form_kafka CASCADE;
