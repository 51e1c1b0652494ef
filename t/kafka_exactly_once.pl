# SPDX-License-Identifier: PostgreSQL
#
# Nothing is lost or counted twice, whatever is killed: on Apache Kafka, for longer.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::ExactlyOnce;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka(topics => { exactly_once => 8 });
Weir::ExactlyOnce::run(broker => $kafka, topic => 'exactly_once', events => 1000000, kills => 40, seed => 2, rate => 15000);
done_testing();
