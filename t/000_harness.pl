# SPDX-License-Identifier: PostgreSQL
#
# The harness itself: if this fails, look here first.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;

my $broker = Weir->broker(brokers => 2, topics => { events => 3 });
my $node = Weir->cluster;

is($node->query(q{SELECT extname FROM pg_extension WHERE extname = 'pg_weir'}),
	'pg_weir', 'a cluster has the extension');
like($broker->bootstrap, qr/^127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/, 'a broker has an address on the loopback');
is($broker->command('down 1'), '', 'a broker goes down');
is($broker->command('up 1'), '', 'and up again');
ok(!eval { $broker->command('sideways 1') }, 'a command that it does not know is an error');
$broker->create_topic('more', 1);
$broker->produce('more', [ '{"a":1}', '{"a":2}' ], '-p', 0);
is($broker->topic('', 'consume', 'more'), qq({"a":1}\n{"a":2}\n), 'what was produced is there');

is($node->error('SELECT 1/0'), '22012: division by zero', 'an error comes with its SQLSTATE');

my $tries = 0;
is(wait_until(sub { ++$tries == 3 && 'three' }, 'the third try'), 'three', 'a wait ends with the condition');
ok(!eval { wait_until(sub { 0 }, 'what never comes', 0.1); 1 }, 'and with the deadline');

done_testing();
