# SPDX-License-Identifier: PostgreSQL
#
# weir-producer on Apache Kafka: topics that it makes, transactions, its answer.
use strict;
use warnings FATAL => 'all';
use JSON::PP ();
use Test::More;
use Weir;
use Weir::Exchange;
use Weir::Producer;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka;
my $node = Weir->cluster;
$node->add_server($kafka);
my @to = ('-b', $kafka->bootstrap);

# A topic that is missing

my @synth = ('synth', '--count', 30_000, '--days', 6, '--symbols', 5, '--disorder', '20min', '--late', '0.2%', '--bad', '0.2%', '-t', 'producer_synth', @to);
is((producer_run(\@synth))[2], 3, 'is told');
is((producer_run([ @synth, '--create-topic', '--topic-config', 'no.such=1' ]))[2], 3, 'is not made with a configuration that is none');
is((producer_run([ @synth, '--create-topic', '--replication-factor', 9 ]))[2], 3, 'nor with more replicas than brokers');

# Its answer

my $answer = PostgreSQL::Test::Utils::tempdir() . '/answer.csv';
producer_ok([ @synth, '--create-topic', '--partitions', 3, '--topic-config', 'retention.ms=-1', '--expect', $answer ]);
is($kafka->topic('', 'offsets', 'producer_synth') =~ tr/\n//, 3, 'is made with its partitions');
$node->query(q{
	CREATE FOREIGN TABLE message (payload text OPTIONS (meta 'payload'), p int OPTIONS (meta 'partition'), o bigint OPTIONS (meta 'offset'))
		SERVER kafka OPTIONS (topic 'producer_synth', on_error 'skip');
	CREATE TABLE answer (kind text, day_start timestamptz, symbol text, daily_open numeric, daily_high numeric, daily_low numeric,
		daily_close numeric, daily_volume numeric, daily_quote_volume numeric, total_trades bigint, tick_count bigint,
		avg_price numeric, p int, o bigint, reason text)});
$node->query("COPY answer FROM '$answer' (FORMAT csv, HEADER)");
is($node->query(q{
	WITH event AS MATERIALIZED (
		SELECT p, o, j->>'symbol' AS symbol, to_timestamp((j->>'event_time')::numeric / 1000) AS t, (j->>'price')::numeric AS price,
		       (j->>'open')::numeric AS open, (j->>'volume')::numeric AS volume
		FROM (SELECT p, o, payload::json AS j FROM message LEFT JOIN answer USING (p, o) WHERE kind IS NULL OFFSET 0) AS m),
	     candle AS (SELECT date_trunc('day', t, 'UTC'), symbol, (array_agg(open ORDER BY t, p, o))[1], (array_agg(price ORDER BY t DESC, p DESC, o DESC))[1],
	       sum(volume), count(*), round(avg(price), 10) FROM event GROUP BY 1, 2)
	SELECT count(*), (SELECT count(*) FROM candle) FROM (SELECT * FROM candle INTERSECT
		SELECT day_start, symbol, daily_open, daily_close, daily_volume, tick_count, avg_price FROM answer WHERE kind = 'candle') AS same}), '30|30', 'the answer is right');

# Transactions

my $exchange = Weir::Exchange->new;
my @trades = map { { a => $_, p => '1.50000000', q => '2.00000000', f => $_, l => $_, T => 1735689600000 + $_, m => JSON::PP::true } } 1 .. 2500;
my @poll = ('binance', '--source', 'trades', '--symbols', 'BTCUSDT', '--from', 1, '--once', '-t', 'producer_trades', '--create-topic', '--partitions', 2,
	'--url', $exchange->url, '--transactional', 'producer-1', @to);
for my $until (1300, 2500)
{
	$exchange->answer('/api/v3/aggTrades', { trades => [ @trades[ 0 .. $until - 1 ] ] });
	producer_ok(\@poll);
	is(join(' ', $kafka->topic('', 'consume', 'producer_trades') =~ /"trade_id":(\d+)/g), join(' ', 1 .. $until), 'each trade once, committed');
}

# What was not committed when the program died is not read, and comes again

$exchange->answer('/api/v3/aggTrades', { trades => \@trades });
@poll = map { s/producer_trades/producer_killed/r =~ s/producer-1/producer-2/r } @poll;
my $run = producer_start(@poll);
wait_until(sub { (eval { $kafka->topic('', 'consume', '--uncommitted', 'producer_killed') } // '') =~ /trade_id/ }, 'some trades');
$run->{run}->signal('KILL');
$run->{run}->finish;
producer_ok(\@poll);
is(join(' ', $kafka->topic('', 'consume', 'producer_killed') =~ /"trade_id":(\d+)/g), join(' ', 1 .. 2500), 'no gap, no repeat after a kill -9');

# The other commands: what is in the topic is what a dry run prints

sub object
{
	my (%field) = @_;
	return '{' . join(',', map { qq("$_":$field{$_}) } sort keys %field) . '}';
}
my $ticker = object(symbol => '"BTCUSDT"', priceChange => '"-94.99"', priceChangePercent => '"-0.101"', lastPrice => '"92817.92"', openPrice => '"92912.91"',
	highPrice => '"93000.00000001"', lowPrice => '"0.1"', volume => '"29318.123456789012345678901"', quoteVolume => '"15.3"', openTime => 1772359200000,
	closeTime => 1772445599999, count => 76);
$exchange->answer('/api/v3/ticker/24hr', { body => "[$ticker]" });
$exchange->answer('/products/BTC-USD/ticker', { body => object(price => '"1.01000000000000000000001"', time => '"2025-03-13T11:10:41.270099Z"') });
$exchange->answer('/api/v3/klines', { klines => [ map { [ 1735689600000 + $_ * 86400000, ('1.50000000') x 4, '2.00000000', 1735776000000 + $_ * 86400000 - 1, '3.00000000', 7, '1.00000000', '1.00000000', '0' ] } 0 .. 4 ] });
my $lines = join '', map { qq({"symbol":"S$_","n":$_.10}\n) } 1 .. 500;
for my $case (
	[ 'producer_ticker', [ 'binance', '--once', '--symbols', 'BTCUSDT', '--url', $exchange->url ] ],
	[ 'producer_coinbase', [ 'coinbase', '--once', '--products', 'BTC-USD', '--user', 'desk', '--url', $exchange->url ] ],
	[ 'producer_klines', [ 'klines', '--symbols', 'BTCUSDT', '--from', '2025-01-01', '--to', '2025-01-06', '--url', $exchange->url ] ],
	[ 'producer_replay', [ 'replay', '-', '--key', 'symbol' ], $lines ])
{
	my ($topic, $command, $input) = @$case;
	my $printed = producer_ok([ @$command, '--dry-run' ], $input);
	producer_ok([ @$command, '-t', $topic, '--create-topic', @to ], $input);
	my @sent = map { s/"timestamp":"[^"]*"//r } split /\n/, $kafka->topic('', 'consume', $topic);
	my @shown = map { s/"timestamp":"[^"]*"//r } split /\n/, $printed;
	cmp_ok(scalar @sent, '>', 0, "$topic has messages");
	is_deeply([ sort @sent ], [ sort @shown ], 'those of a dry run');
}
my @sensors = ('sensors', '--minutes', 1, '--speed', 'max', '--start', '2025-01-01');
producer_ok([ @sensors, '-t', 'rig', '--create-topic', @to ]);
is(scalar(() = $kafka->topic('', 'consume', 'rig-PS1') =~ /\n/g), 6000, 'a minute of a sensor');

done_testing();
