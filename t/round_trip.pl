# SPDX-License-Identifier: PostgreSQL
#
# Many rows there and back, on the embedded broker.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::RoundTrip;

my $broker = Weir->broker(brokers => 3, topics => { round_trip => $Weir::RoundTrip::PARTITIONS });
my $node = Weir->cluster(conf => "fsync = off\nmax_wal_size = 4GB\n");
Weir::RoundTrip::run($node, $node->add_server($broker), 'round_trip');
done_testing();
