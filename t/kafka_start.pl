# SPDX-License-Identifier: PostgreSQL
#
# A view begins at a time, by the timestamps of Kafka's records.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka(topics => { since => 3 });
my $node = views_cluster();
$node->add_server($kafka);
# Timestamps of the records are the events' times; partition 2 is empty.
$node->query(q{
	CREATE FOREIGN TABLE since (at timestamptz OPTIONS (meta 'timestamp'), part int OPTIONS (meta 'partition'), n bigint)
	    SERVER kafka OPTIONS (topic 'since', event_time 'at', max_ahead 'off');
	INSERT INTO since SELECT '2026-01-01'::timestamptz + n * interval '1 minute', n % 2, n FROM generate_series(0, 599) AS n});

for my $case (
	[ '2026-01-01T05:00:00Z', '300|300' ],
	[ '2026-01-01T05:00:00.001Z', '301|299' ],
	[ '2026-01-01T05:00:00+05:00', '0|600' ],
	[ '2000-01-01', '0|600' ],
	[ '1900-01-01', '0|600' ],
	[ '2030-01-01', '' ])
{
	my ($start_at, $seen) = @$case;
	$node->query(qq{SELECT weir.create_view('late', 'SELECT weir.tumble(at, ''1 day'') AS day, min(n) AS least, count(*) AS n FROM since GROUP BY 1', start_at => '$start_at');
		SELECT weir.flush('late')});
	is($node->query('SELECT least, n FROM late'), $seen, $start_at);
	$node->query(q{SELECT weir.drop_view('late', keep_closed => false)});
}
done_testing();
