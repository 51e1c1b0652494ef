-- SELECT: what a message becomes, and that the executor may do with a scan all it does with a table.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
RESET client_min_messages;
CREATE SCHEMA sel;
SET search_path = sel;
CREATE SERVER sel_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER sel_kafka;

-- raw: messages byte by byte
CREATE FOREIGN TABLE raw (part int OPTIONS (meta 'partition'), payload bytea OPTIONS (meta 'payload'))
SERVER sel_kafka OPTIONS (topic 'values');
INSERT INTO raw VALUES
(0, '{"id": 1, "t": "text", "n": 1.50, "i": 7, "j": {"a": [1]}, "jb": {"a": [1]}, "deep": {"list": [10, {"x": "in"}]}}'),
(0, '{"id": 2}'),
(0, '{"id": 3, "t": null, "n": null, "i": null, "j": null, "jb": null, "deep": null}'),
(0, '{"id": 4, "t": "", "j": "", "jb": ""}'),
(0, '{"id": "5", "t": 12.50, "n": "12345678901234567890.123456789012345678901234567890", "i": "8", "j": "8", "jb": "8"}'),
(0, '{"id": 6, "t": {"b" : 1}, "n": 1e400, "i": 9.0, "deep": {"list": [11]}}'),
(0, '{"id": 7, "t": true, "i": 1e3, "deep": {"list": []}, "id": 70}'),
(0, NULL),
(0, '{}');

CREATE FOREIGN TABLE vals (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'),
    id int, t text, n numeric, i int, j json, jb jsonb,
    elem int OPTIONS (path 'deep.list[0]'), inner_x text OPTIONS (path 'deep.list[1].x'),
    whole jsonb OPTIONS (path 'deep'), payload text OPTIONS (meta 'payload'))
SERVER sel_kafka OPTIONS (topic 'values');

\pset null '<null>'
SELECT off, id, t, n, i FROM vals WHERE off <> 5 ORDER BY off;
SELECT off, j, jb, elem, inner_x, whole FROM vals ORDER BY off;
SELECT off, n = 1e400 AS is_exact FROM vals WHERE off = 5;
-- NULL, missing and empty are told apart where the type can
SELECT off, t IS NULL AS t_null, t = '' AS t_empty, j IS NULL AS j_null, jb = 'null' AS jb_is_null
FROM vals WHERE off IN (1, 2, 3, 7) ORDER BY off;
-- a tombstone is a row of NULLs
SELECT off, payload IS NULL AS is_tombstone, vals.id FROM vals WHERE off >= 7 ORDER BY off;

--
-- Counting: whatever is selected, the rows are the same
--
SELECT count(*) FROM vals;
SELECT count(*) FROM (SELECT * FROM vals) AS q;
SELECT count(*) FROM (SELECT v FROM vals v) AS q;
SELECT FROM vals WHERE off < 3;
SELECT v FROM vals v WHERE off = 3;
SELECT (v).t, v IS NULL AS is_null FROM vals v WHERE off = 0;
SELECT tableoid::regclass, off, ctid FROM vals WHERE off < 2 ORDER BY off;
SELECT xmin FROM vals LIMIT 1;

--
-- ctid: (partition, distance from the scan's start), through all that a plan does with rows
--
CREATE FOREIGN TABLE events (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), id int, grp text)
SERVER sel_kafka OPTIONS (topic 'events');
INSERT INTO events (part, id, grp)
SELECT i % 4, i, chr(ascii('a') + i % 3) FROM generate_series(0, 39) AS i;
-- block = (part << 36 | off) >> 16
SELECT count(*), bool_and(ctid = format('(%s,%s)', (part::bigint << 20) | (off >> 16), off & 65535)::tid)
FROM events;
SELECT ctid, part, off, id FROM events WHERE off < 2 ORDER BY ctid;
SELECT ctid, part, off FROM events WHERE off < 2 ORDER BY id DESC;
SELECT grp, array_agg(id ORDER BY ctid) FROM events GROUP BY grp ORDER BY grp;
SELECT grp, (array_agg(id ORDER BY ctid))[1] AS first, (array_agg(id ORDER BY ctid DESC))[1] AS last
FROM events GROUP BY grp ORDER BY grp;
WITH e AS MATERIALIZED (SELECT ctid AS c, * FROM events)
SELECT bool_and(a.c = b.ctid), count(*) FROM e AS a JOIN events AS b ON a.c = b.ctid WHERE a.id = b.id;
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM events a JOIN events b ON a.ctid = b.ctid AND a.id = b.id;
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT id FROM (SELECT id, ctid AS c FROM events ORDER BY id OFFSET 0) AS q ORDER BY c LIMIT 3;
SELECT id, row_number() OVER (PARTITION BY grp ORDER BY ctid) FROM events WHERE off = 0 ORDER BY ctid;
SELECT ctid FROM events WHERE id = 3 UNION ALL SELECT ctid FROM events WHERE id = 2 ORDER BY 1;
CREATE VIEW ordered AS SELECT ctid AS place, part, off, id FROM events;
SELECT * FROM ordered WHERE id < 4 ORDER BY place;
CREATE VIEW by_group AS SELECT grp, array_agg(id ORDER BY ctid) FILTER (WHERE off < 3) AS ids FROM events GROUP BY grp;
SELECT * FROM by_group ORDER BY grp;
-- a condition does not renumber
SELECT ctid, id FROM events WHERE off = 9 ORDER BY ctid;
SELECT ctid, id FROM events WHERE ctid = '(1048576,9)';

--
-- Joins, rescans, cursors
--
SELECT e.id, v.t FROM events e JOIN vals v ON v.off = e.id WHERE e.id < 2 ORDER BY 1;
CREATE TABLE wanted (part int, off bigint);
INSERT INTO wanted VALUES (0, 1), (1, 2), (0, 1), (3, 100), (9, 0), (NULL, 0), (2, 0);
SELECT w.*, l.id FROM wanted w
LEFT JOIN LATERAL (SELECT id FROM events e WHERE e.part = w.part AND e.off = w.off OFFSET 0) l ON true
ORDER BY w.part, w.off;
SELECT w.*, (SELECT id FROM events e WHERE e.part = w.part AND e.off = w.off) AS id
FROM wanted w ORDER BY w.part, w.off;
SELECT w.*, EXISTS (SELECT FROM events e WHERE e.part = w.part AND e.off >= w.off) AS "any"
FROM wanted w ORDER BY w.part, w.off;
SELECT w.*, (SELECT array_agg(id ORDER BY e.ctid) FROM events e WHERE e.part IN (w.part, w.part + 1) AND e.off < 2) AS ids
FROM wanted w ORDER BY w.part, w.off;
SET enable_material = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*), count(e.id) FROM wanted w LEFT JOIN events e ON w.part > e.part;
SELECT count(*), count(e.id) FROM wanted w LEFT JOIN events e ON w.part > e.part;
SELECT count(*) FROM wanted w JOIN events e ON w.part = e.part AND w.off = e.off;
-- a rescan that stopped half-way
SELECT w.part, (SELECT id FROM events e WHERE e.part = 0 ORDER BY off LIMIT 1) + w.off * 0 AS id
FROM wanted w WHERE w.off = 1;
SELECT count(l.id) FROM wanted w, LATERAL (SELECT id FROM events e WHERE e.part = 1 AND w.off IS NOT NULL LIMIT 2) l;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
-- recursion scans once for each round
WITH RECURSIVE chain(part, off, id) AS (
    SELECT part, off, id FROM events WHERE part = 0 AND off = 0
    UNION ALL
    SELECT e.part, e.off, e.id FROM chain c JOIN events e ON e.part = 0 AND e.off = c.off + 4)
SELECT * FROM chain;

SELECT id FROM events LIMIT 0;
SELECT count(*) FROM (SELECT id FROM events LIMIT 1) AS q;
SELECT count(*) FROM (SELECT id FROM events OFFSET 35) AS q;
SELECT id FROM events WHERE part = 2 ORDER BY off FETCH FIRST 2 ROWS ONLY;

BEGIN;
DECLARE plain CURSOR FOR SELECT off, id FROM events WHERE part = 1;
FETCH 2 FROM plain;
MOVE 3 IN plain;
FETCH ALL FROM plain;
FETCH NEXT FROM plain;
SAVEPOINT s;
FETCH BACKWARD 1 FROM plain;
ROLLBACK TO s;
DECLARE scroll SCROLL CURSOR FOR SELECT off, id FROM events WHERE part = 1;
FETCH 3 FROM scroll;
FETCH BACKWARD 1 FROM scroll;
FETCH LAST FROM scroll;
FETCH ABSOLUTE 1 FROM scroll;
DECLARE two CURSOR FOR SELECT off FROM events WHERE part = 2;
FETCH 1 FROM two;
FETCH 1 FROM scroll;
CLOSE two;
ROLLBACK;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM events WHERE part = 3 AND off < 2;
COMMIT;
FETCH ALL FROM held;
CLOSE held;
-- a loop in PL/pgSQL, left early, and an error within it
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT id FROM events WHERE part = 0 LOOP
        EXIT WHEN r.id = 8;
    END LOOP;
    RAISE NOTICE 'left at %', r.id;
    BEGIN
        FOR r IN SELECT id FROM events WHERE part = 0 LOOP
            PERFORM 1 / (r.id - 4);
        END LOOP;
    EXCEPTION WHEN division_by_zero THEN
        RAISE NOTICE 'caught';
    END;
END $$;

-- other tables may be read in parallel
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE numbers AS SELECT i FROM generate_series(0, 39) AS i;
ANALYZE numbers;
SELECT count(*), sum(id) FROM events JOIN numbers ON id = i;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

SELECT id FROM events WHERE id = 5 FOR UPDATE;
SELECT count(*) FROM events TABLESAMPLE SYSTEM (100);

--
-- Columns that come, go and change
--
ALTER FOREIGN TABLE events ADD COLUMN late text DEFAULT 'none';
SELECT id, late FROM events WHERE part = 0 AND off = 0;
DROP VIEW ordered, by_group;
ALTER FOREIGN TABLE events DROP COLUMN id;
SELECT * FROM events WHERE part = 0 AND off = 0;
SELECT e FROM events e WHERE part = 0 AND off = 0;
ALTER FOREIGN TABLE events ADD COLUMN id int;
SELECT part, id FROM events WHERE off = 0 ORDER BY ctid;
-- the path of a column without option `path` is its name
ALTER FOREIGN TABLE events RENAME COLUMN id TO number;
SELECT part, number FROM events WHERE off = 0 ORDER BY ctid;
ALTER FOREIGN TABLE events ALTER COLUMN number OPTIONS (ADD path 'id');
SELECT part, number FROM events WHERE off = 0 ORDER BY ctid;

-- a child, a partition: with columns in another order
CREATE TABLE parent (grp text, number int, off bigint);
INSERT INTO parent VALUES ('local', -1, -1);
ALTER FOREIGN TABLE events INHERIT parent;
SELECT tableoid::regclass, * FROM parent WHERE off < 1 ORDER BY number;
EXPLAIN (COSTS OFF) SELECT * FROM parent WHERE off < 1;
ALTER FOREIGN TABLE events NO INHERIT parent;
CREATE TABLE parted (id int, kind text, part int, off bigint) PARTITION BY LIST (kind);
CREATE TABLE parted_local PARTITION OF parted FOR VALUES IN ('local');
CREATE FOREIGN TABLE parted_kafka (
    off bigint OPTIONS (meta 'offset'), gone int, part int OPTIONS (meta 'partition'), kind text, id int)
SERVER sel_kafka OPTIONS (topic 'parted');
ALTER FOREIGN TABLE parted_kafka DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_kafka FOR VALUES IN ('kafka');
INSERT INTO parted (id, kind, part) VALUES (1, 'local', 0), (2, 'kafka', 1), (3, 'kafka', 2), (4, 'local', 0);
SELECT tableoid::regclass, * FROM parted ORDER BY id;
SELECT id FROM parted WHERE part = 1;
EXPLAIN (COSTS OFF) SELECT id FROM parted WHERE part = 1;
UPDATE parted SET kind = 'kafka' WHERE id = 4;
UPDATE parted SET kind = 'kafka' WHERE id = 4 AND kind = 'local';
UPDATE parted SET id = 5 WHERE kind = 'local';
SELECT tableoid::regclass, id, kind, part FROM parted ORDER BY id;

-- two tables on one topic; a topic that has no message yet
SELECT count(*) FROM raw;
CREATE FOREIGN TABLE empty (id int) SERVER sel_kafka OPTIONS (topic 'empty');
INSERT INTO empty SELECT 1 WHERE false; -- makes the topic
SELECT * FROM empty;
SELECT count(*) FROM empty;
CREATE FOREIGN TABLE bare () SERVER sel_kafka OPTIONS (topic 'values');
SELECT count(*) FROM bare;
SELECT FROM bare LIMIT 2;

SET client_min_messages = warning;
DROP SCHEMA sel CASCADE;
DROP SERVER sel_kafka CASCADE;
