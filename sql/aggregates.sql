-- Aggregates that do not depend on the order of floats, and first and last. Needs no broker. The
-- judges are PostgreSQL's own aggregates, for NULLs, types and special values, and known sums.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA aggregates;
SET search_path = aggregates;

-- what PostgreSQL's own sum makes of ten times 0.1
SELECT sum(x), weir.sum(x), weir.avg(x) FROM (SELECT 0.1::float8 AS x FROM generate_series(1, 10)) AS t;

-- names, types and parallel safety are PostgreSQL's
SELECT ours.oid::regprocedure, ours.prorettype = theirs.prorettype AS same_type,
       ours.proparallel = theirs.proparallel AS same_parallel
    FROM pg_proc AS ours JOIN pg_proc AS theirs USING (proname, proargtypes, prokind)
    WHERE ours.pronamespace = 'weir'::regnamespace AND theirs.pronamespace = 'pg_catalog'::regnamespace
        AND prokind = 'a'
    ORDER BY 1::text COLLATE "C";

-- and so are the rules for none, one, NULL, Infinity and NaN, for float8 and float4
CREATE TABLE special (name text, values float8[]);
INSERT INTO special VALUES
    ('empty', '{}'), ('null', '{NULL,NULL}'), ('one', '{7.5}'), ('one and null', '{NULL,7.5,NULL}'),
    ('integers', '{1,2,3,4,10}'), ('zeros', '{0,-0}'), ('minus zero', '{-0}'), ('equal', '{3.25,3.25,3.25}'),
    ('infinity', '{Infinity}'), ('infinity twice', '{1,Infinity,Infinity}'), ('minus infinity', '{-Infinity,1}'),
    ('both infinities', '{Infinity,1,-Infinity}'), ('nan', '{NaN}'), ('nan and infinity', '{1,NaN,Infinity}');
CREATE FUNCTION ours(float8[]) RETURNS text LANGUAGE sql RETURN (
    SELECT row(weir.sum(x), weir.avg(x), weir.variance(x), weir.var_samp(x), weir.var_pop(x),
               weir.stddev(x), weir.stddev_samp(x), weir.stddev_pop(x))::text FROM unnest($1) AS x);
CREATE FUNCTION theirs(float8[]) RETURNS text LANGUAGE sql RETURN (
    SELECT row(sum(x), avg(x), variance(x), var_samp(x), var_pop(x),
               stddev(x), stddev_samp(x), stddev_pop(x))::text FROM unnest($1) AS x);
CREATE FUNCTION ours(float4[]) RETURNS text LANGUAGE sql RETURN (
    SELECT row(weir.sum(x), weir.avg(x), weir.variance(x), weir.var_samp(x), weir.var_pop(x),
               weir.stddev(x), weir.stddev_samp(x), weir.stddev_pop(x))::text FROM unnest($1) AS x);
CREATE FUNCTION theirs(float4[]) RETURNS text LANGUAGE sql RETURN (
    SELECT row(sum(x), avg(x), variance(x), var_samp(x), var_pop(x),
               stddev(x), stddev_samp(x), stddev_pop(x))::text FROM unnest($1) AS x);
SELECT name, ours(values), ours(values) = theirs(values) AS float8,
       ours(values::float4[]) = theirs(values::float4[]) AS float4
    FROM special;

-- only what does not fit in the end is too large
SELECT weir.sum(x), weir.avg(x) FROM unnest('{1e308,1e308,-1e308}'::float8[]) AS x;
SELECT weir.avg(x) FROM unnest('{1e308,1e308}'::float8[]) AS x;
SELECT weir.stddev_pop(x) FROM unnest('{1e200,-1e200}'::float8[]) AS x;
SELECT weir.sum(x) FROM unnest('{3e38,3e38,-3e38}'::float4[]) AS x;
\set VERBOSITY sqlstate
SELECT weir.sum(x) FROM unnest('{1e308,1e308}'::float8[]) AS x;
SELECT weir.sum(x) FROM unnest('{3e38,3e38}'::float4[]) AS x;
SELECT weir.var_pop(x) FROM unnest('{1e200,-1e200}'::float8[]) AS x;
\set VERBOSITY default
SELECT weir.sum(x) FROM unnest('{1e308,1e308}'::float8[]) AS x;

-- any order: magnitudes from 1e-15 to 1e15, and their negatives, but one
CREATE TABLE wide AS
    SELECT i, (CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END) * (i / 2 + 0.1) * 10.0::float8 ^ (i / 2 % 31 - 15) AS x
    FROM generate_series(2, 20000) AS i;
CREATE TABLE results AS
    SELECT s AS shuffle, weir.sum(x), weir.avg(x), weir.stddev(x), weir.var_pop(x)
    FROM generate_series(1, 20) AS s,
        LATERAL (SELECT x FROM wide ORDER BY hashint4extended(i, s) OFFSET 0) AS t
    GROUP BY s;
SELECT count(DISTINCT sum) AS sums, count(DISTINCT avg) AS avgs, count(DISTINCT stddev) AS stddevs,
       count(DISTINCT var_pop) AS var_pops
    FROM results;
SELECT weir.sum(x) = (SELECT x FROM wide WHERE i = 20000) AS the_one_that_is_left FROM wide;

-- and by parallel workers
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SET enable_hashagg = off;
ALTER TABLE wide SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT weir.sum(x), weir.avg(x), weir.stddev(x), weir.var_pop(x) FROM wide;
SELECT (SELECT row(weir.sum(x), weir.avg(x), weir.stddev(x), weir.var_pop(x)) FROM wide) =
       (SELECT row(sum, avg, stddev, var_pop) FROM results LIMIT 1) AS equal;
EXPLAIN (COSTS OFF) SELECT i % 3 AS key, weir.sum(x::float4), weir.stddev(x::float4) FROM wide GROUP BY 1;
CREATE TABLE in_parallel AS
    SELECT i % 3 AS key, weir.sum(x::float4), weir.stddev(x::float4), weir.avg(NULLIF(x, x)) FROM wide GROUP BY 1;
RESET parallel_leader_participation;
SET max_parallel_workers_per_gather = 0;
SELECT p = s AS equal, p.avg
    FROM in_parallel AS p
        JOIN (SELECT i % 3 AS key, weir.sum(x::float4), weir.stddev(x::float4), weir.avg(NULLIF(x, x))
              FROM wide GROUP BY 1) AS s USING (key)
    ORDER BY key;
RESET ALL;
SET search_path = aggregates;

-- as window functions, with FILTER and DISTINCT
SELECT i, weir.sum(0.1::float8) OVER (ORDER BY i), weir.avg(i::float8) OVER (ORDER BY i ROWS 1 PRECEDING),
       weir.last(i) OVER (ORDER BY i), weir.first(i) OVER (ORDER BY i ROWS 1 PRECEDING)
    FROM generate_series(1, 10) AS i;
SELECT weir.sum(x) FILTER (WHERE x > 1), weir.sum(DISTINCT x) FROM unnest('{1,2,2,3}'::float8[]) AS x;

-- first and last: by the order given, NULLs left out, any type
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN amount AS int;
CREATE TABLE trade (t int, price float8, symbol text, fixed numeric, list int[], pairs pair, name name, size amount);
INSERT INTO trade VALUES
    (3, 30, 'three', 3.30, '{3,3}', (3, 'c'), 'n3', 3), (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, 20, 'two', 2.20, '{2}', (2, 'b'), 'n2', 2), (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (4, 40, 'four', 4.40, '{4,NULL}', (4, NULL), 'n4', 4);
SELECT weir.first(price ORDER BY t), weir.last(price ORDER BY t), weir.last(price ORDER BY t DESC) FROM trade;
SELECT weir.first(symbol ORDER BY t, ctid) AS symbol, weir.first(fixed ORDER BY t) AS fixed,
       weir.first(list ORDER BY t) AS list, weir.first(pairs ORDER BY t) AS pairs,
       weir.first(name ORDER BY t) AS name, weir.first(size ORDER BY t) AS size
    FROM trade;
SELECT weir.last(symbol ORDER BY t, ctid) AS symbol, weir.last(fixed ORDER BY t) AS fixed,
       weir.last(list ORDER BY t) AS list, weir.last(pairs ORDER BY t) AS pairs,
       weir.last(name ORDER BY t) AS name, weir.last(size ORDER BY t) AS size
    FROM trade;
SELECT weir.first(price ORDER BY t), weir.last(symbol ORDER BY t) FROM trade WHERE t IN (1, 5);
SELECT weir.first(price ORDER BY t), weir.last(symbol ORDER BY t) FROM trade WHERE false;

-- values that stand elsewhere, and such as plpgsql keeps unfolded
CREATE FUNCTION unfolded(i int) RETURNS int[] LANGUAGE plpgsql AS $$
    DECLARE list int[] := '{}'; BEGIN FOR k IN 1 .. i LOOP list[k] := i; END LOOP; RETURN list; END $$;
CREATE TABLE long (t int, value text);
ALTER TABLE long ALTER value SET STORAGE EXTERNAL;
INSERT INTO long SELECT t, repeat(t::text, 5000) FROM generate_series(1, 9) AS t;
SELECT k, array_length(weir.first(unfolded(i) ORDER BY i), 1), array_length(weir.last(unfolded(i) ORDER BY i), 1)
    FROM generate_series(1, 2) AS k, generate_series(1, 300) AS i WHERE i % 2 = k - 1 GROUP BY k ORDER BY k;
SELECT weir.first(value ORDER BY t) = repeat('1', 5000) AS first, weir.last(value ORDER BY t) = repeat('9', 5000) AS last
    FROM long;

SELECT bool_and(obj_description(oid, 'pg_proc') IS NOT NULL) AS all_have_comments
    FROM pg_proc WHERE pronamespace = 'weir'::regnamespace AND proname ~ '^(sum|avg|var|stddev|moments|first|last)';

SET client_min_messages = warning;
DROP SCHEMA aggregates CASCADE;
