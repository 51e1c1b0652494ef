-- Tumbling windows: which window holds a time, at the ends of the range and of the day. Needs no
-- broker. The judges are date_trunc, date_bin and AT TIME ZONE.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
CREATE SCHEMA tumble;
SET search_path = tumble;

-- without a zone: UTC
SELECT width, weir.tumble(ts, width), weir.tumble_end(ts, width)
    FROM (VALUES (timestamptz '2026-11-20 15:42:07.5+00')) AS t (ts),
        unnest('{1us,250ms,1s,15min,1h,7h,24h,1day,36h,1day 12h,1week,2weeks,1mon,3mons,1year,10years}'::interval[])
            AS width;

-- starts belong to their window, ends to the next
SELECT ts, weir.tumble(ts, '1 day'), weir.tumble_end(ts, '1 day')
    FROM unnest('{2026-11-19 23:59:59.999999+00,2026-11-20 00:00:00+00,2026-11-20 00:00:00.000001+00,
        1999-12-31 23:59:59.999999+00,1969-07-20 20:17:40+00,0001-01-01 00:00:00+00,
        0044-03-15 12:00:00+00 BC}'::timestamptz[]) AS ts;

-- the days of a change of clocks
SELECT zone, at, start AT TIME ZONE zone AS start, stop AT TIME ZONE zone AS stop, stop - start AS length
    FROM (VALUES
        ('Europe/Berlin', '2026-03-29 12:00'::timestamp),
        ('Europe/Berlin', '2026-10-25 12:00'),
        ('Australia/Lord_Howe', '2020-04-05 12:00'),
        ('America/Sao_Paulo', '2018-11-04 12:00'), -- midnight does not exist
        ('America/Sao_Paulo', '2019-02-16 12:00'), -- 23:00 comes twice
        ('Asia/Beirut', '2021-03-28 12:00'),
        ('Africa/Cairo', '2014-05-16 12:00'),
        ('America/Havana', '2020-11-01 12:00'),
        ('Atlantic/Azores', '2020-10-25 12:00'), -- midnight comes twice
        ('America/St_Johns', '2010-11-07 12:00'), -- at 00:01 back to 23:01
        ('America/St_Johns', '2010-11-06 12:00'),
        ('Asia/Pyongyang', '2018-05-05 12:00'),
        ('Pacific/Apia', '2011-12-29 12:00'),
        ('Pacific/Apia', '2011-12-31 12:00'), -- the day before it does not exist
        ('Pacific/Kwajalein', '1993-08-22 12:00'),
        ('+05:30', '2026-11-20 12:00'), -- POSIX: west
        ('EST5EDT4,M3.2.0,M11.1.0', '2026-03-08 12:00'),
        ('EST', '2026-03-08 12:00'),
        ('cet', '2026-07-01 12:00'),
        ('msk', '2012-07-01 12:00'),
        ('UTC', '2026-07-01 12:00')) AS t (zone, at),
        LATERAL (SELECT weir.tumble(at AT TIME ZONE zone, '1 day', zone) AS start,
                        weir.tumble_end(at AT TIME ZONE zone, '1 day', zone) AS stop) AS w;

-- a day is not always 24 hours, and hours do not follow the clock
SELECT width, start AT TIME ZONE 'Europe/Berlin' AS start, stop AT TIME ZONE 'Europe/Berlin' AS stop
    FROM unnest('{1day,24h,6h,2days,1week,1mon,1year}'::interval[]) AS width,
        LATERAL (SELECT weir.tumble('2026-03-29 12:00+02', width, 'Europe/Berlin') AS start,
                        weir.tumble_end('2026-03-29 12:00+02', width, 'Europe/Berlin') AS stop) AS w;

-- origins: days that begin at six, a fiscal year, weeks from Sunday; after the time, too
SELECT width, origin, start AT TIME ZONE zone AS start, stop AT TIME ZONE zone AS stop
    FROM (VALUES ('1 day'::interval, 'Europe/Berlin', '2020-01-01 06:00+01'::timestamptz),
        ('1 year', 'Europe/Berlin', '2021-03-31 22:00+00'),
        ('1 mon', 'Asia/Tokyo', '2020-01-28 09:30+09'),
        ('1 week', 'America/New_York', '2000-01-02 00:00-05'),
        ('1 week', 'America/New_York', '2090-01-01 00:00-05'),
        ('90 min', 'Europe/Berlin', '2020-01-01 00:10+01'),
        ('90 min', 'UTC', '2090-01-01 00:10+00')) AS t (width, zone, origin),
        LATERAL (SELECT weir.tumble('2026-03-29 12:00+00', width, zone, origin) AS start,
                        weir.tumble_end('2026-03-29 12:00+00', width, zone, origin) AS stop) AS w;

-- infinity and NULL
SELECT weir.tumble('infinity', '1 day'), weir.tumble_end('infinity', '1 mon', 'Europe/Berlin'),
    weir.tumble('-infinity', '1 hour'), weir.tumble_end('-infinity', '1 day', 'Asia/Tokyo');
SELECT weir.tumble(NULL, '1 day') IS NULL AND weir.tumble('2026-01-01', NULL) IS NULL
    AND weir.tumble('2026-01-01', '1 day', NULL) IS NULL
    AND weir.tumble('2026-01-01', '1 day', 'UTC', NULL) IS NULL AS is_strict;

-- the ends of the range
SELECT weir.tumble('4714-11-24 00:00:00+00 BC', '1 day'), weir.tumble_end('4714-11-24 00:00:00+00 BC', '1 mon');
SELECT weir.tumble('294276-12-31 23:59:59.999999+00', '1 day');
SELECT weir.tumble('294276-12-31 12:00:00+00', '1 day', 'Europe/Berlin');
SELECT weir.tumble_end('294276-06-30 12:00:00+00', '1 mon', 'Europe/Berlin');

-- errors
CREATE FUNCTION attempt(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    result text;
BEGIN
    EXECUTE query INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;
\pset format unaligned
\pset tuples_only on
SELECT arguments || E'\n' || attempt(format('SELECT weir.%s', arguments)) || E'\n'
    FROM unnest(ARRAY[
        $$tumble(now(), '0')$$,
        $$tumble(now(), '-1 hour')$$,
        $$tumble(now(), '1 day -1 hour')$$,
        $$tumble(now(), '1 month 1 day')$$,
        $$tumble(now(), '1 year 1 second')$$,
        $$tumble(now(), '1 day 12 hours', 'UTC')$$,
        $$tumble(now(), '106751992 days')$$,
        $$tumble(now(), '300000 years', 'Europe/Berlin')$$,
        $$tumble(now(), '1 day', 'Europe/Atlantis')$$,
        $$tumble(now(), '1 day', '')$$,
        $$tumble(now(), '1 day', 'UTC', 'infinity')$$,
        $$tumble(now(), '1 mon', 'Europe/Berlin', '2025-12-31 22:59+00')$$,
        $$tumble_end(now(), '1 mon', 'Europe/Berlin', '2025-12-31 23:00+00') > now()$$,
        $$tumble('4714-11-24 00:00:00+00 BC', '1 mon')$$,
        $$tumble('4714-11-24 00:00:00+00 BC', '1 day', 'Europe/Berlin')$$,
        $$tumble_end('294276-12-31 23:59:59.999999+00', '1 day')$$,
        $$tumble_end('294276-12-31 23:59:59.999999+00', '1 year', 'America/New_York')$$,
        $$tumble('infinity', '-1 day')$$]) AS arguments;
\pset tuples_only off
\pset format aligned

-- windows over 68 years are those of date_trunc, where that tiles time
CREATE TABLE calm (zone text, ts timestamptz);
INSERT INTO calm
    SELECT zone, ts
    FROM unnest('{UTC,Europe/Berlin,America/New_York,America/Sao_Paulo,Asia/Kolkata,Asia/Kathmandu,Europe/Dublin,
            Australia/Lord_Howe,Antarctica/Troll,-3}'::text[]) AS zone,
        generate_series('1970-01-01 00:00+00', '2037-12-31 00:00+00', interval '22 hours 47 minutes') AS ts;
SELECT count(*) > 200000 AS is_many,
    count(*) FILTER (WHERE weir.tumble(ts, '1 day', zone) <> date_trunc('day', ts, zone)) AS days,
    count(*) FILTER (WHERE weir.tumble(ts, '7 days', zone) <> date_trunc('week', ts, zone)) AS weeks,
    count(*) FILTER (WHERE weir.tumble(ts, '1 mon', zone) <> date_trunc('month', ts, zone)) AS months,
    count(*) FILTER (WHERE weir.tumble(ts, '3 mons', zone) <> date_trunc('quarter', ts, zone)) AS quarters,
    count(*) FILTER (WHERE weir.tumble(ts, '1 year', zone) <> date_trunc('year', ts, zone)) AS years,
    count(*) FILTER (WHERE weir.tumble(ts, '10 years', zone) <> date_trunc('decade', ts, zone)) AS decades,
    count(*) FILTER (WHERE weir.tumble(ts, '7 h', zone)
        <> date_bin('7 h', ts, timestamp '2000-01-03' AT TIME ZONE zone)) AS hours,
    count(*) FILTER (WHERE weir.tumble(ts, '7 h', zone, '2017-05-01 00:11:12.345678+00')
        <> date_bin('7 h', ts, '2017-05-01 00:11:12.345678+00')) AS origins
    FROM calm;
-- and over all of time, in UTC
SELECT count(*) FILTER (WHERE weir.tumble(ts, '1 day') <> date_trunc('day', ts)) AS days,
    count(*) FILTER (WHERE weir.tumble(ts, '1 mon') <> date_trunc('month', ts)) AS months,
    count(*) FILTER (WHERE weir.tumble(ts, '1 year') <> date_trunc('year', ts)) AS years,
    count(*) FILTER (WHERE weir.tumble(ts, '1 hour') <> date_trunc('hour', ts)) AS hours
    FROM generate_series('4713-01-01 00:00:01+00 BC'::timestamptz, '294260-01-01',
        '10 years 5 days 7 hours') AS ts;

-- changes of clocks, 1970 to 2037, to the second
CREATE FUNCTION shift(zone text, ts timestamptz) RETURNS interval LANGUAGE sql IMMUTABLE AS
    $$SELECT (ts AT TIME ZONE zone) - (ts AT TIME ZONE 'UTC')$$;
CREATE FUNCTION change(zone text, low timestamptz, high timestamptz) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    middle timestamptz;
BEGIN
    WHILE high - low > '1 second' LOOP
        middle := date_trunc('second', low + (high - low) / 2);
        IF shift(zone, middle) = shift(zone, low) THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN high;
END $$;
CREATE TABLE change AS
    SELECT zone, change(zone, ts, ts + interval '24 hours') AS ts
    FROM unnest('{Africa/Cairo,Africa/Casablanca,Africa/Monrovia,America/Asuncion,America/Havana,America/New_York,
            America/Santiago,America/Sao_Paulo,America/Scoresbysund,America/St_Johns,Antarctica/Casey,Asia/Amman,
            Asia/Beirut,Asia/Damascus,Asia/Gaza,Asia/Kathmandu,Asia/Pyongyang,Asia/Tehran,Atlantic/Azores,
            Australia/Lord_Howe,Europe/Berlin,Europe/Dublin,Pacific/Apia,Pacific/Kiritimati,Pacific/Kwajalein}'::text[]) AS zone,
        generate_series('1970-01-01 00:00+00', '2037-12-31 00:00+00', interval '24 hours') AS ts
    WHERE shift(zone, ts) <> shift(zone, ts + interval '24 hours');
SELECT count(DISTINCT zone) AS zones, count(*) > 2000 AS are_many FROM change;
CREATE TABLE event AS
    SELECT DISTINCT zone, change.ts + distance AS ts
    FROM change, LATERAL (
        SELECT interval '5 hours 1 minute' * i FROM generate_series(-7, 7) AS i
        UNION ALL SELECT unnest('{-1us,1us,-30min,30min,59min,61min}'::interval[])) AS d (distance);

-- there, too, windows tile time
SELECT width, count(*) > 40000 AS are_many,
    count(*) FILTER (WHERE ts < start OR ts >= stop) AS outside,
    count(*) FILTER (WHERE weir.tumble(start, width, zone) <> start) AS bad_starts,
    count(*) FILTER (WHERE weir.tumble(stop, width, zone) <> stop) AS gaps,
    count(*) FILTER (WHERE weir.tumble(stop - interval '1us', width, zone) <> start) AS overlaps,
    count(*) FILTER (WHERE weir.tumble_end(start - interval '1us', width, zone) <> start) AS before
    FROM unnest('{1day,3days,1mon,11h}'::interval[]) AS width, event,
        LATERAL (SELECT weir.tumble(ts, width, zone) AS start, weir.tumble_end(ts, width, zone) AS stop
                 OFFSET 0) AS w
    GROUP BY width ORDER BY width;

-- a day starts when the clock first shows it, and ends when the clock first shows another
CREATE TABLE day AS
    SELECT DISTINCT zone, weir.tumble(ts, '1 day', zone) AS start, weir.tumble_end(ts, '1 day', zone) AS stop
    FROM event;
SELECT count(*) > 8000 AS are_many,
    count(*) FILTER (WHERE earlier >= (start AT TIME ZONE zone)::date) AS shown_before,
    count(*) FILTER (WHERE within <> (start AT TIME ZONE zone)::date) AS shown_late
    FROM day,
        LATERAL (SELECT max((ts AT TIME ZONE zone)::date) AS earlier
                 FROM (SELECT start - interval '30 min' * i FROM generate_series(1, 52) AS i
                       UNION ALL SELECT start - interval '1us') AS t (ts)) AS e,
        LATERAL (SELECT max((ts AT TIME ZONE zone)::date) AS within
                 FROM (SELECT generate_series(start, stop - interval '1us', '30 min')
                       UNION ALL SELECT stop - interval '1us') AS t (ts)) AS w;

-- wider windows start where one of their days does, counted on the calendar
SELECT count(*) FILTER (WHERE weir.tumble(ts, '3 days', zone) <> weir.tumble(
        (day - (day - date '2000-01-03' + 30000) % 3 + time '12:00') AT TIME ZONE zone, '1 day', zone)) AS days,
    count(*) FILTER (WHERE weir.tumble(ts, '1 mon', zone) <> weir.tumble(
        (date_trunc('month', day::timestamp) + interval '12 h') AT TIME ZONE zone, '1 day', zone)) AS months
    FROM event, LATERAL (SELECT (weir.tumble(ts, '1 day', zone) AT TIME ZONE zone)::date AS day OFFSET 0) AS d;

-- constants, which are compiled once, and columns agree
SELECT count(*) AS differences
    FROM event, (VALUES ('1 day'::interval, 'Atlantic/Azores', '1 mon'::interval, '1 hour'::interval,
        'Asia/Kolkata', '2020-02-02 02:02+00'::timestamptz)) AS v (width, name, month, hour, kolkata, origin),
        LATERAL (SELECT width + (ts - ts) AS w OFFSET 0) AS hidden
    WHERE weir.tumble(ts, '1 day', 'Atlantic/Azores') <> weir.tumble(ts, w, name)
        OR weir.tumble_end(ts, '1 day', 'Atlantic/Azores') <> weir.tumble_end(ts, w, name)
        OR weir.tumble(ts, '1 mon') <> weir.tumble(ts, month)
        OR weir.tumble(ts, '1 hour', 'Asia/Kolkata', '2020-02-02 02:02+00')
            <> weir.tumble(ts, hour, kolkata, origin);
