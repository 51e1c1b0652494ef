-- The rules of time and of rejects, as weir.simulate() shows them: what a view makes of messages, in the
-- order in which they come. Each test stands under the claim that it proves. Needs no broker.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
CREATE SCHEMA simulate;
SET search_path = simulate;
CREATE SERVER nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE FOREIGN TABLE tick (at timestamptz OPTIONS (unit 's'), k text, n int, x float8, d numeric, b boolean)
    SERVER nowhere OPTIONS (topic 'tick', event_time 'at', lateness '10s');

-- an event: seconds since 1970, other members, partition
CREATE FUNCTION e(at numeric, members text DEFAULT NULL, partition int DEFAULT 0) RETURNS weir.event
    LANGUAGE sql RETURN weir.event(concat('{"at":', at, ',' || members, '}'), partition);
CREATE FUNCTION rows(query text, VARIADIC events weir.event[], OUT step bigint, OUT kind text, OUT "row" json)
    RETURNS SETOF record LANGUAGE sql AS 'SELECT step, kind, "row" FROM weir.simulate($1, $2)';
CREATE FUNCTION rejects(query text, VARIADIC events weir.event[], OUT step bigint, OUT kind text, OUT partition int,
        OUT "offset" bigint, OUT reason text, OUT detail text, OUT event_time timestamptz, OUT windows timestamptz[],
        OUT key text)
    RETURNS SETOF record LANGUAGE sql
    AS $$ SELECT step, kind, partition, "offset", reason, detail, event_time, windows, key
          FROM weir.simulate($1, $2) WHERE kind NOT IN ('closed', 'live') $$;
CREATE FUNCTION trace(query text, VARIADIC events weir.event[], OUT step bigint, OUT kind text, OUT "row" json,
        OUT reason text, OUT watermark timestamptz)
    RETURNS SETOF record LANGUAGE sql
    AS 'SELECT step, kind, "row", reason, watermark FROM weir.simulate($1, $2, true)';
\set counts '$$ SELECT weir.tumble(at, \'1 min\') AS w, count(*) AS n FROM tick GROUP BY 1 $$'

--
-- M and W
--

-- one_partition_W_is_M_minus_lateness_and_never_goes_back
SELECT * FROM trace(:counts, e(0), e(30), e(20), e(30), e(31.5));

-- equality_closes: W is the window's end at the second event, a microsecond less at the first
SELECT * FROM trace(:counts, e(0), e(69.999999), e(70));

-- a_window_holds_its_start_and_not_its_end
SELECT * FROM rows(:counts, e(0), e(59.999999), e(60), e(119.999999), e(120));

-- several_partitions_hold_W: one that has shown nothing holds it before everything
SELECT * FROM trace(:counts, e(0), e(500), e(5, NULL, 1), e(500, NULL, 1), e(510, NULL, 2), e(511));

-- an_empty_partition_holds_nothing: no event is sent to partition 0
SELECT * FROM trace(:counts, e(0, partition => 1), e(70, partition => 1));

-- M_is_of_its_partition: an event at most lateness behind its own partition is never late
SELECT * FROM rows(:counts, e(1000, NULL, 1), e(100), e(90), e(200), e(190), e(300, NULL, 1));

-- an_event_is_judged_by_the_W_before_it: its own time closes nothing under it
SELECT * FROM trace(:counts, e(0), e(1000));

-- a_jump_closes_windows_in_their_order
SELECT * FROM rows(:counts, e(130), e(125), e(140), e(121), e(1000));
SELECT * FROM rows($$ SELECT weir.tumble(at, '1 s') AS w, count(*) AS n FROM tick GROUP BY 1 $$,
                   e(5), e(1), e(3), e(2), e(4), e(100));

-- lateness_0_closes_at_once
CREATE FOREIGN TABLE prompt (at timestamptz OPTIONS (unit 's')) SERVER nowhere
    OPTIONS (topic 'prompt', event_time 'at', lateness '0');
SELECT * FROM weir.simulate('SELECT weir.tumble(at, ''1 min'') AS w, count(*) AS n FROM prompt GROUP BY 1',
                            ARRAY[e(0), e(59), e(58), e(60), e(59), e(120)], true);

-- lateness_30_days_waits_30_days
CREATE FOREIGN TABLE patient (at timestamptz OPTIONS (unit 'iso8601')) SERVER nowhere
    OPTIONS (topic 'patient', event_time 'at', lateness '30 days');
SELECT step, kind, "row", reason FROM weir.simulate(
    'SELECT weir.tumble(at, ''1 day'') AS w, count(*) AS n FROM patient GROUP BY 1',
    ARRAY[weir.event('{"at":"2025-01-01"}'), weir.event('{"at":"2025-01-31T23:59:59.999999Z"}'), weir.event('{"at":"2025-01-01"}'),
          weir.event('{"at":"2025-02-01"}'), weir.event('{"at":"2025-01-01T23:59:59Z"}'), weir.event('{"at":"2025-01-02"}')]);

--
-- late, and other rejects
--

-- late_is_judged_by_window: below W, but in an open window, is counted; in a closed one it is a reject
SELECT * FROM rows(:counts, e(0), e(100), e(61), e(59), e(60));
SELECT * FROM rejects(:counts, e(0), e(100), e(61), e(59), e(60));

-- a_late_event_is_late_for_each_view_by_its_own_windows
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 h'') AS w, count(*) AS n FROM tick GROUP BY 1', e(0), e(100), e(59));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 s'') AS w, count(*) AS n FROM tick GROUP BY 1', e(0), e(100), e(90), e(89.5));

-- a_late_event_does_not_open_its_window_again
SELECT * FROM rows(:counts, e(0), e(200), e(0), e(400));

-- where_comes_before_lateness_but_M_moves
SELECT * FROM trace('SELECT weir.tumble(at, ''1 min'') AS w, count(*) AS n FROM tick WHERE n > 0 GROUP BY 1',
                    e(0, '"n":1'), e(100, '"n":0'), e(1, '"n":0'), e(1, '"n":1'), e(2));

-- rejects_do_not_move_M_unless_their_time_is_good
SELECT * FROM trace($$ SELECT weir.tumble(at, '1 min') AS w, sum(n) AS n FROM tick GROUP BY 1 $$,
                    e(0, '"n":1'), weir.event('{"at":1000'), weir.event('{"at":"x"}'), e(100, '"n":"bad"'));

-- what_is_wrong_is_said
SELECT * FROM rejects($$ SELECT weir.tumble(at, '1 min') AS w, sum(n) AS n FROM tick GROUP BY 1 $$,
    weir.event('{"at":1,"n":"many"}'), weir.event('{"at":1,"n":1.5}'), weir.event('{"at":1,"n":9999999999}'),
    weir.event('{"at":1,"n":{}}'), weir.event('{"at":"noon"}'), weir.event('{"n":1}'), weir.event('{"at":null}'),
    weir.event(NULL), weir.event(''), weir.event('{'), weir.event('[]'), weir.event('{"at":1} 2'), weir.event('{"at":1e30}'),
    weir.event('{"at":true}'), weir.event('not json'), weir.event('{"at":9e11}'));

-- a_bad_value_is_a_reject_only_where_it_is_used
SELECT * FROM rejects(:counts, e(1, '"n":"many","x":"?"'));
SELECT * FROM rows(:counts, e(1, '"n":"many","x":"?"'));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, count(*) AS n FROM tick WHERE n > 0 GROUP BY 1', e(1, '"n":"many"'));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, n FROM tick GROUP BY 1, 2 HAVING count(*) > 0', e(1, '"n":"many"'));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, count(*) FILTER (WHERE n > 0) AS n FROM tick GROUP BY 1',
                      e(1, '"n":"many"'));

-- of_several_bad_values_the_first_column_is_named
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, sum(x) AS x, sum(n) AS n FROM tick GROUP BY 1', e(1, '"x":"?","n":"?"'));

-- too_far_ahead_is_a_reject_of_the_stream: by the clock, and not at all with max_ahead off
SELECT step, kind, reason, event_time - now() > '1 day' AS is_ahead, windows, watermark
    FROM weir.simulate(:counts, ARRAY[e(0), e(extract(epoch FROM now()) + 90000), e(1)]);
SELECT count(*) FILTER (WHERE kind = 'rejected') AS rejected
    FROM weir.simulate(:counts, ARRAY[e(extract(epoch FROM now()) + 86000)]);
-- the producer's own timestamp is no measure of it
SELECT step, kind, reason FROM weir.simulate(:counts,
    ARRAY[weir.event('{"at":4102444800}', "timestamp" => '2100-01-01')]);

-- on_late_discard_only_counts
ALTER FOREIGN TABLE tick OPTIONS (ADD on_late 'discard');
SELECT * FROM trace(:counts, e(0), e(100), e(59), e(60));
ALTER FOREIGN TABLE tick OPTIONS (DROP on_late);

-- a_tombstone_has_no_event_time_unless_the_record_has
CREATE FOREIGN TABLE stamped (at timestamptz OPTIONS (meta 'timestamp'), k text OPTIONS (meta 'key'), n int)
    SERVER nowhere OPTIONS (topic 'stamped', event_time 'at', lateness '0');
SELECT step, kind, "row", reason FROM weir.simulate(
    'SELECT weir.tumble(at, ''1 day'') AS w, k, count(*) AS messages, sum(n) AS n FROM stamped GROUP BY 1, 2',
    ARRAY[weir.event('{"n":1}', 0, '2026-02-01', 'a'), weir.event(NULL, 0, '2026-02-01 12:00', 'a'), weir.event(NULL, 0, NULL, 'a'),
          weir.event('{"n":2}', 0, '2026-02-01 23:59:59.9999', NULL), weir.event(NULL, 0, '2026-02-02', 'b')]);

-- offsets_are_given_or_follow, and may have gaps
CREATE FOREIGN TABLE placed (at timestamptz OPTIONS (unit 's'), p int OPTIONS (meta 'partition'), o bigint OPTIONS (meta 'offset'),
        n int)
    SERVER nowhere OPTIONS (topic 'placed', event_time 'at');
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, sum(n) AS n, max(o) AS o FROM placed GROUP BY 1',
    e(1, '"n":"?"'), weir.event('{"at":1,"n":"?"}', "offset" => 7), e(1, '"n":"?"'), e(1, '"n":"?"', 3));
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, p, min(o) AS first, max(o) AS last FROM placed GROUP BY 1, 2',
    e(1), weir.event('{"at":1}', 5, "offset" => 7), e(1), e(1, NULL, 5), weir.event('{"at":1}', 0, "offset" => 5000000000));
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, count(*) AS n FROM placed GROUP BY 1',
    weir.event('{"at":1}', "offset" => 7), weir.event('{"at":1}', "offset" => 7));
SELECT * FROM rows(:counts, weir.event('{"at":1}', -1));
SELECT * FROM rows(:counts, e(1), NULL);
SELECT * FROM weir.simulate(:counts, '{}');

--
-- the calendar
--

CREATE FOREIGN TABLE dated (at timestamptz OPTIONS (unit 'iso8601')) SERVER nowhere
    OPTIONS (topic 'dated', event_time 'at', lateness '0', max_ahead 'off');
CREATE FUNCTION windows(width text, VARIADIC times text[], OUT start timestamptz, OUT "end" timestamptz, OUT n bigint, OUT kind text)
    RETURNS SETOF record LANGUAGE sql AS $$
    SELECT (r."row"->>'start')::timestamptz, (r."row"->>'end')::timestamptz, (r."row"->>'n')::bigint, r.kind
        FROM weir.simulate(format('SELECT weir.tumble(at, %1$s) AS start, weir.tumble_end(at, %1$s) AS "end", count(*) AS n'
                                  ' FROM dated GROUP BY 1, 2', width),
                           ARRAY(SELECT weir.event(format('{"at":"%s"}', t)) FROM unnest(times) WITH ORDINALITY AS u (t, i) ORDER BY i)) AS r
        ORDER BY step $$;

-- before_1970
SELECT * FROM windows($$ '1 day' $$, '1969-07-20T20:17:40Z', '1969-07-20T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z', '1970-01-01T00:00:00Z');
SELECT * FROM windows($$ '7 days' $$, '0001-01-01T00:00:00Z', '1582-10-15T00:00:00Z', '1900-03-01T00:00:00Z');

-- in_the_year_9999
SELECT * FROM windows($$ '1 year' $$, '9998-12-31T23:59:59.999999Z', '9999-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z');

-- leap_days
SELECT * FROM windows($$ '1 day' $$, '2024-02-28T23:59:59Z', '2024-02-29T12:00:00Z', '2024-02-29T23:59:59Z', '2024-03-01T00:00:00Z');
SELECT * FROM windows($$ '1 month' $$, '2024-02-01T00:00:00Z', '2024-02-29T23:59:59Z', '2024-03-01T00:00:00Z', '2023-02-28T00:00:00Z');
SELECT * FROM windows($$ '1 month' $$, '2100-02-28T23:59:59.999999Z', '2100-03-01T00:00:00Z');

-- months_and_quarters_and_years
SELECT * FROM windows($$ '3 months' $$, '2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2026-03-31T00:00:00Z', '2026-04-01T00:00:00Z');
SELECT * FROM windows($$ '1 year', 'Europe/Berlin', '2020-04-01 00:00+02' $$, '2026-03-31T21:59:59Z', '2026-03-31T22:00:00Z');

-- days_of_23_and_25_hours
SELECT *, "end" - start AS length FROM windows($$ '1 day', 'Europe/Berlin' $$,
    '2026-03-28T22:59:59Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:59Z', '2026-03-29T22:00:00Z');
SELECT *, "end" - start AS length FROM windows($$ '1 day', 'Europe/Berlin' $$,
    '2026-10-24T21:59:59Z', '2026-10-24T22:00:00Z', '2026-10-25T22:59:59Z', '2026-10-25T23:00:00Z');

-- a_day_that_a_zone_skipped_has_no_window
SELECT *, "end" - start AS length FROM windows($$ '1 day', 'Pacific/Apia' $$,
    '2011-12-29T12:00:00-10:00', '2011-12-29T23:59:59-10:00', '2011-12-31T00:00:00+14:00', '2012-01-01T00:00:00+14:00');

-- widths_of_time_do_not_follow_the_clock
SELECT *, "end" - start AS length FROM windows($$ '24 hours', 'Europe/Berlin' $$, '2026-03-28T23:30:00Z', '2026-03-29T22:30:00Z', '2026-03-29T23:00:00Z');

-- date_bin_is_a_window
SELECT * FROM weir.simulate($$ SELECT date_bin('15 min', at, '2000-01-01 00:07+00') AS w, count(*) AS n FROM tick GROUP BY 1 $$,
                            ARRAY[e(0), e(419), e(420), e(1319.999999), e(1320), e(3000)]);

-- date_trunc_with_a_zone_is_a_window
SELECT step, kind, "row" FROM weir.simulate($$ SELECT date_trunc('day', at, 'America/New_York') AS w, count(*) AS n FROM dated GROUP BY 1 $$,
    ARRAY[weir.event('{"at":"2026-03-08T04:59:59Z"}'), weir.event('{"at":"2026-03-08T05:00:00Z"}'), weir.event('{"at":"2026-03-09T03:59:59Z"}'),
          weir.event('{"at":"2026-03-09T04:00:00Z"}')]);
SELECT step, kind, "row" FROM weir.simulate($$ SELECT date_trunc('quarter', at, 'UTC') AS w, count(*) AS n FROM dated GROUP BY 1 $$,
    ARRAY[weir.event('{"at":"2026-03-31T23:59:59Z"}'), weir.event('{"at":"2026-04-01T00:00:00Z"}')]);

-- a_window_beyond_the_ends_of_time_is_a_reject
CREATE FOREIGN TABLE seconds (at timestamptz OPTIONS (unit 's'))
    SERVER nowhere OPTIONS (topic 'seconds', event_time 'at', max_ahead 'off');
SELECT step, kind, "row", reason, event_time, windows
    FROM weir.simulate($$ SELECT weir.tumble(at, '1000 years') AS w, count(*) AS n FROM seconds GROUP BY 1 $$,
                       ARRAY[e(0), e(9224318015999), e(9224318016000), e(-210866803200), e(-210866803201), e(1)]);

--
-- keys
--

-- a_null_key_is_a_key
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, k, count(*) AS n FROM tick GROUP BY 1, 2',
    e(1, '"k":"a"'), e(2), e(3, '"k":null'), e(4, '"k":""'), e(5, '"k":"null"'), e(100));

-- several_keys_are_one_key: no mixing of neighbours
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, k, n, b, count(*) AS c FROM tick GROUP BY 1, 2, 3, 4',
    e(1, '"k":"a","n":1,"b":true'), e(1, '"k":"a","n":1,"b":true'), e(1, '"k":"a","n":1'), e(1, '"n":1,"b":false'), e(1, '"k":"","n":1,"b":false'),
    e(1), e(1, '"k":"a","n":null,"b":true'));

-- no_key_is_one_group
SELECT * FROM rows(:counts, e(1, '"k":"a"'), e(2, '"k":"b"'));

-- keys_and_windows_stand_where_they_were_written
SELECT * FROM rows('SELECT count(*) AS c, n AS m, weir.tumble_end(at, ''1 min'') AS stop, k || ''!'' AS loud, k, weir.tumble(at, ''1 min'') AS start
    FROM tick GROUP BY k, weir.tumble(at, ''1 min''), n, weir.tumble_end(at, ''1 min'')', e(1, '"k":"a","n":5'), e(2, '"k":"a","n":5'));

-- computed_keys_and_arguments
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, upper(k) AS k, n % 2 = 0 AS is_even, sum(n * 2 + 1) AS s, max(length(k)) AS l
    FROM tick GROUP BY 1, 2, 3', e(1, '"k":"a","n":1'), e(2, '"k":"A","n":3'), e(2, '"k":"A","n":4'), e(3), e(4, '"n":2'));

-- equal_keys_are_one_whatever_their_bytes
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, d, count(*) AS n FROM tick GROUP BY 1, 2',
    e(1, '"d":1.0'), e(1, '"d":1.00'), e(1, '"d":1'), e(1, '"d":"NaN"'), e(1, '"d":"nan"'), e(1, '"d":1e0'), e(1, '"d":0.0'), e(1, '"d":-0'));
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, x, count(*) AS n FROM tick GROUP BY 1, 2',
    e(1, '"x":0'), e(1, '"x":-0.0'), e(1, '"x":"NaN"'), e(1, '"x":"NaN"'), e(1, '"x":"Infinity"'), e(1, '"x":1e999'), e(1, '"x":0e5'));

-- keys_of_many_types
CREATE FOREIGN TABLE typed (at timestamptz OPTIONS (unit 's'), u uuid, j jsonb, day date, ts timestamp, v varchar(5), r real, s smallint, g bigint)
    SERVER nowhere OPTIONS (topic 'typed', event_time 'at', lateness '0');
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, u, j, day, ts, v, r, s, g, ARRAY[s, g] AS a, v::char(8) AS c, v::bytea AS y, count(*) AS n
    FROM typed GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12',
    e(1, '"u":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11","j":{"b":1,"a":[1.0]},"day":"2024-02-29","ts":"2024-02-29T12:00:00","v":"abc","r":0.1,"s":-1,"g":9223372036854775807'),
    e(1, '"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","j":{"a":[1.0],"b":1},"day":"2024-02-29","ts":"2024-02-29 12:00:00","v":"abc","r":"0.1","s":"-1","g":9223372036854775807'),
    e(1));

-- keys_beyond_2_kB_are_rejects: 2048 bytes and not one more
SELECT step, kind, reason, event_time, windows, length("row"->>'k') AS length
    FROM weir.simulate('SELECT weir.tumble(at, ''1 min'') AS w, k, count(*) AS n FROM tick GROUP BY 1, 2',
        ARRAY[e(1, format('"k":"%s"', repeat('x', 2043))), e(1, format('"k":"%s"', repeat('x', 2044))), e(200, format('"k":"%s"', repeat('x', 100000)))]);

--
-- aggregates and expressions
--

-- ties_of_first_and_last_go_by_partition_then_offset, whatever came first
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, first(n) AS first, last(n) AS last FROM tick GROUP BY 1',
    e(5, '"n":20', 2), e(5, '"n":21', 2), e(5, '"n":0'), e(5, '"n":1'), e(5, '"n":10', 1));
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, first(n) AS first, last(n) AS last FROM tick GROUP BY 1',
    e(5, '"n":1'), e(4, '"n":2', 1), e(6, '"n":3'), e(6, '"n":4', 1), e(6, '"n":5'), e(4, '"n":6', 1));

-- first_and_last_skip_nulls
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, first(n) AS first, last(n) AS last, first(k) AS k FROM tick GROUP BY 1',
    e(1), e(2, '"n":2'), e(3, '"n":3'), e(4));

-- first_and_last_by_an_order_of_their_own
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, first(k ORDER BY n) AS first, last(k ORDER BY n) AS last,
        last(k ORDER BY n DESC NULLS LAST) AS down, first(k ORDER BY b, x DESC) AS two FROM tick GROUP BY 1',
    e(1, '"k":"c","n":3,"x":1,"b":true'), e(2, '"k":"a","n":1,"x":2,"b":true'), e(3, '"k":"null","x":9'), e(4, '"k":"b","n":2,"x":-1,"b":false'),
    e(5, '"n":0'), e(0, '"k":"z","n":3,"x":-1,"b":false'));

-- filter_having_and_expressions_over_aggregates
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, k, count(*) FILTER (WHERE n > 1) AS many, sum(n) FILTER (WHERE b) AS good,
        first(n) FILTER (WHERE n > 1) AS first, round(sum(x)::numeric / count(x), 2) AS mean, max(n) - min(n) + 0.5 AS range,
        CASE WHEN bool_or(b) THEN ''some'' ELSE ''none'' END AS b
    FROM tick GROUP BY 1, 2 HAVING count(*) > 1 AND (k IS NULL OR k < ''c'')',
    e(1, '"k":"a","n":1,"b":true,"x":1'), e(2, '"k":"a","n":2,"b":false,"x":1'), e(3, '"k":"a","n":3,"x":0'), e(4, '"k":"b","n":3,"x":1'), e(5, '"k":"c","n":1'),
    e(6, '"k":"c","n":1'), e(7, '"n":1,"x":5'), e(8, '"n":7'));

-- a_having_without_its_aggregates_in_the_list
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w FROM tick GROUP BY 1 HAVING sum(n) >= 3', e(1, '"n":1'), e(2, '"n":2'), e(61, '"n":2'));

-- an_expression_that_raises_on_input_rejects_its_event_only, late or not
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, sum(10 / n) AS s FROM tick GROUP BY 1', e(1, '"n":2'), e(2, '"n":0'), e(3, '"n":5'), e(200), e(1, '"n":0'));
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, sum(10 / n) AS s FROM tick GROUP BY 1', e(1, '"n":2'), e(2, '"n":0'), e(3, '"n":5'));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, k::int AS k, count(*) AS n FROM tick GROUP BY 1, 2', e(1, '"k":"2"'), e(2, '"k":"two"'));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, count(*) AS n FROM tick WHERE 1 / n > 0 GROUP BY 1', e(1, '"n":1'), e(2, '"n":0'));

-- a_reject_names_its_own_window, not that of the event before
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, count(*) AS n FROM tick WHERE 1 / n > 0 GROUP BY 1', e(1, '"n":1'), e(150, '"n":0'), e(210, '"n":"?"'));

-- what_where_leaves_out_and_filter_skips_is_not_evaluated
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, sum(10 / n) FILTER (WHERE n <> 0) AS s FROM tick GROUP BY 1', e(1, '"n":2'), e(2, '"n":0'));
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, sum(10 / n) AS s FROM tick WHERE n <> 0 GROUP BY 1', e(1, '"n":2'), e(2, '"n":0'));

-- an_expression_that_raises_at_close_rejects_its_group_only
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, k, sum(d) / sum(n) AS price FROM tick GROUP BY 1, 2',
    e(1, '"k":"a","n":0,"d":1'), e(1, '"k":"b","n":2,"d":1'), e(1, '"n":0,"d":5'), e(100, '"n":0,"d":1'));
SELECT * FROM rows('SELECT weir.tumble(at, ''1 min'') AS w, k, sum(d) / sum(n) AS price FROM tick GROUP BY 1, 2',
    e(1, '"k":"a","n":0,"d":1'), e(1, '"k":"b","n":2,"d":1'), e(1, '"n":0,"d":5'), e(100, '"n":0,"d":1'));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w FROM tick GROUP BY 1 HAVING 1 / sum(n) = 0', e(1, '"n":0'), e(100, '"n":0'));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, sum(x) AS x FROM tick GROUP BY 1', e(1, '"x":1e308'), e(2, '"x":1e308'), e(100));
SELECT * FROM rejects('SELECT weir.tumble(at, ''1 min'') AS w, sum(n)::smallint AS n FROM tick GROUP BY 1', e(1, '"n":32767'), e(2, '"n":1'), e(100));

-- windows_of_a_millisecond
SELECT * FROM rows('SELECT weir.tumble(at, ''1 ms'') AS w, count(*) AS n FROM tick GROUP BY 1', e(1), e(1.0009), e(1.001), e(1.000999), e(12));

--
-- stories of other systems' kind, of our own making: what each window holds, and which events were late
--

CREATE FOREIGN TABLE story (at timestamptz OPTIONS (unit 'ms'), k text, n int) SERVER nowhere
    OPTIONS (topic 'story', event_time 'at', lateness '20ms');
CREATE FUNCTION story(width text, aggregate text, VARIADIC events text[], OUT closed json, OUT live json, OUT late bigint[])
    LANGUAGE sql AS $$
    SELECT json_agg(line) FILTER (WHERE kind = 'closed'), json_agg(line) FILTER (WHERE kind = 'live'), array_agg(step) FILTER (WHERE reason = 'late')
        FROM weir.simulate(format('SELECT weir.tumble(at, %L) AS w, k, %s AS a FROM story GROUP BY 1, k', width, aggregate),
                           ARRAY(SELECT weir.event(format('{"at":%s,"k":"%s","n":%s}', split_part(v, ' ', 1), split_part(v, ' ', 2), split_part(v, ' ', 3)))
                                 FROM unnest(events) WITH ORDINALITY AS u (v, i) ORDER BY i)),
            LATERAL (SELECT format('%s %s %s', trim_scale(extract(epoch FROM ("row"->>'w')::timestamptz) * 1000), "row"->>'k', "row"->>'a') AS line) AS l $$;
-- grace: the same event in time and too late
SELECT * FROM story('10ms', 'count(*)', '0 a 1', '9 a 1', '29 a 1', '5 a 1', '30 a 1', '5 a 1', '15 a 1', '40 a 1', '19 a 1', '20 a 1');
-- a large jump closes all that is open; keys close together
SELECT * FROM story('10ms', 'max(n)', '3 a 7', '4 b 2', '13 b 5', '2 a 9', '1000 c 1', '3 a 99', '13 b 99', '985 c 4', '979 d 1', '980 d 2');
-- out of order within lateness is as in order
SELECT a.closed::text = b.closed::text AND a.live::text = b.live::text AS equal FROM
    story('10ms', 'sum(n)', '1 a 1', '5 a 2', '9 a 4', '11 a 8', '19 a 16', '21 a 32', '60 a 64') AS a,
    story('10ms', 'sum(n)', '9 a 4', '1 a 1', '5 a 2', '21 a 32', '19 a 16', '11 a 8', '60 a 64') AS b;
-- equality at both ends: W = 10 at 30
SELECT * FROM story('10ms', 'min(n)', '9 a 3', '30 a 1', '9 a 2', '10 a 5', '0 a 0');

SET client_min_messages = warning;
DROP SCHEMA simulate CASCADE;
DROP SERVER nowhere;
