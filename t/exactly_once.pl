# SPDX-License-Identifier: PostgreSQL
#
# Nothing is lost or counted twice, whatever is killed.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::ExactlyOnce;

# 16 partitions hold what the embedded broker keeps: 5 MiB each.
my $broker = Weir->broker(topics => { ticker => 16 });
Weir::ExactlyOnce::run(broker => $broker, topic => 'ticker', events => 200000, kills => 17, seed => 1, rate => 15000);
done_testing();
