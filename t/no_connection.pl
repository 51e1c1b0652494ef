# SPDX-License-Identifier: PostgreSQL
#
# What needs no broker asks none: planning, EXPLAIN, DDL, maintenance of the database.
use strict;
use warnings FATAL => 'all';
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Weir;

my $listener = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die $!;
my $node = Weir->cluster;
$node->query(q{
	CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '127.0.0.1:} . $listener->sockport . q{', timeout '500ms');
	CREATE USER MAPPING FOR PUBLIC SERVER kafka;
	CREATE FOREIGN TABLE events (n int, p int OPTIONS (meta 'partition')) SERVER kafka OPTIONS (topic 'events');
});

sub is_called { return IO::Select->new($listener)->can_read(0) ? 1 : 0 }

is($node->query('EXPLAIN (COSTS OFF) SELECT n FROM events WHERE p = 3 AND n > 1'),
	"Foreign Scan on events\n  Filter: (n > 1)\n  Kafka Topic: events\n  Kafka Range: (p = 3)", 'EXPLAIN SELECT');
is($node->query('EXPLAIN (COSTS OFF) INSERT INTO events VALUES (1)'),
	"Insert on events\n  Kafka Topic: events\n  ->  Result", 'EXPLAIN INSERT');
$node->query($_)
  for (
	'PREPARE q AS SELECT * FROM events WHERE p = $1; DEALLOCATE q',
	'BEGIN; DECLARE c CURSOR FOR SELECT * FROM events; ROLLBACK',
	'CREATE VIEW v AS SELECT * FROM events; CREATE TABLE like_it (LIKE events)',
	'ALTER FOREIGN TABLE events ADD COLUMN o bigint OPTIONS (meta \'offset\'), ALTER COLUMN n OPTIONS (path \'m\')',
	'SELECT * FROM events WHERE false',
	'SELECT * FROM events LIMIT 0');
is($node->error('VACUUM'), '', 'VACUUM of the database');
is($node->error('ANALYZE'), '', 'and ANALYZE pass a stream by');
is(is_called(), 0, 'nobody was asked');
like($node->error('SELECT * FROM events'), qr/\AHV00[0N]: timed out/, 'a SELECT does ask');
is(is_called(), 1, 'and is heard');
done_testing();
