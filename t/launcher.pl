# SPDX-License-Identifier: PostgreSQL
#
# A worker runs for each stream that has an enabled view, and for nothing else, whatever happens.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;

my $node = Weir->cluster(conf => "shared_preload_libraries = 'pg_weir'\n");

# "database stream", a line for each worker
sub workers
{
	return $node->query(
		q{SELECT datname, regexp_replace(application_name, '^stream ', '') FROM pg_stat_activity
		  WHERE backend_type = 'weir worker' ORDER BY 1, 2});
}

sub processes
{
	return $node->query(
		q{SELECT backend_type FROM pg_stat_activity WHERE backend_type LIKE 'weir%' ORDER BY 1});
}

sub becomes
{
	my ($function, $expected, $claim) = @_;
	my $found;
	eval { wait_until(sub { ($found = $function->()) eq $expected }, $claim, 15) };
	is($found, $expected, $claim);
	return;
}

sub make_views
{
	my ($database, @streams) = @_;
	for (@streams)
	{
		$node->query("CREATE FOREIGN TABLE $_ (a int) SERVER kafka OPTIONS (topic '$_');
			CREATE FOREIGN TABLE ${_}_live (a int) SERVER weir OPTIONS (stream 'public.$_')",
			database => $database);
	}
	return;
}

sub prepare
{
	my ($database) = @_;
	$node->query(q{
		CREATE EXTENSION IF NOT EXISTS pg_weir;
		CREATE FOREIGN DATA WRAPPER weir_live; CREATE SERVER weir FOREIGN DATA WRAPPER weir_live;
		CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
		CREATE USER MAPPING FOR PUBLIC SERVER kafka}, database => $database);
}

becomes(\&processes, 'weir launcher', 'without views there is only the launcher');
prepare('postgres');
make_views('postgres', 'one', 'two');
$node->reload;
becomes(\&workers, qq{postgres|"public.one"\npostgres|"public.two"}, 'streams');
$node->restart;
becomes(\&workers, qq{postgres|"public.one"\npostgres|"public.two"}, 'streams');
$node->query('DROP FOREIGN TABLE one_live');
$node->reload;
becomes(\&workers, qq{postgres|"public.two"}, 'dropped');
$node->query(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'weir worker'});
becomes(\&workers, '', 'gone');
becomes(\&workers, qq{postgres|"public.two"}, 'back');
$node->append_conf('postgresql.conf', "weir.enabled = off\n");
$node->reload;
becomes(\&workers, '', 'gone');
$node->append_conf('postgresql.conf', "weir.enabled = on\nweir.stop_at = 'worker_start:error'\n");
$node->reload;
wait_until(sub { $node->log_contains('stopped at "worker_start"') }, 'error');
$node->append_conf('postgresql.conf', "weir.stop_at = ''\n");
$node->reload;
becomes(\&workers, qq{postgres|"public.two"}, 'back');
diag(grep { /weir|stream/ } split /^/, PostgreSQL::Test::Utils::slurp_file($node->logfile));
done_testing();
