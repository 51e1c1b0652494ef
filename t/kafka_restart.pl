# SPDX-License-Identifier: PostgreSQL
#
# A broker that is killed and started again: a scan that was under way gives all rows, an INSERT is
# delivered once, and a session that kept its producer goes on with it.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Cluster;
use Test::More;
use Weir;
use Weir::Session;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $MESSAGES = 50000;
my $kafka = Weir->kafka(start => [ '--port', PostgreSQL::Test::Cluster::get_free_port() ], topics => { restart => 1, inserted => 1 });
my $node = Weir->cluster;
$kafka->produce('restart', [ map { qq({"n":$_}) } 1 .. $MESSAGES ], '-X', 'batch.num.messages=500');
$node->add_server($kafka, options => { timeout => '120s', queued_min_messages => 1, fetch_message_max_bytes => 10000, queue_buffering_max_messages => 1000 });
$node->query(q{
	CREATE FOREIGN TABLE restart (n int) SERVER kafka OPTIONS (topic 'restart');
	CREATE FOREIGN TABLE inserted (n int) SERVER kafka OPTIONS (topic 'inserted');
});
my $bootstrap = $kafka->bootstrap;

my $reader = Weir::Session->new($node);
$reader->query('BEGIN; DECLARE c CURSOR FOR SELECT n FROM restart; FETCH c');
my $writer = Weir::Session->new($node);
$writer->query('INSERT INTO inserted VALUES (0); BEGIN; INSERT INTO inserted SELECT generate_series(1, 500)');

kill 'KILL', $kafka->setting('WEIR_KAFKA_PID');
my $pid = $kafka->setting('WEIR_KAFKA_PID');
wait_until(sub { !-e "/proc/$pid" }, 'the broker dies');
$reader->send('FETCH ALL IN c')->await_kafka;
$writer->send('INSERT INTO inserted SELECT generate_series(501, 20000); COMMIT')->await_kafka;
$kafka->start;
is($kafka->bootstrap, $bootstrap, 'the broker is back where it was');

is_deeply([ split /\n/, $reader->answer ], [ 2 .. $MESSAGES ], 'a scan goes on when a broker that was killed is back, with all rows');
is($writer->answer, '', 'so does an INSERT');
is($node->query('SELECT count(*), count(DISTINCT n), sum(n) FROM inserted'), '20001|20001|' . 20000 * 20001 / 2, 'each row of which is there once');
is($writer->query('INSERT INTO inserted VALUES (20001)') . $node->query('SELECT max(n) FROM inserted'), 20001, 'the session goes on');
is($node->query('SELECT count(*), sum(n) FROM restart'), "$MESSAGES|" . $MESSAGES * ($MESSAGES + 1) / 2, 'and a new scan has all');

unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal|%\d\||rdkafka/,
	'no crash, and nothing on standard error');
$_->close for ($reader, $writer);
done_testing();
