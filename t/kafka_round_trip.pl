# SPDX-License-Identifier: PostgreSQL
#
# Many rows there and back, on Apache Kafka.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::RoundTrip;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka(topics => { round_trip => $Weir::RoundTrip::PARTITIONS });
my $node = Weir->cluster(conf => "fsync = off\nmax_wal_size = 4GB\n");
Weir::RoundTrip::run($node, $node->add_server($kafka, options => { compression_type => 'lz4' }), 'round_trip');
done_testing();
