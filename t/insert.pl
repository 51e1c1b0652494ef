# SPDX-License-Identifier: PostgreSQL
#
# INSERT into a stream: delivered before the transaction commits, or the transaction aborts.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes qw(time);
use Weir;
use Weir::Session;

my $broker = Weir->broker(topics => { events => 1, many => 4, map { ("t$_" => 1) } 1 .. 8 });
my $node = Weir->cluster;
$node->add_server($broker, options => { timeout => '60s' });
$node->query(q{
	CREATE FOREIGN TABLE events (n int) SERVER kafka OPTIONS (topic 'events');
	CREATE FOREIGN TABLE hasty (n int) SERVER kafka OPTIONS (topic 'events', timeout '3s');
	CREATE FOREIGN TABLE many (n int, p int OPTIONS (meta 'partition'), k text OPTIONS (meta 'key'),
		at timestamptz OPTIONS (meta 'timestamp')) SERVER kafka OPTIONS (topic 'many');
	CREATE TABLE local (n int);
} . join '', map { "CREATE FOREIGN TABLE t$_ (n int) SERVER kafka OPTIONS (topic 't$_');" } 1 .. 8);
my $session = Weir::Session->new($node);

# What is in the topic, as somebody else sees it at this moment.
my $seen = 0;
sub arrived
{
	my $count = $node->query('SELECT count(*) FROM events');
	my $new = $count - $seen;
	$seen = $count;
	return $new;
}

# --- delivered before the commit --------------------------------------------------------------------

for my $count (1, 1000, 30000)
{
	$session->query("INSERT INTO events SELECT generate_series(1, $count)");
	is(arrived(), $count, "$count rows are there when the INSERT returns");
}
$session->query('BEGIN');
$session->query("INSERT INTO events VALUES ($_)") for 1 .. 50;
$session->query('COMMIT');
is(arrived(), 50, '50 statements are there when the COMMIT returns');
$session->query('BEGIN; ' . join('; ', map { "INSERT INTO t$_ VALUES ($_)" } 1 .. 8) . '; COMMIT');
is($node->query(join ' UNION ALL ', map { "SELECT n FROM t$_" } 1 .. 8), join("\n", 1 .. 8), 'so are rows for eight topics');
is($node->query('SELECT n FROM events LIMIT 1'), 1, 'a message holds the row');

# --- or aborted -------------------------------------------------------------------------------------

for (
	[ 'TOPIC_AUTHORIZATION_FAILED', '42501: permission denied for topic "events" of server "kafka"' ],
	[ 'MSG_SIZE_TOO_LARGE', 'HV000: message for topic "events" is too large for server "kafka"' ],
	[ 'TOPIC_EXCEPTION', 'HV000: could not use topic "events" of server "kafka"' ])
{
	my ($error, $expected) = @$_;
	$broker->command("error Produce 1 $error");
	like($session->query('INSERT INTO local VALUES (1); INSERT INTO events VALUES (1)'),
		qr/\AERROR:  \Q$expected\E$/m, "a delivery that fails with $error is an error");
	is($session->query('SELECT count(*) FROM local'), 1, 'a statement before is not touched');
	$broker->command("error Produce 1 $error");
	like($session->query('BEGIN; INSERT INTO local VALUES (1); INSERT INTO events VALUES (1); COMMIT'),
		qr/\AERROR:  \Q$expected\E$/m, 'at the COMMIT of a transaction too');
	is($session->query('ROLLBACK; SELECT count(*) FROM local') =~ s/.*\n//r, 1, 'which aborts all of it');
	$session->query('INSERT INTO events VALUES (1); TRUNCATE local');
	is(arrived(), 1, 'the next INSERT works');
}
{
	$session->query('INSERT INTO hasty VALUES (1)');
	is(arrived(), 1, 'a producer is there');
	$broker->command('down all');
	like($session->query('BEGIN; INSERT INTO local VALUES (1); INSERT INTO hasty VALUES (1); COMMIT'),
		qr/\AERROR:  HV0\w\w: timed out after 3 s waiting for server "kafka"\nDETAIL:  While delivering messages to topic "events" \(1 failed\)/,
		'a broker that is dead at the COMMIT is an error');
	is($node->query('SELECT count(*) FROM local'), 0, 'and aborts the transaction');
	$broker->command('up all');
	$session->query('INSERT INTO hasty VALUES (1)');
	is(arrived(), 1, 'which the next one does not feel');
}
like($session->query(q{
	DO $$ BEGIN
		INSERT INTO local VALUES (1);
		BEGIN
			INSERT INTO many (n, p) VALUES (1, 9);
		EXCEPTION WHEN numeric_value_out_of_range THEN
			INSERT INTO local VALUES (2);
		END;
	END $$; SELECT count(*) FROM local}), qr/\A2\z/, 'an error of a row can be caught');
$session->query('TRUNCATE local');

like($session->query(q{INSERT INTO events SELECT CASE WHEN g = 5000 THEN 1 / (g - 5000) ELSE g END FROM generate_series(1, 10000) AS g}),
	qr/\AERROR:  22012: division by zero$/m, 'a query that fails on the way');
$session->query('INSERT INTO events VALUES (1)');
cmp_ok(arrived(), '<=', 5000, 'may have sent the rows before');

# --- no deal with two-phase commits and savepoints --------------------------------------------------

like($session->query("BEGIN; INSERT INTO events VALUES (1); PREPARE TRANSACTION 'p'"),
	qr/\AERROR:  0A000: cannot PREPARE a transaction that has inserted into foreign table "events"$/m, 'PREPARE TRANSACTION is refused');
is($session->query('ROLLBACK; SELECT count(*) FROM pg_prepared_xacts') =~ s/.*\n//r, 0, 'and nothing is prepared');
is($session->query("BEGIN; SELECT count(*) FROM events WHERE false; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'; SELECT 'prepared'") =~ s/.*\n//r,
	'prepared', 'a transaction that only reads may be prepared');
is($session->query("INSERT INTO events VALUES (1); BEGIN; CREATE TABLE later (); PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'; SELECT 'prepared'") =~ s/.*\n//r,
	'prepared', 'so may one after a transaction that inserted');
arrived();
$session->query('BEGIN; INSERT INTO events VALUES (1); SAVEPOINT s; INSERT INTO events VALUES (2); ROLLBACK TO s; COMMIT');
is(arrived(), 2, 'ROLLBACK TO does not recall messages');
{
	$session->query('BEGIN; INSERT INTO events VALUES (1)');
	$broker->command('down all');
	$session->query('INSERT INTO events SELECT generate_series(1, 1000)');
	my $start = time();
	$session->query('ROLLBACK');
	cmp_ok(time() - $start, '<', $Weir::Session::AT_ONCE, 'a ROLLBACK does not wait for a dead broker');
	$broker->command('up all');
	arrived();
	$session->query('INSERT INTO events VALUES (1)');
	is(arrived(), 1, 'and what it dropped does not come later');
}

# --- retries ----------------------------------------------------------------------------------------

for my $error (qw(NOT_LEADER_FOR_PARTITION LEADER_NOT_AVAILABLE REQUEST_TIMED_OUT NOT_ENOUGH_REPLICAS))
{
	$broker->command("error Produce 2 $error");
	is($session->query('INSERT INTO events SELECT generate_series(1, 100)'), '', "a delivery is tried again after $error");
	is(arrived(), 100, 'and arrives once');
}

# --- ways to write ----------------------------------------------------------------------------------

$node->query("COPY events FROM stdin;\n" . join('', map { "$_\n" } 1 .. 2000) . "\\.\n");
is(arrived(), 2000, 'COPY FROM');
$session->query(q{
	CREATE TABLE parted (n int) PARTITION BY RANGE (n);
	CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (100);
	CREATE FOREIGN TABLE high PARTITION OF parted FOR VALUES FROM (100) TO (1000) SERVER kafka OPTIONS (topic 'events');
	INSERT INTO parted SELECT generate_series(0, 299)});
is(arrived(), 200, 'a partitioned table routes rows');
is($session->query('SELECT count(*) FROM low'), 100, 'and the others elsewhere');
$node->query("COPY parted FROM stdin;\n" . join('', map { "$_\n" } 0 .. 299) . "\\.\n");
is(arrived(), 200, 'COPY FROM does so too');
like($session->query('UPDATE parted SET n = n + 1'), qr/^ERROR: /m, 'rows in Kafka cannot be updated');
is($session->query('INSERT INTO events VALUES (7), (8) RETURNING n'), "7\n8", 'RETURNING');
is(arrived(), 2, 'gives what is sent');
$session->query(q{
	CREATE FUNCTION forward() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO events VALUES (NEW.n); RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER forward AFTER INSERT ON local DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION forward();
	INSERT INTO local VALUES (1), (2), (3)});
is(arrived(), 3, 'a deferred trigger is in time');
$session->query(q{CREATE PROCEDURE steps() LANGUAGE plpgsql AS 'BEGIN FOR i IN 1 .. 3 LOOP INSERT INTO events VALUES (i); COMMIT; END LOOP; INSERT INTO events VALUES (4); ROLLBACK; END';
	CALL steps()});
my $steps = arrived();
ok($steps == 3 || $steps == 4, 'a procedure commits between its INSERTs; what it rolls back may have been sent');
$session->query(q{INSERT INTO many (n, p, k, at) VALUES (1, 3, 'key', '2026-01-02 03:04:05.678+00'), (2, 3, NULL, '2026-01-02 03:04:05.679+00')});
is($session->query('SELECT * FROM many'), "1|3|key|2026-01-02 03:04:05.678+00\n2|3||2026-01-02 03:04:05.679+00", 'partition, key and timestamp are as given');
like($session->query('INSERT INTO many (p) VALUES (4)'), qr/\AERROR:  22003: .*\nDETAIL:  Topic "many" has no partition 4; its partitions are 0 to 3\.\z/, 'a partition that is not there is an error');
$session->query(q{ALTER SERVER kafka OPTIONS (message_max_bytes '2000')});
like($session->query(q{CREATE FOREIGN TABLE texts (t text) SERVER kafka OPTIONS (topic 'events'); INSERT INTO texts VALUES (repeat('x', 3000))}),
	qr/\AERROR:  HV000: message for topic "events" is too large for server "kafka"$/m, 'a message larger than option message_max_bytes is an error');

unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal|%\d\||rdkafka/,
	'no crash, and nothing on standard error');
done_testing();
