# SPDX-License-Identifier: PostgreSQL
#
# 200,000 rows of all supported types go to Kafka by INSERT and come back by SELECT as the same values.
# sql/types.sql has the odd values; this is about many.
package Weir::RoundTrip;

use strict;
use warnings FATAL => 'all';
use Test::More;

my $ROWS = 200000;

# As many as keep a partition within what the embedded broker holds.
our $PARTITIONS = 40;

my @columns = (
	[ 'id', 'int', 'g' ],
	[ 'txt', 'text', q{CASE g % 4 WHEN 0 THEN md5(g::text) WHEN 1 THEN repeat(chr(32 + g % 95), g % 40) WHEN 2 THEN chr(161 + g % 50000) || '"\\' || chr(1 + g % 31) ELSE 'été 🐘 ' || g END} ],
	[ 'vc', 'varchar(12)', q{left(md5((g * 7)::text), g % 13)} ],
	[ 'i2', 'int2', '(g % 65536 - 32768)::int2' ],
	[ 'i4', 'int4', 'hashint4(g)' ],
	[ 'i8', 'int8', 'hashint8extended(g, 1)' ],
	[ 'f4', 'float4', '(hashint4(g)::float8 * power(10, g % 29 - 14))::float4' ],
	[ 'f8', 'float8', 'hashint8extended(g, 2)::float8 * power(10::float8, g % 400 - 200)' ],
	[ 'num', 'numeric', q{(hashint8extended(g, 3)::text || abs(hashint8extended(g, 4) / 2)::text || '.' || g)::numeric} ],
	[ 'money', 'numeric(12,2)', 'round(hashint4(g)::numeric / 100, 2)' ],
	[ 'yes', 'bool', 'g % 3 = 0' ],
	[ 'tz', 'timestamptz', q{timestamptz '2000-01-01 00:00+00' + hashint8extended(g, 5) / 100 * interval '1 microsecond'} ],
	[ 'ts', 'timestamp', q{timestamp '2000-01-01 00:00' + hashint8extended(g, 6) / 100 * interval '1 microsecond'} ],
	[ 'tz_ms', 'timestamptz', q{timestamptz '1970-01-01 00:00+00' + g * interval '137 ms'}, "unit 'ms'" ],
	[ 'day', 'date', q{date '2000-01-01' + hashint4(g) / 1000} ],
	[ 'id128', 'uuid', q{md5(g::text)::uuid} ],
	[ 'js', 'json', q{format('{"a": [%s, {"b": "%s"}], "c" : null}', g, md5(g::text))::json} ],
	[ 'jsb', 'jsonb', q{jsonb_build_object('n', g, 'list', jsonb_build_array(g::float8 / 7, true, NULL), 's', chr(161 + g % 50000))} ],
	[ 'inner', 'int', 'g % 1000', "path 'nested.deep[1]'" ],
	[ 'p', 'int', "g % $PARTITIONS", "meta 'partition'" ],
	[ 'k', 'text', q{CASE WHEN g % 5 > 0 THEN 'key-' || g END}, "meta 'key'" ],
	[ 'at', 'timestamptz', q{timestamptz '2026-01-01 00:00+00' + g * interval '1 ms'}, "meta 'timestamp'" ],
);

# Each row has another column NULL, but for those that cannot be: the identity and what Kafka itself sets.
sub value
{
	my ($number, $column) = @_;
	my ($name, undef, $expression) = @$column;
	return $expression if $name =~ /^(?:id|p|k|at)$/;
	return 'CASE WHEN g % ' . scalar(@columns) . " <> $number THEN $expression END";
}

sub run
{
	my ($node, $server, $topic) = @_;
	my $list = join ', ', map { qq("$_->[0]" $_->[1]) } @columns;
	my $foreign = join ', ', map { qq("$_->[0]" $_->[1]) . ($_->[3] ? " OPTIONS ($_->[3])" : '') } @columns;
	my $values = join ', ', map { value($_, $columns[$_]) } 0 .. $#columns;
	# json has no equality; its text must be the same
	my $compared = join ', ', map { $_->[1] eq 'json' ? qq("$_->[0]"::text) : qq("$_->[0]") } @columns;

	$node->query(qq{
		CREATE TABLE sent ($list);
		INSERT INTO sent SELECT $values FROM generate_series(1, $ROWS) AS g;
		CREATE FOREIGN TABLE stream ($foreign) SERVER $server OPTIONS (topic '$topic');
		INSERT INTO stream SELECT * FROM sent;
		CREATE TABLE received AS SELECT * FROM stream});
	is($node->query('SELECT count(*), count(DISTINCT id) FROM received'), "$ROWS|$ROWS", "$ROWS rows come back");
	is($node->query("SELECT count(*) FROM (SELECT $compared FROM sent EXCEPT SELECT $compared FROM received) AS missing"),
		0, 'none that was sent is missing or changed');
	is($node->query("SELECT count(*) FROM (SELECT $compared FROM received EXCEPT SELECT $compared FROM sent) AS extra"),
		0, 'none came that was not sent');
	is($node->query('SELECT count(*) FROM stream'), $ROWS, 'a count agrees');
	is($node->query('SELECT p, count(*), sum(id) FROM stream WHERE p IN (3, 5) GROUP BY p ORDER BY p'),
		$node->query('SELECT p, count(*), sum(id) FROM sent WHERE p IN (3, 5) GROUP BY p ORDER BY p'), 'so do two partitions');
	return;
}

1;
