-- Hopping windows: which windows hold a time, what a view of them does with events, what is refused.
-- Needs no broker. t/oracle.pl has random ones.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
CREATE SCHEMA hop;
SET search_path = hop;

-- each window that holds the time, in their order; starts and ends go together
SELECT width, slide, start, stop
    FROM (VALUES ('15 min'::interval, '5 min'::interval), ('5 min', '2 min'), ('1 hour', '1 hour'), ('1 day', '8 hours'), ('1 year', '4 months'))
        AS v (width, slide),
        LATERAL (SELECT weir.hop('2026-11-20 15:42:07.5+00', width, slide) AS start,
                        weir.hop_end('2026-11-20 15:42:07.5+00', width, slide) AS stop) AS w;

-- a start is in its window, an end is not
SELECT ts, array_agg(start ORDER BY start)
    FROM unnest('{2026-11-20 15:45:00+00,2026-11-20 15:44:59.999999+00}'::timestamptz[]) AS ts, weir.hop(ts, '10 min', '5 min') AS start
    GROUP BY ts ORDER BY ts;

-- a slide as wide as the width tumbles
SELECT count(*) FILTER (WHERE start <> weir.tumble(ts, '7 min')), count(*)
    FROM generate_series('2026-01-01'::timestamptz, '2026-01-02', '11 min') AS ts, weir.hop(ts, '7 min', '7 min') AS start;

-- days of a zone, one of 25 hours among them; an origin
SELECT start AT TIME ZONE 'Europe/Berlin' AS start, stop AT TIME ZONE 'Europe/Berlin' AS stop, stop - start AS length
    FROM (SELECT weir.hop('2026-10-25 12:00+01', '3 days', '1 day', 'Europe/Berlin') AS start,
                 weir.hop_end('2026-10-25 12:00+01', '3 days', '1 day', 'Europe/Berlin') AS stop) AS w;
SELECT weir.hop('2026-11-20 15:42+00', '1 hour', '30 min', 'UTC', '2026-01-01 00:10+00');

-- NULL gives none; an infinite time is its own window
SELECT count(*) FROM weir.hop(NULL, '1 hour', '30 min');
SELECT weir.hop(ts, '1 hour', '30 min'), weir.hop_end(ts, '1 hour', '30 min') FROM unnest('{infinity,-infinity}'::timestamptz[]) AS ts;

-- what cannot be
SELECT weir.hop('2026-11-20', '1 hour', '2 hours');
SELECT weir.hop('2026-11-20', '1 hour', '0');
SELECT weir.hop('2026-11-20', '1 hour', '-1 min');
SELECT weir.hop('2026-11-20', '1 month', '1 week');
SELECT weir.hop('2026-11-20', '1 day', '1 hour', 'Europe/Berlin');
SELECT weir.hop('2026-11-20', '1 hour', '3 s');
SELECT weir.hop('2026-11-20', '1 hour', '59 min 59.999 s');
SELECT weir.hop('4714-11-24 00:00+00 BC', '1 hour', '30 min');
SELECT weir.hop('2026-11-20', '1 hour', '30 min', 'Nowhere/Land');

-- a view is a query of its own: set-returning functions may stand in GROUP BY
CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN TABLE sales (at timestamptz, shop text, amount int)
    SERVER kafka OPTIONS (topic 'sales', event_time 'at', lateness '0', on_late 'reject');
SELECT what, value FROM weir.validate('SELECT weir.hop(at, ''10 min'', ''5 min'') AS start, weir.hop_end(at, ''10 min'', ''5 min'') AS stop, shop, count(*) AS n
    FROM sales GROUP BY 1, 2, 3') WHERE what <> 'fingerprint';

CREATE FUNCTION at(minute numeric, amount int, shop text DEFAULT 'a') RETURNS weir.event LANGUAGE sql
    RETURN weir.event(jsonb_build_object('at', '2020-01-01 00:00+00'::timestamptz + minute * interval '1 min', 'shop', shop, 'amount', amount)::text);
\set q 'SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, shop, count(*) AS n, sum(amount), first(amount), last(amount), min(shop) FROM sales GROUP BY 1, 2'

-- an event is in two windows; they close one after the other; live shows what is open
SELECT step, kind, "row", "offset", reason, windows, watermark FROM weir.simulate(:'q', ARRAY[at(7, 1), at(3, 2), at(12, 3), at(19, 4)], true);

-- late for the window that has closed, in time for the next one: the first is told, the second counts it
SELECT step, kind, "row", "offset", reason, windows FROM weir.simulate(:'q', ARRAY[at(1, 1), at(11, 2), at(8, 3), at(30, 4), at(8, 5)]);
-- if late events are discarded, each is said once
ALTER FOREIGN TABLE sales OPTIONS (SET on_late 'discard');
SELECT step, kind, "row", "offset", reason FROM weir.simulate(:'q', ARRAY[at(1, 1), at(11, 2), at(8, 3)]);
ALTER FOREIGN TABLE sales OPTIONS (SET on_late 'reject');

-- a bad value is one reject, with all windows that missed it
SELECT step, kind, reason, windows FROM weir.simulate(:'q',
    ARRAY[weir.event('{"at": "2026-01-01T00:07:00Z", "shop": "a", "amount": "x"}'), weir.event('{"at": "0001-01-01T00:00:00Z", "amount": 1}')]);

-- windows with nothing between them do not appear
SELECT step, kind, "row" FROM weir.simulate(:'q', ARRAY[at(1, 1), at(100000, 2), at(100011, 3)]);

-- neither multiple: five minutes every two
SELECT step, kind, "row" FROM weir.simulate('SELECT weir.hop(at, ''5 min'', ''2 min'') AS w, count(*) AS n FROM sales GROUP BY 1',
    ARRAY[at(0, 1), at(1, 1), at(2, 1), at(6, 1), at(5, 1), at(10, 1)]);

-- HAVING and a group that cannot be finished are each window's own
SELECT step, kind, "row", reason, detail, windows FROM weir.simulate('SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, 10 / (count(*) - 1) AS x FROM sales GROUP BY 1 HAVING count(*) < 3',
    ARRAY[at(1, 1), at(6, 1), at(7, 1), at(12, 1), at(40, 1)]);

-- refused
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, weir.hop(at, ''20 min'', ''5 min'') AS x, count(*) AS n FROM sales GROUP BY 1, 2');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, weir.tumble(at, ''5 min'') AS x, count(*) AS n FROM sales GROUP BY 1, 2');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, weir.tumble_end(at, ''10 min'') AS x, count(*) AS n FROM sales GROUP BY 1, 2');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, weir.hop_end(at, ''10 min'', ''2 min'') AS x, count(*) AS n FROM sales GROUP BY 1, 2');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', make_interval(mins => amount)) AS w, count(*) AS n FROM sales GROUP BY 1');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''11 min'') AS w, count(*) AS n FROM sales GROUP BY 1');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, generate_series(1, 2) AS g, count(*) AS n FROM sales GROUP BY 1');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''5 min'') + interval ''1 s'' AS w, count(*) AS n FROM sales GROUP BY 1');
SELECT weir.create_view('v', 'SELECT weir.hop(at, ''10 min'', ''5 min'') AS w, amount AS n FROM sales');

SET client_min_messages = warning;
DROP SCHEMA hop CASCADE;
DROP SERVER kafka CASCADE;
