# SPDX-License-Identifier: PostgreSQL
#
# A worker that dies by a signal takes the server with it: the more often in a row, the longer it waits
# before it tries again, though nothing in memory remembers.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;

my $broker = Weir->broker(topics => { events => 1, first => 1, second => 1, third => 1, innocent => 1 });
my $node = Weir->cluster(
	conf => "shared_preload_libraries = 'pg_weir'\nrestart_after_crash = on\nweir.commit_interval = '20ms'\n");
$broker->produce('events', [ map { qq({"at": "2026-01-01T00:00:$_"}) } 10 .. 29 ]);
$node->add_server($broker);
$node->append_conf('postgresql.conf', "weir.stop_at = 'commit_view:crash'");
$node->reload;
$node->query(q{
	CREATE FOREIGN TABLE events (at timestamptz) SERVER kafka OPTIONS (topic 'events', event_time 'at');
	SELECT weir.create_view('counted', $$
	    SELECT weir.tumble(at, '1 second') AS second, count(*) AS n FROM events GROUP BY 1 $$);
});

sub log_has
{
	my ($pattern) = @_;
	return scalar(() = PostgreSQL::Test::Utils::slurp_file($node->logfile) =~ /$pattern/g);
}
wait_until(sub { log_has(qr/starts in a row came to nothing/) }, 'a start waits');
is(log_has(qr/was terminated by signal/), 3, 'three starts came to nothing before one waited');
$node->adjust_conf('postgresql.conf', 'weir.stop_at', undef);
wait_until(sub { (eval { $node->query('SELECT pg_reload_conf()') } // '') eq 't' }, 'the server is there');
wait_until(sub { (eval { $node->query('SELECT count(*) FROM counted_closed') } // '') eq '19' }, 'windows close');
is($node->query('SELECT count(*), sum(n) FROM counted'), '20|20', 'nothing was lost or doubled');
wait_until(sub { $node->query('SELECT starts FROM weir.run') eq '0' }, 'progress makes it forget');
pass('a commit counts starts anew');

# --- several streams ----------------------------------------------------------------------------------

# After a crash, those whose last start came to nothing start one at a time, the others at once.
my @suspects = qw(first second third);
for my $name (@suspects, 'innocent')
{
	$broker->produce($name, ['{"at": "2026-01-01T00:00:00"}']);
	$node->query(qq{
		CREATE FOREIGN TABLE $name (at timestamptz) SERVER kafka OPTIONS (topic '$name', event_time 'at');
		SELECT weir.create_view('${name}_counted', \$\$
		    SELECT weir.tumble(at, '1 second') AS second, count(*) AS n FROM $name GROUP BY 1 \$\$);
		SELECT weir.flush('${name}_counted')});
}
sub running
{
	return $node->query('SELECT string_agg(stream::text, $$ $$ ORDER BY stream::text) FROM weir.stat_stream WHERE pid IS NOT NULL');
}
$node->append_conf('postgresql.conf', "weir.stop_at = 'commit_view:wait'");
$node->query(qq{UPDATE weir.run SET starts = 1 WHERE view IN (${\ join ', ', map { "'${_}_counted_live'::regclass" } @suspects})});
$node->restart;
wait_until(sub { running() =~ /innocent/ && log_has(qr/waiting at "commit_view"/) >= 3 }, 'workers start');
my $running = join '|', split / /, running();
is(scalar(grep { /^(?:$running)$/ } @suspects), 1, 'of the suspects one runs');
$node->adjust_conf('postgresql.conf', 'weir.stop_at', undef);
$node->reload;
wait_until(sub { running() eq 'events first innocent second third' }, 'when it has committed the next ones start');
pass('all of them');
done_testing();
