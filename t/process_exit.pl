# SPDX-License-Identifier: PostgreSQL
#
# A backend may end at any moment, with librdkafka's threads alive: at once, and without a crash.
use strict;
use warnings FATAL => 'all';
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use Weir;
use Weir::Session;

my $AT_ONCE = 2.0; # seconds, on a busy machine
my $broker = Weir->broker(topics => { events => 1, inserted => 1 });
my $node = Weir->cluster;
$broker->produce('events', [ map { qq({"n": $_}) } 1 .. 20000 ], '-X', 'batch.num.messages=500');
$node->add_server($broker, options => { timeout => '60s', queued_min_messages => 1 });
my $silent = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die $!;
$node->query(q{
	CREATE FOREIGN TABLE events (n int) SERVER kafka OPTIONS (topic 'events');
	CREATE FOREIGN TABLE inserted (n int) SERVER kafka OPTIONS (topic 'inserted');
	CREATE SERVER silent FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '127.0.0.1:} . $silent->sockport . q{', timeout '60s');
	CREATE USER MAPPING FOR PUBLIC SERVER silent;
	CREATE FOREIGN TABLE silent (n int) SERVER silent OPTIONS (topic 'events');
});

# Sessions that hold handles. Each function gives a session, and a statement that waits for Kafka or
# nothing.
my %states = (
	'a cursor' => sub {
		my $session = Weir::Session->new($node);
		$session->query('BEGIN; DECLARE c CURSOR FOR SELECT n FROM events; FETCH 1500 c');
		return $session;
	},
	'a scan' => sub {
		my $session = Weir::Session->new($node);
		$session->query('BEGIN; DECLARE c CURSOR FOR SELECT n FROM events; FETCH c');
		$broker->command('down all');
		return ($session, 'MOVE ALL IN c');
	},
	'a connection being made' => sub { return (Weir::Session->new($node), 'SELECT * FROM silent') },
	'a producer' => sub {
		my $session = Weir::Session->new($node);
		$session->query('INSERT INTO inserted VALUES (1)');
		return $session;
	},
	'an unsent message' => sub {
		my $session = Weir::Session->new($node);
		$session->query('BEGIN; INSERT INTO inserted VALUES (1)');
		$broker->command('down all');
		$session->query('INSERT INTO inserted VALUES (2)');
		return $session;
	},
	'a delivery' => sub {
		my $session = Weir::Session->new($node);
		# Slow once there is a producer, and before it has a message: one sent earlier may have arrived.
		$session->query('INSERT INTO inserted VALUES (1); BEGIN');
		$broker->command('rtt all 60000');
		$session->query('INSERT INTO inserted VALUES (2)');
		return ($session, 'COMMIT');
	},
);

sub enter
{
	my ($state) = @_;
	my ($session, $sql) = $states{$state}->();
	$session->send($sql)->await_kafka if $sql;
	return $session;
}

sub ends_at_once
{
	my ($session, $claim) = @_;
	my $start = time();
	wait_until(sub { $session->backend_is_gone }, $claim);
	my $seconds = time() - $start;
	note sprintf '%.0f ms', $seconds * 1000;
	cmp_ok($seconds, '<', $AT_ONCE, $claim);
	$broker->command($_) for ('up all', 'rtt all 0');
	return;
}

for my $state (sort keys %states)
{
	my $session = enter($state);
	kill 'TERM', $session->pid;
	ends_at_once($session, "pg_terminate_backend ends a backend with $state");
}
# One that waits for Kafka hears of it when it next sends; PostgreSQL's client_connection_check_interval
# looks earlier.
$node->query(q{ALTER ROLE postgres SET client_connection_check_interval = '100ms'});
for my $state (sort keys %states)
{
	my $session = enter($state);
	$session->disappear;
	ends_at_once($session, "so does a client that disappears, with $state");
}
$node->query('ALTER ROLE postgres RESET client_connection_check_interval');
is($node->query('SELECT count(*) FROM events'), 20000, 'the server has gone on');

for my $mode ('fast', 'immediate')
{
	# those that leave the broker dead come last
	my @sessions = map { enter($_) }
	  ('a connection being made', 'a producer', 'a cursor', 'a delivery');
	$broker->command('rtt all 0');
	push @sessions, map { enter($_) } ('an unsent message');
	$broker->command('up all');
	push @sessions, enter('a scan');
	my $start = time();
	$node->stop($mode);
	my $seconds = time() - $start;
	note sprintf '%s: %.0f ms', $mode, $seconds * 1000;
	cmp_ok($seconds, '<', 2 * $AT_ONCE, "the $mode stop is not held up");
	is(scalar(grep { !$_->backend_is_gone } @sessions), 0, 'no backend is left');
	$broker->command($_) for ('up all', 'rtt all 0');
	$node->start;
	is($node->query('SELECT count(*) FROM events'), 20000, "the server starts again");
}

{
	my @sessions = map { enter($_) } ('a connection being made', 'a cursor', 'a scan');
	$node->kill9;
	ok(wait_until(sub { !grep { !$_->backend_is_gone } @sessions }, 'the backends end', 30), 'a backend ends when the postmaster has died');
	$broker->command('up all');
	$node->start;
	is($node->query('SELECT count(*) FROM events'), 20000, 'and the server starts again');
}

unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|TRAP:|server process|terminated by signal|%\d\||rdkafka/,
	'no backend crashed, none wrote to standard error');
done_testing();
