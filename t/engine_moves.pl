# SPDX-License-Identifier: PostgreSQL
#
# Views that move with their database: restored from a dump, copied by TEMPLATE, promoted on a standby.
# What was closed stays, what was open is there again, and nothing is counted twice or lost.
use strict;
use warnings FATAL => 'all';
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Weir;
use Weir::Views;

my $broker = Weir->broker(topics => { ticks => 2, single => 1, skewed => 2 });
my $node = PostgreSQL::Test::Cluster->new('main');
bless $node, 'Weir::Cluster';
$node->init(allows_streaming => 1, extra => [ '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nshared_preload_libraries = 'pg_weir'\nmax_worker_processes = 20\nweir.commit_interval = '50ms'\n");
$node->start;
$node->query('CREATE DATABASE source');
my @source = (database => 'source');
$node->query('CREATE EXTENSION pg_weir', @source);
$node->add_server($broker, @source);

my %hour;

# Events of so many hours in each partition; the second one is three hours behind, and some are late
# within the lateness.
sub produce
{
	my ($topic, $hours, $partitions) = @_;
	my $from = $hour{$topic} // 3;
	$hour{$topic} = $from + $hours;
	for my $partition (0 .. $partitions - 1)
	{
		my @events;
		for my $minute ($from * 60 .. $hour{$topic} * 60 - 1)
		{
			my $at = $minute - $minute % 11 - 180 * $partition;
			push @events, sprintf '{"at":%s,"k":"key %d","n":%d,"x":%s}', ms($at), $minute % 5, $minute, 0.1 * $minute;
		}
		$broker->produce($topic, \@events, '-p', $partition);
	}
	return;
}

sub state
{
	my ($view, @option) = @_;
	return $node->query("SELECT actual_state FROM weir.stat_view WHERE view = '${view}_live'::regclass", @option);
}

produce($_->[0], 1, $_->[1]) for ([ 'ticks', 2 ], [ 'single', 1 ]);
$node->query(qq{
	CREATE FOREIGN TABLE $_ (at timestamptz OPTIONS (unit 'ms'), k text, n bigint, x float8)
		SERVER kafka OPTIONS (topic '$_', event_time 'at', lateness '20 min', idle_timeout '1 hour');
	SELECT weir.create_view('${_}_hourly', 'SELECT weir.tumble(at, ''1 hour'') AS hour, k, count(*) AS events, sum(n) AS total,
		sum(x) AS precise, first(k) AS first_k, last(n) AS last_n, min(n) AS least FROM $_ GROUP BY 1, 2');
	SELECT weir.create_view('${_}_half', 'SELECT weir.tumble(at, ''12 hours'') AS half, count(*) AS events, max(n::text) AS text FROM $_ GROUP BY 1');
}, @source) for ('ticks', 'single');
# One partition has far more in its open window than the other.
sub skewed { my ($partition, @minutes) = @_; $broker->produce('skewed', [ map { '{"at":' . ms($_) . '}' } @minutes ], '-p', $partition); return }
skewed(0, (map { 600 + $_ % 60 } 1 .. 9000), 690);
skewed(1, 601, 605);
$node->query(q{
	CREATE FOREIGN TABLE skewed (at timestamptz OPTIONS (unit 'ms')) SERVER kafka OPTIONS (topic 'skewed', event_time 'at', lateness '0', idle_timeout '1 hour', align '1 day');
	SELECT weir.create_view('skewed_hourly', 'SELECT weir.tumble(at, ''1 hour'') AS hour, count(*) AS events FROM skewed GROUP BY 1');
}, @source);
my @views = qw(ticks_hourly ticks_half single_hourly single_half);
produce('ticks', 20, 2);
produce('single', 20, 1);
is_whole($node, $_, "$_: views count", @source) for (@views, 'skewed_hourly');

# --- a dump -------------------------------------------------------------------------------------------

sub run_ok
{
	my ($claim, @command) = @_;
	my $error = '';
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	ok(IPC::Run::run(\@command, '>', '/dev/null', '2>', \$error), $claim) or diag $error;
	return;
}

my $dump = PostgreSQL::Test::Utils::tempdir() . '/source.dump';
run_ok('a database with running views is dumped', 'pg_dump', '-Fc', '-f', $dump, 'source');
my $rows = $node->query('SELECT * FROM ticks_hourly_closed ORDER BY 1, 2', @source);
produce('ticks', 2, 2);
produce('single', 2, 1);
skewed(1, 720);

# The views of a database wait, and are whole when they are resumed; then they go on.
sub is_moved
{
	my ($database, $how) = @_;
	my @here = (database => $database);
	becomes(sub { state($_, @here) }, 'moved', "$how: $_ waits") for @views;
	is($node->query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'weir worker' AND datname = '$database' AND application_name LIKE '%starting%'"), 0, 'nothing starts');
	$node->query("SELECT weir.resume('$_')", @here) for @views;
	is_whole($node, $_, "$how: $_ goes on where it was", @here) for @views;
	produce('ticks', 3, 2);
	produce('single', 3, 1);
	is_whole($node, $_, "$how: $_ goes on", @here) for @views;
	is_whole($node, $_, "$_ goes on in the original", @source) for @views;
	is($node->query("SELECT string_agg(DISTINCT actual_state, ' ') FROM weir.stat_view WHERE stream <> 'skewed'::regclass", @here), 'running', "$how: all run");
	return;
}

$node->query('CREATE DATABASE restored');
run_ok('and restored by several processes', 'pg_restore', '-j4', '--exit-on-error', '-d', 'restored', $dump);
is_moved('restored', 'restored');
$node->query(q{SELECT weir.resume('skewed_hourly')}, database => 'restored');
is_whole($node, 'skewed_hourly', 'open windows are complete, however much of them one partition has', database => 'restored');
is($node->query('TABLE skewed_hourly_closed', database => 'restored'), '2025-01-01 10:00:00+00|9002', 'when they close');

# --- a copy -------------------------------------------------------------------------------------------

$node->query("SELECT weir.pause('$_')", @source) for (@views, 'skewed_hourly');
query_becomes($node, q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'source'}, 0, 'the original is paused');
wait_until(sub { $node->psql('postgres', 'CREATE DATABASE copied TEMPLATE source') == 0 }, 'a copy by TEMPLATE');
for my $database ('source', 'copied')
{
	$node->query("ALTER FOREIGN TABLE ${_}_live OPTIONS (SET enabled 'true')", database => $database) for @views;
}
$node->reload;
is_moved('copied', 'copied');

# --- a standby ------------------------------------------------------------------------------------------

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
bless $standby, 'Weir::Cluster';
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
produce('ticks', 2, 2);
produce('single', 2, 1);
is_whole($node, $_, "$_ goes on beside a standby", @source) for @views;
$node->wait_for_catchup($standby);
is_whole($standby, $_, "$_ is whole on the standby, by the last commit", @source, flush => 0) for @views;
is($standby->query(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'weir%'}), 0, 'where nothing runs');
my $before = $standby->query(q{SELECT count(*) FROM ticks_hourly_closed}, @source);
$node->stop('immediate');
$standby->promote;
produce('ticks', 4, 2);
produce('single', 4, 1);
is_whole($standby, $_, "$_ goes on after the promotion", @source) for @views;
cmp_ok($standby->query(q{SELECT count(*) FROM ticks_hourly_closed}, @source), '>', $before, 'and closes windows');
is_whole($standby, $_, "$_ too in another database", database => 'copied') for @views;

done_testing();
