# SPDX-License-Identifier: PostgreSQL
#
# weir-producer binance --source trades and klines: each trade once and in order, over restarts; and daily
# candles over them are the exchange's own, digit for digit.
use strict;
use warnings FATAL => 'all';
use JSON::PP ();
use Test::More;
use Time::HiRes ();
use Weir;
use Weir::Exchange;
use Weir::Producer;

my $path = '/api/v3/aggTrades';
my $broker = Weir->broker(topics => { 'crypto-trades' => 2, klines => 1, gaps => 1 });
my $exchange = Weir::Exchange->new;
my $node = Weir->cluster;
$node->add_server($broker);
my @to = ('-b', $broker->bootstrap, '--url', $exchange->url);

# Trades of three days, and what the exchange makes of them, in whole units: cents and 10^-5

my $start_ms = 1735689600000; # 2025-01-01
my $day_ms = 86_400_000;
my (%trades, %klines);
my $random = 1;
sub random { $random = ($random * 1103515245 + 12345) % 2147483648; return int($random / 65536) % $_[0] }
sub decimal { my ($units, $places) = @_; return sprintf '%d.%0*d', int($units / 10**$places), $places, $units % 10**$places }

for my $symbol ('BTCUSDT', 'ETHUSDT')
{
	my $cents = $symbol eq 'BTCUSDT' ? 9_281_792 : 304_418;
	my @kline;
	for my $i (0 .. 2499)
	{
		my $at_ms = $start_ms + $i * 100_000 + random(100_000);
		my $quantity = 1 + random(30_000);
		$cents += random(201) - 100;
		push @{ $trades{$symbol} }, { a => 1000 + $i, p => decimal($cents, 2) . '000000', q => decimal($quantity, 5) . '000', f => 5000 + 2 * $i,
			l => 5001 + 2 * $i, T => $at_ms, m => random(2) ? JSON::PP::true : JSON::PP::false, M => JSON::PP::true };
		my $kline = $kline[ int(($at_ms - $start_ms) / $day_ms) ] //= { open => $cents, high => $cents, low => $cents };
		$kline->{close} = $cents;
		$kline->{high} = $cents if $cents > $kline->{high};
		$kline->{low} = $cents if $cents < $kline->{low};
		$kline->{volume} += $quantity;
		$kline->{quote} += $quantity * $cents;
		$kline->{count}++;
	}
	for my $day (0 .. $#kline)
	{
		my $k = $kline[$day];
		push @{ $klines{$symbol} }, [ $start_ms + $day * $day_ms, (map { decimal($k->{$_}, 2) . '000000' } 'open', 'high', 'low', 'close'),
			decimal($k->{volume}, 5) . '000', $start_ms + ($day + 1) * $day_ms - 1, decimal($k->{quote}, 7) . '0', $k->{count}, '0.00000000', '0.00000000', '0' ];
	}
}
sub by_symbol { my ($kind, $of) = @_; return map { { only => "symbol=$_&", $kind => $of->{$_} } } sort keys %$of }

# Over a restart

my @command = ('binance', '--source', 'trades', '--from', '2025-01-01', '--once', @to);
my %first = map { $_ => [ @{ $trades{$_} }[ 0 .. 1199 ] ] } keys %trades;
$exchange->answer($path, by_symbol(trades => \%first));
producer_ok(\@command);
is($broker->topic('', 'consume', 'crypto-trades') =~ tr/\n//, 2400, 'page after page up to the latest');
$exchange->requests;
$exchange->answer($path, by_symbol(trades => \%trades));
producer_ok(\@command);
like(($exchange->requests)[0], qr/symbol=BTCUSDT&fromId=2200&limit=1000$/, 'a restart asks for what the topic does not have');
$node->query(q{CREATE FOREIGN TABLE trade (symbol text, trade_id bigint, event_time timestamptz OPTIONS (unit 'ms'), price numeric, quantity numeric,
	first_id bigint, last_id bigint, buyer_is_maker bool, p int OPTIONS (meta 'partition'), o bigint OPTIONS (meta 'offset'))
	SERVER kafka OPTIONS (topic 'crypto-trades')});
is($node->query('SELECT symbol, count(*), count(DISTINCT trade_id), min(trade_id), max(trade_id) FROM trade GROUP BY 1 ORDER BY 1'),
	"BTCUSDT|2500|2500|1000|3499\nETHUSDT|2500|2500|1000|3499", 'no gap, no repeat');
is($node->query('SELECT count(*) FROM (SELECT trade_id - lag(trade_id) OVER (PARTITION BY symbol ORDER BY p, o) AS step FROM trade) AS s WHERE step <> 1'), '0', 'in order');
is($node->query("SELECT price, quantity, first_id, last_id, buyer_is_maker, event_time = to_timestamp($trades{BTCUSDT}[0]{T} / 1000.0) FROM trade WHERE symbol = 'BTCUSDT' AND trade_id = 1000"),
	join('|', $trades{BTCUSDT}[0]{p}, $trades{BTCUSDT}[0]{q}, 5000, 5001, ($trades{BTCUSDT}[0]{m} ? 't' : 'f'), 't'), 'with all fields');

# Candles

$exchange->answer('/api/v3/klines', by_symbol(klines => \%klines));
my @klines = ('klines', '--from', '2025-01-01', @to);
producer_ok([ @klines, '-t', 'klines' ]);
$node->query(q{CREATE FOREIGN TABLE kline (symbol text, open_time timestamptz OPTIONS (unit 'ms'), open text, high text, low text, close text, volume text,
	quote_volume text, number_trades bigint) SERVER kafka OPTIONS (topic 'klines')});
is($node->query(q{
	WITH candle AS (SELECT symbol, date_trunc('day', event_time, 'UTC') AS day, (array_agg(price ORDER BY trade_id))[1]::text, max(price)::text, min(price)::text,
	         (array_agg(price ORDER BY trade_id DESC))[1]::text, sum(quantity)::text, trim_scale(sum(price * quantity))::text, count(*) FROM trade GROUP BY 1, 2),
	     theirs AS (SELECT symbol, open_time, open, high, low, close, volume, trim_scale(quote_volume::numeric)::text, number_trades FROM kline)
	SELECT (SELECT count(*) FROM theirs), count(*) FROM (SELECT * FROM candle INTERSECT SELECT * FROM theirs) AS c}), '6|6', "are the exchange's own");
is(producer_ok([ @klines, '--to', '2025-01-02', '--symbols', 'ETHUSDT' ]), $broker->topic('', 'consume', 'klines') =~ /^(\{"symbol":"ETHUSDT".*\n)/m ? $1 : '', 'also as lines, and of a part');
my @minutes = map { [ $start_ms + $_ * 60_000, ('1.0') x 5, $start_ms + ($_ + 1) * 60_000 - 1, '1.0', 1, '1.0', '1.0', '0' ] } 0 .. 2299;
push @minutes, [ $start_ms + 2300 * 60_000, ('1.0') x 5, 4102444800000, '1.0', 1, '1.0', '1.0', '0' ];
$exchange->answer('/api/v3/klines', { klines => \@minutes });
is(producer_ok([ @klines, '--width', '1m', '--symbols', 'ETHUSDT' ]) =~ tr/\n//, 2300, 'page after page, without the one that goes on');
$exchange->answer('/api/v3/klines', { status => 400, body => '{"code":-1121,"msg":"Invalid symbol."}' });
my (undef, $log, $code) = producer_run([ @klines, '--symbols', 'NONE' ]);
is($code, 4, 'a symbol that is unknown');
like($log, qr/NONE: error -1121: Invalid symbol\./, 'is told');

# Pages that are not whole

sub page { return { body => JSON::PP->new->encode([ map { $trades{BTCUSDT}[$_] } @_ ]) } }
my @once = ('binance', '--source', 'trades', '--symbols', 'BTCUSDT', '--dry-run', '--url', $exchange->url, '--from', 1000);
sub ids { return join ' ', $_[0] =~ /"trade_id":(\d+)/g }
my %broken = %{ $trades{BTCUSDT}[1] };
$broken{p} = 'NaN';

$exchange->answer($path, page(0, 1, 1, 0, 2));
is(ids(producer_ok([ @once, '--once' ])), '1000 1001 1002', 'what comes twice is sent once');
for (
	[ 'a gap', page(0, 2), page(1, 2), 'trades 1001 to 1001 are not in the answer' ],
	[ 'a broken trade', { body => JSON::PP->new->encode([ $trades{BTCUSDT}[0], \%broken ]) }, page(1, 2), 'p is no decimal number: "NaN"' ])
{
	my ($name, $bad, $good, $reason) = @$_;
	$exchange->answer($path, $bad, $good);
	my $run = producer_start(@once, '--interval', '20ms');
	wait_until(sub { $run->{run}->pump_nb; ids($run->{stdout}) eq '1000 1001 1002' }, $name);
	is(producer_end($run, 'TERM'), 0, "$name is asked for again");
	like($run->{stderr}, qr/BTCUSDT: \Q$reason\E\n(?:.*\n)*.*BTCUSDT: well again/, 'and told');
}
$exchange->answer($path, page(0, 2));
my $run = producer_start(@once, '--interval', '20ms');
wait_until(sub { $run->{run}->pump_nb; ids($run->{stdout}) eq '1000 1002' }, 'a gap that stays');
is(producer_end($run, 'TERM'), 0, 'a gap that stays is passed');
like($run->{stderr}, qr/BTCUSDT: they are left out/, 'and told');

# An exchange that has enough of it, in the middle

$exchange->answer($path, page(0 .. 999), { status => 429, header => { 'Retry-After' => 1 } }, { trades => $trades{BTCUSDT} });
my $start = Time::HiRes::time();
$run = producer_start(@once, '--interval', '20ms');
wait_until(sub { $run->{run}->pump_nb; $run->{stdout} =~ tr/\n// >= 2500 }, 'all trades');
cmp_ok(Time::HiRes::time() - $start, '>=', 1, 'Retry-After is obeyed while catching up');
is(producer_end($run, 'TERM'), 0, 'and it goes on');
is(ids($run->{stdout}), join(' ', 1000 .. 3499), 'where it was');

done_testing();
