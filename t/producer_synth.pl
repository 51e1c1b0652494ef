# SPDX-License-Identifier: PostgreSQL
#
# weir-producer synth: the same options give the same bytes, and its answer is the one that PostgreSQL's
# own GROUP BY gives, and a continuous view too, with the same events left out.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Producer;
use Weir::Views;

my $broker = Weir->broker(topics => { 'crypto-prices' => 2 });
my $node = views_cluster();
$node->add_server($broker);
my $answer = PostgreSQL::Test::Utils::tempdir() . '/answer.csv';
my @plan = ('synth', '--days', 7, '--count', 20_000, '--symbols', 3, '--disorder', '30min', '--late', '0.3%', '--bad', '0.3%');

# Bytes

my $printed = producer_ok([ @plan, '--dry-run', '--partitions', 2, '--expect', $answer ]);
my $answered = PostgreSQL::Test::Utils::slurp_file($answer);
ok(producer_ok([ @plan, '--dry-run', '--partitions', 2 ]) eq $printed, 'the same options give the same bytes');
ok(producer_ok([ @plan, '--dry-run', '--partitions', 2, '--seed', 2 ]) ne $printed, 'another seed gives others');

# Messages

# The end of one partition, or of all together.
sub ends
{
	my ($partition) = @_;
	my $end = 0;
	for (split /\n/, $broker->topic('', 'offsets', 'crypto-prices'))
	{
		my ($number, undef, $high) = split;
		$end += $high if !defined $partition || $partition == $number;
	}
	return $end;
}

producer_ok([ @plan, '-b', $broker->bootstrap, '--expect', $answer ]);
is(PostgreSQL::Test::Utils::slurp_file($answer), $answered, 'a dry run gives the same answer as a topic that was empty');
$node->query(q{
	CREATE FOREIGN TABLE message (payload text OPTIONS (meta 'payload'), key text OPTIONS (meta 'key'),
		p int OPTIONS (meta 'partition'), o bigint OPTIONS (meta 'offset')) SERVER kafka OPTIONS (topic 'crypto-prices', on_error 'skip');
	CREATE TABLE answer (kind text, day_start timestamptz, symbol text, daily_open numeric, daily_high numeric, daily_low numeric,
		daily_close numeric, daily_volume numeric, daily_quote_volume numeric, total_trades bigint, tick_count bigint,
		avg_price numeric, p int, o bigint, reason text)});
$node->query("COPY answer FROM '$answer' (FORMAT csv, HEADER)");
is(ends(), 20_000, 'each event is a message');
is($node->query('SELECT count(*) FROM (SELECT DISTINCT key, p FROM message) AS k'), '3', 'and goes to the partition of its symbol, which is the key');
is($node->query('SELECT count(DISTINCT symbol), count(DISTINCT day_start), sum(tick_count) FROM answer')
	, '3|7|' . (20_000 - $node->query(q{SELECT count(*) FROM answer WHERE kind <> 'candle'})), 'each is in the answer, or listed');
cmp_ok($node->query("SELECT count(*) FROM answer WHERE kind = '$_'"), '>', 20, "$_ events are among them") for 'late', 'bad';

# PostgreSQL's own GROUP BY

my $columns = 'day_start, symbol, daily_open, daily_high, daily_low, daily_close, daily_volume, daily_quote_volume, total_trades, tick_count, avg_price';

sub differ
{
	my ($relation) = @_;
	return $node->query(qq{
		WITH other AS MATERIALIZED ($relation), candle AS (SELECT $columns FROM answer WHERE kind = 'candle')
		(SELECT 'not in the answer', o FROM (SELECT * FROM other EXCEPT ALL SELECT * FROM candle) AS o)
		UNION ALL (SELECT 'missing', o FROM (SELECT * FROM candle EXCEPT ALL SELECT * FROM other) AS o) LIMIT 10});
}

is(differ(q{
	WITH event AS MATERIALIZED (
		SELECT p, o, j->>'symbol' AS symbol, to_timestamp((j->>'event_time')::numeric / 1000) AS t, (j->>'price')::numeric AS price,
		       (j->>'open')::numeric AS open, (j->>'high')::numeric AS high, (j->>'low')::numeric AS low,
		       (j->>'volume')::numeric AS volume, (j->>'quote_volume')::numeric AS quote_volume, (j->>'number_trades')::bigint AS trades
		FROM (SELECT p, o, payload::json AS j FROM message LEFT JOIN answer USING (p, o) WHERE kind IS NULL OFFSET 0) AS m)
	SELECT date_trunc('day', t, 'UTC'), symbol, (array_agg(open ORDER BY t, p, o))[1], max(high), min(low),
	       (array_agg(price ORDER BY t DESC, p DESC, o DESC))[1], sum(volume), sum(quote_volume), sum(trades)::bigint, count(*), round(avg(price), 10)
	FROM event GROUP BY 1, 2}), '', "the answer is that of PostgreSQL's GROUP BY");

# A continuous view

$node->query(q{
	CREATE FOREIGN TABLE ticker (symbol text, event_time timestamptz OPTIONS (unit 'ms'), price numeric, open numeric, high numeric,
		low numeric, volume numeric, quote_volume numeric, number_trades bigint)
	SERVER kafka OPTIONS (topic 'crypto-prices', event_time 'event_time', lateness '1 hour');
	SELECT weir.create_view('crypto_daily', $$
		SELECT weir.tumble(event_time, '1 day') AS day_start, symbol,
		       first(open) AS daily_open, max(high) AS daily_high, min(low) AS daily_low, last(price) AS daily_close,
		       sum(volume) AS daily_volume, sum(quote_volume) AS daily_quote_volume, sum(number_trades)::bigint AS total_trades,
		       count(*) AS tick_count, avg(price) AS avg_price
		FROM ticker GROUP BY 1, 2 $$)});
$node->query(q{SELECT weir.flush('crypto_daily_live')});
is(differ("SELECT @{[ $columns =~ s/avg_price/round(avg_price, 10)/r ]} FROM crypto_daily"), '', 'and that of a continuous view');
is($node->query(q{
	WITH rejected AS (SELECT partition, "offset", CASE reason WHEN 'late' THEN 'late' ELSE 'bad' END FROM weir.rejected),
	     listed AS (SELECT p, o, kind FROM answer WHERE kind <> 'candle')
	(SELECT 'not listed', r FROM (SELECT * FROM rejected EXCEPT ALL SELECT * FROM listed) AS r)
	UNION ALL (SELECT 'not rejected', r FROM (SELECT * FROM listed EXCEPT ALL SELECT * FROM rejected) AS r) LIMIT 10}),
	'', 'which rejects what the answer lists, each once');

# Into a topic that has messages

my @more = ('synth', '--count', 100, '--symbols', 1, '--bad', '10%', '-b', $broker->bootstrap, '--expect', $answer);
my $end = ends(0);
producer_ok(\@more);
my ($first) = PostgreSQL::Test::Utils::slurp_file($answer) =~ /^bad,+0,(\d+),/m;
is(ends(0) - $end, 100, 'one symbol goes to one partition');
cmp_ok($first, '>=', $end, 'offsets are those of the topic');

# Rate

my ($out, undef, $code) = producer_run([ 'synth', '--dry-run', '--count', 50, '--rate', 500, '--start', '2026-03-01T10:00:00Z', '--symbols', 1 ]);
is($code, 0, 'a rate');
like($out, qr/"event_time":1772359200000,.*"event_time":1772359200098,/s, 'without --days event time goes at the rate');
is((producer_run([ 'synth', '--dry-run', '--expect', $answer ]))[2], 2, 'an answer wants an end');

done_testing();
