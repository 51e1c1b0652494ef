# SPDX-License-Identifier: PostgreSQL
#
# Pausing and resuming a view beside an open transaction that has read it: nobody else is held up, and
# who is in the way is named.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Session;

my $node = Weir->cluster;
$node->query(q{
	CREATE SERVER nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
	CREATE FOREIGN TABLE events (at timestamptz) SERVER nowhere OPTIONS (topic 'events', event_time 'at');
	SELECT weir.create_view('hourly', $$
	    SELECT weir.tumble(at, '1 hour') AS hour, count(*) AS n FROM events GROUP BY 1 $$);
	CREATE ROLE bi LOGIN;
	GRANT SELECT ON hourly TO bi;
	ALTER DATABASE postgres SET client_min_messages = error;
});

sub wanted { return $node->query(q{SELECT wanted_state FROM weir.stat_view}) }

my $reader = Weir::Session->new($node, user => 'bi');
$reader->query('BEGIN; SELECT count(*) FROM hourly');
my $error = $node->error(q{SET lock_timeout = '200ms'; SELECT weir.pause('hourly')});
like($error, qr/^55P03: could not lock live table "hourly_live" within 200 ms$/m, 'pause() gives up after lock_timeout');
is($error =~ /^DETAIL: +(.*)$/m ? $1 : '', 'It is in use by process ' . $reader->pid . ' of role bi.', 'and says who has the table');
is(wanted(), 'running', 'the view is wanted still');

my $owner = Weir::Session->new($node);
$owner->query(q{SET lock_timeout = '180s'});
$owner->send(q{SELECT weir.pause('hourly')});
wait_until(sub { $node->query(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Extension' AND pid = } . $owner->pid) }, 'pause() waits');
is($node->query(q{SET lock_timeout = '100s'; SELECT count(*) FROM hourly}), '0', 'others read meanwhile');
ok(!$owner->has_answered(0), 'pause() still waits');
$reader->query('COMMIT');
ok($owner->has_answered(60), 'and goes on when the reader has ended');
is(wanted(), 'stopped', 'the view is paused');

$owner->query(q{BEGIN; SELECT count(*) FROM hourly; SELECT weir.resume('hourly'); COMMIT});
is(wanted(), 'running', 'what its own transaction has read is in nobody\'s way');
$reader->query('BEGIN; SELECT count(*) FROM hourly');
is($node->error(q{SET statement_timeout = '200ms'; SELECT weir.pause('hourly')}) =~ s/\n.*//sr,
	'57014: canceling statement due to statement timeout', 'the wait can be cancelled');
is($node->error(q{SELECT weir.resume('hourly')}), '', 'what is so already takes no lock');
done_testing();
