-- Foreign tables made from samples: weir.infer() and IMPORT FOREIGN SCHEMA.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA inf;
SET search_path = inf;
SET timezone = 'UTC';
CREATE SERVER inf_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER inf_kafka;
-- messages as they are, to any topic
CREATE PROCEDURE send(topic text, VARIADIC payloads text[]) LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE IF NOT EXISTS %I (part int OPTIONS (meta ''partition''), key bytea OPTIONS (meta ''key''), payload text OPTIONS (meta ''payload'')) SERVER inf_kafka OPTIONS (topic %L)', 'raw ' || topic, topic);
    EXECUTE format('INSERT INTO %I (part, payload) SELECT (n - 1) %% 4, p FROM unnest($1) WITH ORDINALITY AS u (p, n)', 'raw ' || topic) USING payloads;
END $$;
\pset tuples_only
\pset format unaligned

-- every kind of column; NULL and missing members; a tombstone
CALL send('every-kind',
    '{"text": "a", "int": 1, "float": 1.5, "exact": 3.14159265358979323846, "large": 123456789012345678901, "int in text": "17", "price": "0.00012300", "flag": true, "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "day": "2026-11-20", "iso": "2026-11-20T10:00:00Z", "tags": ["a"], "any": 1, "nothing": null}',
    '{"text": null, "int": -2, "float": 2, "exact": 3, "large": 5, "int in text": "-3", "price": "5", "flag": null, "id": null, "day": "2026-11-21", "iso": "2026-11-20 10:00:00.5+01", "tags": null, "any": "x", "later": 1}',
    NULL);
SELECT weir.infer('inf_kafka', 'every-kind');
-- what looks like a number, and is none
CALL send('texts', '{"zip": "00123", "phone": "+49301", "hash": "12e34", "empty": "", "mixed": "1", "word": "NaN", "version": "1.2.3"}', '{"empty": "1", "mixed": true, "word": "1"}');
SELECT weir.infer('inf_kafka', 'texts');
-- times: by name, value and unit
CALL send('times', '{"created_at": 1763632800, "eventTime": 1763632800000, "T": 1763632800123, "time_us": 1763632800000000, "ts": "1763632800000000000", "timestamp": 1763632800.25, "count": 1763632800000, "updated_at": 0, "start": 17, "end_time": 1763632800000, "time": "10:30"}',
    '{"created_at": 1763632801, "eventTime": 1763632801000, "T": 1763632801123, "time_us": 1763632801000000, "ts": "1763632801000000000", "timestamp": 1763632801, "count": 1763632801000, "updated_at": 1763632800, "start": 18, "end_time": 1763632800, "time": "11:30"}');
SELECT weir.infer('inf_kafka', 'times');
-- nested objects: as columns, or whole
CALL send('nested', '{"user": {"id": 1, "name": {"first": "a", "last name": "b"}}, "user_id": 2, "User": {}, "list": [{"a": 1}], "now and then": {"a": 1}}', '{"user": null, "now and then": 5}');
SELECT weir.infer('inf_kafka', 'nested');
SELECT weir.infer('inf_kafka', 'nested', nested => 'jsonb');
-- names: folded, quoted, unlike each other
CALL send('names', '{"select": 1, "Order No.": 2, "order_no_": 3, "HTTPStatus": 4, "größe": 5, "": 6, "$": 7, "a\"b": 8, "24h": 9, "x.y": 10, "part": 11, "Part": 12, "partition": 13, "a long name that has more than sixty-three bytes, as no column can have it": 14}');
SELECT weir.infer('inf_kafka', 'names', meta_columns => 'partition, offset, timestamp, timestamp_type, key, headers, topic, payload');
SELECT weir.infer('inf_kafka', 'names', meta_columns => 'partition', nested => NULL, sample => 1);
-- keys that are no text
INSERT INTO "raw names" VALUES (0, '\xff', '{}');
SELECT weir.infer('inf_kafka', 'names', 1, meta_columns => 'key');
-- what jsonb does not take
CALL send('nul', '{"a": "x\u0000y", "b": {"c": [1]}, "d": ["\u0000"]}');
SELECT weir.infer('inf_kafka', 'nul');
-- objects without members
CALL send('bare', '{}', '{}');
SELECT weir.infer('inf_kafka', 'bare');
-- a map stays whole
DO $$
DECLARE
    map text := json_build_object('map', json_object_agg('key ' || i, i), 'small', json_build_object('a', 1)) FROM generate_series(1, 100) AS i;
BEGIN
    CALL send('map', map);
END $$;
SELECT weir.infer('inf_kafka', 'map');

-- some messages that are not JSON: the table skips them; too many: it is no table of JSON
DO $$
BEGIN
    FOR i IN 1 .. 20 LOOP
        CALL send('few-bad', format('{"n": %s}', i));
    END LOOP;
    CALL send('few-bad', 'no json');
END $$;
SELECT weir.infer('inf_kafka', 'few-bad');
CALL send('many-bad', '{"n": 1}', 'no json', '[1]');
SELECT weir.infer('inf_kafka', 'many-bad');
SELECT weir.infer('inf_kafka', 'no.topic');
\echo :LAST_ERROR_SQLSTATE
CALL send('no.messages', NULL);
SELECT weir.infer('inf_kafka', 'no.messages');
SELECT weir.infer('inf_kafka', NULL);
SELECT weir.infer('no_server', 'names');
SELECT weir.infer('inf_kafka', 'names', sample => 0);
SELECT weir.infer('inf_kafka', 'names', nested => 'maybe');
SELECT weir.infer('inf_kafka', 'names', meta_columns => 'partition, kee');
SELECT weir.infer('inf_kafka', 'names', meta_columns => 'partition offset');

--
-- IMPORT FOREIGN SCHEMA
--
CALL send('crypto-prices', '{"a": 1}');
CALL send('crypto_prices', '{"a": "x"}');
CALL send('user', '{"a": 1}');
CALL send('_schemas', '{"a": 1}');
CREATE SCHEMA all_of_it;
IMPORT FOREIGN SCHEMA kafka FROM SERVER inf_kafka INTO all_of_it OPTIONS (meta_columns 'partition');
SELECT ftrelid::regclass, ftoptions FROM pg_foreign_table WHERE ftrelid::regclass::text LIKE 'all_of_it.%' ORDER BY ftrelid::regclass::text COLLATE "C";
-- and each reads its messages
CREATE FUNCTION read_back(OUT relation regclass, OUT rows bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    FOR relation IN SELECT ftrelid::regclass FROM pg_foreign_table WHERE ftrelid::regclass::text LIKE 'all_of_it.%' ORDER BY ftrelid::regclass::text COLLATE "C" LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT t.*::text FROM %s AS t) AS q WHERE q.t IS NOT NULL', relation) INTO rows;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM read_back();
SET client_min_messages = warning;
DROP SCHEMA all_of_it CASCADE;
RESET client_min_messages;
-- LIMIT TO and EXCEPT: names of tables; a topic's own name will do
CREATE SCHEMA part_of_it;
IMPORT FOREIGN SCHEMA kafka LIMIT TO (every_kind, "crypto-prices", _schemas, nosuch) FROM SERVER inf_kafka INTO part_of_it;
\det part_of_it.*
SET client_min_messages = warning;
DROP SCHEMA part_of_it CASCADE;
RESET client_min_messages;
CREATE SCHEMA part_of_it;
IMPORT FOREIGN SCHEMA kafka EXCEPT (every_kind, texts, "crypto-prices", "few-bad", nul, names, map, nested, "many-bad") FROM SERVER inf_kafka INTO part_of_it OPTIONS (sample '10', nested 'jsonb');
\det part_of_it.*
IMPORT FOREIGN SCHEMA kafka LIMIT TO (times) FROM SERVER inf_kafka INTO part_of_it;
IMPORT FOREIGN SCHEMA kafka FROM SERVER inf_kafka INTO part_of_it OPTIONS (samples '10');
IMPORT FOREIGN SCHEMA kafka FROM SERVER inf_kafka INTO part_of_it OPTIONS (sample 'many');
IMPORT FOREIGN SCHEMA kafka FROM SERVER inf_kafka INTO part_of_it OPTIONS (topic 'a');

SET client_min_messages = warning;
DROP SCHEMA inf, part_of_it CASCADE;
DROP SERVER inf_kafka CASCADE;
