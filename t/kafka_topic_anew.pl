# SPDX-License-Identifier: PostgreSQL
#
# A topic that is deleted and made anew on Apache Kafka stops its views, running or not, until they are
# restarted.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my @topics = qw(anew_running anew_paused);
my $kafka = Weir->kafka(topics => { map { $_ => 1 } @topics });
my $node = views_cluster();
$node->add_server($kafka);

sub produce
{
	my ($topic, $from, $to) = @_;
	$kafka->produce($topic, [ map { sprintf '{"at":%s,"n":%d}', ms($_), $_ } $from .. $to ], '-p', 0);
	return;
}
sub state { my ($view) = @_; return sub { $node->query("SELECT actual_state FROM weir.stat_view WHERE view = '${view}_live'::regclass") } }

for my $topic (@topics)
{
	$node->query(qq{
		CREATE FOREIGN TABLE $topic (at timestamptz OPTIONS (unit 'ms'), n bigint)
		    SERVER kafka OPTIONS (topic '$topic', event_time 'at', lateness '1 min', idle_timeout '1 hour');
		SELECT weir.create_view('${topic}_view', 'SELECT weir.tumble(at, ''1 hour'') AS hour, count(*) AS n, sum(n) AS total FROM $topic GROUP BY 1')});
	produce($topic, 0, 199);
	is_whole($node, "${topic}_view", "$topic is read");
}
$node->query(q{SELECT weir.pause('anew_paused_view')});
becomes(state('anew_paused_view'), 'stopped', 'one view is paused');
my %rows = map { $_ => $node->query("SELECT * FROM ${_}_view ORDER BY 1") } @topics;
for my $topic (@topics)
{
	$kafka->topic('', 'delete', $topic);
	wait_until(sub { eval { $kafka->topic('', 'create', $topic, 1); 1 } }, 'the topic is made anew');
}
produce('anew_running', 0, 49);
produce('anew_paused', 0, 249);
$node->query(q{SELECT weir.resume('anew_paused_view')});
becomes(state("${_}_view"), 'failed', "$_: another topic is noticed") for @topics;
like($node->query(q{SELECT last_error FROM weir.stat_view WHERE view = 'anew_running_view_live'::regclass}),
	qr/^topic "anew_running" is not what was read before: partition 0 ends at 50, and was read up to 200;/, 'by its end');
like($node->query(q{SELECT last_error FROM weir.stat_view WHERE view = 'anew_paused_view_live'::regclass}),
	qr/^topic "anew_paused" is not what was read before: offset 199 of partition 0 is another message;/, 'or by the last message');
for my $topic (@topics)
{
	is($node->query("SELECT * FROM ${topic}_view ORDER BY 1"), $rows{$topic}, "$topic: nothing of it was counted");
	$node->query("SELECT weir.restart('${topic}_view', keep_closed => false)");
	is_whole($node, "${topic}_view", "$topic: after a restart it is read");
}
done_testing();
