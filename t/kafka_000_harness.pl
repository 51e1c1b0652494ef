# SPDX-License-Identifier: PostgreSQL
#
# The harness with Apache Kafka.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;

my $broker = Weir->kafka(topics => { harness => 2 });
$broker->produce('harness', [ '{"a":1}', '{"a":2}' ], '-p', 0);
is($broker->topic('', 'consume', 'harness'), qq({"a":1}\n{"a":2}\n), 'what was produced is there');

my $own = Weir->kafka(start => [], topics => { harness => 1 });
isnt($own->bootstrap, $broker->bootstrap, 'a test can have a broker of its own');
$own->produce('harness', ['{"a":3}']);
$own->stop;
$own->start;
is($own->topic('', 'consume', 'harness'), qq({"a":3}\n), 'which keeps its messages when it is stopped');

done_testing();
