-- What cannot be a continuous view is refused when it is created: what was found, where, and what to do
-- instead. No broker is asked.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA refusals;
SET search_path = refusals;
CREATE SERVER refusals_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN TABLE events (
    id bigint, at timestamptz OPTIONS (unit 'ms'), created timestamptz, local timestamp, day date, kind text,
    price float8, amount numeric, size int, body jsonb, raw json
) SERVER refusals_kafka OPTIONS (topic 'events', event_time 'at');
CREATE FOREIGN TABLE timeless (id bigint, at timestamptz) SERVER refusals_kafka OPTIONS (topic 'events');
CREATE TABLE plain (id bigint, at timestamptz);
CREATE VIEW over AS SELECT * FROM events;

-- the statement
SELECT weir.create_view('v', 'SELEC 1');
SELECT weir.create_view('v', 'DELETE FROM plain');
SELECT weir.create_view('v', 'SELECT 1; SELECT 2');
SELECT weir.create_view('v', 'SELECT 1 INTO other');
SELECT weir.create_view('v', '');
SELECT weir.create_view('v', 'SELECT nothing FROM events');
SELECT weir.create_view('v', 'VALUES (1)');
SELECT weir.create_view('v', NULL);

-- FROM
SELECT weir.create_view('v', 'SELECT count(*) AS n');
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM plain GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM over GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM timeless GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(e.at, '1 hour') AS hour, count(*) AS n FROM events AS e JOIN plain USING (id) GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(e.at, '1 hour') AS hour, count(*) AS n FROM events AS e, plain GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM (SELECT * FROM events) AS e GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT count(*) AS n FROM generate_series(1, 2)$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events AS e (a, at) GROUP BY 1$$);

-- clauses
SELECT weir.create_view('v', $$WITH e AS (SELECT * FROM events)
    SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM e GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1
    UNION ALL SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT DISTINCT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n
    FROM events GROUP BY 1 ORDER BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1 LIMIT 10$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1 OFFSET 10$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, kind, count(*) AS n FROM events GROUP BY ROLLUP (1, 2)$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n, grouping(kind) AS g FROM events GROUP BY 1, kind$$);
SELECT weir.create_view('v', $$SELECT id FROM events FOR UPDATE$$);

-- expressions
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n
    FROM events WHERE id IN (SELECT id FROM plain) GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n, rank() OVER () AS r FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n, unnest('{1,2}'::int[]) AS u FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, ctid AS place, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events WHERE tableoid = 1 GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(events) AS n FROM events GROUP BY 1$$);

-- what follows the session or the clock
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, date_trunc('day', at) AS day, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, at::date AS day, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, at::text AS t, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, extract(hour FROM at) AS h, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, kind::date AS d, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events WHERE at > now() - interval '1 day' GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events WHERE at > CURRENT_TIMESTAMP GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events WHERE created > at - interval '1 day' GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events WHERE random() < 0.5 GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n, current_user AS who FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, concat(kind, created) AS k, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, to_char(amount, '9G999') AS a, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, to_char(local, 'TMMonth') AS m, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, to_char(at, 'YYYY') AS y, count(*) AS n FROM events GROUP BY 1, 2$$);

-- the window
SELECT weir.create_view('v', $$SELECT id FROM events HAVING true$$);
SELECT weir.create_view('v', $$SELECT count(*) AS n FROM events$$);
SELECT weir.create_view('v', $$SELECT kind, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, weir.tumble(at, '1 day') AS day, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(created, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT date_trunc('hour', created, 'UTC') AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, weir.tumble_end(at, '2 hours') AS e, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, make_interval(hours => size)) AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 day', kind) AS day, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 month 1 day') AS w, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 day', 'Nowhere') AS w, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT date_trunc('century', at, 'UTC') AS w, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT count(*) AS n FROM events GROUP BY weir.tumble(at, '1 hour')$$);

-- copies: without GROUP BY and aggregates each event is a row
SELECT weir.create_view('v', $$SELECT id, now() AS seen FROM events$$);
SELECT weir.create_view('v', $$SELECT weir.hop(at, '1 hour', '10 min') AS hour, id FROM events$$);
SELECT weir.create_view('v', $$SELECT id, ctid FROM events$$);
SELECT weir.create_view('v', $$SELECT id, events AS everything FROM events$$);
SELECT weir.create_view('v', $$SELECT id, size * 2 FROM events$$);
SELECT weir.create_view('v', $$SELECT id FROM events ORDER BY id$$);
SELECT weir.create_view('v', $$SELECT DISTINCT id FROM events$$);
-- keys and columns
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1, kind$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, raw::text::xml AS x, count(*) AS n FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, size::money AS m, size::bit(8) AS b, count(*) AS n FROM events GROUP BY 1, 2, 3$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, kind, count(*), count(id) FROM events GROUP BY 1, 2$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, sum(size) * 2 FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS is_closed FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, kind, count(*) AS n FROM events GROUP BY 1$$);

-- aggregates
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(DISTINCT kind) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, first(DISTINCT kind) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS p FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, array_agg(kind) AS a FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, string_agg(kind, ',') AS a FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, sum(size ORDER BY id) AS s FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, pg_catalog.sum(price) AS s FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, first() AS s FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, first(kind ORDER BY at, ctid, id) AS s FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, first(kind ORDER BY at, ctid DESC) AS s FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, sum(first(price)) AS s FROM events GROUP BY 1$$);
SELECT weir.create_view('v', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n, price FROM events GROUP BY 1$$);

-- places are those of the text that was given, also behind insertions and in other scripts
SELECT weir.create_view('v', $$
    SELECT weir.tumble(at, '1 hour') AS hour, first(price) AS größe, sum(price) AS 合計,
           date_trunc('day', max(at)) AS day
    FROM events GROUP BY 1$$);

-- names and options
SELECT weir.create_view('temporary', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1$$, start_at => 'yesterday');
SELECT weir.create_view('pg_temp.v', 'SELECT 1');
SELECT weir.create_view('nowhere.v', 'SELECT 1');
SELECT weir.create_view('a b', 'SELECT 1');
SELECT weir.create_view('plain', $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view(repeat('x', 57), $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.create_view(repeat('ä', 29), $$SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1$$);
SELECT weir.drop_view('nothing');
SELECT weir.drop_view('plain');
CREATE FOREIGN TABLE live (a int) SERVER weir OPTIONS (enable 'false');
CREATE FOREIGN TABLE live (a int) SERVER weir OPTIONS (enabled 'maybe');
CREATE FOREIGN TABLE live (a int) SERVER weir OPTIONS (start_at 'now');
CREATE FOREIGN TABLE live (a int OPTIONS (enabled 'true')) SERVER weir;

-- nothing was made
SELECT relname FROM pg_class WHERE relnamespace = 'refusals'::regnamespace AND relkind <> 'c' ORDER BY relname COLLATE "C";

\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA refusals CASCADE;
DROP SERVER refusals_kafka CASCADE;
