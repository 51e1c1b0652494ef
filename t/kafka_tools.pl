# SPDX-License-Identifier: PostgreSQL
#
# Apache Kafka as the tests start it: transactions, deletion, log-in and TLS work, seen through
# weir-topic.
use strict;
use warnings FATAL => 'all';
use IPC::Run ();
use Test::More;
use Weir;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka(topics => { tools_txn => 2, tools_many => 1 });

sub failure
{
	my (@arguments) = @_;
	eval { $kafka->topic('', @arguments); 1 } and return '';
	return $@;
}

# Asks for the topic's ends by another listener. Result: them, or the error after so many seconds.
sub ends_by
{
	my ($seconds, $listener, %property) = @_;
	my @properties = map { ('-X', "$_=$property{$_}") } sort keys %property;
	my ($stdout, $stderr);
	IPC::Run::run([ 'weir-topic', '-b', $kafka->setting($listener), '-t', $seconds, @properties, 'offsets', 'tools_many' ],
		'<', \'', '>', \$stdout, '2>', \$stderr);
	return $stdout . $stderr;
}

# An aborted, an open and two committed transactions
my ($input, $output) = ('', '');
my $open = IPC::Run::start([ 'weir-topic', '-b', $kafka->bootstrap, 'transaction', 'tools_txn' ],
	'<', \$input, '>', \$output, IPC::Run::timeout(60));

sub transactions
{
	my (@lines) = @_;
	$output = '';
	$input .= join '', map { "$_\n" } @lines;
	$open->pump until $output =~ tr/\n// == @lines;
	return $output;
}

is(transactions('begin', 'produce 0 a1', 'produce 0 a2', 'abort', 'begin', 'produce 0 c1', 'produce 1 c2', 'commit'),
	"ok\n" x 8, 'a transaction is aborted, one is committed');
is(transactions('use other', 'begin', 'produce 0 o1', 'open', 'use tools_txn', 'begin', 'produce 0 c3', 'commit'),
	"ok\n" x 8, 'another stays open under one that is committed');
is($kafka->topic('', 'offsets', 'tools_txn'), "0 0 8 5\n1 0 2 2\n", 'the last stable offset is where the open one began');
is($kafka->topic('', 'consume', 'tools_txn'), "c1\nc2\n", 'what is aborted or behind it is hidden');
is($kafka->topic('', 'consume', '--uncommitted', 'tools_txn'), "a1\na2\nc1\no1\nc3\nc2\n", 'though it is there');
is(transactions('use other', 'commit'), "ok\n" x 2, 'the open one is committed');
is($kafka->topic('', 'consume', 'tools_txn'), "c1\no1\nc3\nc2\n", 'and shows with all behind it');
$open->finish;

# Topics
$kafka->produce('tools_many', [ 1 .. 9 ]);
$kafka->topic('', 'delete-records', 'tools_many', 0, 7);
is($kafka->topic('', 'offsets', 'tools_many'), "0 7 9 9\n", 'the head of a partition is deleted');
is($kafka->topic('', 'consume', 'tools_many'), "8\n9\n", 'and what is left is read');
like(failure('create', 'tools_many', 1), qr/already exists/, 'a topic is created once');
like(failure('create', 'tools_odd', 1, 'no.such=1'), qr/Unknown topic config name: no.such/, 'with settings that there are');
like(failure('offsets', 'tools_none'), qr/Unknown topic/, 'none is created by asking');
$kafka->create_topic('tools_gone', 1);
$kafka->topic('', 'delete', 'tools_gone');
like(failure('offsets', 'tools_gone'), qr/Unknown topic/, 'a topic is deleted');

# Compaction: the last segment is never compacted, so send until the first value is gone
$kafka->create_topic('tools_compact', 1, qw(cleanup.policy=compact segment.ms=100 min.cleanable.dirty.ratio=0.001));
my $number = 0;
wait_until(
	sub {
		$kafka->produce('tools_compact', [ 'key=' . $number++ ], '--key-sep', '=');
		$kafka->topic('', 'consume', 'tools_compact') !~ /^0$/m;
	},
	'compaction');
like($kafka->topic('', 'consume', 'tools_compact'), qr/^@{[ $number - 1 ]}\n\z/m, 'old values of a key go, the last stays');

# Listeners
my %plain = ('security.protocol' => 'SASL_PLAINTEXT', 'sasl.mechanism' => 'PLAIN', 'sasl.username' => 'alice');
is(ends_by(30, 'WEIR_KAFKA_SASL', %plain, 'sasl.password' => 'alice-secret'), "0 7 9 9\n", 'PLAIN logs in');
like(ends_by(3, 'WEIR_KAFKA_SASL', %plain, 'sasl.password' => 'wrong'), qr/Invalid username or password/, 'not with a wrong password');

my %tls = ('security.protocol' => 'SSL', 'ssl.ca.location' => $kafka->setting('WEIR_KAFKA_CA'));
is(ends_by(30, 'WEIR_KAFKA_TLS', %tls), "0 7 9 9\n", 'TLS works');
like(ends_by(3, 'WEIR_KAFKA_TLS', 'security.protocol' => 'SSL'), qr/certificate verify failed/, 'not without the authority');
is(ends_by(30, 'WEIR_KAFKA_MTLS', %tls, 'ssl.certificate.location' => $kafka->setting('WEIR_KAFKA_CERT'),
		'ssl.key.location' => $kafka->setting('WEIR_KAFKA_KEY')),
	"0 7 9 9\n", "TLS with the client's certificate works");
isnt(ends_by(3, 'WEIR_KAFKA_MTLS', %tls), "0 7 9 9\n", 'not without it');

my %scram = (%tls, 'security.protocol' => 'SASL_SSL', 'sasl.username' => 'bob');
SKIP:
{
	my ($major, $minor, $patch) = `weir-topic --version` =~ /librdkafka (\d+)\.(\d+)\.(\d+)/;
	skip 'SCRAM wants librdkafka 2.6.1', 2 if $major * 10000 + $minor * 100 + $patch < 20601;
	for my $mechanism ('SCRAM-SHA-256', 'SCRAM-SHA-512')
	{
		is(ends_by(30, 'WEIR_KAFKA_SASL_TLS', %scram, 'sasl.mechanism' => $mechanism, 'sasl.password' => 'bob-secret'),
			"0 7 9 9\n", "$mechanism logs in over TLS");
	}
}
like(ends_by(3, 'WEIR_KAFKA_SASL_TLS', %scram, 'sasl.mechanism' => 'SCRAM-SHA-256', 'sasl.password' => 'wrong'),
	qr/invalid credentials/, 'SCRAM refuses a wrong password');
like(ends_by(3, 'WEIR_KAFKA_BAD'), qr/Failed to resolve 'broker\.invalid/, 'one listener sends clients nowhere');

done_testing();
