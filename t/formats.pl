# SPDX-License-Identifier: PostgreSQL
#
# Continuous views over messages that are lines of CSV, and what they reject.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

my $broker = Weir->broker(topics => { ticks => 1 });
my $node = views_cluster();
$node->add_server($broker);
$node->query(q{
	CREATE FOREIGN TABLE ticks (symbol text, at timestamptz OPTIONS (unit 's'), price numeric)
	    SERVER kafka OPTIONS (topic 'ticks', format 'csv', delimiter ';', event_time 'at');
	SELECT weir.create_view('hourly', $$
	    SELECT weir.tumble(at, '1 hour') AS hour, symbol, count(*) AS n, sum(price) AS total
	    FROM ticks GROUP BY 1, 2 $$);
});
$broker->produce('ticks', [ 'A;1763632800;1.50', '"B;C";1763632801;2', 'A;1763632802;', 'A;1763632803', 'A;1763632804;x', 'A;1763636400;9' ], '-p', 0);
query_becomes($node, q{SELECT string_agg(concat_ws(' ', symbol, n, total), ', ' ORDER BY symbol) FROM hourly_closed},
	'A 2 1.50, B;C 1 2', 'rows of lines are counted, and the window closes');
query_becomes($node, q{SELECT string_agg(reason, ', ' ORDER BY "offset") FROM weir.rejected},
	'fields, not_a_number', 'what is no such line is a reject');

# Another format is another meaning.
$node->query(q{ALTER FOREIGN TABLE ticks OPTIONS (SET delimiter ',')});
query_becomes($node, q{SELECT actual_state FROM weir.stat_view}, 'changed', 'another delimiter changes the view');

done_testing();
