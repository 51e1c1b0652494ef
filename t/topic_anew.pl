# SPDX-License-Identifier: PostgreSQL
#
# Another topic under the same name is noticed by the last message that a view has applied, though it
# has all offsets; nothing of it is counted until somebody says so.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

my @brokers = map { Weir->broker(topics => { readings => $_ }) } 2, 2, 1;
my $node = views_cluster();
$node->add_server($brokers[0]);
$node->query(q{
	CREATE FOREIGN TABLE readings (at timestamptz OPTIONS (unit 'ms'), n bigint)
	    SERVER kafka OPTIONS (topic 'readings', event_time 'at', lateness '1 min', idle_timeout '1 hour')});

sub produce
{
	my ($broker, $partition, $from, $to) = @_;
	$broker->produce('readings', [ map { sprintf '{"at":%s,"n":%d}', ms($_), $_ } $from .. $to ], '-p', $partition);
	return;
}

sub view
{
	my ($name) = @_;
	$node->query("SELECT weir.create_view('$name', 'SELECT weir.tumble(at, ''1 hour'') AS hour, count(*) AS n, sum(n) AS total FROM readings GROUP BY 1')");
	return;
}

sub go_to
{
	my ($broker) = @_;
	$node->query("ALTER SERVER kafka OPTIONS (SET bootstrap_servers '" . $broker->bootstrap . q{')});
	return;
}
sub state { my ($view) = @_; return sub { $node->query("SELECT actual_state FROM weir.stat_view WHERE view = '${view}_live'::regclass") } }

view('hourly');
produce($brokers[0], $_, 0, 99) for (0, 1);
is_whole($node, 'hourly', 'a view of the first topic');
my $rows = $node->query('SELECT * FROM hourly ORDER BY 1');

# the same offsets and more, the same values in partition 0 up to the timestamps
produce($brokers[1], $_, 0, 199) for (0, 1);
go_to($brokers[1]);
becomes(state('hourly'), 'failed', 'another topic of the same name stops the view');
like($node->query('SELECT last_error FROM weir.stat_view'),
	qr/^topic "readings" is not what was read before: offset 99 of partition [01] is another message; weir\.restart\(\) begins anew/, 'which says so');
is($node->query('SELECT * FROM hourly ORDER BY 1'), $rows, 'and shows what it had');
view('fresh');
is_whole($node, 'fresh', 'a new view of the stream does not mind');
$node->query(q{SELECT weir.resume('hourly')});
produce($brokers[1], 0, 200, 210);
is_whole($node, 'fresh', 'nor do the two run into each other');
becomes(state('hourly'), 'failed', 'weir.resume() is no way round');
is($node->query('SELECT * FROM hourly ORDER BY 1'), $rows, 'nothing was counted');

go_to($brokers[0]);
becomes(state('fresh'), 'failed', 'the other way round it is the other view');
like($node->query('SELECT last_error FROM weir.stat_view WHERE view = $$fresh_live$$::regclass'),
	qr/^topic "readings" is not what was read before: partition 0 ends at 100, and was read up to 211;/, 'whose position is beyond the end');
$node->query(q{SELECT weir.resume('hourly')});
produce($brokers[0], $_, 100, 150) for (0, 1);
is_whole($node, 'hourly', 'with its own topic the first one goes on');
is($node->query('SELECT messages FROM weir.stat_view WHERE view = $$hourly_live$$::regclass'), '302', 'and has counted each message once');

go_to($brokers[1]);
becomes(state('hourly'), 'failed', 'again');
$node->query(q{SELECT weir.restart('hourly', keep_closed => false)});
is_whole($node, 'hourly', 'weir.restart() begins with the new topic');
$node->restart;
produce($brokers[1], 1, 200, 210);
is_whole($node, $_, "$_ goes on over a restart") for ('hourly', 'fresh');

go_to($brokers[2]);
becomes(state('hourly'), 'failed', 'a topic with fewer partitions is another one too');
is($node->query('SELECT last_error FROM weir.stat_view WHERE view = $$hourly_live$$::regclass'), 'topic "readings" has fewer partitions than it had', 'as is said');
go_to($brokers[1]);
is_whole($node, 'hourly', 'with the right one it goes on');
done_testing();
