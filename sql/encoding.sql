-- Databases that are not in UTF-8: messages are, so values are converted, or refused by name.
\getenv bootstrap WEIR_BOOTSTRAP
SET client_min_messages = warning;
DROP DATABASE IF EXISTS regress_weir_latin1;
DROP DATABASE IF EXISTS regress_weir_ascii;
RESET client_min_messages;
\set home :DBNAME
CREATE DATABASE regress_weir_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE regress_weir_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';

\c regress_weir_latin1
\encoding UTF8
CREATE EXTENSION pg_weir;
CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER kafka;
CREATE FOREIGN TABLE latin (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), id int,
    t text, v varchar(3), j json, jb jsonb, "Größe" int, deep int OPTIONS (path '"é"."ü"[1]'),
    payload text OPTIONS (meta 'payload'))
SERVER kafka OPTIONS (topic 'latin');

-- round trip: names, values and paths go out as UTF-8
INSERT INTO latin (part, id, t, v, j, jb, "Größe", deep)
VALUES (0, 1, 'déjà vu', 'éèà', '{"ñ": "ö"}', '{"ñ": "ö"}', 7, 8);
SELECT id, t, v, j, jb, "Größe", deep, payload FROM latin;
SELECT octet_length(t), octet_length(payload) FROM latin;

-- what LATIN1 cannot hold: a plain character, and one that is escaped in the message
CREATE FOREIGN TABLE raw (part int OPTIONS (meta 'partition'), id int, t json)
SERVER kafka OPTIONS (topic 'latin');
INSERT INTO raw VALUES (0, 2, '"\u20ac"'), (0, 3, '"\u00e9"');
SELECT id, t FROM raw WHERE id > 1 ORDER BY id;
SELECT id, t FROM latin WHERE part = 0 AND off = 1;
SELECT id, t FROM latin WHERE part = 0 AND off = 2;
CREATE FOREIGN TABLE binary_json (
    part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), t jsonb)
SERVER kafka OPTIONS (topic 'latin');
SELECT t FROM binary_json WHERE part = 0 AND off = 1;
SELECT t FROM binary_json WHERE part = 0 AND off = 2;

-- SQL_ASCII: bytes as they are, and only UTF-8 goes out
\c regress_weir_ascii
\encoding SQL_ASCII
CREATE EXTENSION pg_weir;
CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers :'bootstrap');
CREATE USER MAPPING FOR PUBLIC SERVER kafka;
CREATE FOREIGN TABLE plain (part int OPTIONS (meta 'partition'), id int, t text)
SERVER kafka OPTIONS (topic 'plain');
INSERT INTO plain VALUES (0, 1, 'déjà');
SELECT id, t, octet_length(t) FROM plain;
INSERT INTO plain VALUES (0, 2, E'd\xe9j\xe0');

\c :home
DROP DATABASE regress_weir_latin1;
DROP DATABASE regress_weir_ascii;
