# SPDX-License-Identifier: PostgreSQL
#
# weir.skip() leaves one group out, so that a view goes on whose closed table refuses it.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

my $broker = Weir->broker(topics => { ticks => 1 });
my $node = views_cluster();
$node->add_server($broker);
$node->query(q{
	CREATE ROLE stranger;
	CREATE FOREIGN TABLE ticks (at timestamptz OPTIONS (unit 'ms'), k text, side int)
	    SERVER kafka OPTIONS (topic 'ticks', event_time 'at', lateness '0', idle_timeout '1 hour');
	SELECT weir.create_view('hourly', 'SELECT weir.tumble(at, ''1 hour'') AS hour, k, side, count(*) AS n FROM ticks GROUP BY 1, 2, 3');
	ALTER TABLE hourly_closed ADD CONSTRAINT narrow CHECK (hour <> '2025-01-01 01:00+00' OR k <> 'b' OR side IS NOT NULL)});

sub produce
{
	my ($from, $to) = @_;
	$broker->produce('ticks', [ map { my $m = $_; map { sprintf '{"at":%s,"k":"%s","side":%s}', ms($m), $_, $m % 2 ? 1 : 'null' } qw(a b) } $from .. $to ], '-p', 0);
	return;
}
my $state = sub { $node->query('SELECT actual_state FROM weir.stat_view') };

produce(0, 200);
becomes($state, 'retrying', 'the closed table refuses a group');
like($node->query('SELECT last_error FROM weir.stat_view'), qr/violates check constraint "narrow"/, 'as is said');
$node->query(q{SELECT weir.skip('hourly', '2025-01-01 01:00+00', 'b', '1')}); # which is not refused, but skipped all the same
becomes($state, 'retrying', 'another group does not help');
$node->query(q{SELECT weir.skip('hourly', '2025-01-01 01:00+00', 'b', NULL), weir.skip('hourly', '2025-01-01 01:00+00', 'nobody', NULL)});
$node->query(q{SELECT weir.flush('hourly')});
becomes($state, 'running', 'without that group it goes on');
is(differences($node, 'hourly'), qq{missing|("2025-01-01 01:00:00+00",b,1,30)\nmissing|("2025-01-01 01:00:00+00",b,,30)}, 'which is all that is missing');
is($node->query('SELECT relation, reason, windows, key FROM weir.rejected ORDER BY key'),
	qq{hourly_live|skipped|{"2025-01-01 01:00:00+00"}|(b, 1)\nhourly_live|skipped|{"2025-01-01 01:00:00+00"}|(b, NULL)}, 'each is a reject');
is($node->query('SELECT rejected, closed - rows_written FROM weir.stat_view'), '2|2', 'and counted');
is($node->query('SELECT key FROM weir.skip'), '(nobody, NULL)', 'what was skipped is done with, what there is not waits');
$node->restart;
produce(201, 400);
$node->query(q{SELECT weir.flush('hourly')});
is($node->query('SELECT count(*) FROM hourly_closed'), 6 * 4 - 2, 'later windows are whole');
is($node->error(q{SET ROLE stranger; SELECT weir.skip('hourly', now(), 'a', '1')}), '42501: must be owner of foreign table hourly_live', 'it is for owners');
is($node->error(q{SET ROLE stranger; SELECT * FROM weir.skip}), '42501: permission denied for table skip', 'its table is nobody\'s');
$node->query(q{SELECT weir.drop_view('hourly')});
is($node->query('SELECT count(*) FROM weir.skip'), '0', 'nothing is left of a view that is dropped');
done_testing();
