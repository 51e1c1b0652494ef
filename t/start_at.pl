# SPDX-License-Identifier: PostgreSQL
#
# A view begins where start_at says, and it is found out once.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;

my $broker = Weir->broker(topics => { numbers => 2 });
my $node = views_cluster();
$node->add_server($broker);
$broker->produce('numbers', [ map { qq({"at": "2026-01-01T00:00:00", "n": $_}) } 0 .. 9 ], '-p', 0);
$broker->produce('numbers', [ map { qq({"at": "2026-01-01T00:00:00", "n": $_}) } 100 .. 109 ], '-p', 1);
$node->query(q{CREATE FOREIGN TABLE numbers (at timestamptz, n bigint) SERVER kafka OPTIONS (topic 'numbers', event_time 'at')});

sub view
{
	my ($name, $start_at) = @_;
	$node->query(qq{SELECT weir.create_view('$name', 'SELECT weir.tumble(at, ''1 day'') AS day, min(n) AS least, count(*) AS n FROM numbers GROUP BY 1', start_at => '$start_at')});
	return;
}

sub seen
{
	my ($name) = @_;
	$node->query("SELECT weir.flush('$name')");
	return $node->query("SELECT least, n FROM $name");
}

view('all_of_it', 'earliest');
view('none_of_it', 'latest');
view('few', '1: 4,0:7');
view('one', '1:8');
is(seen('all_of_it'), '0|20', 'earliest');
is(seen('none_of_it'), '', 'latest');
is(seen('few'), '7|9', 'offsets by partition');
is(seen('one'), '0|12', 'partitions that are not named begin at the earliest');
$broker->produce('numbers', ['{"at": "2026-01-01T00:00:00", "n": 10}'], '-p', 0);
is(seen('none_of_it'), '10|1', 'what comes after the first start is read');
$node->restart;
is(seen('none_of_it'), '10|1', 'which was found out once');
$node->query(q{SELECT weir.restart('few', '0:10, 1:0')});
is(seen('few'), '10|11', 'weir.restart() takes offsets too');

view('beyond', '0:3, 1:11');
query_becomes($node, q{SELECT actual_state, last_error FROM weir.stat_view WHERE view = 'beyond_live'::regclass},
	'retrying|partition 1 of topic "numbers" has no offset 11 to start at', 'an offset that is not there is said');
$node->query(q{ALTER FOREIGN TABLE beyond_live OPTIONS (SET start_at '0:3, 1:10'); SELECT weir.resume('beyond')});
is(seen('beyond'), '3|8', 'and can be mended');

my @refused = ('', 'now', 'tomorrow', '0', '0:', ':1', '0:1,', '0:1 1:2', '0:1,0:2', '1:2,0:1,1:3', '0:-1', '2147483648:0', '0:9223372036854775808', 'infinity', '2026-13-01');
is_deeply([ grep { $node->error(qq{ALTER FOREIGN TABLE one_live OPTIONS (SET start_at '$_')}) !~ /^22023: invalid value for option "start_at"/ } @refused ], [], 'anything else is refused');
my @taken = ('2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01 00:00:00.5+02', '0:9223372036854775807', '2147483647 : 0', "1:2 ,\t0:1");
is_deeply([ grep { $node->error(qq{ALTER FOREIGN TABLE one_live OPTIONS (SET start_at '$_')}) ne '' } @taken ], [], 'what is meant is taken');
done_testing();
