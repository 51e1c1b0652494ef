-- Continuous copies: a definition without GROUP BY and aggregates makes each event a row. No broker is
-- asked and no worker runs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
SET client_min_messages = error;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SCHEMA copy;
SET search_path = copy;
CREATE SERVER copy_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN TABLE tick (
    at timestamptz OPTIONS (unit 's'), k text, n int, x numeric(10,2), place bigint OPTIONS (meta 'offset')
) SERVER copy_kafka OPTIONS (topic 'tick', event_time 'at', lateness '10s');

-- what is made
SELECT weir.create_view('ticks', 'SELECT at, k AS symbol, n * 2 AS double, x, place FROM tick WHERE n > 0');
\d ticks_query
\d ticks_closed
\d ticks_live
\d ticks
SELECT relname, relreplident, obj_description(oid) FROM pg_class WHERE relnamespace = 'copy'::regnamespace AND relname ~ '^ticks'
    ORDER BY relname COLLATE "C";
SELECT * FROM weir.validate('SELECT at, k, n FROM tick');

-- all columns
SELECT weir.create_view('everything', 'SELECT * FROM tick');
\d everything_closed

-- of a stream without event times, too, but for windows
CREATE FOREIGN TABLE untimed (k text, n int) SERVER copy_kafka OPTIONS (topic 'untimed');
SELECT * FROM weir.validate('SELECT k, n FROM untimed');
SELECT * FROM weir.simulate('SELECT k, n FROM untimed', ARRAY[weir.event('{"k":"a","n":1}'), weir.event('{"k":"b","n":"x"}')], true);
SELECT weir.create_view('counted', 'SELECT k, count(*) AS n FROM untimed GROUP BY 1');

-- no row has a window that says it is there already
SELECT weir.restart('ticks');
SELECT weir.restart('ticks', 'latest');
SELECT weir.restart('ticks', keep_closed => false);

CREATE FUNCTION e(at numeric, members text DEFAULT NULL) RETURNS weir.event
    LANGUAGE sql RETURN weir.event(concat('{"at":', at, ',' || members, '}'));
CREATE FUNCTION outcome(query text, VARIADIC events weir.event[], OUT step bigint, OUT kind text, OUT "row" json, OUT reason text, OUT detail text)
    RETURNS SETOF record LANGUAGE sql AS 'SELECT step, kind, "row", reason, detail FROM weir.simulate($1, $2)';

-- an event is a row, or WHERE does not want it; nothing is late; equal rows stay two
SELECT * FROM outcome('SELECT at, k, n * 2 AS double FROM tick WHERE n > 0',
    e(1000, '"k":"a","n":1'), e(2000, '"k":"b","n":0'), e(10, '"k":"c","n":3'), e(10, '"k":"c","n":3'), e(2000, '"k":null,"n":4'));

-- what cannot be read is a reject if the copy uses it
SELECT * FROM outcome('SELECT k FROM tick', e(1, '"k":"a","n":"no number"'), e(2, '"k":"\u0000"'), weir.event('no json'), weir.event('{"k":"a"}'));

-- so is what cannot be computed
SELECT * FROM outcome('SELECT 12 / n AS part FROM tick', e(1, '"n":4'), e(2, '"n":0'), e(3, '"n":6'));

-- windows are values like any other
SELECT * FROM outcome('SELECT weir.tumble(at, ''1 min'') AS minute, n FROM tick', e(59, '"n":1'), e(60, '"n":2'));

DROP SCHEMA copy CASCADE;
DROP SERVER copy_kafka;
