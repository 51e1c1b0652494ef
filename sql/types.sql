-- Types: what INSERT writes, SELECT reads back as the same value, whatever the session's settings;
-- and what a column makes of values that others write.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA types;
SET search_path = types;
CREATE SERVER types_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER types_kafka;

--
-- Round trip
--
CREATE TABLE given (
    id int, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8,
    n numeric, fixed numeric(30,10), coarse numeric(5,-3), fine numeric(3,5),
    t text, v varchar(20), tz timestamptz, ts timestamp, ts3 timestamp(3), d date,
    u uuid, j json, jb jsonb,
    tz_s timestamptz, tz_ms timestamptz, tz_us timestamptz, tz_ns timestamptz, ts_ns timestamp,
    d_s date, d_ns date,
    nested text, element int, "odd ""name"" é" bool);

CREATE FOREIGN TABLE taken (
    id int, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8,
    n numeric, fixed numeric(30,10), coarse numeric(5,-3), fine numeric(3,5),
    t text, v varchar(20), tz timestamptz, ts timestamp, ts3 timestamp(3), d date,
    u uuid, j json, jb jsonb,
    tz_s timestamptz OPTIONS (unit 's'), tz_ms timestamptz OPTIONS (unit 'ms'),
    tz_us timestamptz OPTIONS (unit 'us'), tz_ns timestamptz OPTIONS (unit 'ns'),
    ts_ns timestamp OPTIONS (unit 'ns'), d_s date OPTIONS (unit 's'), d_ns date OPTIONS (unit 'ns'),
    nested text OPTIONS (path 'inner.text'), element int OPTIONS (path 'inner.list[2]'),
    "odd ""name"" é" bool)
SERVER types_kafka OPTIONS (topic 'types');

INSERT INTO given (id) VALUES (1);
INSERT INTO given VALUES
(2, true, 1, 2, 3, 0.1, 0.1, 1.500, 1.5, 12000, 0.00123,
 'a "quoted" \ back/slash', 'short', '2023-11-14 22:13:20.123456+00', '2023-11-14 22:13:20.5',
 '2023-11-14 22:13:20.123', '2023-11-14', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
 '{"b" : [1, 2.50] , "a":null}', '{"b": [1, 2.50], "a": null}',
 '2023-11-14 22:13:20.123456+00', '2023-11-14 22:13:20.123456+00', '2023-11-14 22:13:20.123456+00',
 '2023-11-14 22:13:20.123456+00', '2023-11-14 22:13:20.123456', '2023-11-14', '2023-11-14',
 'inside', 7, true),
-- the least and the greatest
(3, false, -32768, -2147483648, -9223372036854775808, '-3.4028235e38', '-1.7976931348623157e308',
 ('-' || repeat('9', 400) || '.' || repeat('9', 400))::numeric, -99999999999999999999.9999999999,
 -99999000, -0.00999, '', '', '4714-11-24 00:00:00+00 BC', '4714-11-24 00:00:00 BC',
 '4714-11-24 00:00:00 BC', '4714-11-24 BC', '00000000-0000-0000-0000-000000000000', 'null', 'null',
 '4714-11-24 00:00:00+00 BC', '4714-11-24 00:00:00+00 BC', '4714-11-24 00:00:00+00 BC',
 '4714-11-24 00:00:00+00 BC', '4714-11-24 00:00:00 BC', '4714-11-24 BC', '4714-11-24 BC', '',
 -2147483648, false),
(4, true, 32767, 2147483647, 9223372036854775807, '3.4028235e38', '1.7976931348623157e308',
 ('1e131071')::numeric, 99999999999999999999.9999999999, 99999000, 0.00999, repeat('x', 10000),
 repeat('é', 20), '294276-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999999',
 '294276-12-31 23:59:59.999', '5874897-12-31', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '""', '""',
 '294276-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999999+00',
 '294276-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999999+00',
 '294276-12-31 23:59:59.999999', '5874897-12-31', '5874897-12-31', ' ', 2147483647, NULL),
-- what is no number, and what lies beyond time
(5, NULL, NULL, NULL, NULL, 'NaN', 'NaN', 'NaN', 'NaN', 'NaN', 'NaN', NULL, NULL, 'infinity',
 'infinity', 'infinity', 'infinity', NULL, NULL, NULL, 'infinity', 'infinity', 'infinity',
 'infinity', 'infinity', 'infinity', 'infinity', NULL, NULL, NULL),
(6, NULL, NULL, NULL, NULL, 'Infinity', 'Infinity', 'Infinity', NULL, NULL, NULL, NULL, NULL,
 '-infinity', '-infinity', '-infinity', '-infinity', NULL, NULL, NULL, '-infinity', '-infinity',
 '-infinity', '-infinity', '-infinity', '-infinity', '-infinity', NULL, NULL, NULL);
INSERT INTO given (id, b, i2, i4, i8, f4, f8, n) VALUES
(7, NULL, NULL, NULL, NULL, '-Infinity', '-Infinity', '-Infinity');
-- the smallest, and zeros
INSERT INTO given (id, b, i2, i4, i8, f4, f8, n, fixed, coarse, fine) VALUES
(8, NULL, 0, 0, 0, '1e-45', '5e-324', ('1e-16383')::numeric, 0.0000000001, 0, 0.00001),
(9, NULL, 0, 0, 0, '-0', '-0', 0.000, 0, 0, 0),
(10, NULL, -1, -1, -1, '1e-5', '9007199254740993', 1e20, -0.5, 1000, -0.001);
-- the edges of 1970 and 2000
INSERT INTO given (id, tz, ts, ts3, d, tz_s, tz_ms, tz_us, tz_ns, ts_ns, d_s, d_ns) VALUES
(11, '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999',
 '1969-12-31', '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999+00',
 '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999',
 '1969-12-31', '1969-12-31'),
(12, '1970-01-01 00:00:00+00', '1970-01-01', '1970-01-01', '1970-01-01',
 '1970-01-01 00:00:00+00', '1970-01-01 00:00:00+00', '1970-01-01 00:00:00+00',
 '1970-01-01 00:00:00+00', '1970-01-01', '1970-01-01', '1970-01-01'),
(13, '1999-12-31 23:59:59.9+00', '0001-12-31 12:00:00 BC', '0001-01-01', '0001-12-31 BC',
 '1900-01-01 00:00:00.1+00', '1900-01-01 00:00:00.0001+00', '1900-01-01 00:00:00.000001+00',
 '1900-01-01 00:00:00.5+00', '1999-12-31 23:59:59.99', '1900-02-28', '1600-02-29');
-- every ASCII character, every length of UTF-8, characters that are special to somebody
INSERT INTO given (id, t, nested, j, jb)
SELECT 1000 + c, 'x' || chr(c) || 'y', chr(c), to_json(chr(c)), to_jsonb(chr(c) || chr(c))
FROM generate_series(1, 127) AS c;
INSERT INTO given (id, t, v, j, jb, nested)
SELECT 2000 + i, s, left(s, 20), to_json(s), jsonb_build_object(s, s), s
FROM unnest(ARRAY[U&'\00e9', U&'\20ac', U&'\+01f600', U&'\2028\2029', U&'\feff', U&'\fffd\ffff',
                  '\u0041', '\u0000', '\\', '"', '"}', 'null', 'true', '1', 'NaN', '{}', '[', '''',
                  U&'e\0301', '   ', E'\n', E'\r\n', '/', '</script>']) WITH ORDINALITY AS a(s, i);
-- many
INSERT INTO given
SELECT 10000 + i, i % 3 = 0, h % 32768, h % 2147483648, h,
       ((i % 77 - 38) || 'e' || (i % 70 - 35))::float4 / 3, ((i % 77 - 38) || 'e' || (i % 600 - 300))::float8 / 3,
       (h::numeric * h) / power(10::numeric, i % 40), h::numeric / 3, (i % 99000) * 1000,
       (i % 999) / 100000.0, md5(i::text), left(md5(i::text), i % 21),
       '2000-01-01 00:00:00+00'::timestamptz + h / 100 * interval '1 us',
       '2000-01-01'::timestamp + h / 100 * interval '1 us',
       '2000-01-01'::timestamp + h / 100000 * interval '1 ms', '2000-01-01'::date + i * 97,
       md5(i::text)::uuid, json_build_object('i', i, 'h', h), jsonb_build_array(i, h, md5(i::text)),
       '2000-01-01 00:00:00+00'::timestamptz + h / 100 * interval '1 us',
       '2000-01-01 00:00:00+00'::timestamptz - h / 100 * interval '1 us',
       '2000-01-01 00:00:00+00'::timestamptz + h / 1000 * interval '1 us',
       '2000-01-01 00:00:00+00'::timestamptz - h / 1000 * interval '1 us',
       '2000-01-01'::timestamp + h / 7 * interval '1 us',
       '2000-01-01'::date - i * 97, '2000-01-01'::date - i, md5(h::text), i, i % 2 = 0
FROM (SELECT i, abs(('x' || substr(md5(i::text), 1, 16))::bit(64)::bigint) AS h
      FROM generate_series(1, 3000) AS i) AS numbers;

-- written under settings that change how values look
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
SET extra_float_digits = -15;
INSERT INTO taken SELECT * FROM given;
RESET TimeZone;
RESET DateStyle;
RESET extra_float_digits;

-- compared as text, which tells -0 from 0 and 1.50 from 1.5, and knows json
SELECT count(*) FROM (SELECT given::text FROM given EXCEPT ALL SELECT taken::text FROM taken) AS lost;
SELECT count(*) FROM (SELECT taken::text FROM taken EXCEPT ALL SELECT given::text FROM given) AS made;
SELECT count(*) = (SELECT count(*) FROM given) AS are_all_there FROM taken;

-- how it looks on the wire
CREATE FOREIGN TABLE wire (id int, payload text OPTIONS (meta 'payload'))
SERVER types_kafka OPTIONS (topic 'types');
\pset format unaligned
SELECT payload FROM wire
WHERE id IN (1, 2, 5, 6, 7, 9, 11, 12, 13, 1001, 1008, 1034, 1092, 1127, 2001) ORDER BY id;
\pset format aligned

-- settings of the reader do not matter either
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
CREATE TEMP TABLE elsewhere AS SELECT * FROM taken;
RESET TimeZone;
RESET DateStyle;
SELECT count(*) FROM (SELECT given::text FROM given EXCEPT ALL SELECT elsewhere::text FROM elsewhere) AS lost;

--
-- Values that others write: a json column writes any value, columns of other types read it
--
CREATE FOREIGN TABLE any_value (part int OPTIONS (meta 'partition'), id int, v json)
SERVER types_kafka OPTIONS (topic 'any');
INSERT INTO any_value VALUES
(0, 0, '1.5'), (0, 1, '"1.5"'), (0, 2, '1e2'), (0, 3, '100'), (0, 4, '99999.995'), (0, 5, '123.455'),
(0, 6, '-0.0049'), (0, 7, '"NaN"'), (0, 8, '"Infinity"'), (0, 9, '1e400'), (0, 10, '1e131072'),
(0, 11, '1e-16384'), (0, 12, '99999.994999999999999999999999999999999'), (0, 13, '99999999.9'), (0, 14, '"ab"'),
(0, 15, '"ab   "'), (0, 16, '"abc"'), (0, 17, '"\u0061\u00e9"'), (0, 18, '"a\u0000"'),
(0, 19, '{"k": "\u0000"}'), (0, 20, '[1, {"k": 1e200000}]'), (0, 21, 'null'), (0, 22, NULL),
(0, 23, 'true'), (0, 24, '"true"'), (0, 25, '""'), (0, 26, '"2023-11-14T22:13:20.1235Z"'),
(0, 27, '"2023-11-14"'), (0, 28, '"294276-12-31T23:59:59.9999994Z"'), (0, 29, '{}'),
(0, 30, '"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"'), (0, 31, '1700000000.1235'), (0, 32, '-32768'),
(0, 33, '32768'), (0, 34, '2.50'), (0, 35, '"\ud83d\ude00"');
INSERT INTO any_value SELECT 0, 36, (repeat('[', 1000) || repeat(']', 1000))::json;
INSERT INTO any_value SELECT 0, 37, (repeat('[', 1001) || repeat(']', 1001))::json;
SELECT id, left(v::text, 60) AS v FROM any_value ORDER BY id;

-- A column takes a value or has a reason; 'skip' leaves out the messages that it refuses.
CREATE FUNCTION try_type(type text, options text DEFAULT '') RETURNS TABLE (id int, v text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE types.tried (id int, v %s %s)
                    SERVER types_kafka OPTIONS (topic %L, on_error %L)',
                   type, options, 'any', 'skip');
    RETURN QUERY SELECT t.id, left(t.v::text, 60) FROM types.tried AS t ORDER BY 1;
    DROP FOREIGN TABLE types.tried;
END $$;
SET client_min_messages = error;
SELECT * FROM try_type('numeric');
SELECT * FROM try_type('numeric(7,2)');
SELECT * FROM try_type('numeric(2,-2)');
SELECT * FROM try_type('text');
SELECT * FROM try_type('varchar(2)');
SELECT * FROM try_type('jsonb');
SELECT * FROM try_type('json');
SELECT * FROM try_type('int2');
SELECT * FROM try_type('float4');
SELECT * FROM try_type('bool');
SELECT * FROM try_type('uuid');
SELECT * FROM try_type('timestamp(3)');
SELECT * FROM try_type('timestamp(0)', 'OPTIONS (unit ''s'')');
SELECT * FROM try_type('date');
RESET client_min_messages;

-- each reason in its own words
CREATE FUNCTION why_not(type text, wanted bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    why text := 'taken';
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE types.tried (
                        part int OPTIONS (meta ''partition''), off bigint OPTIONS (meta ''offset''), v %s)
                    SERVER types_kafka OPTIONS (topic ''any'')', type);
    BEGIN
        PERFORM v FROM types.tried WHERE part = 0 AND off = wanted;
    EXCEPTION WHEN OTHERS THEN
        why := SQLSTATE || ' ' || SQLERRM;
    END;
    DROP FOREIGN TABLE types.tried;
    RETURN why;
END $$;
SELECT type, wanted, why_not(type, wanted)
FROM (VALUES ('numeric(7,2)', 4), ('numeric(7,2)', 8), ('numeric', 10), ('numeric', 14),
             ('numeric', 29), ('varchar(2)', 16), ('text', 18), ('jsonb', 19), ('jsonb', 20),
             ('jsonb', 37), ('jsonb', 0), ('json', 37)) AS q(type, wanted);

--
-- Paths that cannot be written beside each other, though they can be read
--
CREATE FOREIGN TABLE same (a int OPTIONS (path 'x.y'), b text OPTIONS (path 'x.y'))
SERVER types_kafka OPTIONS (topic 'paths');
INSERT INTO same VALUES (1, 'b');
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE through (a json OPTIONS (path 'x'), b int OPTIONS (path 'x.y'))
SERVER types_kafka OPTIONS (topic 'paths');
INSERT INTO through VALUES ('{}', 1);
CREATE FOREIGN TABLE mixed (a int OPTIONS (path 'x[0]'), b int OPTIONS (path 'x.y'))
SERVER types_kafka OPTIONS (topic 'paths');
INSERT INTO mixed VALUES (1, 2);
CREATE FOREIGN TABLE far (a int OPTIONS (path 'x[10000]')) SERVER types_kafka OPTIONS (topic 'paths');
INSERT INTO far VALUES (1);

-- arrays are filled up to the last value, and no further
CREATE FOREIGN TABLE lists (
    part int OPTIONS (meta 'partition'), id int,
    a int OPTIONS (path 'l[3]'), b int OPTIONS (path 'l[1]'), c int OPTIONS (path 'l[2].m'),
    d json OPTIONS (path 'l[0]'), payload text OPTIONS (meta 'payload'))
SERVER types_kafka OPTIONS (topic 'paths');
INSERT INTO lists (part, id, a, b, c, d)
VALUES (0, 1, 1, 2, 3, '4'), (0, 2, NULL, 2, NULL, NULL), (0, 3, NULL, NULL, NULL, NULL), (0, 4, 1, NULL, 3, NULL),
       (0, 5, NULL, NULL, NULL, '4');
SELECT id, a, b, c, d, payload FROM lists ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA types CASCADE;
DROP SERVER types_kafka CASCADE;
