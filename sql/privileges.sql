-- Who may do what, whose user mapping is used, what an error shows; and the extension's own objects.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_weir;
DROP ROLE IF EXISTS regress_weir_owner, regress_weir_reader, regress_weir_stranger;
RESET client_min_messages;
CREATE ROLE regress_weir_owner;
CREATE ROLE regress_weir_reader;
CREATE ROLE regress_weir_stranger;
CREATE SCHEMA priv;
GRANT ALL ON SCHEMA priv TO PUBLIC;
SET search_path = priv;

-- every object of the extension has a comment
SELECT pg_describe_object(classid, objid, 0) AS "without a comment"
FROM pg_depend
WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_weir')
  AND obj_description(objid, classid::regclass::name) IS NULL
  -- from 16 on the row types of tables count as members too
  AND (classid <> 'pg_type'::regclass OR objid IN (SELECT reltype FROM pg_class WHERE relkind = 'c'));
SELECT attrelid::regclass, attname AS "column without a comment"
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'weir'::regnamespace AND relkind NOT IN ('i', 'S') AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
SELECT obj_description(oid, 'pg_extension') IS NOT NULL AS has_comment FROM pg_extension WHERE extname = 'pg_weir';
-- what the functions promise the planner
SELECT oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel, proisstrict AS strict,
       prosecdef AS definer, proacl IS NULL AS to_public
FROM pg_proc WHERE pronamespace = 'weir'::regnamespace ORDER BY 1;

-- a server needs USAGE on the wrapper, a table USAGE on the server
SET ROLE regress_weir_owner;
CREATE SERVER priv_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
RESET ROLE;
GRANT USAGE ON FOREIGN DATA WRAPPER weir_kafka TO regress_weir_owner;
SET ROLE regress_weir_owner;
CREATE SERVER priv_kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE FOREIGN TABLE secret (part int OPTIONS (meta 'partition'), id int, owner text, note text)
SERVER priv_kafka OPTIONS (topic 'secret');
-- an owner without a user mapping has no way to Kafka
SELECT * FROM secret;
CREATE USER MAPPING FOR regress_weir_owner SERVER priv_kafka;
INSERT INTO secret VALUES (0, 1, 'regress_weir_reader', 'mine'), (0, 2, 'someone', 'theirs');
RESET ROLE;
SET ROLE regress_weir_stranger;
SELECT * FROM secret;
INSERT INTO secret VALUES (0, 3);
CREATE FOREIGN TABLE mine (id int) SERVER priv_kafka OPTIONS (topic 'secret');
RESET ROLE;

-- the mapping is that of whom the query runs as: the view's owner here
SET ROLE regress_weir_owner;
CREATE VIEW own_rows WITH (security_barrier) AS SELECT id, note FROM secret WHERE owner = current_user;
CREATE VIEW invoked WITH (security_invoker) AS SELECT id FROM secret;
CREATE VIEW way_in AS SELECT part, id, owner, note FROM secret;
GRANT SELECT ON own_rows, invoked TO regress_weir_reader;
GRANT INSERT ON way_in TO regress_weir_reader;
RESET ROLE;
SET ROLE regress_weir_reader;
SELECT * FROM own_rows;
SELECT * FROM secret;
SELECT * FROM invoked;
INSERT INTO way_in VALUES (0, 3, 'regress_weir_reader', 'by a view');
SELECT * FROM own_rows ORDER BY id;
RESET ROLE;
GRANT SELECT (id), INSERT ON secret TO regress_weir_reader;
SET ROLE regress_weir_reader;
SELECT id FROM invoked;
INSERT INTO secret VALUES (0, 4);
RESET ROLE;
CREATE USER MAPPING FOR regress_weir_reader SERVER priv_kafka;
SET ROLE regress_weir_reader;
SELECT id FROM invoked ORDER BY id;
SELECT note FROM secret;
INSERT INTO secret VALUES (0, 4);

-- a condition that tells what it sees meets only the rows that the view shows
CREATE FUNCTION tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$;
SELECT id FROM own_rows WHERE tell(note) ORDER BY id;
RESET ROLE;

-- an error shows a piece of the message only to those who may read the table
SET ROLE regress_weir_owner;
CREATE FOREIGN TABLE secret_raw (part int OPTIONS (meta 'partition'), payload text OPTIONS (meta 'payload'))
SERVER priv_kafka OPTIONS (topic 'secret');
INSERT INTO secret_raw VALUES (1, '{"id": "not for the reader", "owner": "someone"}');
SELECT * FROM own_rows;
RESET ROLE;
SET ROLE regress_weir_reader;
SELECT * FROM own_rows;
RESET ROLE;
SET ROLE regress_weir_owner;
ALTER FOREIGN TABLE secret OPTIONS (ADD on_error 'skip');
SELECT count(*) FROM own_rows;
RESET ROLE;
SET ROLE regress_weir_reader;
SELECT count(*) FROM own_rows;
RESET ROLE;

-- a producer of one role is not used by another
CREATE USER MAPPING FOR CURRENT_USER SERVER priv_kafka;
INSERT INTO secret VALUES (2, 5);
SET ROLE regress_weir_owner;
INSERT INTO secret VALUES (2, 6);
RESET ROLE;
DROP USER MAPPING FOR regress_weir_owner SERVER priv_kafka;
SET ROLE regress_weir_owner;
INSERT INTO secret VALUES (2, 7);
RESET ROLE;
SELECT id FROM secret WHERE part = 2 ORDER BY id;

SET client_min_messages = warning;
DROP SERVER priv_kafka CASCADE;
DROP SCHEMA priv CASCADE;
REVOKE ALL ON FOREIGN DATA WRAPPER weir_kafka FROM regress_weir_owner;
DROP ROLE regress_weir_owner, regress_weir_reader, regress_weir_stranger;
