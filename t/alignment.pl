# SPDX-License-Identifier: PostgreSQL
#
# Partitions that are far apart in time share a little memory: alignment, and what happens at the cap.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

my $broker = Weir->broker(topics => { month => 8, stopped => 2 });
my $node = views_cluster(q{weir.state_memory = '2MB'});
$node->add_server($broker);

sub events
{
	my ($topic, $partition, @minutes) = @_;
	my $i = 0;
	$broker->produce($topic, [ map { sprintf '{"at":%d,"k":"%d of %d"}', ms($_), $i++ % 20, $partition } @minutes ], '-p', $partition);
	return;
}

sub stream
{
	my ($topic, $options) = @_;
	$node->query(qq{CREATE FOREIGN TABLE $topic (at timestamptz OPTIONS (unit 'ms'), k text)
		SERVER kafka OPTIONS (topic '$topic', event_time 'at', lateness '1 hour', idle_timeout '1 hour'$options)});
	return;
}

sub view
{
	my ($topic) = @_;
	$node->query(qq{SELECT weir.create_view('of_$topic', 'SELECT weir.tumble(at, ''10 min'') AS start, k, count(*) AS n FROM $topic GROUP BY 1, 2')});
	return;
}

my $full = sub { scalar(() = PostgreSQL::Test::Utils::slurp_file($node->logfile) =~ /-> state_full/g) };
my $state = sub { $node->query('SELECT actual_state FROM weir.stat_view') };

# Thirty days in each of eight partitions, in some of them in few messages: taken as they come, these would be
# weeks ahead of the others.

my $days = 30 * 24 * 60;
for my $partition (0 .. 7)
{
	my $count = 20000 / ($partition + 1);
	events('month', $partition, map { $_ * $days / $count } 0 .. $count - 1);
}
stream('month', '');
view('month');
is_whole($node, 'of_month', 'thirty days of eight partitions');
is($full->(), 0, 'in 2 MB');
is($node->query('SELECT late FROM weir.stat_view'), 0, 'nothing is late');
cmp_ok($node->query('SELECT opened FROM weir.stat_view'), '>', 40000, 'though all groups together would not fit');
$node->query(q{SELECT weir.drop_view('of_month', keep_closed => false)});

# The same without alignment does not fit into less; with more memory it goes on at the latest.

configure($node, q{weir.state_memory = '1MB'});
$node->query(q{ALTER FOREIGN TABLE month OPTIONS (ADD align '100 days')});
view('month');
becomes(sub { $full->() > 0 ? 'full' : 'never full' }, 'full', 'without alignment the memory is full');
configure($node, q{weir.state_memory = '64MB'});
is_whole($node, 'of_month', 'with more of it nothing is lost');
becomes($state, 'running', 'and it runs');
$node->query(q{SELECT weir.drop_view('of_month', keep_closed => false)});
configure($node, q{weir.state_memory = '2MB'});

# A partition that stops holds W, until memory is full; when it goes on, so does all.

stream('stopped', '');
view('stopped');
events('stopped', 1, 0);
my $minute = 0;
while ($state->() ne 'state_full' && $minute < 40000)
{
	events('stopped', 0, map { $minute + $_ / 4 } 0 .. 3999);
	$minute += 1000;
}
is($state->(), 'state_full', 'the other one goes on until memory is full');
like($node->query(q{SELECT weir.why('of_stopped')}), qr/^the view is state_full/, 'and says why not');
events('stopped', 1, map { $_ * 10 } 1 .. $minute / 10);
is_whole($node, 'of_stopped', 'when it goes on, its events find room, and W moves');
becomes($state, 'running', 'and it runs');
is($node->query('SELECT late, rejected FROM weir.stat_view'), '0|0', 'nothing was lost');
done_testing();
