# SPDX-License-Identifier: PostgreSQL
#
# A worker runs for each stream that has an enabled view, and for nothing else, whatever happens.
use strict;
use warnings FATAL => 'all';
use IO::Socket::INET;
use Test::More;
use Weir;

my $broker = Weir->broker(topics => { events => 1 });
my $node = Weir->cluster(conf => "shared_preload_libraries = 'pg_weir'\nrestart_after_crash = on\n");

# "database stream" of each worker, in one line
sub workers
{
	return $node->query(
		q{SELECT string_agg(datname || ' ' || split_part(application_name, '"', 2), ', '
		                    ORDER BY datname, application_name)
		  FROM pg_stat_activity WHERE backend_type = 'weir worker'});
}

sub processes
{
	return $node->query(
		q{SELECT string_agg(backend_type, ', ' ORDER BY backend_type) FROM pg_stat_activity
		  WHERE backend_type LIKE 'weir%'});
}

# "actual_state" of each view of a database, in one line
sub states
{
	my ($database) = @_;
	return sub {
		$node->query(
			q{SELECT string_agg(format('%s %s/%s', view, wanted_state, actual_state), ', '
			                    ORDER BY view::text) FROM weir.stat_view},
			database => $database);
	};
}

sub becomes
{
	my ($function, $expected, $claim) = @_;
	my $found;
	eval { wait_until(sub { ($found = $function->()) eq $expected }, $claim, 30) };
	is($found, $expected, $claim);
	return;
}

sub configure
{
	my (@lines) = @_;
	$node->append_conf('postgresql.conf', "$_\n") for @lines;
	$node->reload;
	return;
}

sub view_sql
{
	my ($view, $stream) = @_;
	return qq{SELECT weir.create_view('$view', 'SELECT weir.tumble(at, ''1 hour'') AS hour, count(*)
		FROM $stream GROUP BY 1')};
}

sub stream_sql
{
	my ($stream, $server) = @_;
	return qq{CREATE FOREIGN TABLE $stream (at timestamptz OPTIONS (unit 'ms')) SERVER }
	  . ($server // 'kafka') . q{ OPTIONS (topic 'events', event_time 'at', lateness '1 min')};
}

sub make_database
{
	my ($database) = @_;
	$node->query("CREATE DATABASE $database");
	$node->query('CREATE EXTENSION pg_weir', database => $database);
	$node->add_server($broker, database => $database);
	$node->query(stream_sql('s'), database => $database);
	return;
}

# What is wanted

is(processes(), 'weir launcher', 'without views there is only the launcher');

$node->add_server($broker);
$node->query(stream_sql('one') . ';' . stream_sql('two'));
is(processes(), 'weir launcher', 'a stream without views has no worker');

$node->query('BEGIN; ' . view_sql('a', 'one') . '; ROLLBACK');
$node->query('BEGIN; SAVEPOINT s; ' . view_sql('a', 'one') . '; ROLLBACK TO s; COMMIT');
$node->query('BEGIN; SAVEPOINT s; ' . view_sql('c', 'two') . '; RELEASE s; COMMIT');
becomes(\&workers, 'postgres public.two', 'a view gets a worker when its transaction is committed, by a subtransaction too');

$node->query(view_sql('a', 'one') . ';' . view_sql('b', 'one'));
becomes(\&workers, 'postgres public.one, postgres public.two', 'views of one stream share a worker');
becomes(states('postgres'), 'a_live running/running, b_live running/running, c_live running/running', 'views run');

$node->query(q{SELECT weir.pause('a'), weir.pause('c'), weir.pause('c')});
becomes(\&workers, 'postgres public.one', 'a stream of which all views are paused has no worker');
becomes(states('postgres'), 'a_live stopped/stopped, b_live running/running, c_live stopped/stopped', 'a paused view is shown');
$node->query(q{SELECT weir.resume('a'), weir.resume('c_live')});
becomes(\&workers, 'postgres public.one, postgres public.two', 'a resumed view has a worker');
becomes(states('postgres'), 'a_live running/running, b_live running/running, c_live running/running', 'resumed views run');

is($node->error(q{BEGIN; SELECT weir.pause('a'); PREPARE TRANSACTION 'p'}),
	'0A000: cannot PREPARE a transaction that has changed a continuous view', 'a change is not prepared');
is($node->query('SELECT stream, view_count, restarts, failures, message_lag, pid IS NOT NULL FROM weir.stat_stream ORDER BY 1'),
	"one|2|0|0|0|t\ntwo|1|0|0|0|t", 'stat_stream shows the workers');
is($node->query('SELECT stream, partition, applied, end_offset, message_lag FROM weir.stat_partition ORDER BY 1'),
	"one|0|0|0|0\ntwo|0|0|0|0", 'stat_partition shows the partitions');

$node->query(q{SELECT weir.drop_view('c')});
becomes(\&workers, 'postgres public.one', 'a stream of which all views were dropped has no worker');

# Rights

$node->query('CREATE ROLE alice; CREATE ROLE bob IN ROLE pg_monitor');
like($node->error(q{SET ROLE alice; SELECT weir.pause('a')}), qr/^42501: must be owner/, 'only the owner pauses');
is($node->query('SET ROLE alice; SELECT count(*) FROM weir.stat_view'), "0", 'others see no rows');
is($node->query('SET ROLE bob; SELECT count(*) FROM weir.stat_stream'), "1", 'pg_monitor sees all');

# What comes from outside

$node->query(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'weir worker'});
becomes(\&workers, '', 'a worker can be ended');
becomes(\&workers, 'postgres public.one', 'and returns');

$node->query(q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type = 'weir launcher'});
becomes(\&processes, 'weir launcher, weir worker', 'the launcher returns too, and leaves workers alone');

configure('weir.enabled = off');
becomes(\&workers, '', 'weir.enabled = off stops workers');
becomes(states('postgres'), 'a_live running/stopped, b_live running/stopped', 'they are wanted still');
configure('weir.enabled = on');
becomes(\&workers, 'postgres public.one', 'weir.enabled = on starts them');

$node->restart;
becomes(\&workers, 'postgres public.one', 'workers are back after a restart');
my $pid = $node->query(q{SELECT pid FROM weir.stat_stream});
kill 'KILL', $pid;
wait_until(sub { (eval { $node->query('SELECT pid FROM weir.stat_stream') } // $pid) ne $pid }, 'recovery');
becomes(\&workers, 'postgres public.one', 'and after a crash');

# Errors

configure(q{weir.stop_at = 'worker_start:error'});
$node->query(q{SELECT weir.pause('a'), weir.pause('b')});
becomes(\&workers, '', 'paused');
$node->query(q{SELECT weir.resume('a')});
becomes(sub { $node->query('SELECT actual_state, failures >= 2, last_error, last_error_sqlstate, pid FROM weir.stat_stream') },
	'retrying|t|stopped at "worker_start"|39000|', 'a worker that fails is tried again, and its error shown');
configure(q{weir.stop_at = ''});
becomes(states('postgres'), 'a_live running/running, b_live stopped/stopped', 'and runs when the cause is gone');

# Databases

make_database($_) for ('d1', 'd2', 'pattern');
$node->query(view_sql('v', 's'), database => $_) for ('d1', 'd2', 'pattern');
becomes(\&workers, 'd1 public.s, d2 public.s, pattern public.s, postgres public.one', 'each database has its workers');
$node->query('ALTER DATABASE pattern IS_TEMPLATE true');
configure();
becomes(\&workers, 'd1 public.s, d2 public.s, postgres public.one', 'a template has none');
wait_until(sub { $node->psql('postgres', 'CREATE DATABASE copy TEMPLATE pattern') == 0 }, 'copy');
configure();
becomes(states('copy'), 'v_live running/moved', 'in a copied database views wait');
$node->query(q{SELECT weir.resume('v')}, database => 'copy');
becomes(states('copy'), 'v_live running/running', 'for resume()');

for my $round (1 .. 3)
{
	is($node->error("DROP DATABASE $_ WITH (FORCE)"), '', "database $_ can be dropped") for ('d1', 'd2', 'copy');
	configure();
	becomes(\&workers, 'postgres public.one', 'its worker is gone');
	last if $round == 3;
	make_database($_) for ('d1', 'd2', 'copy');
	$node->query(view_sql('v', 's'), database => $_) for ('d1', 'd2', 'copy');
	becomes(\&workers, 'copy public.s, d1 public.s, d2 public.s, postgres public.one', 'slots of dropped databases are used again');
}

# Stopping

my $silent = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die $!;
$node->query(q{CREATE SERVER silent FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '127.0.0.1:}
	  . $silent->sockport . q{', timeout '60s'); CREATE USER MAPPING FOR PUBLIC SERVER silent;}
	  . stream_sql('mute', 'silent') . ';' . view_sql('m', 'mute'));
becomes(\&workers, 'postgres public.mute, postgres public.one', 'a worker waits for a broker');
is(system('pg_ctl', '-D', $node->data_dir, '-m', 'fast', '-t', '5', 'stop'), 0, 'the server stops at once all the same');
$node->_update_pid(0);

# Servers where views cannot run

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->start;
my ($out, $warning);
for my $sql (q{SELECT weir.pause('a'); SELECT weir.resume('a')}, view_sql('e', 'two') . q{; SELECT weir.drop_view('e', keep_closed => false)})
{
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$warning);
	like($warning, qr/WARNING:  continuous views do not run on this server yet.*not in shared_preload_libraries/s, "without the library in shared_preload_libraries it warns: $sql");
}
is(states('postgres')->(), 'a_live running/stopped, b_live stopped/stopped, m_live running/stopped', 'and nothing runs');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_weir'\nmax_worker_processes = 3\n");
$node->query(q{SELECT weir.drop_view('m')});
$node->restart;
becomes(\&workers, 'postgres public.one', 'the last process is a worker');
$node->psql('postgres', view_sql('d', 'two'), stdout => \$out, stderr => \$warning);
like($warning, qr/WARNING:  there may be no background worker for stream "two".*max_worker_processes is 3/s, 'too few processes: it is said at creation');
$node->psql('postgres', q{ALTER SYSTEM SET weir.enabled = off});
$node->reload;
becomes(sub { $node->query('SHOW weir.enabled') }, 'off', 'workers are switched off');
$node->psql('postgres', q{SELECT weir.resume('d')}, stdout => \$out, stderr => \$warning);
like($warning, qr/WARNING:  continuous views are switched off on this server/, 'which is said too');
$node->psql('postgres', q{ALTER SYSTEM RESET weir.enabled});
$node->restart;
becomes(sub { $node->query(q{SELECT string_agg(actual_state || coalesce(': ' || last_error, ''), ', ' ORDER BY actual_state) FROM weir.stat_stream}) },
	'retrying: no background worker is free: raise max_worker_processes, running', 'and the stream says so');

done_testing();
