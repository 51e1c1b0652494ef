# SPDX-License-Identifier: PostgreSQL
#
# Whatever fails, it is seen, the views beside go on, and when it is mended nothing was lost or doubled.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Weir;
use Weir::Session;
use Weir::Views;

my $broker = Weir->broker(topics => { flawed => 1, many => 1, ticks => 1, quotient => 1, lost => 1, wide => 1, shared => 1, overlap => 1, grown => 1 });
my $node = views_cluster('weir.max_rejects = 10');
$node->add_server($broker);
$node->query('CREATE ROLE owner; GRANT CREATE ON SCHEMA public TO owner; GRANT USAGE ON FOREIGN SERVER kafka TO owner');

sub stream
{
	my ($topic) = @_;
	$node->query(qq{SET ROLE owner; CREATE FOREIGN TABLE $topic (at timestamptz OPTIONS (unit 'ms'), k text, n bigint, d bigint)
		SERVER kafka OPTIONS (topic '$topic', event_time 'at', lateness '10 min', idle_timeout '1 hour')});
	return;
}

sub view
{
	my ($name, $stream, $columns, $options) = @_;
	$columns //= 'count(*) AS events, sum(n) AS total, first(n) AS first_n, max(k) AS top';
	$options //= '';
	$node->query(qq{SET ROLE owner; SELECT weir.create_view('$name', \$\$SELECT weir.tumble(at, '1 hour') AS hour, k, $columns
		FROM $stream GROUP BY 1, 2\$\$ $options)});
	return;
}

sub event
{
	my ($minute, $k, $n, $d) = @_;
	return sprintf '{"at":%s,"k":"%s","n":%s,"d":%s}', ms($minute), $k, $n, $d // 1;
}

my $clock = 0;

# Events of so many hours, a few keys, some out of order within the lateness.
sub produce_hours
{
	my ($topic, $hours) = @_;
	my @events;
	for my $minute ($clock .. $clock + 60 * $hours - 1)
	{
		push @events, event($minute - $minute % 7, 'key ' . $minute % 3, $minute);
	}
	$clock += 60 * $hours;
	$broker->produce($topic, \@events);
	return;
}

sub counters
{
	my ($view) = @_;
	return $node->query(
		qq{SELECT messages, folded, late, rejected, unrecorded, closed, rows_written FROM weir.stat_view WHERE view = '${view}_live'::regclass});
}

sub state
{
	my ($view) = @_;
	return sub { $node->query("SELECT actual_state FROM weir.stat_view WHERE view = '${view}_live'::regclass") };
}

sub last_error
{
	my ($view) = @_;
	return $node->query("SELECT last_error FROM weir.stat_view WHERE view = '${view}_live'::regclass");
}

# --- rejects --------------------------------------------------------------------------------------

my $rejects = q{SELECT relation, "offset", reason FROM weir.rejected WHERE topic = 'flawed' ORDER BY relation::text, 2, key};

stream('flawed');
view('plain', 'flawed');
view('ratio', 'flawed', 'sum(100 / d) AS hundredths, (sum(n) / sum(d - 2))::int AS rate');
$broker->produce('flawed', [
		event(0, 'a', 1), 'no json', event(1, 'a', 2, 0), event(2, 'a', '"x"'), '{"k":"a","n":1,"d":1}',
		event(3, 'a', 3, 0), event(200, 'a', 4), event(5, 'b', 5), event(190, 'c', 6, 2), event(250, 'a', 7), event(310, 'a', 8) ]);
$node->query(q{SELECT weir.flush('plain'), weir.flush('ratio')});
my $expected = join "\n", 'flawed|1|syntax', 'flawed|4|time_missing', 'plain_live|3|not_a_number', 'plain_live|7|late',
  'ratio_live|2|expression', 'ratio_live|3|not_a_number', 'ratio_live|5|expression', 'ratio_live|7|late', 'ratio_live||finish';
is($node->query($rejects), $expected, 'each reject of the stream and of each view is recorded once');
is($node->query(q{SELECT DISTINCT relation, windows FROM weir.rejected WHERE reason IN ('late', 'expression') ORDER BY 1}),
	qq{plain_live|{"2025-01-01 00:00:00+00"}\nratio_live|{"2025-01-01 00:00:00+00"}}, 'with the window that misses the event');
is($node->query(q{SELECT windows, key, detail FROM weir.rejected WHERE reason = 'finish'}),
	'{"2025-01-01 03:00:00+00"}|(c)|22012: division by zero', 'a group whose row cannot be made is one too');
is($node->query('TABLE plain_closed; TABLE plain_live'),
	join("\n", '2025-01-01 00:00:00+00|a|3|6|1|a', '2025-01-01 03:00:00+00|a|1|4|4|a', '2025-01-01 03:00:00+00|c|1|6|6|c',
		'2025-01-01 04:00:00+00|a|1|7|7|a', '2025-01-01 05:00:00+00|a|1|8|8|a'), 'what is good counts');
is($node->query('TABLE ratio_closed; TABLE ratio_live'),
	join("\n", '2025-01-01 00:00:00+00|a|100|-1', '2025-01-01 03:00:00+00|a|100|-4', '2025-01-01 04:00:00+00|a|100|-7', '2025-01-01 05:00:00+00|a|100|-8'),
	'beside what raised');
is(counters('plain'), '11|7|1|4|0|4|4', 'counters of a view are exact');
is(counters('ratio'), '11|5|1|7|0|4|3', 'each its own');
my $reasons = q{SELECT rejected_by_reason FROM weir.stat_view WHERE view = 'ratio_live'::regclass};
my $by_reason = '{"late": 1, "finish": 1, "expression": 2, "unreadable": 2, "time_missing": 1}';
is($node->query($reasons), $by_reason, 'by reason, too');

stream('many');
view('capped', 'many');
$broker->produce('many', [ event(0, 'a', 1), ('no json') x 30, (event(0, 'a', '"x"')) x 30 ]);
$node->query(q{SELECT weir.flush('capped')});
sub recorded { return $node->query(q{SELECT relation, count(*) FROM weir.rejected WHERE topic = 'many' GROUP BY 1 ORDER BY relation::text}) }
is(recorded(), "capped_live|10\nmany|10", 'weir.max_rejects of them are recorded, of the stream and of the view');
is(counters('capped'), '61|1|0|60|40|0|0', 'the others are counted');
$node->restart;
is($node->query($rejects), $expected, 'rejects survive a restart');
is(counters('plain'), '11|7|1|4|0|4|4', 'totals too');
is($node->query($reasons), $by_reason, 'of each reason');
$broker->produce('many', [ ('no json') x 3, (event(0, 'a', '"x"')) x 4 ]);
$node->query(q{SELECT weir.flush('capped')});
is(recorded(), "capped_live|10\nmany|10", 'the cap is not one of a worker\'s life');
is(counters('capped'), '68|1|0|67|47|0|0', 'nor is the counter');
view('second', 'many');
$node->query(q{SELECT weir.flush('second')});
is(recorded(), "capped_live|10\nmany|10\nsecond_live|10", 'rejects of the stream are one row, however many views read them');
is(counters('second'), '68|1|0|67|47|0|0', 'and counted as recorded by a view that comes later');
configure($node, 'weir.max_rejects = 15');
$node->query(q{SELECT weir.restart('second'); SELECT weir.flush('second')});
is(recorded(), "capped_live|10\nmany|15\nsecond_live|15", 'a higher cap records more');

# --- a closed table that cannot be written -----------------------------------------------------------

stream('ticks');
view('a', 'ticks', undef, ', notify => true');
view('b', 'ticks');
produce_hours('ticks', 10);
is_whole($node, 'a', 'views of one stream are right');
is_whole($node, 'b', 'each of them');

my $session = Weir::Session->new($node);
$session->query('BEGIN; LOCK TABLE a_closed IN ACCESS EXCLUSIVE MODE');
my $before = $node->query('SELECT count(*) FROM b_closed');
my $live = $node->query('SELECT sum(events) FROM a_live');
produce_hours('ticks', 5);
$node->query(q{SELECT weir.flush('b')});
is_whole($node, 'b', 'while a closed table is locked the other view goes on');
cmp_ok($node->query('SELECT count(*) FROM b_closed'), '>', $before, 'and closes windows');
query_becomes($node, 'SELECT sum(events) FROM a_live', $live + 300, 'the view that waits counts on');
becomes(state('a'), 'retrying', 'and is not said to be well');
is(last_error('a'), 'relation "a_closed" is locked by another session', 'but why it waits');
$session->query('ROLLBACK');
is_whole($node, 'a', 'it catches up when the lock is gone');
becomes(state('a'), 'running', 'and runs');

$node->query('ALTER TABLE a_closed ADD CONSTRAINT narrow CHECK (total < 0) NOT VALID');
$node->query('ALTER TABLE plain_closed ADD CONSTRAINT narrow CHECK (total < 0) NOT VALID; ALTER TABLE ratio_closed ADD CONSTRAINT narrow CHECK (rate > 0) NOT VALID');
$broker->produce('flawed', [ event(370, 'd', 8, 2), event(371, 'a', 9), event(440, 'a', 1) ]);
produce_hours('ticks', 5);
becomes(state('a'), 'retrying', 'a row that the closed table does not take: its view retries');
becomes(state('ratio'), 'retrying', 'each for itself');
like(last_error('a'), qr/violates check constraint "narrow"/, 'and says why');
is_whole($node, 'b', 'the other view goes on');
produce_hours('ticks', 2);
$node->query('ALTER TABLE a_closed DROP CONSTRAINT narrow');
$node->query('ALTER TABLE plain_closed DROP CONSTRAINT narrow; ALTER TABLE ratio_closed DROP CONSTRAINT narrow');
is_whole($node, 'a', 'without the constraint it catches up');
becomes(state('a'), 'running', 'and runs');
$node->query(q{SELECT weir.flush('ratio')});
is($node->query($rejects), "$expected\nratio_live||finish", 'a group that cannot be finished is one reject, however often the commit was tried');
is(counters('ratio'), '14|8|1|8|0|7|5', 'and counted once');

$node->query(q{
	CREATE TABLE audit (who name, rows bigint);
	GRANT ALL ON audit TO owner;
	SET ROLE owner;
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.audit VALUES (current_user, NEW.events); RETURN NULL; END';
	CREATE TRIGGER note AFTER INSERT ON a_closed FOR EACH ROW EXECUTE FUNCTION note();
	CREATE CONSTRAINT TRIGGER late_note AFTER INSERT ON a_closed DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note()});
$before = $node->query('SELECT sum(events) FROM a_closed');
$session->query('LISTEN weir');
produce_hours('ticks', 3);
is_whole($node, 'a', 'a closed table may have triggers');
is($node->query('SELECT DISTINCT who FROM audit'), 'owner', 'which run as the owner of the view, deferred ones too');
is($node->query('SELECT sum(rows) FROM audit'), 2 * ($node->query('SELECT sum(events) FROM a_closed') - $before), 'once for each row');
like($session->query('SELECT 1'), qr/"weir" with payload "\{"view": "public\.a_live", "event": "closed"\}"/, 'with option notify a close is announced');
$node->query('ALTER FOREIGN TABLE a_live RENAME TO "a ""live"');
produce_hours('ticks', 1);
is_whole($node, 'a', 'a live table may have any name', parts => [ 'a_closed', '"a ""live"', 'a_query' ]);
my ($payload) = $session->query('SELECT 1') =~ /.*with payload "(.*)" received/s;
is($node->query("SELECT '$payload'::json ->> 'view'"), 'public."a ""live"', 'the payload is JSON');
$node->query('ALTER FOREIGN TABLE "a ""live" RENAME TO a_live');

# States are told too: of this view, since the other one has no option notify.
my $heard = '';
sub hears
{
	my ($what, $claim) = @_;
	ok(eval { wait_until(sub { ($heard .= $session->query('SELECT 1')) =~ s/.*with payload "\{"view": "public\.a_live", "event": "state", "state": "$what"\}"//s }, $claim); 1 }, $claim);
	return;
}
$node->query("SELECT weir.pause('a'), weir.pause('b')");
hears('stopped', 'a pause is announced');
$node->query("SELECT weir.resume('a'), weir.resume('b')");
hears('running', 'so is what follows');
unlike($heard, qr/b_live/, 'of views that have the option');
$node->query('ALTER TABLE a_closed DISABLE TRIGGER USER');

# A trigger sees of the view what is closed and what is not, each window once.
$node->query(q{
	CREATE TABLE sight (doubles bigint, live bigint);
	GRANT ALL ON sight TO owner;
	SET ROLE owner;
	CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
		INSERT INTO public.sight SELECT count(*) - count(DISTINCT (hour, k)), count(*) FILTER (WHERE NOT is_closed) FROM public.a; RETURN NULL; END';
	CREATE TRIGGER look AFTER INSERT ON a_closed FOR EACH ROW EXECUTE FUNCTION look()});
$before = $node->query('SELECT count(*) FROM a_closed');
produce_hours('ticks', 3);
is_whole($node, 'a', 'a trigger may read the view');
is($node->query('SELECT count(*), sum(doubles), min(live) > 0 FROM sight'),
	$node->query('SELECT count(*) FROM a_closed') - $before . '|0|t', 'and sees each window once');
$node->query('DROP TRIGGER look ON a_closed');

# pg_cancel_backend() ends an attempt to commit, and nothing else.
$node->query(q{
	CREATE TABLE obstacle AS SELECT 600 AS seconds;
	GRANT SELECT ON obstacle TO owner;
	SET ROLE owner;
	CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(seconds) FROM public.obstacle; RETURN NULL; END';
	CREATE TRIGGER hang AFTER INSERT ON a_closed FOR EACH STATEMENT EXECUTE FUNCTION hang()});
produce_hours('ticks', 3);
my $worker = q{FROM weir.stat_stream WHERE stream = 'ticks'::regclass};
my $pid = $node->query("SELECT pid $worker");
query_becomes($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND wait_event = 'PgSleep'", 1, 'a trigger hangs');
# The worker may load its views again in between, for what was changed above, and hangs once more.
sub cancel { return $node->query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $pid AND wait_event = 'PgSleep'") }
becomes(sub { cancel(); state('a')->() }, 'retrying', 'a commit that was cancelled is one that failed');
is($node->query("SELECT pid $worker"), $pid, 'and the worker lives');
$node->query(q{DELETE FROM obstacle});
wait_until(sub { cancel(); state('a')->() eq 'running' }, 'nothing hangs');
is_whole($node, 'a', 'when nothing hangs it goes on');
is_whole($node, 'b', 'as does the other view');
$node->query('DROP TRIGGER hang ON a_closed');
# --- brokers --------------------------------------------------------------------------------------

$broker->command('down all');
$node->query(q{SELECT weir.pause('plain'), weir.pause('ratio')});
becomes(state('plain'), 'stopped', 'a stream is paused');
$node->query(q{SELECT weir.resume('plain'), weir.resume('ratio')});
query_becomes($node, q{SELECT actual_state FROM weir.stat_stream WHERE stream = 'flawed'::regclass AND pid IS NOT NULL}, 'starting', 'without brokers a worker starts and waits');
$broker->command('up all');
produce_hours('ticks', 2);
is_whole($node, 'a', 'views go on when brokers are back');
is_whole($node, 'b', 'all of them');
$broker->produce('flawed', [ event(500, 'a', 1) ]);
$node->query(q{SELECT weir.flush('plain')});
is(counters('plain'), '15|11|1|4|0|8|8', 'those too that began without');
my $totals = counters('a');
$node->restart;
query_becomes($node, q{SELECT string_agg(DISTINCT actual_state, ' ') FROM weir.stat_view}, 'running', 'after a restart all views run');
is(counters('a'), $totals, 'totals go on over a restart');

# --- a chunk that cannot be read ----------------------------------------------------------------------

produce_hours('ticks', 1);
$node->query(q{SELECT weir.flush('a'), weir.flush('b')});
$node->query(q{SELECT weir.pause('a')});
becomes(state('a'), 'stopped', 'a view is paused');
$node->query(q{UPDATE weir.chunk SET data = set_byte(data, length(data) / 2, get_byte(data, length(data) / 2) # 1) WHERE view = 'a_live'::regclass});
$node->query(q{SELECT weir.resume('a')});
becomes(state('a'), 'failed', 'a view with a damaged chunk does not run');
like(last_error('a'), qr/chunk \d+ of view/, 'and names the chunk');
becomes(state('b'), 'running', 'the other one does');
produce_hours('ticks', 3);
is_whole($node, 'b', 'and goes on');
is($node->error(q{BEGIN; SELECT weir.restart('a'); SELECT weir.flush('a')}), q{55000: weir.flush() cannot wait for what this transaction has changed
HINT:  COMMIT first: no worker sees the change before.}, 'a transaction does not wait for itself');
$node->query(q{SELECT weir.restart('a')});
is_whole($node, 'a', 'weir.restart() cures it, and keeps closed rows');

# --- lost messages -----------------------------------------------------------------------------------

stream('lost');
view('gap', 'lost');
my $pad = 'x' x 900;
sub padded { my ($from, $to) = @_; return [ map { event($_ / 100, $pad, $_) } $from .. $to ] }
$broker->produce('lost', padded(0, 99));
$node->query(q{SELECT weir.flush('gap'), weir.pause('gap')});
becomes(state('gap'), 'stopped', 'it is paused');
like(slurp_file($node->logfile), qr/stream "public.lost": ended after [\d.]+ s: 100 messages applied, 0 closed rows written, [1-9]\d* commits/,
	'a worker that ends says what it has done');
$broker->topic(join('', map { "$_\n" } @{ padded(100, 8099) }), 'produce', 'lost'); # more than it keeps
$node->query(q{SELECT weir.resume('gap')});
query_becomes($node, q{SELECT actual_state FROM weir.stat_stream WHERE stream = 'lost'::regclass}, 'retrying', 'lost messages stop a stream');
my ($low) = $broker->topic('', 'offsets', 'lost') =~ /^0\s+(\d+)/m;
is($node->query(q{SELECT last_error FROM weir.stat_stream WHERE stream = 'lost'::regclass}),
	'messages of foreign table "public.lost" were deleted before they were read', 'which says so');
$node->query(q{ALTER FOREIGN TABLE lost OPTIONS (ADD on_data_loss 'continue'); SELECT weir.resume('gap')});
$node->query(q{SELECT weir.flush('gap')});
is($node->query(q{SELECT messages FROM weir.stat_view WHERE view = 'gap_live'::regclass}), 100 + 8100 - $low, 'with on_data_loss it goes on with what there is');
is($node->query(q{SELECT sum(events), sum(total) FROM (TABLE gap_closed UNION ALL TABLE gap_live) AS g}),
	join('|', 100 + 8100 - $low, 99 * 50 + (8099 + $low) * (8100 - $low) / 2), 'and counts each of it once');
my $lost = $low - 100;
is($node->query(q{SELECT partition, "offset", reason, detail FROM weir.rejected WHERE relation = 'lost'::regclass}),
	"0|100|lost|offsets 100 to @{[ $low - 1 ]} were deleted before they were read", 'what was lost is recorded');
is($node->query(q{SELECT lost, rejected FROM weir.stat_view WHERE view = 'gap_live'::regclass}), "$lost|0", 'and counted');
like(slurp_file($node->logfile), qr/Partition 0, offsets 100 to ${\($low - 1)}\./, 'the lost offsets are in the log');

# --- too little memory --------------------------------------------------------------------------------

configure($node, q{weir.state_memory = '1MB'});
stream('wide');
view('roomy', 'wide');
$broker->produce('wide', [ map { event($_ / 1000, "key $_", $_) } 0 .. 29_999 ]);
becomes(state('roomy'), 'state_full', 'open windows that do not fit into weir.state_memory stop the view');
configure($node, q{weir.state_memory = '64MB'});
is_whole($node, 'roomy', 'with more of it, it goes on, and has lost nothing');
becomes(state('roomy'), 'running', 'and runs');

# Values that grow in groups which are there already do the same, and the worker lives.
configure($node, q{weir.state_memory = '1MB'});
stream('grown');
view('grower', 'grown', q{max(repeat('x', n::int)) AS top, count(*) AS events});
$broker->produce('grown', [ map { event(1, "key $_", 10) } 1 .. 60 ]);
$node->query(q{SELECT weir.flush('grower')});
$broker->produce('grown', [ map { event(2, "key $_", 60_000) } 1 .. 60 ]);
becomes(state('grower'), 'state_full', 'values that do not fit stop the view, too');
is($node->query(q{SELECT failures FROM weir.stat_stream WHERE stream = 'grown'::regclass}), 0, 'and not its worker');
configure($node, q{weir.state_memory = '64MB'});
is_whole($node, 'grower', 'with more memory it goes on');

# A view that cannot commit gives its memory back before the others of its stream want for it.
configure($node, q{weir.state_memory = '5MB'});
stream('shared');
view($_, 'shared') for ('stuck', 'free');
$broker->produce('shared', [ event(0, 'a', 1) ]);
$node->query(q{SELECT weir.flush('stuck'), weir.flush('free')});
$node->query('ALTER TABLE stuck_closed ADD CONSTRAINT narrow CHECK (total < 0) NOT VALID');
for my $hour (1 .. 20)
{
	$broker->produce('shared', [ map { event(60 * $hour, "key $hour $_", $_) } 1 .. 2000 ]);
}
$node->query(q{SELECT weir.flush('free')});
is_whole($node, 'free', 'a view goes on beside one that cannot commit, with memory for one');
like(slurp_file($node->logfile), qr/view "public.stuck_live" is set aside/, 'which was set aside');
becomes(state('stuck'), 'retrying', 'and retries');
like(last_error('stuck'), qr/violates check constraint "narrow"/, 'and says why');
$node->query('ALTER TABLE stuck_closed DROP CONSTRAINT narrow; SELECT weir.resume($$stuck$$)');
is_whole($node, 'stuck', 'when it can, it has lost nothing');

# An event that waits for the commit of a window which it missed: it does not hold up the other view either.
stream('overlap');
$node->query(q{SET ROLE owner; SELECT weir.create_view('hopping', $$SELECT weir.hop(at, '1 hour', '30 min') AS hour, k, count(*) AS events, sum(n) AS total
	FROM overlap GROUP BY 1, 2$$)});
view('beside', 'overlap');
$broker->produce('overlap', [ event(70, 'a', 1) ]);
$node->query(q{SELECT weir.flush('hopping'), weir.flush('beside')});
$node->query('ALTER TABLE hopping_closed ADD CONSTRAINT narrow CHECK (total < 0) NOT VALID');
# W is 90 minutes: the last one misses the window that ends then, and is in time for the next one
$broker->produce('overlap', [ event(100, 'a', 2), event(85, 'a', 4), event(101, 'a', 8) ]);
$node->query(q{SELECT weir.flush('beside')});
is_whole($node, 'beside', 'a view goes on beside one with an event that waits');
like(slurp_file($node->logfile), qr/view "public.hopping_live" is set aside/, 'which was set aside');
becomes(state('hopping'), 'retrying', 'and retries');
$node->query('ALTER TABLE hopping_closed DROP CONSTRAINT narrow; SELECT weir.resume($$hopping$$)');
$node->query('SELECT weir.flush($$hopping$$)');
is($node->query(q{SELECT (extract(epoch FROM hour - '2025-01-01 00:00+00') / 60)::int AS minute, events, total, is_closed FROM hopping ORDER BY 1}),
	join("\n", '30|1|1|t', '60|4|15|f', '90|2|10|f'), 'it is in the windows that were open, and in no other');
is($node->query(q{SELECT "offset", reason, windows = ARRAY['2025-01-01 00:30+00'::timestamptz] FROM weir.rejected WHERE relation = 'hopping_live'::regclass}),
	'2|late|t', 'and a reject for the one that was not');

done_testing();
