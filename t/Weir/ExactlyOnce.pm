# SPDX-License-Identifier: PostgreSQL
#
# The promise that everything stands on: while events come in, worker and server are killed at random
# places, and in the end each event is counted once.
#
# When to kill goes by how many messages are committed, so that a slow machine is killed as often as a
# fast one, and a seed gives the same kills at the same places.
package Weir::ExactlyOnce;

use strict;
use warnings FATAL => 'all';

use List::Util qw(sum);
use POSIX ();
use Test::More;
use Time::HiRes ();
use Weir;
use Weir::Views;

my $TABLE = q{CREATE FOREIGN TABLE ticker (
	symbol text, event_time timestamptz OPTIONS (unit 'ms'),
	price float8, open float8, high float8, low float8, volume float8, quote_volume float8, number_trades bigint
) SERVER kafka OPTIONS (topic '%s', event_time 'event_time', lateness '1 hour', idle_timeout '1 hour', on_error 'skip')};

my $VIEW = q{SELECT weir.create_view('crypto_daily', $$
	SELECT weir.tumble(event_time, '1 day') AS day_start, symbol,
	       first(open) AS daily_open, max(high) AS daily_high, min(low) AS daily_low, last(price) AS daily_close,
	       sum(volume) AS daily_volume, sum(quote_volume) AS daily_quote_volume,
	       sum(number_trades) AS total_trades, count(*) AS tick_count, avg(price) AS avg_price
	FROM ticker GROUP BY 1, 2 $$)};

# A second view of the same stream, that closes often and has text and numeric in its state.
my $OFTEN = q{SELECT weir.create_view('often', $$
	SELECT weir.tumble(event_time, '2 hours') AS start, symbol, count(*) AS n, max(symbol) AS most,
	       sum(price::numeric) AS exact, last(number_trades) AS trades
	FROM ticker GROUP BY 1, 2 $$)};

# And one whose windows overlap.
my $HOPPING = q{SELECT weir.create_view('hopping', $$
	SELECT weir.hop(event_time, '6 hours', '90 min') AS start, symbol, count(*) AS n, first(open) AS open, max(high) AS high,
	       sum(volume) AS volume, sum(price::numeric) AS exact
	FROM ticker GROUP BY 1, 2 $$)};

# And one that has no windows: each event is a row.
my $COPY = q{SELECT weir.create_view('copied', $$
	SELECT symbol, event_time, price::numeric AS price, volume * price AS value FROM ticker WHERE symbol <> 'S00007USDT' $$)};

# What the test does, each once before any is done again.
my @points = qw(worker_start commit_view before_commit after_commit);
my @kills = (
	'worker', 'postmaster', 'immediate', 'worker', 'postmaster',
	(map { "$_:crash" } @points),
	(map { "$_:error" } @points),
	(map { "$_:exit" } @points));

sub shuffled
{
	my (@list) = @_;
	for (my $i = @list; --$i > 0;)
	{
		my $j = int rand($i + 1);
		@list[ $i, $j ] = @list[ $j, $i ];
	}
	return @list;
}

# What a query gives; undef while the server does not answer.
sub ask
{
	my ($node, $sql) = @_;
	my ($out, $error);
	# psql may end before it has taken what it is sent
	my $status = eval { $node->psql('postgres', $sql, stdout => \$out, stderr => \$error) };
	return defined $status && $status == 0 ? $out : undef;
}

sub committed
{
	my ($node) = @_;
	my $sum = ask($node, q{SELECT coalesce(sum(p), 0) FROM weir.position, unnest(positions) AS p WHERE view = 'crypto_daily_live'::regclass});
	return $sum || 0;
}

# Unlike the node's own functions it may fail. Result: has it not?
sub pg_ctl
{
	my ($node, $command, @arguments) = @_;
	return system('pg_ctl', '-s', '-w', '-D', $node->data_dir, @arguments, $command) == 0;
}

sub stop_at
{
	my ($node, $value) = @_;
	$node->append_conf('postgresql.conf', "weir.stop_at = '$value'\n");
	pg_ctl($node, 'reload');
	return;
}

# How often this is in the server's log behind a place.
sub count_in_log
{
	my ($node, $place, $pattern) = @_;
	return scalar(() = substr(PostgreSQL::Test::Utils::slurp_file($node->logfile), $place) =~ /$pattern/g);
}

sub find_worker
{
	my ($node) = @_;
	return wait_until(sub { ask($node, q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'weir worker'}) }, 'a worker runs');
}

sub kill_worker
{
	my ($pid) = @_;
	kill 'KILL', $pid;
	wait_until(sub { !-e "/proc/$pid" }, 'the worker dies');
	return;
}

# Stops at a point of the code: what the server's log says of it.
sub stop_at_point
{
	my ($node, $nudge, $point, $action) = @_;
	my %trace = (crash => 'was terminated by signal 9', error => qq{stopped at "$point"}, exit => '-> retrying');
	$trace{error} = 'has a commit that its worker does not know of' if $point eq 'after_commit';
	my $place = -s $node->logfile;
	my $count = 1;
	# found before no worker can start any more
	my $pid = $point eq 'worker_start' && find_worker($node);
	stop_at($node, "$point:$action");
	if ($pid)
	{
		kill_worker($pid);
		$count++ if $action eq 'crash';
	}
	wait_until(sub { $nudge->(); count_in_log($node, $place, $trace{$action}) >= $count }, "the stop at $point:$action");
	stop_at($node, '');
	return;
}

sub strike
{
	my ($node, $nudge, $kill) = @_;
	if ($kill eq 'worker')
	{
		kill_worker(find_worker($node));
	}
	elsif ($kill eq 'postmaster')
	{
		$node->kill9;
		# not before its processes have noticed
		wait_until(sub { pg_ctl($node, 'start', '-l', $node->logfile) }, 'the server starts again');
		$node->_update_pid(1);
	}
	elsif ($kill eq 'immediate')
	{
		$node->stop('immediate');
		$node->start;
	}
	else
	{
		stop_at_point($node, $nudge, split /:/, $kill);
	}
	return;
}

# Options: broker, partitions, events, kills, seed, rate (events a second).
sub run
{
	my (%option) = @_;
	my ($broker, $topic) = @option{qw(broker topic)};
	my $events = $ENV{EVENTS} || $option{events};
	my $kills = $ENV{KILLS} || $option{kills};
	my $seed = $ENV{SEED} || $option{seed};
	note "seed $seed: SEED=$seed repeats it";
	srand($seed);
	my $node = views_cluster(q{weir.commit_interval = '20ms'}, 'max_wal_size = 256MB', 'log_statement = none');
	$node->add_server($broker);
	my $producer = fork() // die "fork: $!";
	if ($producer == 0)
	{
		exec 'weir-topic', '-b', $broker->bootstrap, 'generate', $topic, $events, '--symbols', 64, '--rate', $option{rate} or POSIX::_exit(1);
	}
	# An empty partition would be idle.
	wait_until(sub { !grep { (split)[2] == 0 } split /\n/, $broker->topic('', 'offsets', $topic) }, 'each partition has an event');
	$node->query(sprintf $TABLE, $topic);
	$node->query($_) for ($VIEW, $OFTEN, $HOPPING, $COPY);

	my @plan;
	push @plan, shuffled(@kills) while @plan < $kills;
	my @places = sort { $a <=> $b } map { int rand(0.97 * $events) } 1 .. $kills;
	my %done;
	# Something to commit, also when all events are: a reject.
	my $nudges = 0;
	my $nudge = sub { $broker->produce($topic, ['no event'], '-p', 0); $nudges++ };
	for my $place (@places)
	{
		my $kill = shift @plan;
		my $start = Time::HiRes::time();
		wait_until(sub { committed($node) >= $place }, "$place messages are committed");
		my $reached = Time::HiRes::time();
		strike($node, $nudge, $kill);
		$done{$kill}++;
		note sprintf '%7d %-20s %.2f s, then %.2f s', $place, $kill, $reached - $start, Time::HiRes::time() - $reached;
	}
	waitpid $producer, 0;
	is($?, 0, 'all events were sent');
	wait_until(sub { committed($node) == $events + $nudges }, 'all messages are committed', 120);
	is(sum(values %done), $kills, 'worker and server were killed: ' . join ', ', map { "$done{$_} $_" } sort keys %done);
	for my $view ('crypto_daily', 'often', 'hopping', 'copied')
	{
		$node->query("SELECT weir.flush('$view')");
		is(differences($node, $view), '', "$view: closed and live rows are the batch answer");
	}
	my $all = $events + $nudges;
	is($node->query(q{SELECT view, messages, folded + filtered, late, rejected, unrecorded FROM weir.stat_view ORDER BY view::text}),
		join("\n", map { "${_}_live|$all|$events|0|$nudges|0" } qw(copied crypto_daily hopping often)), 'each event is counted once');
	is($node->query(q{SELECT count(*), count(DISTINCT "offset") FROM weir.rejected WHERE relation = 'ticker'::regclass AND partition = 0}),
		"$nudges|$nudges", 'each reject is recorded once');
	is($node->query(q{SELECT closed - rows_written, opened - closed - (SELECT count(*) FROM often_live), rows_written - (SELECT count(*) FROM often_closed)
		FROM weir.stat_view WHERE view = 'often_live'::regclass}), '0|0|0', 'so is each group');
	return;
}

1;
