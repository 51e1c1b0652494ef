# SPDX-License-Identifier: PostgreSQL
#
# Positions of a stream's views as offsets of a consumer group.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka(topics => { watched => 2 });
my $node = views_cluster();
$node->add_server($kafka);
$node->query(q{
	CREATE FOREIGN TABLE watched (at timestamptz OPTIONS (unit 'ms'), n int)
	    SERVER kafka OPTIONS (topic 'watched', event_time 'at', offsets_group 'weir watched');
	SELECT weir.create_view('hourly', 'SELECT weir.tumble(at, ''1 hour'') AS hour, count(*) AS n FROM watched GROUP BY 1')});

# Partition and offset of each partition.
sub offsets { return $kafka->topic('', '-X', 'group.id=weir watched', 'committed', 'watched') }

sub produce
{
	my ($partition, $count) = @_;
	$kafka->produce('watched', [ map { sprintf '{"at": %d, "n": %d}', ms($_), $_ } 1 .. $count ], '-p', $partition);
	return;
}

produce(0, 30);
produce(1, 12);
$node->query(q{SELECT weir.flush('hourly')});
becomes(\&offsets, "0 30\n1 12\n", 'offsets are those of the commit');
produce(1, 5);
$node->query(q{SELECT weir.flush('hourly')});
becomes(\&offsets, "0 30\n1 17\n", 'and follow');
$node->query(q{SELECT weir.pause('hourly')});
produce(0, 1);
is(offsets(), "0 30\n1 17\n", 'a paused view lags');
$node->query(q{SELECT weir.resume('hourly'); SELECT weir.restart('hourly', keep_closed => false)});
$node->query(q{SELECT weir.flush('hourly')});
is($node->query('SELECT sum(n) FROM hourly'), 48, 'they are never read');
done_testing();
