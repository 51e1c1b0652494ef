-- Meta columns: what Kafka keeps beside a message.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA meta;
SET search_path = meta;
CREATE SERVER meta_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER meta_kafka;
\pset null '<null>'

CREATE FOREIGN TABLE all_meta (
    topic text OPTIONS (meta 'topic'),
    part int OPTIONS (meta 'partition'),
    off bigint OPTIONS (meta 'offset'),
    at timestamptz OPTIONS (meta 'timestamp'),
    at_type text OPTIONS (meta 'timestamp_type'),
    key text OPTIONS (meta 'key'),
    headers jsonb OPTIONS (meta 'headers'),
    payload text OPTIONS (meta 'payload'),
    id int)
SERVER meta_kafka OPTIONS (topic 'meta');
INSERT INTO all_meta (part, at, key, id) VALUES
(0, '2023-11-14 22:13:20.123+00', 'first', 1),
(0, '1999-12-31 23:59:59.9999+00', '', 2),
(0, '294276-12-31 23:59:59.999999+00', NULL, 3),
(0, '1970-01-01 00:00:00.001+00', 'é', 4);
INSERT INTO all_meta (topic, part, payload) VALUES ('meta', 0, '{"id": 5, "x": "kept"}');
INSERT INTO all_meta (part, key) VALUES (0, 'tombstone');
SELECT topic, part, off, key, headers, payload, id FROM all_meta ORDER BY off;
SELECT off, at, at_type FROM all_meta WHERE off < 4 ORDER BY off;
-- without one, Kafka's client gives the time
SELECT abs(extract(epoch FROM now() - at)) < 600 AS is_now FROM all_meta WHERE off >= 4;
SELECT key IS NULL AS no_key, key = '' AS empty_key FROM all_meta WHERE off IN (1, 2) ORDER BY off;

-- other types for the same
CREATE FOREIGN TABLE other_types (
    part bigint OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'),
    topic varchar(2) OPTIONS (meta 'topic'))
SERVER meta_kafka OPTIONS (topic 'meta');
SELECT part, off FROM other_types WHERE part = 0 AND off > 3 ORDER BY off;
SELECT topic FROM other_types;
CREATE FOREIGN TABLE rounded (
    off bigint OPTIONS (meta 'offset'), at timestamptz(0) OPTIONS (meta 'timestamp'),
    at_type varchar(3) OPTIONS (meta 'timestamp_type'), payload jsonb OPTIONS (meta 'payload'),
    payload_text json OPTIONS (meta 'payload'))
SERVER meta_kafka OPTIONS (topic 'meta');
SELECT off, at FROM rounded WHERE off < 2 ORDER BY off;
SELECT at_type FROM rounded WHERE off < 2;
SELECT off, payload, payload_text FROM rounded WHERE off >= 4 ORDER BY off;

-- keys are bytes
CREATE FOREIGN TABLE bytes (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'),
    key bytea OPTIONS (meta 'key'), payload bytea OPTIONS (meta 'payload'))
SERVER meta_kafka OPTIONS (topic 'bytes');
INSERT INTO bytes (part, key, payload) VALUES
(0, '\x00ff80', '{"id": 1}'), (0, '', '{"id": 2}'), (0, NULL, '{"id": 3}'), (0, 'plain', '{}'), (0, 'a', NULL);
SELECT off, key, payload FROM bytes ORDER BY off;
CREATE FOREIGN TABLE keys_as_text (
    off bigint OPTIONS (meta 'offset'), key text OPTIONS (meta 'key'), id int)
SERVER meta_kafka OPTIONS (topic 'bytes');
SELECT off, key, id FROM keys_as_text WHERE off > 0 ORDER BY off;
SELECT key FROM keys_as_text;
SELECT count(*), count(id) FROM keys_as_text;
INSERT INTO bytes (part, key, payload) VALUES (0, '\x6100', '{}');
SELECT key FROM keys_as_text WHERE off = 5;

-- the key decides the partition, always the same
CREATE FOREIGN TABLE by_key (
    part int OPTIONS (meta 'partition'), key text OPTIONS (meta 'key'), id int)
SERVER meta_kafka OPTIONS (topic 'by_key');
INSERT INTO by_key (key, id) SELECT 'key ' || i % 10, i FROM generate_series(1, 100) AS i;
SELECT count(*), count(DISTINCT key), count(DISTINCT (key, part)), count(DISTINCT part) > 1 AS is_spread FROM by_key;

-- headers, written by INSERT: what is read comes back as it was
CREATE FOREIGN TABLE with_headers (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), h jsonb OPTIONS (meta 'headers'), id int)
SERVER meta_kafka OPTIONS (topic 'written');
INSERT INTO with_headers (part, h, id) VALUES
    (0, '[{"name": "b", "value": "1"}, {"name": "a", "value": ""}, {"name": "b", "value": null}, {"name": "c"}]', 1),
    (0, '{"trace": "17", "größe": "ä", "bytes": "\\xff00", "no bytes": "\\xf", "gone": null}', 2),
    (0, '[]', 3), (0, '{}', 4), (0, NULL, 5);
SELECT id, h FROM with_headers ORDER BY off;
INSERT INTO with_headers (part, h, id) SELECT 1, h, id FROM with_headers WHERE part = 0;
SELECT count(*) FROM with_headers AS a JOIN with_headers AS b USING (id) WHERE a.part = 0 AND b.part = 1 AND a.h IS NOT DISTINCT FROM b.h;
-- headers: names may repeat, and have an order; a value that is no text is written as bytea is
\! printf '{"id":1}' | weir-topic produce -p 0 --binary -H a=1 -H b= -H a=2 -H c -H 'q"q=\' headers
\! printf '{"id":2}' | weir-topic produce -p 0 --binary headers
\! printf '{"id":3}' | weir-topic produce -p 0 --binary -H "x=$(printf 'a\377')" headers
\! printf '{"id":4}' | weir-topic produce -p 0 --binary -H "$(printf 'x\377')=1" headers
CREATE FOREIGN TABLE headed (
    off bigint OPTIONS (meta 'offset'), h jsonb OPTIONS (meta 'headers'), hj json OPTIONS (meta 'headers'), id int)
SERVER meta_kafka OPTIONS (topic 'headers');
SELECT id, h, hj FROM headed WHERE off < 3 ORDER BY off;
SELECT value->>'name' AS name, value->>'value' AS value
FROM headed, jsonb_array_elements(h) WITH ORDINALITY AS e(value, n) WHERE off = 0 ORDER BY n;
SELECT h FROM headed WHERE off = 3;

-- a producer may stamp what it wants
\! echo '{"id":1}' | weir-topic produce -p 0 -T 1700000000123456789 stamped
\! echo '{"id":2}' | weir-topic produce -p 0 -T 1700000000123 stamped
CREATE FOREIGN TABLE stamped (
    off bigint OPTIONS (meta 'offset'), at timestamptz OPTIONS (meta 'timestamp'), id int)
SERVER meta_kafka OPTIONS (topic 'stamped');
SELECT id FROM stamped ORDER BY off;
SELECT id, at FROM stamped;
SELECT id, at FROM stamped WHERE off = 1;

SET client_min_messages = warning;
DROP SCHEMA meta CASCADE;
DROP SERVER meta_kafka CASCADE;
