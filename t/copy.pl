# SPDX-License-Identifier: PostgreSQL
#
# A continuous copy at work: each event is a row of its table, once. t/exactly_once.pl kills it.
use strict;
use warnings FATAL => 'all';
use File::Basename qw(dirname);
use Test::More;
use Weir;
use Weir::Session;
use Weir::Views;

my $text = PostgreSQL::Test::Utils::slurp_file(dirname(__FILE__) . '/../docs/views.md');
my ($example) = $text =~ /^## Copies\n.*?^```sql\n(.*?)^```$/msg;

my $broker = Weir->broker(topics => { ticks => 2, many => 8, untimed => 3 });
my $node = views_cluster();
$node->add_server($broker);
$node->query(q{
	CREATE FOREIGN TABLE ticks (at timestamptz OPTIONS (unit 'ms'), k text, n int, "offset" bigint OPTIONS (meta 'offset'))
	    SERVER kafka OPTIONS (topic 'ticks', event_time 'at', lateness '0', idle_timeout '1 hour');
	SELECT weir.create_view('copied', 'SELECT at, k, n * 10 AS tens, "offset" FROM ticks WHERE n <> 3', notify => true);
	SELECT weir.create_view('hourly', 'SELECT weir.tumble(at, ''1 hour'') AS hour, count(*) AS events FROM ticks GROUP BY 1')});

sub produce
{
	my ($partition, @numbers) = @_;
	$broker->produce('ticks', [ map { sprintf '{"at":%s,"k":"é%d","n":%d}', ms($_), $_, $_ } @numbers ], '-p', $partition);
	return;
}
my $state = sub { $node->query(q{SELECT actual_state FROM weir.stat_view WHERE view = 'copied_live'::regclass}) };
my $rows = sub { $node->query('SELECT count(*) FROM copied_closed') };

# Rows

my $listener = Weir::Session->new($node);
$listener->query('LISTEN weir');
produce(0, 1 .. 5);
becomes($rows, '4', 'without a window to wait for, and without a flush');
produce(1, 500, 2, 1); # back in time: nothing is late
is_whole($node, 'copied', 'each event is a row');
is_whole($node, 'hourly', 'a view with windows beside it has its own');
is($node->query('SELECT count(*), bool_and(is_closed) FROM copied'), '7|t', 'rows of a copy are final');
is($node->query('SELECT count(*) FROM copied_live'), '0', 'the live table has none');
is($node->query(q{SELECT messages, folded, filtered, late, rejected, rows_written, opened, closed FROM weir.stat_view WHERE view = 'copied_live'::regclass}),
	'8|7|1|0|0|7|0|0', 'counted as rows');
is($node->query(q{SELECT weir.why('copied')}), 'a copy has no windows: each event is a row with the next commit', 'weir.why() says what it is');
like($listener->query('SELECT 1'), qr/"view": "public.copied_live", "event": "closed"/, 'who listens hears of rows');

# A table that refuses them

$node->query(q{ALTER TABLE copied_closed ADD CONSTRAINT small CHECK (tens < 1000) NOT VALID});
produce(0, 99, 100, 101);
becomes($state, 'retrying', 'a constraint refuses a row: the copy waits');
like($node->query(q{SELECT last_error FROM weir.stat_view WHERE view = 'copied_live'::regclass}), qr/violates check constraint "small"/, 'its error says so');
is($rows->(), '7', 'and no row of that commit is there');
is_whole($node, 'hourly', 'the other view goes on');
$node->query('ALTER TABLE copied_closed DROP CONSTRAINT small');
is_whole($node, 'copied', 'without it all are written');
becomes($state, 'running', 'and it runs');

# Row by row, where the table wants it

$node->query(q{
	CREATE TABLE audit (k text);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.audit VALUES (NEW.k); RETURN NEW; END';
	CREATE TRIGGER note AFTER INSERT ON copied_closed FOR EACH ROW EXECUTE FUNCTION note();
	ALTER TABLE copied_closed ADD COLUMN seen_by text DEFAULT 'weir'});
produce(1, 600 .. 602);
is_whole($node, 'copied', 'a trigger and a column of the table\'s own', parts => [ '(SELECT at, k, tens, "offset" FROM copied_closed) AS c', 'copied_live', 'copied_query' ]);
is($node->query(q{SELECT string_agg(k, ' ' ORDER BY k) FROM audit}), 'é600 é601 é602', 'the trigger has run for each row');
is($node->query(q{SELECT count(*) FROM copied_closed WHERE seen_by = 'weir'}), $rows->(), 'the column has its default');

# Pause, restart

$node->query(q{SELECT weir.pause('copied')});
becomes($state, 'stopped', 'paused');
produce(0, 700);
$node->query(q{SELECT weir.resume('copied')});
is_whole($node, 'copied', 'resumed', parts => [ '(SELECT at, k, tens, "offset" FROM copied_closed) AS c', 'copied_live', 'copied_query' ]);
my $count = $rows->();
$node->query(q{SELECT weir.restart('copied', keep_closed => false)});
is_whole($node, 'copied', 'begun anew', parts => [ '(SELECT at, k, tens, "offset" FROM copied_closed) AS c', 'copied_live', 'copied_query' ]);
is($rows->(), $count, 'no row is there twice');

# Without event times

$node->query(q{
	CREATE FOREIGN TABLE untimed (k text, n int, place bigint OPTIONS (meta 'offset'), part int OPTIONS (meta 'partition'))
	    SERVER kafka OPTIONS (topic 'untimed');
	SELECT weir.create_view('plain', 'SELECT part, place, k, n FROM untimed')});
$broker->produce('untimed', [ map { qq({"k":"a","n":$_}) } 1 .. 3000 ], '-p', $_) for 0 .. 2;
is_whole($node, 'plain', 'a copy of a stream without event_time');
is($node->query(q{SELECT count(*), sum(n) FROM plain_closed}), 3 * 3000 . '|' . 3 * 3000 * 3001 / 2, 'has all of it');
is($node->query(q{SELECT watermark IS NULL FROM weir.stat_view WHERE view = 'plain_live'::regclass}), 't', 'and no watermark');
$node->query(q{SELECT weir.drop_view('plain', keep_closed => false); DROP FOREIGN TABLE untimed});

# As the page has it

$node->query(q{
	CREATE FOREIGN TABLE ticker (symbol text, event_time timestamptz OPTIONS (unit 'ms'), price float8, volume float8)
	    SERVER kafka OPTIONS (topic 'many', event_time 'event_time', lateness '1 hour')});
$node->query("CREATE SCHEMA page; SET search_path = page, public; $example");
$broker->produce('many', [ map { qq({"symbol":"X","event_time":1700000000000,"price":$_,"volume":2.5}) } -1, 3, 'null', 4 ], '-p', 0);
$node->query(q{SELECT weir.flush('page.ticks')});
is($node->query('SELECT symbol, price, value, received > event_time FROM page.ticks_closed ORDER BY price'), "X|3|7.5|t\nX|4|10|t", 'the example of docs/views.md');
$node->query(q{SELECT weir.drop_view('page.ticks', keep_closed => false); DROP FOREIGN TABLE ticker});

# More rows than wait in memory for a commit

$broker->topic('', 'generate', 'many', 60000, '--symbols', 10);
$node->query(q{
	CREATE FOREIGN TABLE many (symbol text, event_time timestamptz OPTIONS (unit 'ms'), price float8, volume float8)
	    SERVER kafka OPTIONS (topic 'many', event_time 'event_time', lateness '1 hour');
	SELECT weir.create_view('much', 'SELECT symbol, event_time, repeat(symbol, 30) AS wide, price, volume FROM many')});
is_whole($node, 'much', 'all of a topic');
is($node->query('SELECT count(*) FROM much_closed'), '60004', 'and as many rows');
$node->query(q{ALTER TABLE much_closed ADD CONSTRAINT early CHECK (event_time < '2100-01-01')});
$node->restart;
is_whole($node, 'much', 'after a restart no row comes again');
done_testing();
