# SPDX-License-Identifier: PostgreSQL
#
# weir-producer binance: the ticker comes through with each digit, and what an exchange or the way to it
# may do wrong is told, counted and got over.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes ();
use Weir;
use Weir::Exchange;
use Weir::Producer;

my $path = '/api/v3/ticker/24hr';
my $broker = Weir->broker(topics => { 'crypto-prices' => 2, other => 1 });
my $exchange = Weir::Exchange->new;
my $node = Weir->cluster;
$node->add_server($broker);

# An entry as Binance documents it, with fields replaced by name; undef leaves one out.
sub entry
{
	my ($symbol, %other) = @_;
	my %field = (symbol => qq("$symbol"), priceChange => '"-94.99999800"', priceChangePercent => '"-0.101"',
		weightedAvgPrice => '"0.29628482"', prevClosePrice => '"92912.91"', lastPrice => '"92817.92000000"', lastQty => '"200.00000000"',
		bidPrice => '"4.00000000"', askPrice => '"4.00000200"', openPrice => '"92912.91999800"', highPrice => '"93000.00000001"',
		lowPrice => '"0.10000000"', volume => '"29318.123456789012345678901"', quoteVolume => '"15.30000000"', openTime => '1772359200000',
		closeTime => '1772445599999', firstId => '28385', lastId => '28460', count => '76', %other);
	return '{' . join(',', map { qq("$_":$field{$_}) } grep { defined $field{$_} } sort keys %field) . '}';
}
sub entries { return { body => '[' . join(',', @_) . ']' } }

my $good = entries(entry('BTCUSDT'), entry('ETHUSDT', lastPrice => '"3044.18000000"', closeTime => '1772445600000'));
my @command = ('binance', '--url', $exchange->url . '/', '-b', $broker->bootstrap);
my @dry = ('binance', '--url', $exchange->url, '--dry-run');

# What is sent

$exchange->answer($path, $good);
my ($out, $log, $code) = producer_run([ @command, '--once' ]);
is($code, 0, 'one poll');
like($log, qr{\Aweir-producer: sent 2/2\nweir-producer: produced 2, delivered 2, failed 0; polls 1, missed 0; }, 'told in one line');
is_deeply([ $exchange->requests ], [ "$path?symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D" ], 'one request for all symbols');
$node->query(q{
	CREATE FOREIGN TABLE crypto_prices (symbol text, event_time timestamptz OPTIONS (unit 'ms'), price numeric, open numeric, high numeric,
		low numeric, volume numeric, quote_volume numeric, number_trades bigint, price_change numeric, price_change_percent numeric,
		timestamp timestamptz OPTIONS (unit 'iso8601'), key text OPTIONS (meta 'key'), sent_at timestamptz OPTIONS (meta 'timestamp'))
	SERVER kafka OPTIONS (topic 'crypto-prices', event_time 'event_time')});
is($node->query(q{SELECT symbol, event_time AT TIME ZONE 'UTC', price, open, high, low, volume, quote_volume, number_trades, price_change, price_change_percent, key
	FROM crypto_prices ORDER BY symbol}),
	"BTCUSDT|2026-03-02 09:59:59.999|92817.92000000|92912.91999800|93000.00000001|0.10000000|29318.123456789012345678901|15.30000000|76|-94.99999800|-0.101|BTCUSDT\n"
	  . 'ETHUSDT|2026-03-02 10:00:00|3044.18000000|92912.91999800|93000.00000001|0.10000000|29318.123456789012345678901|15.30000000|76|-94.99999800|-0.101|ETHUSDT',
	'rows of a table with all columns typed, not one digit lost');
is($node->query(q{SELECT count(*) FROM crypto_prices WHERE sent_at - timestamp BETWEEN '0' AND '1 minute'}), '2', 'timestamp is the time of the poll');

$exchange->answer($path, { %$good, gzip => 1 });
like(producer_ok([ @dry, '--once' ]), qr/^\{"symbol":"BTCUSDT",.*\n\{"symbol":"ETHUSDT",.*\n\z/, 'compressed');

# Polls

$exchange->answer($path, $good);
my $connections = $exchange->connections;
my $polling = producer_start(@command, '--interval', '20ms');
my $before = $exchange->count;
wait_until(sub { $exchange->count >= $before + 20 }, 'twenty polls');
is(producer_end($polling, 'TERM'), 0, 'a signal ends it');
like($polling->{stderr}, qr/produced (\d+), delivered \1, failed 0; polls (\d+), missed/, 'in order');
is($1, 2 * $2, 'after a whole poll') if $polling->{stderr} =~ /produced (\d+),.*polls (\d+),/;
is($exchange->connections, $connections + 1, 'all over one connection');
my ($polls, $missed, $seconds) = $polling->{stderr} =~ /polls (\d+), missed (\d+); ([\d.]+) s/;
cmp_ok($polls + $missed, '<=', $seconds / 0.02 + 5, 'polls do not come before their time');

# Answers that are of no use

my %wrong = (
	'truncated JSON' => [ { body => substr($good->{body}, 0, 700) }, 'BTCUSDT: no JSON from byte' ],
	'HTML' => [ { body => '<html><body>Sorry</body></html>' }, 'BTCUSDT: HTML or XML instead of JSON' ],
	'nothing' => [ { body => '' }, 'BTCUSDT: an empty answer' ],
	'more' => [ { body => $good->{body} . 'x' }, 'BTCUSDT: more behind the JSON' ],
	'an object' => [ { body => '{}' }, 'BTCUSDT: the answer is not an array' ],
	'an error with status 200' => [ { body => '{"code":-1003,"msg":"Too much"}' }, 'BTCUSDT: error -1003: Too much' ],
	'10 MB' => [ { body => '[' . ' ' x 10_000_000 . ']' }, 'BTCUSDT: an answer of more than 8 MB' ],
	'deep nesting' => [ { body => '[' x 100_000 }, 'BTCUSDT: no JSON from byte' ],
	'a missing field' => [ entries(entry('BTCUSDT', lastPrice => undef)), 'BTCUSDT: lastPrice is missing' ],
	'null' => [ entries(entry('BTCUSDT', lastPrice => 'null')), 'BTCUSDT: lastPrice is not a string with a decimal number' ],
	'a price as a number' => [ entries(entry('BTCUSDT', lastPrice => '1.5')), 'BTCUSDT: lastPrice is not a string with a decimal number' ],
	'a number as a string' => [ entries(entry('BTCUSDT', closeTime => '"1772445599999"')), 'BTCUSDT: closeTime is not a number' ],
	'NaN' => [ entries(entry('BTCUSDT', volume => '"NaN"')), 'BTCUSDT: volume is no decimal number: "NaN"' ],
	'an exponent' => [ entries(entry('BTCUSDT', volume => '"1e5"')), 'BTCUSDT: volume is no decimal number: "1e5"' ],
	'a negative price' => [ entries(entry('BTCUSDT', lastPrice => '"-1"')), 'BTCUSDT: lastPrice is no decimal number: "-1"' ],
	'half a millisecond' => [ entries(entry('BTCUSDT', closeTime => '1.5')), 'BTCUSDT: closeTime is no whole number from 0 on: 1.5' ],
	'no symbol' => [ entries(entry('BTCUSDT', symbol => '7')), 'an answer: symbol is not a string' ],
	'another symbol' => [ entries(entry('DOGEUSDT')), 'DOGEUSDT: nobody asked for it' ],
	'a symbol twice' => [ entries(entry('BTCUSDT'), entry('BTCUSDT')), 'BTCUSDT: a second answer' ],
	'too little' => [ entries(), 'BTCUSDT: not in the answer' ],
	'500' => [ { status => 500 }, 'BTCUSDT: HTTP status 500' ],
	'a redirection to bare HTTP' => [ { status => 302, header => { Location => $exchange->url . '/elsewhere' } }, 'BTCUSDT: Unsupported protocol' ],
	'a reset connection' => [ { fault => 'reset' }, 'BTCUSDT: ' ],
	'a cut body' => [ { %$good, fault => 'cut' }, 'BTCUSDT: Transferred a partial file' ],
);
for my $name (sort keys %wrong)
{
	my ($answer, $reason) = @{ $wrong{$name} };
	$exchange->answer($path, $answer);
	(undef, $log, $code) = producer_run([ @dry, '--once', '--symbols', 'BTCUSDT' ]);
	is($code, 4, "$name: told by the exit code");
	like($log, qr/^weir-producer: warning: \Q$reason\E/m, "$name: with symbol and reason");
	like($log, qr/, skipped [12];/, "$name: and counted");
}
$exchange->answer($path, $_) , is((producer_run([ @dry, '--once', '--timeout', '300ms' ]))[2], 4, "$_->{fault}") for { fault => 'hang' }, { %$good, fault => 'drip' };

# One symbol does not stop the others

$exchange->answer($path, entries(entry('BTCUSDT', highPrice => '"oops"'), entry('ETHUSDT')));
($out, $log) = producer_run([ @dry, '--once' ]);
like($out, qr/\A\{"symbol":"ETHUSDT",.*\n\z/, 'one that is broken');
like($log, qr{^weir-producer: sent 1/2$}m, 'is told');
$exchange->requests;
$exchange->answer($path, { status => 400, body => '{"code":-1121,"msg":"Invalid symbol."}' },
	{ only => '^symbols=%5B%22BTCUSDT%22%5D', %{ entries(entry('BTCUSDT')) } }, { only => 'BTCUSDT%22,%22ETHUSDT%22%5D$', %$good },
	{ only => '^symbols=%5B%22ETHUSDT%22%5D', %{ entries(entry('ETHUSDT')) } });
my $unknown = producer_start(@dry, '--symbols', 'BTCUSDT,NONE,ETHUSDT', '--interval', '20ms');
wait_until(sub { $unknown->{run}->pump_nb; $unknown->{stderr} =~ m{(?:sent 2/3\n.*){3}}s }, 'three polls');
producer_end($unknown, 'TERM');
is(() = $unknown->{stderr} =~ /NONE: error -1121: Invalid symbol\./g, 1, 'one that is unknown is told once');
is(() = (join ' ', $exchange->requests) =~ /NONE/g, 2, 'and left out from then on');

# Trouble that ends

sub recovers
{
	my ($name, $expected, @answers) = @_;
	$exchange->answer($path, @answers, $good);
	my $run = producer_start(@dry, '--interval', '20ms');
	wait_until(sub { $run->{run}->pump_nb; $run->{stderr} =~ /127.0.0.1:\d+: well again/ }, $name);
	is(producer_end($run, 'TERM'), 0, "$name: recovers by itself");
	like($run->{stderr}, $expected, "$name: is told");
	return $run->{stderr};
}

recovers('500', qr/127.0.0.1:\d+: HTTP status 500$/m, ({ status => 500 }) x 3);
recovers('a reset', qr/127.0.0.1:\d+: \w/, { fault => 'reset' }, { fault => 'reset' });
my $start = Time::HiRes::time();
$log = recovers('429', qr/127.0.0.1:\d+: HTTP status 429$/m, { status => 429, header => { 'Retry-After' => 1 } });
cmp_ok(Time::HiRes::time() - $start, '>=', 1, 'Retry-After is obeyed');
cmp_ok($log =~ /missed (\d+)/ ? $1 : 0, '>=', 40, 'polls that were missed are counted');
$exchange->requests;
recovers('418', qr/HTTP status 418$/m, { status => 418, header => { 'Retry-After' => 1 } });
for my $status (403, 451)
{
	$exchange->answer($path, { status => $status });
	like((producer_run([ @dry, '--once' ]))[1], qr/HTTP status $status: the exchange does not serve this place; --url names another address/, "$status has a way out");
}

# Certificates are checked

SKIP:
{
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my $made = IPC::Run::run([ qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout), "$directory/key", '-out', "$directory/certificate" ],
		'>', '/dev/null', '2>', '/dev/null');
	skip 'no openssl', 1 unless $made;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $server = IPC::Run::start([ 'openssl', 's_server', '-accept', "127.0.0.1:$port", '-key', "$directory/key", '-cert', "$directory/certificate", '-www' ],
		'<', \undef, '>', \my $said, '2>', '/dev/null');
	wait_until(sub { $server->pump_nb; $said =~ /ACCEPT/ }, 'a server with a bad certificate');
	like((producer_run([ 'binance', '--dry-run', '--once', '--url', "https://127.0.0.1:$port" ]))[1], qr/SSL|certificate/, 'a bad certificate is refused');
	$server->kill_kill;
}

done_testing();
