# SPDX-License-Identifier: PostgreSQL
#
# weir-producer coinbase: each product's ticker, asked for at the same time.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Exchange;
use Weir::Producer;

my $broker = Weir->broker(topics => { crypto_prices => 1 });
my $exchange = Weir::Exchange->new;
my $node = Weir->cluster;
$node->add_server($broker);
my @to = ('--url', $exchange->url, '-b', $broker->bootstrap);

sub ticker
{
	my (%other) = @_;
	my %field = (ask => '"1.02"', bid => '"1.01"', volume => '"7.5"', trade_id => '18502105', price => '"1.01000000000000000000001"', size => '"0.1"',
		time => '"2025-03-13T11:10:41.270099Z"', %other);
	return { body => '{' . join(',', map { qq("$_":$field{$_}) } grep { defined $field{$_} } sort keys %field) . '}' };
}

my @products = map { "$_-USD" } qw(BTC ETH SOL ADA DOGE);
$exchange->answer("/products/$_/ticker", ticker()) for @products;
producer_ok([ 'coinbase', '--once', '--user', 'desk "7"', @to ]);
is_deeply([ sort $exchange->requests ], [ sort map { "/products/$_/ticker" } @products ], 'each product is asked for');
is($exchange->connections, 5, 'at the same time');
$node->query(q{CREATE FOREIGN TABLE price (symbol text, price numeric, "user" text, timestamp timestamptz OPTIONS (unit 'ms'), key text OPTIONS (meta 'key'))
	SERVER kafka OPTIONS (topic 'crypto_prices')});
is($node->query(q{SELECT price, "user", timestamp AT TIME ZONE 'UTC', string_agg(symbol, ' ' ORDER BY symbol COLLATE "C"), bool_and(symbol = key) FROM price GROUP BY 1, 2, 3}),
	'1.01000000000000000000001|desk "7"|2025-03-13 11:10:41.27|ADA-USD BTC-USD DOGE-USD ETH-USD SOL-USD|t', 'rows with all columns typed');
like(producer_ok([ 'coinbase', '--once', '--dry-run', @to, '--products', 'BTC-USD', '-X', 'client.id=feeder' ]), qr/"user":"feeder"/, 'the user is the client id by default');

# One product does not stop the others

my %wrong = ('BTC-USD' => [ { status => 404, body => '{"message":"NotFound"}' }, 'error: NotFound' ], 'ETH-USD' => [ { body => '[]' }, 'the answer is not an object' ],
	'SOL-USD' => [ ticker(price => '1.5'), 'price is not a string with a decimal number' ], 'ADA-USD' => [ ticker(time => '"2025-02-30T00:00:00Z"'), 'time is no time: "2025-02-30T00:00:00Z"' ]);
$exchange->answer("/products/$_/ticker", $wrong{$_}[0]) for keys %wrong;
my ($out, $log, $code) = producer_run([ 'coinbase', '--once', '--dry-run', @to ]);
like($out, qr/\A\{"symbol":"DOGE-USD".*\n\z/, 'one is good');
like($log, qr/^weir-producer: warning: $_: \Q$wrong{$_}[1]\E$/m, "$_ is told") for sort keys %wrong;
like($log, qr{sent 1/5\n.*skipped 4}, 'and counted');
is($code, 4, 'and in the exit code');

done_testing();
