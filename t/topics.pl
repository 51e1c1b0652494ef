# SPDX-License-Identifier: PostgreSQL
#
# weir.topics() while brokers are away: what can be told is told, in time, and what cannot be is NULL.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes qw(time);
use Weir;
use Weir::Session;

my $broker = Weir->broker(brokers => 2, topics => { spread => 2, near => 1, empty => 1 });
$broker->command("leader $_") for ('spread 0 1', 'spread 1 2', 'near 0 1', 'empty 0 1');
my $node = Weir->cluster;
$node->add_server($broker, options => { timeout => '30s' });
$broker->produce('near', ['{"a":1}'], '-p', 0, '-T', 1763632800000);
$broker->produce('spread', [ '{"a":1}', '{"a":2}' ], '-p', $_, '-T', 1763632801000 + $_) for (0, 1);

my $topics = q{SELECT topic, messages, low, high, extract(epoch FROM newest) FROM weir.topics('kafka')};
my $all = "empty|0|{0}|{0}|\nnear|1|{0}|{1}|1763632800.000000\nspread|4|{0,0}|{2,2}|1763632801.001000";
is($node->query($topics), $all, 'two brokers tell of their partitions');
$node->query(q{CREATE FOREIGN TABLE empty (n int) SERVER kafka OPTIONS (topic 'empty')});
is($node->query('SELECT count(*) FROM weir.recent(NULL::empty, 5)'), '0', 'an empty topic has no newest message');

$node->query(q{ALTER SERVER kafka OPTIONS (SET timeout '8s')});
$broker->command('down 2');
my $start = time();
is($node->query($topics), "empty|0|{0}|{0}|\nnear|1|{0}|{1}|1763632800.000000\nspread||{0,NULL}|{2,NULL}|1763632801.000000",
	'what is on a broker that is away is NULL; the rest is told');
cmp_ok(time() - $start, '<', 40, 'and no longer waited for than the time-out says');

$broker->command('up 2');
$node->query(q{ALTER SERVER kafka OPTIONS (SET timeout '60s')});
is($node->query($topics), $all, 'it is told again when the broker is back');

$broker->command('down all');
my $session = Weir::Session->new($node);
$session->send($topics);
ok(!$session->has_answered(0.3), 'without a broker it waits');
$node->query('SELECT pg_cancel_backend(' . $session->pid . ')');
like($session->answer($Weir::Session::AT_ONCE), qr/57014: canceling statement/, 'a cancel acts at once');
$node->query(q{ALTER SERVER kafka OPTIONS (SET timeout '500ms')});
like($node->error($topics), qr/^HV00N: timed out after 0\.5 s waiting for server "kafka"/, 'and gives up in time');

done_testing();
