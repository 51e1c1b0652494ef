# SPDX-License-Identifier: PostgreSQL
#
# A reader sees each window once: in closed rows or in live ones, whatever closes meanwhile, in any
# isolation level, over changes of epochs, from memory and from the last commit.
#
# Each second of event time has three keys with two events each, and closes when the next one begins. So
# at any moment windows follow each other without a gap, and all but the newest are complete.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Session;
use Weir::Views;

my $STEPS = 1200;

my $broker = Weir->broker(topics => { steps => 1 });
my $node = Weir->cluster(conf => "shared_preload_libraries = 'pg_weir'\n");
$node->add_server($broker);
$node->query(q{
	CREATE FOREIGN TABLE steps (at timestamptz, key text) SERVER kafka
	    OPTIONS (topic 'steps', event_time 'at', lateness '0', max_ahead 'off');
	SELECT weir.create_view('seen', $$
	    SELECT weir.tumble(at, '1 second') AS w, key, count(*) AS n FROM steps GROUP BY 1, 2 $$);
	CREATE VIEW judged AS
	    WITH windows AS (SELECT w, count(*) AS rows, count(DISTINCT key) AS keys, sum(n) AS n,
	                            count(DISTINCT is_closed) AS sides FROM seen GROUP BY w)
	    SELECT coalesce(sum(rows - keys), 0) AS doubles,
	           coalesce(extract(epoch FROM max(w) - min(w))::int + 1 - count(*), 0) AS gaps,
	           count(*) FILTER (WHERE w < (SELECT max(w) FROM windows) AND (rows <> 3 OR n <> 6)) AS incomplete,
	           count(*) FILTER (WHERE sides > 1) AS torn
	    FROM windows;
	ALTER DATABASE postgres SET client_min_messages = warning;
});
my $JUDGED = "SELECT string_agg(format('%s %s %s %s', doubles, gaps, incomplete, torn), ',') FROM judged";
my $FINE = '0 0 0 0';

# One INSERT is one second; it is delivered before the next.
my $writer = Weir::Session->new($node);
$writer->send(qq{DO \$\$ BEGIN
	FOR i IN 1 .. $STEPS LOOP
		INSERT INTO steps SELECT '2026-01-01'::timestamptz + i * interval '1 second' + e * interval '1 ms', key
		FROM generate_series(1, 2) AS e, unnest('{a,b,c}'::text[]) AS key;
		COMMIT;
	END LOOP;
END \$\$});
sub is_writing { return !$writer->has_answered(0) }
wait_until(sub { $node->query('SELECT count(*) FROM seen_closed') > 30 }, 'windows close');

# A transaction that is forgotten while windows close.
my $old = Weir::Session->new($node);
$old->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $old_closed = $old->query('SELECT count(*) FROM seen_closed');
is($old->query($JUDGED), $FINE, 'a snapshot is whole');
my $old_end = $old->query('SELECT max(w) FROM seen');

my $parallel = q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2};
my %reader;
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE', 'PARALLEL')
{
	$reader{$level} = Weir::Session->new($node);
	$reader{$level}->query($level eq 'PARALLEL' ? $parallel : "SET default_transaction_isolation = '$level'");
}
like($reader{PARALLEL}->query('EXPLAIN SELECT count(*) FROM seen'), qr/Gather/, 'a plan is parallel');

my (%bad, %reads, %moved);
sub judge
{
	my ($name, $got) = @_;
	$reads{$name}++;
	$bad{$name} //= $got if $got ne $FINE;
	return;
}

# A change of the stream makes the worker begin anew: another epoch.
my $epochs = 0;
sub change_epoch
{
	my $idle = 30 + ++$epochs;
	$node->query('ALTER FOREIGN TABLE steps OPTIONS ('
		  . ($epochs == 1 ? 'ADD' : 'SET') . " idle_timeout '$idle s')");
	return;
}

my $turn = 0;
while (is_writing())
{
	for my $level (sort keys %reader)
	{
		my $session = $reader{$level};
		judge($level, $session->query($JUDGED));
		# twice in one transaction: what is closed stays the same where the level says so
		$session->query('BEGIN');
		my $before = $session->query('SELECT count(*) FROM seen_closed');
		judge("$level, in a transaction", $session->query($JUDGED)) for (1 .. 3);
		my $after = $session->query('SELECT count(*) FROM seen_closed');
		$session->query('COMMIT');
		$moved{$level} += $before != $after;
	}
	# a cursor that is held while windows close and epochs change
	my $session = $reader{'READ COMMITTED'};
	$session->query('BEGIN; DECLARE c CURSOR FOR SELECT w, key FROM seen ORDER BY w');
	my @rows = split /\n/, $session->query('FETCH 50 FROM c');
	change_epoch() if ++$turn % 4 == 0;
	push @rows, split /\n/, $session->query('FETCH ALL FROM c');
	$session->query('COMMIT');
	my %seen;
	$seen{$_}++ for @rows;
	judge('cursor', (grep { $_ > 1 } values %seen) ? 'doubles' : $FINE);
	judge('self-join', $session->query(q{
		SELECT CASE WHEN count(*) = count(a.w) AND count(*) = count(b.w) THEN '0 0 0 0' ELSE 'differ' END
		FROM seen AS a FULL JOIN seen AS b USING (w, key)}));
	judge('weir.live', $session->query(q{
		SELECT CASE WHEN count(*) = count(DISTINCT (w, key)) THEN '0 0 0 0' ELSE 'doubles' END
		FROM weir.live(NULL::seen_live)}));
}
note join ', ', map { "$_: $reads{$_}" } sort keys %reads;
cmp_ok($epochs, '>', 0, "epochs changed meanwhile: $epochs");
cmp_ok($moved{'READ COMMITTED'}, '>', 0, 'windows closed between two statements');
is($moved{$_}, 0, "but not within one snapshot: $_") for ('REPEATABLE READ', 'SERIALIZABLE');
is($bad{$_}, undef, "$_: no window twice, none missing") for (sort keys %reads);

is($old->query('SELECT count(*) FROM seen_closed'), $old_closed, 'the forgotten transaction sees what it saw');
is($old->query($JUDGED), $FINE, 'and is whole');
is($old->query("SELECT max(w) <= '$old_end' FROM seen"), 't', 'of its own time');
$node->query("SELECT weir.flush('seen')");
query_becomes($node, 'SELECT open_groups FROM weir.stat_view', 3, 'memory holds the open window only');
$old->query('COMMIT');

$node->query("SELECT weir.pause('seen')");
wait_until(sub { $node->query('SELECT count(*) = 0 FROM weir.stat_stream WHERE actual_state = $$running$$') eq 't' }, 'the view is paused');
is($node->query($JUDGED), $FINE, 'a paused view is read from its last commit');
is($node->query('SELECT count(*), sum(n) FROM seen'), $STEPS * 3 . '|' . $STEPS * 6, 'all of it');
like($node->query('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM seen_live'),
	qr/Read From: last commit/, 'as EXPLAIN says');
done_testing();
