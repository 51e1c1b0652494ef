-- What weir.create_view() makes: four native objects that PostgreSQL itself keeps together. No broker is
-- asked and no worker runs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
-- whether the server runs views is no matter here, nor its warning if it does not
SET client_min_messages = error;
CREATE ROLE regress_weir_analyst;
CREATE SCHEMA create_view AUTHORIZATION regress_weir_analyst;
CREATE SCHEMA create_view_too AUTHORIZATION regress_weir_analyst;
CREATE SERVER create_view_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
GRANT USAGE ON FOREIGN SERVER create_view_kafka TO regress_weir_analyst;

-- all of it is done by a user without special rights
SET ROLE regress_weir_analyst;
SET search_path = create_view;
CREATE FOREIGN TABLE ticker (
    symbol text, event_time timestamptz OPTIONS (unit 'ms'),
    price float8, open float8, high float8, low float8, volume float8, quote_volume float8, number_trades bigint
) SERVER create_view_kafka OPTIONS (topic 'crypto-prices', format 'json', event_time 'event_time', lateness '1 hour');

SELECT weir.create_view('crypto_daily', $$
    SELECT weir.tumble(event_time, '1 day') AS day_start, symbol,
           first(open) AS daily_open, max(high) AS daily_high, min(low) AS daily_low, last(price) AS daily_close,
           sum(volume) AS daily_volume, sum(quote_volume) AS daily_quote_volume,
           sum(number_trades) AS total_trades, count(*) AS tick_count, avg(price) AS avg_price
    FROM ticker GROUP BY 1, 2 $$);

\d crypto_daily_query
\d crypto_daily_closed
\d crypto_daily_live
\d+ crypto_daily

-- from any search path; the definition is what it was
SET search_path = pg_catalog;
SELECT pg_get_viewdef('create_view.crypto_daily_query');
SET search_path = create_view;

-- again
SET client_min_messages = notice;
SELECT weir.create_view('crypto_daily', 'anything', if_not_exists => true);
SET client_min_messages = error;
SELECT weir.create_view('crypto_daily', 'anything');

-- the link follows names and schemas
CREATE FUNCTION link(live regclass) RETURNS text LANGUAGE sql AS $$
    SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = live AND contype = 'c' $$;
ALTER TABLE crypto_daily_closed RENAME TO days;
ALTER TABLE days SET SCHEMA create_view_too;
ALTER VIEW crypto_daily_query RENAME COLUMN daily_open TO opened;
ALTER VIEW crypto_daily_query RENAME TO "Daily query";
SELECT link('crypto_daily_live');

-- DROP refuses, or cascades
DROP VIEW "Daily query";
DROP TABLE create_view_too.days;
DROP FOREIGN TABLE ticker;
SET client_min_messages = notice;
DROP FOREIGN TABLE ticker CASCADE;
SET client_min_messages = error;
SELECT coalesce(link('crypto_daily_live'), 'undefined');
SELECT weir.drop_view('crypto_daily');
SELECT relname FROM pg_class WHERE relnamespace IN ('create_view'::regnamespace, 'create_view_too'::regnamespace)
    AND relkind IN ('v', 'f', 'r') ORDER BY relname COLLATE "C";
DROP TABLE create_view_too.days;

-- odd names, types, collations; no keys; options
CREATE FOREIGN TABLE "Ödd ""stream""" (
    "Event Time" timestamptz, "group" text, code varchar(10), "Select" text COLLATE "C", amount numeric(10,2)
) SERVER create_view_kafka OPTIONS (topic 'odd', event_time 'Event Time');
SELECT weir.create_view('create_view_too."Ödd view"', $$
    SELECT "group", weir.tumble("Event Time", '1 month', 'Europe/Berlin') AS "Start", code, "Select",
           coalesce("group", 'none')::varchar(20) AS short, weir.tumble_end("Event Time", '1 month', 'Europe/Berlin') AS "End",
           first(amount) AS "First", min("Select") AS least
    FROM "Ödd ""stream""" GROUP BY 1, 2, 3, 4, 5, 6 $$,
    start_at => 'latest', enabled => false, notify => true);
\d create_view_too."Ödd view_closed"
\d create_view_too."Ödd view_live"
SELECT obj_description(oid, 'pg_class') FROM pg_class WHERE relname ~ '^Ödd view' ORDER BY relname COLLATE "C";
SELECT weir.create_view('"Ödd view"', 'SELECT count(*) AS n, weir.tumble("Event Time", ''1 day'') AS day FROM "Ödd ""stream""" GROUP BY 2');
\d "Ödd view_closed"
-- as long as a name can be
SELECT weir.create_view(repeat('ä', 28), 'SELECT count(*) AS n, weir.tumble("Event Time", ''1 day'') AS day FROM "Ödd ""stream""" GROUP BY 2');
SELECT weir.drop_view(repeat('ä', 28), keep_closed => false);

-- any relation of a view names it
SELECT weir.drop_view('create_view_too."Ödd view_closed"', keep_closed => false);
SELECT weir.drop_view('"Ödd view_query"');
SET client_min_messages = notice;
SELECT weir.drop_view('"Ödd view"', if_exists => true);
SET client_min_messages = error;
SELECT weir.drop_view('"Ödd view"');
SELECT weir.create_view('"Ödd view"', 'SELECT count(*) AS n, weir.tumble("Event Time", ''1 day'') AS day FROM "Ödd ""stream""" GROUP BY 2');
DROP TABLE "Ödd view_closed";
-- others' views are in the way, as for any DROP
SELECT weir.create_view('daily', 'SELECT count(*) AS n, weir.tumble("Event Time", ''1 day'') AS day FROM "Ödd ""stream""" GROUP BY 2');
CREATE VIEW reader AS SELECT * FROM daily;
SELECT weir.drop_view('daily');
DROP VIEW reader;
SELECT weir.drop_view('daily_live', keep_closed => false);

-- who may
RESET ROLE;
CREATE ROLE regress_weir_visitor;
GRANT USAGE ON SCHEMA create_view TO regress_weir_visitor;
GRANT CREATE ON SCHEMA create_view_too TO regress_weir_visitor;
GRANT USAGE ON SCHEMA create_view_too TO regress_weir_visitor;
SET ROLE regress_weir_analyst;
SELECT weir.create_view('daily', 'SELECT count(*) AS n, weir.tumble("Event Time", ''1 day'') AS day FROM "Ödd ""stream""" GROUP BY 2');
SET ROLE regress_weir_visitor;
SELECT weir.create_view('create_view_too.daily', 'SELECT count(*) AS n, weir.tumble("Event Time", ''1 day'') AS day FROM "Ödd ""stream""" GROUP BY 2');
SELECT weir.create_view('daily2', 'SELECT count(*) AS n, weir.tumble("Event Time", ''1 day'') AS day FROM "Ödd ""stream""" GROUP BY 2');
SELECT weir.drop_view('daily');

RESET ROLE;
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA create_view, create_view_too CASCADE;
DROP SERVER create_view_kafka CASCADE;
DROP ROLE regress_weir_analyst, regress_weir_visitor;
