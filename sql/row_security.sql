-- Row security of a closed table: whom it applies to reads no live rows, by no way. Needs no broker.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
DROP ROLE IF EXISTS regress_weir_owner, regress_weir_reader;
RESET client_min_messages;
CREATE ROLE regress_weir_owner;
CREATE ROLE regress_weir_reader;
CREATE SCHEMA rls;
GRANT ALL ON SCHEMA rls TO PUBLIC;
SET search_path = rls;
CREATE SERVER rls_nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
GRANT USAGE ON FOREIGN SERVER rls_nowhere TO regress_weir_owner;

SET client_min_messages = error;
SET ROLE regress_weir_owner;
CREATE FOREIGN TABLE tick (at timestamptz, k text) SERVER rls_nowhere OPTIONS (topic 'tick', event_time 'at');
SELECT weir.create_view('daily', $$ SELECT weir.tumble(at, '1 day') AS day, k, count(*) AS n FROM tick GROUP BY 1, 2 $$);
RESET client_min_messages;
INSERT INTO daily_closed VALUES ('2026-01-01', 'regress_weir_reader', 1), ('2026-01-01', 'other', 2);
GRANT SELECT ON daily, daily_closed, daily_live TO regress_weir_reader;
CREATE VIEW invoked WITH (security_invoker) AS SELECT * FROM daily_closed UNION ALL SELECT day, k, n FROM daily_live;
CREATE VIEW mine WITH (security_barrier) AS SELECT * FROM daily WHERE k = current_user;
GRANT SELECT ON invoked, mine TO regress_weir_reader;

-- a_table_without_row_security_refuses_nobody
SET ROLE regress_weir_reader;
SELECT count(*) FROM daily_live;
SELECT count(*) FROM weir.live(NULL::daily_live);
SELECT count(*) FROM invoked;
PREPARE live AS SELECT count(*) FROM daily_live;
EXECUTE live;

-- whom_a_policy_applies_to_reads_no_live_rows
SET ROLE regress_weir_owner;
ALTER TABLE daily_closed ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON daily_closed TO regress_weir_reader USING (k = current_user);
SET ROLE regress_weir_reader;
SELECT k FROM daily_closed;
SELECT count(*) FROM daily_live;
SELECT count(*) FROM weir.live(NULL::daily_live);
SELECT count(*) FROM invoked;
SELECT k FROM invoked LIMIT 1;
EXECUTE live;
EXPLAIN SELECT * FROM daily_live;
SET row_security = off;
SELECT count(*) FROM daily_live;
RESET row_security;

-- a_view_of_the_owner_reads_with_the_owners_rights, closed rows and live ones
SELECT k FROM daily ORDER BY k;
SELECT k FROM mine;

-- the_owner_reads_on
SET ROLE regress_weir_owner;
SELECT count(*) FROM daily_live;
SELECT count(*) FROM invoked;

-- unless_row_security_is_forced
ALTER TABLE daily_closed FORCE ROW LEVEL SECURITY;
SELECT count(*) FROM daily_live;
SELECT count(*) FROM daily;
SET ROLE regress_weir_reader;
SELECT count(*) FROM mine;

-- a_view_with_the_invokers_rights is refused to the reader, and read by who has BYPASSRLS
RESET ROLE;
ALTER VIEW daily SET (security_invoker);
SELECT count(*) FROM daily;
SET ROLE regress_weir_reader;
SELECT count(*) FROM daily;
RESET ROLE;
ALTER ROLE regress_weir_reader BYPASSRLS;
SET ROLE regress_weir_reader;
SELECT count(*) FROM daily;
RESET ROLE;

SET client_min_messages = warning;
DROP SERVER rls_nowhere CASCADE;
DROP SCHEMA rls CASCADE;
DROP ROLE regress_weir_owner, regress_weir_reader;
