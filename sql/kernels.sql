-- Each aggregate over each type, in a view, against PostgreSQL's own over the same values: none, NULLs,
-- extremes, NaN, infinities, what overflows. For sums of floats the judge is weir's aggregate in a query,
-- which sql/aggregates.sql compares with PostgreSQL's. Needs no broker.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
CREATE SCHEMA kernels;
SET search_path = kernels;
CREATE SERVER nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN TABLE stream (at timestamptz OPTIONS (unit 's'), v text, day date, ts timestamp, tz timestamptz)
    SERVER nowhere OPTIONS (topic 'stream', event_time 'at', lateness '1 day');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b numeric);
CREATE DOMAIN amount AS numeric CHECK (VALUE IS NULL OR VALUE <> 13);

-- types, and lists of values; v is the text of a value, expr the value, judge too where v is not the column
CREATE TABLE sample (id int GENERATED ALWAYS AS IDENTITY, type text, expr text, judge text, vals text[]);
INSERT INTO sample (type, vals)
    SELECT type, vals::text[] FROM (VALUES
        ('int2', '{0,1,-1,7,7,3}'), ('int2', '{32767,32767,-32768,NULL,32767}'),
        ('int4', '{0,1,-1,7,7,3}'), ('int4', '{2147483647,2147483647,-2147483648,NULL,2147483647}'),
        ('int8', '{0,1,-1,7,7,3}'), ('int8', '{9223372036854775807,9223372036854775807,-9223372036854775808,NULL}'),
        ('int8', '{-9223372036854775808,-9223372036854775808,-9223372036854775808,-1}'),
        ('numeric', '{0,1,-1,7,7,3}'), ('numeric', '{1.10,2.200,-3.3000,0.00}'), ('numeric', '{-0.00,0.0000}'),
        ('numeric', '{NaN,1}'), ('numeric', '{Infinity,1}'), ('numeric', '{-Infinity,Infinity,1}'), ('numeric', '{-Infinity,NULL,-Infinity}'),
        ('numeric', '{NaN,Infinity}'), ('numeric', '{1e100,-1e100,1e-100,12345.6789}'), ('numeric', '{9999,1,9999,0.0001}'),
        ('numeric', '{99999999999999999999999999999999999999.99999999999999999999,0.00000000000000000001}'),
        ('float8', '{0,1,-1,7,7,3}'), ('float8', '{0.1,0.2,0.3,1e16,-1e16}'), ('float8', '{-0}'),
        ('float8', '{NaN,1}'), ('float8', '{Infinity,1}'), ('float8', '{-Infinity,Infinity}'), ('float8', '{Infinity,NULL,Infinity}'),
        ('float8', '{1.7976931348623157e308,1e300}'), ('float8', '{1.7976931348623157e308,1e300,-1e300,-1e300}'),
        ('float8', '{1.7976931348623157e308,1.7976931348623157e308}'), ('float8', '{5e-324,5e-324,-1e-323}'), ('float8', '{2.2250738585072014e-308,5e-324}'),
        ('float4', '{0,1,-1,7,7,3}'), ('float4', '{0.1,0.2,0.3,16777216,1}'), ('float4', '{-0}'), ('float4', '{NaN,1}'), ('float4', '{-Infinity,1}'),
        ('float4', '{3.4028235e38,3.4028235e38}'), ('float4', '{3.4028235e38,1e38,-3.4028235e38}'), ('float4', '{1e-45,1e-45}'),
        ('text', '{b,a,"",NULL,ab,"b "}'), ('text', '{ä,z,Z,é,"\u20ac"}'), ('varchar', '{b,a,"",NULL}'), ('char(3)', '{b,a,"",NULL,abc}'),
        ('bool', '{t,t}'), ('bool', '{f,f,NULL}'), ('bool', '{t,f}'),
        ('bytea', '{"\\x","\\x00","\\xff00","\\xff"}'),
        ('interval', '{1 day,25 hours,-1 mon,NULL,1 year}'), ('interval', '{-178000000 years,178000000 years}'),
        ('time', '{00:00,24:00,12:34:56.789012,NULL}'), ('timetz', '{00:00+00,12:00+14,12:00-12}'),
        ('inet', '{10.0.0.1,10.0.0.0/8,"::1",NULL}'), ('cidr', '{10.0.0.0/8,192.168.0.0/16}'), ('macaddr', '{08:00:2b:01:02:03,08:00:2b:01:02:04}'),
        ('uuid', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL,00000000-0000-0000-0000-000000000000}'),
        ('oid', '{0,4294967295,7}'), ('pg_lsn', '{0/0,FFFFFFFF/FFFFFFFF,16/B374D848}'), ('xid8', '{3,1,18446744073709551615}'),
        ('tid', '{"(0,1)","(4294967295,65535)"}'), ('name', '{b,a,""}'), ('"char"', '{b,a,z}'), ('bit(4)', '{0101,1111,0000}'), ('varbit', '{"",0,01,1}'),
        ('mood', '{happy,sad,NULL}'), ('int[]', '{"{1,2}","{1,NULL}","{}",NULL,"{3}"}'), ('text[]', '{"{a,b}","{a}","{NULL}"}'),
        ('jsonb', '{"{\"a\": 1}","[1, 2]",null,NULL,1.0}'), ('json', '{"{\"a\" :1}","[1]"}'), ('point', '{"(1,2)","(0,0)"}'),
        ('int4range', '{"[1,5)",empty,"[2,3)"}'), ('xml', '{<a/>}'), ('pair', '{"(1,2.50)","(,)"}'), ('amount', '{1.50,2,NULL,0.1}'), ('tsvector', '{a b,c}')
    ) AS t (type, vals);
UPDATE sample SET expr = format('v::%s', type), judge = format('v::%s', type);
INSERT INTO sample (type, expr, judge, vals) VALUES
    ('date', 'day', 'v::date', '{2024-02-29,0001-01-01,9999-12-31,NULL}'), ('timestamp', 'ts', 'v::timestamp', '{2024-02-29 12:00,1969-12-31 23:59:59.999999,NULL}'),
    ('timestamptz', 'tz', 'v::timestamptz', '{2024-02-29 12:00+00,1969-12-31 23:59:59.999999+00,294276-12-31 23:59:59+00}');
-- what text is not simply made into
INSERT INTO sample (type, expr, vals) VALUES
    ('interval', 'make_interval(0, v::int)', '{1,-1,NULL,12}'), ('interval', 'make_interval(0, 0, 0, v::int, 23)', '{1,-1,0,NULL,178000000}'),
    ('time', 'make_time(v::int, 59, 59.999999)', '{0,23,NULL,7}'), ('int[]', 'ARRAY[v::int, 1, NULL]', '{3,NULL,-5,3}'),
    ('text[]', 'string_to_array(v, ''-'')', '{a-b,a,"",NULL,"-"}'), ('int4range', 'int4range(v::int, 9)', '{3,1,NULL,9}'),
    ('mood', 'CASE v WHEN ''sad'' THEN ''sad''::mood WHEN ''happy'' THEN ''happy''::mood END', '{happy,sad,NULL}'),
    ('xid', 'v::text::xid', '{3,4294967295}'), ('bool', 'v > ''b''', '{c,a,NULL}'), ('uuid', 'v::uuid', '{ffffffff-ffff-ffff-ffff-ffffffffffff}');
-- none but NULLs, and one value, for each type
INSERT INTO sample (type, expr, judge, vals)
    SELECT DISTINCT ON (type, expr) type, expr, judge, ARRAY[NULL, NULL] FROM sample ORDER BY type, expr, id;
INSERT INTO sample (type, expr, judge, vals)
    SELECT DISTINCT ON (type, expr) type, expr, judge, ARRAY[vals[1]] FROM sample WHERE vals[1] IS NOT NULL ORDER BY type, expr, id;

-- how the event's member is written
CREATE FUNCTION payload(expr text, value text) RETURNS text LANGUAGE sql
    RETURN format('{"at":1,"%s":%s}', CASE WHEN expr IN ('day', 'ts', 'tz') THEN expr ELSE 'v' END, coalesce(to_json(value)::text, 'null'));
-- the view's answer: the row, a refusal, a reject of an event or of the group; in order on one partition, or backwards on three
CREATE FUNCTION in_view(aggregate text, expr text, vals text[], is_spread bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    problem text;
BEGIN
    SELECT string_agg(coalesce("row"->>'a', CASE WHEN kind = 'rejected' THEN concat(reason, ' ', detail) ELSE coalesce(left(detail, 5), 'NULL') END), '; ')
        INTO answer
        FROM weir.simulate(format('SELECT weir.tumble(at, ''1 min'') AS w, %s AS a FROM stream GROUP BY 1', aggregate),
            ARRAY(SELECT weir.event(payload(expr, x), CASE WHEN is_spread THEN (i % 3)::int ELSE 0 END)
                  FROM unnest(vals) WITH ORDINALITY AS u (x, i) ORDER BY CASE WHEN is_spread THEN -i ELSE i END));
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
    RETURN 'refused: ' || problem;
END $$;
CREATE FUNCTION in_query(aggregate text, vals text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SELECT coalesce(row_to_json(r)->>''a'', ''NULL'') FROM (SELECT %s AS a FROM unnest($1) WITH ORDINALITY AS u (v, i)) AS r', aggregate)
        INTO answer USING vals;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

-- every aggregate of these names that takes the type; what a query refuses is no aggregate of the type
CREATE TABLE answer AS
    SELECT id, type, name, vals,
           in_view(format('%s(%s)', name, expr), expr, vals, false) AS view,
           in_view(format('%s(%s)', name, expr), expr, vals, true) AS spread,
           in_query(CASE WHEN name IN ('first', 'last') THEN format('weir.%s(%s ORDER BY i)', name, coalesce(judge, expr))
                         WHEN type IN ('float4', 'float8') AND name ~ '^(sum|avg|stddev|var)' THEN format('weir.%s(%s)', name, coalesce(judge, expr))
                         ELSE format('%s(%s)', name, coalesce(judge, expr)) END, vals) AS query
        FROM sample, unnest('{count,sum,avg,min,max,stddev,stddev_samp,stddev_pop,variance,var_samp,var_pop,bool_and,bool_or,every,first,last}'::text[])
            AS name
        WHERE type NOT IN ('bytea', 'pair') OR name NOT IN ('min', 'max'); -- 18 has them

-- each_aggregate_of_a_view_is_that_of_a_query, but min and max of equal values that differ (docs/aggregates.md)
SELECT id, type, name, vals, view, spread, query FROM answer
    WHERE view NOT LIKE 'refused:%' AND (view <> query OR spread <> query AND name NOT IN ('first', 'last'))
    ORDER BY id, name;
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE query = '22003') > 5 AS with_errors
    FROM answer WHERE view NOT LIKE 'refused:%';

-- what_a_view_refuses_and_a_query_does_not
SELECT type, regexp_replace(view, '^refused: ', '') AS refusal, string_agg(DISTINCT name, ' ') AS aggregates
    FROM answer WHERE view LIKE 'refused:%' AND query NOT IN ('42883', '42725', '42804') GROUP BY 1, 2 ORDER BY 1, 2;

-- which_aggregates_views_have_for_which_types
SELECT name, string_agg(DISTINCT type, ' ' ORDER BY type) AS types
    FROM answer WHERE view NOT LIKE 'refused:%' GROUP BY 1 ORDER BY 1;

-- an_event_whose_value_is_refused_by_its_cast_is_a_reject
SELECT in_view('sum(v::int2)', 'v', '{1,40000,2}', false);
SELECT in_view('sum(v::amount)', 'v', '{1,13,2}', false);

SET client_min_messages = warning;
DROP SCHEMA kernels CASCADE;
DROP SERVER nowhere;
