-- Conditions on partition and offset: which the scan takes over, and that the rows stay the same.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA push;
SET search_path = push;
CREATE SERVER push_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER push_kafka;
CREATE FOREIGN TABLE t (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), id int)
SERVER push_kafka OPTIONS (topic 'push');
INSERT INTO t (part, id) SELECT i % 4, i FROM generate_series(0, 39) AS i;
CREATE TABLE same AS SELECT * FROM t;

-- what a condition costs: the messages read, and the rows, which are those of the local copy
CREATE FUNCTION cost(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    range text := '';
    filter text := '';
    read text := 'no scan';
    is_same boolean;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM t WHERE ' || condition LOOP
        range := coalesce(substring(line FROM 'Kafka Range: (.*)'), range);
        -- PostgreSQL 17 names what was a number before
        range := regexp_replace(range, '\$\d+|\(InitPlan \d+\)\.col1', '<sub-select>', 'g');
        filter := coalesce(substring(line FROM '^\s*(?:One-Time )?Filter: (.*)'), filter);
        read := coalesce(substring(line FROM 'Messages Read: (\d+)'), read);
    END LOOP;
    EXECUTE format('SELECT (SELECT array_agg(q ORDER BY id) FROM (SELECT * FROM t WHERE %1$s) AS q)::text
                           IS NOT DISTINCT FROM
                           (SELECT array_agg(q ORDER BY id) FROM (SELECT * FROM same WHERE %1$s) AS q)::text',
                   condition) INTO is_same;
    RETURN read || CASE WHEN range <> '' THEN '; range ' || range ELSE '' END ||
           CASE WHEN filter <> '' THEN '; filter ' || filter ELSE '' END ||
           CASE WHEN is_same THEN '' ELSE '; BUT OTHER ROWS' END;
END $$;

SELECT condition, cost(condition) FROM unnest(ARRAY[
    'true',
    -- one comparison
    'part = 1', 'part <> 1', 'part < 1', 'part <= 1', 'part > 1', 'part >= 1',
    'off = 3', 'off <> 3', 'off < 3', 'off <= 3', 'off > 3', 'off >= 3',
    '1 = part', '3 > off', '3 <= off',
    -- together
    'part = 1 AND off = 3', 'part = 1 AND off BETWEEN 3 AND 5', 'off > 3 AND off < 5 AND part IN (0, 3)',
    'part = 1 AND id > 20', 'part = 1 AND off < id',
    -- other integer types
    'part = 1::int2', 'part = 1::int8', 'off = 3::int2', 'off = 3::int4', 'part = 99999999999', 'part < 99999999999',
    -- what is no integer comparison stays a filter
    'part = 1.0', 'part = 1::float8', 'part::bigint = 1', 'part + 0 = 1', 'off::text = ''3''', 'off = 3.5',
    -- lists
    'part IN (1, 2)', 'part = ANY (''{1,2,1}'')', 'part = ANY (''{}'')', 'part = ANY (''{NULL}'')',
    'part = ANY (''{1,NULL}'')', 'part = ANY (NULL)', 'part = ANY (''{1}''::bigint[])', 'part = ANY (''{{1},{3}}'')',
    'part IN (1, 1.0)', 'part <> ALL (''{1,2}'')', 'part NOT IN (1, 2)', 'part > ANY (''{1,2}'')', 'off IN (1, 2)',
    'part IN (1, 2) AND part IN (2, 3)',
    -- NULL, and what cannot be
    'part = NULL', 'part IS NULL', 'off IS NOT NULL', 'part >= 2 AND part < 2', 'off > 5 AND off < 5', 'off > 5 AND off < 6',
    'part = 1 AND NULL', 'false', 'part IS NOT DISTINCT FROM 1',
    -- beyond the ends
    'part = -1', 'part = 4', 'part >= 4', 'off < 0', 'off >= 0', 'off = 10', 'off >= 10', 'off > 9', 'off > -5',
    'off <= 9223372036854775807', 'off > 9223372036854775807', 'off >= 9223372036854775807', 'off = 9223372036854775807',
    'off < 9223372036854775807', 'off < -9223372036854775808', 'off <= -9223372036854775808',
    'off >= -9223372036854775808', 'off = -9223372036854775808', 'part < -2147483648', 'part <= 2147483647',
    -- either, not
    'part = 1 OR off = 3', 'part = 1 OR id = 2', 'NOT part = 1', 'NOT (part < 1)', '(part = 1) IS TRUE', '(part = 1) IS NOT TRUE',
    -- of the row: not fixed; of the statement: fixed; of the moment: not
    'part = off', 'off = id', 'part = (SELECT 1)', 'off > (SELECT max(off) - 2 FROM same)', 'off = (SELECT NULL::int)',
    'part = (SELECT id % 4)', 'part = length(current_schema) - 3',
    'off >= random() * 0', 'part = (random() * 0)::int', 'part = (extract(year FROM now()) * 0)::int + 1',
    'part IN (SELECT 1)', 'part = ANY (ARRAY(SELECT 1))', 'part = ANY (ARRAY[1, length(current_schema)])'
]) WITH ORDINALITY AS c(condition, n) ORDER BY n;

-- parameters: with a plan of their own each, and with one for all
PREPARE by_position(int, bigint) AS SELECT id FROM t WHERE part = $1 AND off >= $2 ORDER BY id;
PREPARE by_list(int[]) AS SELECT count(*) FROM t WHERE part = ANY ($1);
SET plan_cache_mode = force_custom_plan;
EXPLAIN (COSTS OFF) EXECUTE by_position(1, 8);
EXECUTE by_position(1, 8);
EXECUTE by_list('{0,3}');
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_position(1, 8);
EXECUTE by_position(1, 8);
EXECUTE by_position(2, 9);
EXECUTE by_position(NULL, 9);
EXECUTE by_position(4, 0);
EXECUTE by_list('{0,3}');
EXECUTE by_list('{NULL,3}');
EXECUTE by_list('{}');
EXECUTE by_list(NULL);
-- a plan that is kept follows the columns' options
ALTER FOREIGN TABLE t ALTER COLUMN part OPTIONS (SET meta 'offset');
ALTER FOREIGN TABLE t ALTER COLUMN off TYPE bigint, ALTER COLUMN part TYPE bigint;
EXECUTE by_position(9, 9);
ALTER FOREIGN TABLE t ALTER COLUMN part OPTIONS (DROP meta, ADD path 'id');
EXPLAIN (COSTS OFF) EXECUTE by_position(7, 1);
EXECUTE by_position(7, 1);
ALTER FOREIGN TABLE t ALTER COLUMN part OPTIONS (DROP path, ADD meta 'partition');
EXECUTE by_position(2, 9);
RESET plan_cache_mode;

-- in PL/pgSQL, whose variables are parameters
CREATE FUNCTION at_position(p int, o bigint) RETURNS int LANGUAGE sql STABLE AS 'SELECT id FROM t WHERE part = p AND off = o';
SELECT p, at_position(p, 2) FROM generate_series(0, 4) AS p;

-- how EXPLAIN shows it
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE part IN (0, 2) AND 5 > off AND id > 3;
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM t WHERE part IN (0, 2) AND off < 5;
DO $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT json)
             SELECT id FROM t WHERE part = 0 AND off < 3' INTO plan;
    plan := plan->0->'Plan';
    RAISE NOTICE '%, %, %, %', plan->'Kafka Topic', plan->'Kafka Range', plan->'Messages Read', plan->'Bytes Read';
END $$;
EXPLAIN (COSTS OFF) SELECT l.id FROM same s, LATERAL (SELECT id FROM t WHERE t.part = s.part AND t.off = s.off OFFSET 0) l;
EXPLAIN (COSTS OFF) SELECT id FROM t WHERE part = 1 AND false;
-- a view, and one that guards its rows
CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM t WHERE id % 2 = 1;
EXPLAIN (COSTS OFF) SELECT id FROM guarded WHERE part = 1 AND off < 2;
SELECT id FROM guarded WHERE part = 1 AND off < 2 ORDER BY id;

-- LIMIT stops early
INSERT INTO t (part, id) SELECT 0, i FROM generate_series(1, 5000) AS i;
DO $$
DECLARE
    line text;
BEGIN
    FOR line IN EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM t WHERE part = 0 LIMIT 3 LOOP
        IF line LIKE '%Messages Read%' THEN
            RAISE NOTICE '%', trim(line);
        END IF;
    END LOOP;
END $$;

SET client_min_messages = warning;
DROP SCHEMA push CASCADE;
DROP SERVER push_kafka CASCADE;
