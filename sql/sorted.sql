-- The latest windows of a view are read by the index of its closed rows, through the union with live ones,
-- which come sorted by window. Needs no broker.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA sorted;
SET search_path = sorted;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE SERVER sorted_nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN TABLE tick (at timestamptz, k text, x float8) SERVER sorted_nowhere OPTIONS (topic 'tick', event_time 'at');
SELECT weir.create_view('daily', $$ SELECT count(*) AS n, weir.tumble(at, '1 day') AS day, k FROM tick GROUP BY day, k $$, enabled => false);
INSERT INTO daily_closed SELECT i, timestamptz '2020-01-01Z' + i / 100 * interval '1 day', 'k' || i % 100
FROM generate_series(0, 99999) AS i;
VACUUM ANALYZE daily_closed;

-- descending_and_ascending_by_the_index
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day DESC LIMIT 100;
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day LIMIT 100;
SELECT count(*), min(day), max(day) FROM (SELECT * FROM daily ORDER BY day DESC LIMIT 100) AS x;
SELECT count(*), min(day), max(day) FROM (SELECT * FROM daily ORDER BY day LIMIT 100) AS x;

-- NULLS as the index has them: that a window is never NULL, PostgreSQL's planner does not use
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day DESC NULLS FIRST LIMIT 100;
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day NULLS LAST LIMIT 100;
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day DESC NULLS LAST LIMIT 100;

-- more_keys
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day DESC, k LIMIT 100;
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day DESC, k DESC LIMIT 100;
EXPLAIN (COSTS OFF) SELECT * FROM daily ORDER BY day, is_closed LIMIT 100;

-- conditions
EXPLAIN (COSTS OFF) SELECT * FROM daily WHERE day < '2021-01-01' ORDER BY day DESC LIMIT 100;
EXPLAIN (COSTS OFF) SELECT day, n FROM daily WHERE n > 5 AND is_closed ORDER BY day DESC LIMIT 100;

-- the_live_table_alone
EXPLAIN (COSTS OFF) SELECT * FROM daily_live ORDER BY day DESC;
EXPLAIN (COSTS OFF) SELECT * FROM daily_live ORDER BY day, k;
EXPLAIN (COSTS OFF) SELECT * FROM daily_live ORDER BY k;

SET client_min_messages = warning;
DROP SERVER sorted_nowhere CASCADE;
DROP SCHEMA sorted CASCADE;
