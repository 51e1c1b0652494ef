# SPDX-License-Identifier: PostgreSQL
#
# weir-topic sends exactly what it is told and shows exactly what is there.
use strict;
use warnings FATAL => 'all';
use Digest::MD5 ();
use Test::More;
use Time::HiRes ();
use Weir;

my $broker = Weir->broker(topics => { keys => 1, lines => 2, binary => 1, ticks => 4, again => 4, slowly => 4, transactions => 1 });

sub failure
{
	my ($input, @arguments) = @_;
	eval { $broker->topic($input, @arguments); 1 } and return '';
	return $@;
}

# Every partition on its own lines, in order.
$broker->topic("a\n\nb", 'produce', 'lines', '-p', 1);
$broker->topic("c\n", 'produce', 'lines', '-p', 0);
is($broker->topic('', 'consume', 'lines'), "c\na\n\nb\n", 'lines come back, partition by partition');
is($broker->topic('', 'consume', 'lines', '-p', 1, '-o', 1), "\nb\n", 'from an offset');
is($broker->topic('', 'consume', 'lines', '-p', 1, '-o', -1), "b\n", 'from before the end');
is($broker->topic('', 'consume', 'lines', '-n', 2), "c\na\n", 'so many');
is($broker->topic('', 'offsets', 'lines'), "0 0 1 1\n1 0 3 3\n", 'partitions have their ends');
like(failure('', 'consume', 'lines', '-p', 2), qr/has no partition 2/, 'a partition that is not there is an error');
like(failure("message\n", 'produce', 'lines', '-p', 2), qr/1 messages were not delivered .*Unknown partition/, 'also to send to');

# Keys, null values, headers, time
$broker->topic("k=v\n", 'produce', 'keys', '--key-sep', '=', '-T', 1700000000123);
$broker->topic('', 'produce', 'keys', '-k', 'gone', '--null', '-T', 1);
$broker->topic("x=1\n", 'produce', 'keys', '-T', 2, '-H', 'h=1', '-H', 'h=2=3', '-H', 'none', '-k', '');
is($broker->topic('', 'consume', 'keys', '--json'), <<'E', 'keys, nulls, headers and times are kept');
{"partition": 0, "offset": 0, "timestamp": 1700000000123, "key": "k", "value": "v", "headers": []}
{"partition": 0, "offset": 1, "timestamp": 1, "key": "gone", "value": null, "headers": []}
{"partition": 0, "offset": 2, "timestamp": 2, "key": "", "value": "x=1", "headers": [["h", "1"], ["h", "2=3"], ["none", null]]}
E
like(failure("message\n", 'produce', 'keys', '--key-sep', ':'), qr/no ":" between key and value in "message"/, 'a line without a key is an error');

for my $codec (qw(none gzip lz4 zstd snappy))
{
	$broker->topic("\x00\n\"$codec\xff", 'produce', 'binary', '--binary', '-z', $codec);
}
is($broker->topic('', 'consume', 'binary'), join('', map { "\x00\n\"$_\xff\n" } qw(none gzip lz4 zstd snappy)),
	'any bytes, compressed by anything');

# Transactions: the protocol; what they hide is tested with Apache Kafka
is($broker->topic(<<'E', 'transaction', 'transactions'), "ok\n" x 9, 'transactions of two producers');
begin
produce 0 first of a
use b
begin
produce 0 first of b
commit
use transactions
open
abort
E
is($broker->topic("commit\nnonsense\nproduce x\n", 'transaction', 'transactions'),
	"error: Operation not valid in state Ready\n"
	  . "error: commands are begin, produce PARTITION TEXT, open, commit, abort, use ID\n"
	  . "error: usage: produce PARTITION TEXT\n", 'what is wrong is answered');

# Generated messages
$broker->topic('', 'generate', $_, 1000, '--symbols', 7, '--seed', 3) for 'ticks', 'again';
my $ticks = $broker->topic('', 'consume', 'ticks');
is($ticks, $broker->topic('', 'consume', 'again'), 'the same seed makes the same messages');
my $started = Time::HiRes::time();
$broker->topic('', 'generate', 'slowly', 1000, '--symbols', 7, '--seed', 3, '--rate', 2000);
ok(Time::HiRes::time() - $started >= 0.4, 'a rate is not exceeded');
is($broker->topic('', 'consume', 'slowly'), $ticks, 'and changes no message');
is(Digest::MD5::md5_hex($ticks), '0bf2dd40522d67b9b43202f0685c128e', 'on every machine');
is(() = $ticks =~ /\n/g, 1000, 'as many as wanted');
like($broker->topic('', 'consume', 'ticks', '-p', 3, '-n', 1), qr/^\{"symbol": "S00003USDT", "event_time": \d{13}, "price": /,
	'a partition has its symbols');

# The command line
like(failure('', 'consume', 'lines', '-k', 'x'), qr/consume takes no -k, see --help/, 'an option of another command is refused');
like(failure('', 'consume'), qr/usage: weir-topic consume NAME/, 'so are too few words');
like(failure('', '-X', 'no.such=1', 'offsets', 'lines'), qr/No such configuration property: "no.such"/, 'and a property that is none');

done_testing();
