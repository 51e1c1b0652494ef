-- Arrays of JSON as arrays of PostgreSQL, both ways.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA arr;
SET search_path = arr;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '<null>'
CREATE SERVER arr_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER arr_kafka;
CREATE FOREIGN TABLE a (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'),
    ints int[], texts text[], prices numeric(8,2)[], flags boolean[], moments timestamptz[] OPTIONS (unit 'ms'), ids uuid[],
    anything jsonb[], deep float8[] OPTIONS (path 'x.y'), short varchar(3)[])
SERVER arr_kafka OPTIONS (topic 'arr');
CREATE FOREIGN TABLE raw (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), payload text OPTIONS (meta 'payload'))
SERVER arr_kafka OPTIONS (topic 'arr');

-- there and back
INSERT INTO a (part, ints, texts, prices, flags, moments, ids, anything, deep, short) VALUES
    (0, '{1,NULL,-3}', '{"a","b c",NULL,"NULL","","qu\"ote"}', '{1.5,NaN}', '{t,f,NULL}', '{"2026-11-20 10:00+00",infinity}',
     '{7c9e6679-7425-40de-944b-e07fc1f90ae7}', ARRAY['{"a": [1]}', '1', NULL, 'null']::jsonb[], '{0.1,Infinity,-0}', '{abc}'),
    (0, '{}', NULL, '{}', NULL, NULL, NULL, NULL, NULL, NULL);
SELECT payload FROM raw ORDER BY off;
SELECT * FROM a ORDER BY off;
SELECT ints[1], texts[2], array_length(texts, 1), moments[1], anything[1]->'a' AS a FROM a WHERE off = 0;
-- as others write them
INSERT INTO raw (part, payload) VALUES
    (1, '{"ints": [ 1 , "2", 3.0,4e0 ], "texts": ["\u00e4", 1, true, {"a": [1, "]"]}, [2, "\\"]], "anything": [null, [[]]]}'),
    (1, '{"ints": null, "texts": [], "x": {"y": [1]}}'),
    (1, '{"ints": 5}'), (1, '{"ints": [1, "x"]}'), (1, '{"ints": [[1]]}'), (1, '{"ints": [3000000000]}'), (1, '{"texts": ["\u0000"]}'), (1, '{"short": ["abc  ", "abcd"]}');
SELECT ints, texts, anything, deep FROM a WHERE part = 1 AND off < 2 ORDER BY off;
CREATE FUNCTION verdict(wanted bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM a FROM arr.a WHERE part = 1 AND off = wanted;
    RETURN 'a row';
EXCEPTION WHEN fdw_error THEN
    RETURN SQLERRM;
END $$;
SELECT o, verdict(o) FROM generate_series(2, 7) AS o;
-- long ones
INSERT INTO a (part, ints) SELECT 2, array_agg(i) FROM generate_series(1, 100000) AS i;
SELECT array_length(ints, 1), ints[100000] FROM a WHERE part = 2;
-- what has no place in a message
INSERT INTO a (part, ints) VALUES (3, '{{1,2},{3,4}}');
INSERT INTO a (part, ints) VALUES (3, '[5:6]={1,2}');
SELECT ints FROM a WHERE part = 3;
CREATE FOREIGN TABLE other (x point[]) SERVER arr_kafka OPTIONS (topic 'arr');
SELECT * FROM other;
CREATE FOREIGN TABLE lines (x int[]) SERVER arr_kafka OPTIONS (topic 'arr', format 'csv');
SELECT * FROM lines;
CREATE FOREIGN TABLE united (x int[] OPTIONS (unit 'ms')) SERVER arr_kafka OPTIONS (topic 'arr');
SELECT * FROM united;

-- in continuous views as well
CREATE FOREIGN TABLE events (at timestamptz, tags text[]) SERVER arr_kafka OPTIONS (topic 'events', event_time 'at');
SELECT kind, "row", reason FROM weir.simulate('SELECT weir.tumble(at, ''1 hour'') AS hour, tags[1] AS tag, count(*), max(cardinality(tags)) AS most FROM events GROUP BY 1, 2',
    ARRAY[weir.event('{"at": "2026-11-20T10:00:00Z", "tags": ["a", "b"]}'), weir.event('{"at": "2026-11-20T10:01:00Z", "tags": ["a"]}'), weir.event('{"at": "2026-11-20T10:02:00Z", "tags": 1}'), weir.event('{"at": "2026-11-20T11:02:00Z"}')]);

SET client_min_messages = warning;
DROP SCHEMA arr CASCADE;
DROP SERVER arr_kafka CASCADE;
