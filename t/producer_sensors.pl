# SPDX-License-Identifier: PostgreSQL
#
# weir-producer sensors: each sensor at its own rate into its own topic; a fault shows where it should; and
# files of the public data set come through as they are.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Producer;

my @names = ((map { "PS$_" } 1 .. 6), 'EPS1', 'FS1', 'FS2', (map { "TS$_" } 1 .. 4), 'VS1', 'CE', 'CP', 'SE');
my %hertz = map { $_ => /PS/ ? 100 : /FS/ ? 10 : 1 } @names;
my $broker = Weir->broker(topics => { map { ("hydraulic-$_" => 1, "uci-$_" => 1) } @names });
my $node = Weir->cluster;
$node->add_server($broker);
my @minute = ('sensors', '--minutes', 1, '--speed', 'max', '--start', '2025-01-01');

# Made up

producer_ok([ @minute, '-b', $broker->bootstrap ]);
my $counts = join ' ', map { (split ' ', $broker->topic('', 'offsets', "hydraulic-$_"))[2] } @names;
is($counts, join(' ', map { 60 * $hertz{$_} } @names), 'a minute of each sensor');
for my $name ('PS1', 'TS1')
{
	$node->query(qq{CREATE FOREIGN TABLE $name (sensor text, value float8, timestamp timestamptz OPTIONS (unit 'ms'), key text OPTIONS (meta 'key'))
		SERVER kafka OPTIONS (topic 'hydraulic-$name')});
	my $step = 1000 / $hertz{$name};
	is($node->query(qq{SELECT count(*), count(DISTINCT timestamp), min(timestamp) AT TIME ZONE 'UTC', max(timestamp) - min(timestamp), bool_and(sensor = '$name' AND key = sensor) FROM $name}),
		join('|', 60 * $hertz{$name}, 60 * $hertz{$name}, '2025-01-01 00:00:00', sprintf('00:00:%s', 60 - $step / 1000), 't'), "$name as rows, evenly");
}
is($node->query('SELECT count(*) FROM ps1 WHERE value BETWEEN 140 AND 200'), '6000', 'values are of the rig');
my $printed = producer_ok([ @minute, '--dry-run' ]);
is(producer_ok([ @minute, '--dry-run' ]), $printed, 'the same seed gives the same bytes');

# A fault

sub last_of { my ($text, $name) = @_; my @values = $text =~ /"$name","value":([-\d.]+)/g; return $values[-1] }
my @hour = ('sensors', '--minutes', 3, '--speed', 'max', '--start', '2025-01-01', '--dry-run');
my $sound = producer_ok(\@hour);
my $cooler = producer_ok([ @hour, '--fault', 'cooler', '--fault-at', '1min' ]);
is(substr($cooler, 0, length $printed), $printed, 'nothing before it begins');
cmp_ok(last_of($cooler, 'TS1'), '>', last_of($sound, 'TS1') + 3, 'then the oil is hot');
cmp_ok(last_of($cooler, 'CE'), '<', last_of($sound, 'CE') - 3, 'for the cooler does not cool');

# Files

my $directory = PostgreSQL::Test::Utils::tempdir();
my %value;
for my $name (@names)
{
	my @lines = map { my $minute = $_; join "\t", map { sprintf '%d.%03d', $minute, $_ % 1000 } 1 .. 60 * $hertz{$name} } 0 .. 1;
	PostgreSQL::Test::Utils::append_to_file("$directory/$name.txt", join '', map { "$_\n" } @lines);
	$value{$name} = [ map { split /\t/ } @lines ];
}
my @files = ('sensors', '--from', $directory, '--speed', 'max', '--start', '2025-01-01');
producer_ok([ @files, '-t', 'uci', '-b', $broker->bootstrap ]);
for my $name ('PS6', 'FS2', 'SE')
{
	is_deeply([ $broker->topic('', 'consume', "uci-$name") =~ /"value":([^,]+),/g ], $value{$name}, "$name is that of the file");
}
like($broker->topic('', 'consume', 'uci-SE'), qr/"timestamp":1735689600000\}\n(?:.*\n){118}.*"timestamp":1735689719000\}\n\z/, 'two minutes long');
unlink "$directory/CE.txt";
PostgreSQL::Test::Utils::append_to_file("$directory/CE.txt", "1\tx\t3\n");
my ($out, $log, $code) = producer_run([ @files, '--dry-run' ]);
is($code, 4, 'what is no number');
like($log, qr/CE.txt: a value is missing or no number.*skipped 58/s, 'is told and counted');
unlink "$directory/CE.txt";
is((producer_run([ @files, '--dry-run' ]))[2], 4, 'a file that is missing');

done_testing();
