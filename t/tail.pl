# SPDX-License-Identifier: PostgreSQL
#
# weir.tail() waits for messages, and no longer than it must.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Session;

my $broker = Weir->broker(topics => { events => 2 });
my $node = Weir->cluster;
$node->add_server($broker);
$node->query(q{CREATE FOREIGN TABLE events (part int OPTIONS (meta 'partition'), off bigint OPTIONS (meta 'offset'), a int)
	SERVER kafka OPTIONS (topic 'events')});

my $session = Weir::Session->new($node);
$session->send(q{SELECT * FROM weir.tail(NULL::events, '10 minutes', '{0,0}')});
ok(!$session->has_answered(0.5), 'it waits while nothing comes');
$broker->produce('events', ['{"a":1}'], '-p', 1);
is($session->answer, "1|0|1", 'it returns what has come');

$broker->produce('events', [ '{"a":2}', '{"a":3}' ], '-p', 1);
$session->send(q{SELECT * FROM weir.tail(NULL::events, '10 minutes', '{0,1}')});
like($session->answer, qr/\A1\|1\|2(?:\n1\|2\|3)?\z/, 'and begins where it is told, without a wait');

$session->send(q{SELECT * FROM weir.tail(NULL::events, '10 minutes')});
ok(!$session->has_answered(0.5), 'what was there before is not new');
$node->query('SELECT pg_cancel_backend(' . $session->pid . ')');
like($session->answer($Weir::Session::AT_ONCE), qr/57014: canceling statement due to user request/, 'a cancel acts at once');

# Longer than the time-out of the server: silence is no error here.
$node->query(q{ALTER SERVER kafka OPTIONS (ADD timeout '200ms')});
is($node->query(q{SELECT count(*) FROM weir.tail(NULL::events, '600ms')}), '0', 'silence is no error');

done_testing();
