# SPDX-License-Identifier: PostgreSQL
#
# Exactly once: whatever is killed, and whenever, each message is counted in one window, once.
#
# While events are produced and consumed, workers and servers die at random moments and at chosen points
# of a commit. At the end closed and open windows together equal the batch answer of the same SQL.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes qw(time);
use Weir;

my $EVENTS = 200_000;
my $PORTIONS = 10;
my $KILLS_A_PORTION = 2;
my $seed = $ENV{SEED} // 7;
srand $seed;
note "seed $seed";

my $broker = Weir->broker(topics => { ticker => 16 });
my $node = Weir->cluster(conf => <<'E');
shared_preload_libraries = 'pg_weir'
restart_after_crash = on
weir.commit_interval = '20ms'
max_worker_processes = 20
E
$node->add_server($broker);
$node->query(q{
	CREATE FOREIGN TABLE ticker (
	    symbol text, event_time timestamptz OPTIONS (unit 'ms'), price float8, open float8, high float8,
	    low float8, volume float8, quote_volume float8, number_trades bigint
	) SERVER kafka OPTIONS (topic 'ticker', event_time 'event_time', lateness '40 days');
	CREATE FOREIGN TABLE brief (
	    symbol text, event_time timestamptz OPTIONS (unit 'ms'), price float8, volume numeric
	) SERVER kafka OPTIONS (topic 'ticker', event_time 'event_time', lateness '1 hour');
	SELECT weir.create_view('daily', $$
	    SELECT weir.tumble(event_time, '1 day') AS day_start, symbol, first(open) AS daily_open,
	           max(high) AS daily_high, min(low) AS daily_low, last(price) AS daily_close,
	           sum(volume) AS daily_volume, sum(number_trades) AS total_trades, count(*) AS tick_count,
	           avg(price) AS avg_price
	    FROM ticker GROUP BY 1, 2 $$);
	SELECT weir.create_view('hourly', $$
	    SELECT weir.tumble(event_time, '1 hour') AS hour_start, symbol, count(*) AS ticks,
	           sum(volume) AS volume, last(price) AS price, stddev_pop(price) AS deviation
	    FROM brief GROUP BY 1, 2 $$);
});

my $starts = 0;

# The server, after it crashed or restarts by itself.
sub wait_for_server
{
	wait_until(sub { ($node->psql('postgres', 'SELECT 1', timeout => 5))[0] == 0 }, 'the server takes connections');
	return;
}

sub worker_pid
{
	my ($status, $out) = $node->psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'weir worker' ORDER BY random() LIMIT 1");
	return defined $out && $out =~ /^(\d+)$/ ? $1 : undef;
}

# A worker that is killed makes the postmaster restart everything.
sub kill_worker
{
	my $pid = wait_until(\&worker_pid, 'a worker runs');
	kill 'KILL', $pid;
	wait_until(sub { !kill 0, $pid }, 'the worker is dead');
	return;
}

sub kill_server
{
	my $pid = $node->{_pid};
	$node->kill9;
	wait_until(sub { !kill 0, $pid }, 'the postmaster is dead');
	# its children may still have the shared memory
	wait_until(sub { $node->start(fail_ok => 1) }, 'the server starts');
	return;
}

sub stop_at_once
{
	$node->stop('immediate');
	$node->start;
	return;
}

sub restart
{
	$node->restart;
	return;
}

# Whoever comes to the point first fails there; then the setting goes.
sub fail_at
{
	my ($point, $action) = @_;
	return sub {
		my $before = -s $node->logfile;
		$node->append_conf('postgresql.conf', "weir.stop_at = '$point:$action'");
		$node->reload;
		wait_until(
			sub {
				PostgreSQL::Test::Utils::slurp_file($node->logfile, $before) =~
				  /background worker "weir worker" \(PID \d+\)|server process|weir worker.*exited|weir\.stop_at|all server processes terminated/
			},
			"a worker comes to $point");
		$node->adjust_conf('postgresql.conf', 'weir.stop_at', undef);
		wait_for_server();
		$node->reload;
	};
}

my @faults = (
	[ 'a killed worker', \&kill_worker ],
	[ 'a killed server', \&kill_server ],
	[ 'an immediate stop', \&stop_at_once ],
	[ 'a fast stop', \&restart ],
	[ 'a crash in a commit', fail_at('commit_view', 'crash') ],
	[ 'a crash before the commit', fail_at('before_commit', 'crash') ],
	[ 'a crash after the commit', fail_at('after_commit', 'crash') ],
	[ 'an error before the commit', fail_at('before_commit', 'error') ],
	[ 'an end after the commit', fail_at('after_commit', 'exit') ],
);

# Each kind of fault comes; which comes when, is by the seed.
my @plan = map { $faults[ $_ % @faults ] } 0 .. $PORTIONS * $KILLS_A_PORTION - 1;
for my $i (reverse 1 .. $#plan)
{
	my $j = int rand($i + 1);
	@plan[ $i, $j ] = @plan[ $j, $i ];
}

my $start = time();
for my $portion (1 .. $PORTIONS)
{
	$broker->topic('', 'generate', 'ticker', $EVENTS / $PORTIONS, '--symbols', 16, '--seed', $portion);
	for my $i (1 .. $KILLS_A_PORTION)
	{
		my ($name, $fault) = @{ shift @plan };
		note sprintf '%5.1f s: %s', time() - $start, $name;
		$fault->();
		wait_for_server();
	}
}

for my $view ('daily', 'hourly')
{
	$node->query("SELECT weir.flush('$view')");
}
is($node->query(q{SELECT messages FROM weir.stat_view WHERE view = 'daily_live'::regclass}),
	$EVENTS, 'each message was applied once');
is($node->query('SELECT sum(tick_count) FROM daily'), $EVENTS, 'and counted once');
my $columns = 'day_start, symbol, daily_open, daily_high, daily_low, daily_close, daily_volume, total_trades, tick_count, avg_price';
is($node->query(qq{
	SELECT (SELECT count(*) FROM (TABLE daily_query EXCEPT ALL SELECT $columns FROM daily) AS x),
	       (SELECT count(*) FROM (SELECT $columns FROM daily EXCEPT ALL TABLE daily_query) AS x)}),
	'0|0', 'open windows equal the batch answer');

# The portions go through the same thirty days again and again, so here windows close and events are late.
is($node->query(q{SELECT messages FROM weir.stat_view WHERE view = 'hourly_live'::regclass}),
	$EVENTS, 'each message was applied once by the second view');
is($node->query(q{
	SELECT sum(ticks) + (SELECT late FROM weir.stat_view WHERE view = 'hourly_live'::regclass) FROM hourly}),
	$EVENTS, 'counted, or late');
is($node->query(q{SELECT count(*), count(DISTINCT (hour_start, symbol)) FROM hourly} =~ s/, count\(D/ = count(D/r),
	't', 'no window is there twice');
cmp_ok($node->query('SELECT count(*) FROM hourly_closed'), '>', 1000, 'windows have closed');
is($node->query(q{SELECT late = rejected AND rejected = unrecorded + (SELECT count(*) FROM weir.rejected WHERE relation = 'hourly_live'::regclass)
                  FROM weir.stat_view WHERE view = 'hourly_live'::regclass}),
	't', 'each late event is a reject, or counted beyond the cap');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|TRAP:/, 'no assertion failed');
done_testing();
