-- Text in, text out: what weir.create_view() writes into a definition, and nothing else. No broker is
-- asked.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
-- whether the server runs views is no matter here, nor its warning if it does not
SET client_min_messages = error;
CREATE SCHEMA rewrite;
SET search_path = rewrite;
\pset format unaligned
\pset tuples_only on
CREATE SERVER rewrite_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN TABLE events (
    id bigint, "Event Time" timestamptz OPTIONS (unit 'ms', path 'time'), kind text, price float8, size float4, amount numeric
) SERVER rewrite_kafka OPTIONS (topic 'events', event_time 'Event Time');
CREATE FUNCTION written(query text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(max(value) FILTER (WHERE what = 'query'),
                    'ERROR: ' || max(value) FILTER (WHERE what = 'error'))
    FROM weir.validate('SELECT weir.tumble("Event Time", ''1 hour'') AS w, ' || query || ' FROM events GROUP BY 1')
$$;
CREATE FUNCTION short(query text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(substring(w FROM 'AS w, (.*) FROM events GROUP BY 1'), w) FROM written($1) AS w
$$;

-- the order of events, and the schema
SELECT short('first(price) AS a, last(price) AS b');
SELECT short('FIRST(price) AS a, "last"(price) AS b, Last (price) AS c');
SELECT short('weir.first(price) AS a, weir . last(price) AS b');
-- a user's own order is kept
SELECT short('first(price ORDER BY id) AS a, last(price ORDER BY "Event Time" DESC NULLS LAST, id) AS b');
SELECT short('first(price ORDER BY "Event Time", ctid) AS a, weir.first(price ORDER BY id, events.ctid) AS b');
-- sums of floats, of both widths; of no others
SELECT short('sum(price) AS a, sum(size) AS b, sum(id) AS c, sum(amount) AS d, sum(price::numeric) AS e');
SELECT short('avg(price) AS a, stddev(price) AS b, stddev_samp(size) AS c, stddev_pop(price) AS d,
    variance(size) AS e, var_samp(price) AS f, var_pop(price) AS g, avg(id) AS h, max(price) AS i, count(price) AS j');
SELECT short('SUM(price) AS a, "sum"(price) AS b, weir.sum(price) AS c, sum (price) AS d');
-- inside of expressions, HAVING, FILTER, CASE
SELECT short('(last(price) - first(price)) / nullif(sum(price), 0) AS a, round(avg(price)::numeric, 2) AS b');
SELECT short('first(price) FILTER (WHERE kind = ''a)'') AS a, sum(price) FILTER (WHERE id > 0) AS b');
SELECT short('first(coalesce(price, (1 + size) * 2)) AS a, CASE WHEN sum(price) > 0 THEN last(abs(price)) END AS b');
SELECT value FROM weir.validate($$SELECT weir.tumble("Event Time", '1 hour') AS w, count(*) AS n FROM events
    WHERE price > 0 GROUP BY 1 HAVING sum(price) > first(price)$$) WHERE what = 'query';
-- comments, strings, quoted identifiers, dollar quotes, parentheses of all kinds
SELECT short('first(/* ) */ price -- )
    ) AS a, last(price /* sum(price) */) AS b');
SELECT short('first('') sum(price)''::text) AS a, first($q$) first($q$ || kind) AS c, first(E''\'' )'' || kind) AS ")"');
SELECT short('first((array[price, size])[1]) AS a, first(((price))) AS b');
SELECT short('first(U&''\0041)'' || kind) AS größe, sum(price) AS "合計", last(''ü'' || kind) AS c');
-- names that only look so
SELECT short('count(*) AS first, max(id) AS last, sum(price) AS sum, max(id) AS first_id');
SELECT short('first(kind) AS first, count(*) FILTER (WHERE kind = ''first(price)'') AS n');

-- a semicolon and comments at the end
SELECT value FROM weir.validate($$ SELECT weir.tumble("Event Time", '1 hour') AS w, sum(price) AS s FROM events GROUP BY 1 ; $$) WHERE what = 'query';
SELECT value FROM weir.validate($$SELECT weir.tumble("Event Time", '1 hour') AS w, sum(price) AS s FROM events GROUP BY 1 -- why$$) WHERE what = 'query';
SELECT weir.create_view('ends_with_comment', $$SELECT weir.tumble("Event Time", '1 hour') AS w, sum(price) AS s FROM events GROUP BY 1 -- why$$);
SELECT pg_get_viewdef('ends_with_comment_query');
-- what is stored is read again as it was: PostgreSQL's own text of it needs no insertion
SELECT weir.create_view('again', $$SELECT weir.tumble("Event Time", '1 hour') AS w, first(price) AS f, sum(size) AS s FROM events GROUP BY 1$$);
SELECT value = rtrim(pg_get_viewdef('again_query'), ';') FROM weir.validate(pg_get_viewdef('again_query')) WHERE what = 'query';

-- other aliases of the stream
SELECT value FROM weir.validate($$SELECT weir.tumble(e."Event Time", '1 hour') AS w, first(e.price) AS f FROM rewrite.events AS e GROUP BY 1$$) WHERE what = 'query';

-- aggregates of the user's own, and functions, are left alone
CREATE FUNCTION first(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
SELECT short('max(rewrite.first(kind, kind)) AS a');

-- the meaning, and its fingerprint
SELECT * FROM weir.validate($$
    SELECT weir.tumble("Event Time", '1 day', 'Europe/Berlin') AS w, weir.tumble_end("Event Time", '1 day', 'Europe/Berlin') AS e,
           lower(kind) AS kind, first(price ORDER BY id DESC) AS f, sum(price) FILTER (WHERE size > 0.5) AS s,
           CASE WHEN count(*) > 1 THEN 'many' ELSE 'one' END AS c
    FROM events WHERE kind IS NOT NULL AND id IN (1, 2)
    GROUP BY 1, 2, 3 HAVING count(*) > 0$$);
-- names, aliases and the search path do not show in it; windows and conditions do
CREATE FUNCTION fingerprint(query text) RETURNS text LANGUAGE sql AS $$
    SELECT md5(value) FROM weir.validate(query) WHERE what = 'fingerprint' $$;
\set query 'SELECT weir.tumble("Event Time", ''1 hour'') AS w, kind, sum(price) AS s FROM events WHERE id > 0 GROUP BY 1, 2'
SELECT fingerprint(:'query') AS base \gset
SELECT name, fingerprint(query) = :'base' FROM (VALUES
    ('names', $$SELECT weir.tumble("Event Time", '1 hour') AS hour, kind AS k, sum(price) AS total FROM events WHERE id > 0 GROUP BY 1, 2$$),
    ('alias', $$SELECT weir.tumble(e."Event Time", '60 min') AS w, e.kind, weir.sum(price) AS s FROM rewrite.events e WHERE e.id > 0 GROUP BY 1, 2$$),
    ('another spelling of the window', $$SELECT date_bin('1 hour', "Event Time", '2000-01-01 00:00+00') AS w, kind, sum(price) AS s FROM events WHERE id > 0 GROUP BY 1, 2$$),
    ('another window', $$SELECT weir.tumble("Event Time", '2 hours') AS w, kind, sum(price) AS s FROM events WHERE id > 0 GROUP BY 1, 2$$),
    ('another condition', $$SELECT weir.tumble("Event Time", '1 hour') AS w, kind, sum(price) AS s FROM events WHERE id > 1 GROUP BY 1, 2$$),
    ('another aggregate', $$SELECT weir.tumble("Event Time", '1 hour') AS w, kind, avg(price) AS s FROM events WHERE id > 0 GROUP BY 1, 2$$)
) AS queries (name, query);
ALTER FOREIGN TABLE events RENAME COLUMN "Event Time" TO at;
ALTER FOREIGN TABLE events OPTIONS (SET event_time 'at', ADD lateness '1 hour');
ALTER FOREIGN TABLE events ALTER kind OPTIONS (ADD path 'kind');
SELECT 'path that was the name', fingerprint(replace(:'query', 'Event Time', 'at')) = :'base';
ALTER FOREIGN TABLE events ALTER kind OPTIONS (SET path 'type');
SELECT 'another path', fingerprint(replace(:'query', 'Event Time', 'at')) = :'base';

-- which may raise errors
CREATE FUNCTION raises(query text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(value, ' ') FROM weir.validate('SELECT weir.tumble(at, ''1 hour'') AS w, ' || query) WHERE what LIKE 'can raise%' $$;
SELECT query, raises(query) FROM (VALUES
    ('kind, count(*) AS n, max(price) AS m FROM events WHERE price > 1.5 AND kind IN (''a'', ''b'') AND at IS NOT NULL GROUP BY 1, 2'),
    ('count(*) AS n FROM events GROUP BY 1 HAVING count(*) > 1'),
    ('id / 2 AS h, count(*) AS n FROM events GROUP BY 1, 2'),
    ('max(id + 1) AS n FROM events GROUP BY 1'),
    ('count(*) FILTER (WHERE 1 / id > 0) AS n FROM events GROUP BY 1'),
    ('last(price ORDER BY 1 / id) AS n FROM events GROUP BY 1'),
    ('max(id) / min(id) AS n FROM events GROUP BY 1'),
    ('sum(id) AS n FROM events GROUP BY 1'),
    ('max(id::float8) AS n, coalesce(max(kind), ''none'') AS k FROM events GROUP BY 1')) AS queries (query);

-- functions that are STABLE, but not with these arguments
SELECT expression, coalesce(value, 'fine') FROM (VALUES
    ('extract(epoch FROM at)'), ('date_part(''EPOCH'', at)'), ('extract(year FROM at)'), ('extract(year FROM at AT TIME ZONE ''UTC'')'),
    ('at + interval ''1 hour'''), ('at - interval ''90 min'''), ('interval ''1 hour'' + at'), ('at + interval ''1 day'''), ('at + make_interval(days => 1)'),
    ('date_trunc(''day'', at AT TIME ZONE ''Europe/Berlin'')'), ('date_trunc(''day'', at)'), ('(at AT TIME ZONE ''UTC'')::date'), ('at::date'),
    ('concat(kind, id)'), ('concat(kind, at)'), ('format(''%s-%s'', kind, id)'), ('format(''%s'', at)'), ('concat_ws(''-'', kind, id)'),
    ('to_jsonb(kind)'), ('to_jsonb(at)'), ('jsonb_build_object(''k'', kind, ''i'', id)'), ('jsonb_build_array(at)'),
    ('array_to_string(array[kind, kind], '','')'), ('array_to_string(array[at], '','')'),
    ('to_char(amount, ''FM990.00'')'), ('to_char(amount, ''SG990'')'), ('to_char(amount, ''L990'')'), ('to_char(amount, kind)'),
    ('to_char(at AT TIME ZONE ''UTC'', ''YYYY-MM-DD'')'), ('to_char(at, ''YYYY'')'), ('to_date(kind, ''YYYY-MM-DD'')'), ('to_number(kind, ''999'')'),
    ('id::text'), ('price::text'), ('at::text'), ('kind::timestamptz'), ('lower(kind)'), ('md5(kind)'), ('random()')
) AS expressions (expression)
LEFT JOIN LATERAL weir.validate('SELECT weir.tumble(at, ''1 hour'') AS w, ' || expression || ' AS k, count(*) AS n FROM events GROUP BY 1, 2')
    ON what = 'error';

-- times from text without settings
SELECT weir.to_date('2026-02-28'), weir.to_timestamp('2026-02-28T12:00:00+01:00') = '2026-02-28 11:00+00',
       weir.to_timestamp('2026-02-28 12:00') = '2026-02-28 12:00+00';
SELECT weir.to_date('2026-02-29');
SELECT weir.to_date('28.2.2026');
SELECT weir.to_timestamp('tomorrow');
SELECT weir.to_timestamp('300000-01-01T00:00:00Z');
SELECT raises('count(*) AS n, max(weir.to_timestamp(kind)) AS m FROM events GROUP BY 1');

-- windows by other names
SELECT coalesce(max(value) FILTER (WHERE what = 'error'), substring(max(value) FILTER (WHERE what = 'fingerprint') FROM 'window [^\n]*'))
FROM (VALUES (1, 'date_trunc(''hour'', at, ''UTC'')'), (2, 'date_trunc(''days'', at, ''Europe/Berlin'')'), (3, 'date_trunc(''week'', at, ''UTC'')'),
    (4, 'date_trunc(''quarter'', at, ''UTC'')'), (5, 'date_trunc(''year'', at, ''America/New_York'')'),
    (6, 'date_bin(''15 min'', at, ''2000-01-01 00:05+00'')'), (7, 'date_bin(''1 day 12 hours'', at, ''2000-01-01 00:00+00'')'),
    (8, 'date_bin(''1 month'', at, ''2000-01-01 00:00+00'')'), (9, 'weir.tumble(at, ''1 week'', ''America/New_York'', ''2000-01-02 00:00-05'')'))
    AS windows (number, call), weir.validate('SELECT ' || call || ' AS w, count(*) AS n FROM events GROUP BY 1')
GROUP BY number ORDER BY number;

\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA rewrite CASCADE;
DROP SERVER rewrite_kafka CASCADE;
