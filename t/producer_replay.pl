# SPDX-License-Identifier: PostgreSQL
#
# weir-producer replay: lines of JSON go as they are, CSV becomes JSON with no digit changed; keys,
# partitions and speed come from fields.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes ();
use Weir;
use Weir::Producer;

my $broker = Weir->broker(topics => { json => 3, csv => 1, tx => 1 });
my $node = Weir->cluster;
my $directory = PostgreSQL::Test::Utils::tempdir();
$node->add_server($broker);

# JSON lines, byte for byte

my @lines = (
	'{"symbol":"A","p":2,"price":1.2300000000000000000000000000001}', '{ "x" : {"symbol":"no","p":1}, "symbol" : "\u0042\"", "p":"1"}',
	'{"symbol":null,"p":0,"t":"}"}', '{"p":0,"symbol":17}', '{"p":9}', 'no json', '{"p":0,"symbol":"cut');
my ($out, $error, $code) = producer_run(
	[ 'replay', '-', '-b', $broker->bootstrap, '-t', 'json', '--key', 'symbol', '--partition', 'p' ], join("\n", @lines));
is($code, 4, 'what has no place is told by the exit code');
like($error, qr/warning: line 5: its partition is missing or out of range; it is not sent\n.*warning: line 6: .*produced 5, delivered 5, failed 0, skipped 2/s, 'and counted');
sub messages
{
	return join ' ', map { /"partition": (\d).*"key": (null|".*?(?<!\\)"),/ ? "$1:$2" : $_ }
	  split /\n/, $broker->topic('', 'consume', '--json', $_[0]);
}
is(messages('json'), '0:null 0:"17" 0:null 1:"B\"" 2:"A"', 'a key and a partition for each');
is($broker->topic('', 'consume', 'json'), join('', map { "$_\n" } @lines[ 2, 3, 6, 1, 0 ]), 'the bytes are those of the file');

# CSV

my $file = "$directory/prices.csv";
PostgreSQL::Test::Utils::append_to_file($file, qq{\xEF\xBB\xBFsymbol,at,price,note\r\nBTC,2026-01-01T00:00:00Z,92817.92000000000000000000001,"say ""hi"",\nyou"\r\nETH,2026-01-01T00:00:01Z,-1e-5,\r\n007,2026-01-01T00:00:02Z,"12",""\r\n});
is(producer_ok([ 'replay', $file, '--dry-run' ]),
	qq({"symbol":"BTC","at":"2026-01-01T00:00:00Z","price":92817.92000000000000000000001,"note":"say \\"hi\\",\\nyou"}\n)
	  . qq({"symbol":"ETH","at":"2026-01-01T00:00:01Z","price":-1e-5,"note":null}\n)
	  . qq({"symbol":"007","at":"2026-01-01T00:00:02Z","price":"12","note":""}\n), 'CSV becomes JSON');
producer_ok([ 'replay', $file, '-b', $broker->bootstrap, '-t', 'csv' ]);
$node->query(q{CREATE FOREIGN TABLE csv (symbol text, at timestamptz OPTIONS (unit 'iso8601'), price numeric, note text) SERVER kafka OPTIONS (topic 'csv')});
is($node->query(q{SELECT symbol, at AT TIME ZONE 'UTC', price, replace(note, E'\n', '+') FROM csv}),
	qq(BTC|2026-01-01 00:00:00|92817.92000000000000000000001|say "hi",+you\nETH|2026-01-01 00:00:01|-0.00001|\n007|2026-01-01 00:00:02|12|), 'and rows of a table, not one digit lost');
(undef, $error, $code) = producer_run([ 'replay', '-', '--format', 'csv', '--dry-run' ], "a,b\n1\n1,2,3\n1,2\n");
like($error, qr/line 2: another number of values.*line 3: another number.*produced 1, /s, 'a record of another length is left out');

# Speed

my $start = Time::HiRes::time();
is(producer_ok([ 'replay', $file, '--dry-run', '--time', 'at', '--speed', '10x' ]), producer_ok([ 'replay', $file, '--dry-run' ]), 'the same messages');
cmp_ok(Time::HiRes::time() - $start, '>=', 0.2, 'not before their time');
is((producer_run([ 'replay', $file, '--dry-run', '--speed', '10x' ]))[2], 2, 'a speed wants a time');

# Loop, until a signal

my $loop = producer_start('replay', $file, '--loop', '--time', 'at', '--speed', '100x', '-b', $broker->bootstrap, '-t', 'csv');
wait_until(sub { $loop->{run}->pump_nb; $node->query('SELECT count(*) FROM csv') >= 12 }, 'a loop');
is(producer_end($loop, 'TERM'), 0, 'a signal ends it in order');
like($loop->{stderr}, qr/produced (\d+), delivered \1, failed 0;/, 'with all delivered');

# Transactions

producer_ok([ 'replay', $file, '-b', $broker->bootstrap, '-t', 'tx', '--transactional', 'replay-1' ]);
is($broker->topic('', 'consume', 'tx') =~ tr/\n//, 3, 'in a transaction');

# What cannot be

is((producer_run([ 'replay', "$directory/none", '-b', $broker->bootstrap, '-t', 'csv' ]))[2], 4, 'no such file');
is((producer_run([ 'replay', '-', '--loop', '-t', 'csv', '-b', 'x' ]))[2], 2, 'stdin does not begin again');

done_testing();
