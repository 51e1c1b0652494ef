# SPDX-License-Identifier: PostgreSQL
#
# Continuous views from their creation to their end, as an ordinary user has them: closed and live rows
# are the batch answer whatever is done to the objects meanwhile.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Views;
use Weir::Session;

my $broker = Weir->broker(topics => { ticks => 1, other => 2, far => 1, bad => 1, doomed => 1 });
my $node = views_cluster();
$node->query('CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN; GRANT bob TO alice;
	CREATE SCHEMA app AUTHORIZATION alice; CREATE SCHEMA attic AUTHORIZATION alice; GRANT CREATE, USAGE ON SCHEMA app, attic TO bob;
	GRANT USAGE ON SCHEMA app TO carol');
$node->add_server($broker);
$node->query('GRANT USAGE ON FOREIGN SERVER kafka TO alice');

sub as { my ($role, $sql, %option) = @_; return $node->query("SET SESSION AUTHORIZATION $role; $sql", %option) }
sub error_as { my ($role, $sql) = @_; return $node->error("SET SESSION AUTHORIZATION $role; $sql") =~ s/\n.*//sr }

sub stream
{
	my ($name, $topic) = @_;
	return qq{CREATE FOREIGN TABLE $name (symbol text, at timestamptz OPTIONS (unit 'ms'), n bigint)
		SERVER kafka OPTIONS (topic '$topic', event_time 'at', lateness '2 min', idle_timeout '1 hour');};
}

sub view
{
	my ($name, $stream, @options) = @_;
	return qq{SELECT weir.create_view('$name', 'SELECT weir.tumble(at, ''10 min'') AS start, symbol, count(*) AS events,
		sum(n) AS total, first(n) AS first_n, last(n) AS last_n FROM $stream GROUP BY 1, 2'}
	  . join('', map { ", $_" } @options) . ');';
}

# Events of two symbols, one every 30 seconds, from this minute to that one, to one partition.
sub produce
{
	my ($topic, $from, $to, $partition) = @_;
	my @events = map { my $i = $_; map { qq({"symbol":"$_","at":@{[ ms($i / 2) ]},"n":$i}) } 'A', 'B' } 2 * $from .. 2 * $to - 1;
	$broker->produce($topic, \@events, '-p', $partition // 0);
	return;
}

sub states
{
	my (%option) = @_;
	return $node->query(q{SELECT string_agg(format('%s %s', view, actual_state), ', ' ORDER BY view::text) FROM weir.stat_view}, %option);
}
sub state_of { my ($view) = @_; return sub { $node->query("SELECT actual_state FROM weir.stat_view WHERE view = '$view'::regclass") } }
sub closed_count { my ($view) = @_; return sub { $node->query("SELECT count(DISTINCT start) FROM ${view}_closed") } }

# Several views on a stream, several streams, several databases

produce('ticks', 0, 25);
as('alice', stream('app.ticks', 'ticks') . view('app.one', 'app.ticks'));
becomes(closed_count('app.one'), '2', 'windows close when W reaches their end');
is_whole($node, 'app.one', 'closed and live rows are the batch answer', role => 'alice');
is(as('alice', 'SELECT start, symbol, events, is_closed FROM app.one ORDER BY 1, 2'),
	"2025-01-01 00:00:00+00|A|20|t\n2025-01-01 00:00:00+00|B|20|t\n2025-01-01 00:10:00+00|A|20|t\n"
	  . "2025-01-01 00:10:00+00|B|20|t\n2025-01-01 00:20:00+00|A|10|f\n2025-01-01 00:20:00+00|B|10|f", 'each row once, closed or live');
produce('other', 0, 25, $_) for 0, 1; # before the view: a partition that is empty holds nothing up
as('alice', view('app.two', 'app.ticks') . stream('app.other', 'other') . view('app.three', 'app.other', q{notify => true}));
produce('ticks', 25, 45);
is_whole($node, "app.$_", "$_: a second view, a second stream", role => 'alice') for 'one', 'two', 'three';
$node->query('CREATE DATABASE beside');
$node->query('CREATE EXTENSION pg_weir', database => 'beside');
$node->add_server($broker, database => 'beside');
$node->query(stream('ticks', 'ticks') . view('one', 'ticks'), database => 'beside');
is_whole($node, 'one', 'a second database', database => 'beside');
is($node->query(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'weir worker'}), '3', 'a worker for each stream');

# Wanted and not

as('alice', q{SELECT weir.pause('app.one')});
becomes(state_of('app.one_live'), 'stopped', 'paused');
produce('ticks', 45, 65);
is_whole($node, 'app.two', 'another view goes on', role => 'alice');
is($node->query('SELECT max(start + interval \'10 min\') FROM app.one'), '2025-01-01 00:50:00+00', 'the paused one shows what it had');
as('alice', q{SELECT weir.resume('app.one')});
is_whole($node, 'app.one', 'resumed, it catches up', role => 'alice');
as('alice', q{ALTER FOREIGN TABLE app.one_live OPTIONS (ADD enabled 'false')}) if as('alice', q{SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'app.one_live'::regclass}) !~ /enabled/;
as('alice', q{ALTER FOREIGN TABLE app.one_live OPTIONS (SET enabled 'false')});
becomes(state_of('app.one_live'), 'stopped', 'its option is the same switch');
as('alice', q{ALTER FOREIGN TABLE app.one_live OPTIONS (SET enabled 'true')});
produce('ticks', 65, 70);
is_whole($node, 'app.one', 'and on again', role => 'alice');

as('alice', q{UPDATE app.one_closed SET events = 0; SELECT weir.restart('app.one')});
produce('ticks', 70, 75);
as('alice', q{SELECT weir.flush('app.one')});
is($node->query(q{SELECT count(*) FILTER (WHERE events = 0), count(*) FROM app.one_closed}), '12|14', 'a restart leaves closed rows as they are');
as('alice', q{SELECT weir.restart('app.one', keep_closed => false)});
is_whole($node, 'app.one', 'or writes them anew', role => 'alice');

# Objects change

as('alice', q{CREATE TABLE app.audit (who name, start timestamptz);
	CREATE FUNCTION app.audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO app.audit VALUES (current_user, NEW.start); RETURN NEW; END';
	CREATE TRIGGER audit AFTER INSERT ON app.one_closed FOR EACH ROW EXECUTE FUNCTION app.audit();
	GRANT INSERT ON app.audit TO bob});
produce('ticks', 75, 85);
is_whole($node, 'app.one', 'a closed table with a trigger', role => 'alice');
is($node->query('SELECT who, count(*), count(DISTINCT start) FROM app.audit GROUP BY 1'), 'alice|2|1', 'the trigger runs as the owner, once a row');

as('alice', q{ALTER VIEW app.one RENAME TO uno; ALTER VIEW app.one_query RENAME TO uno_query; ALTER TABLE app.one_closed RENAME TO uno_closed;
	ALTER TABLE app.uno_closed RENAME total TO "the total"; ALTER FOREIGN TABLE app.one_live RENAME TO uno_live; ALTER FOREIGN TABLE app.ticks RENAME TO tocks});
produce('ticks', 85, 95);
is_whole($node, 'app.uno', 'every object has another name', role => 'alice');
as('alice', q{ALTER VIEW app.uno SET SCHEMA attic; ALTER VIEW app.uno_query SET SCHEMA attic; ALTER TABLE app.uno_closed SET SCHEMA attic;
	ALTER FOREIGN TABLE app.uno_live SET SCHEMA attic; ALTER FOREIGN TABLE app.tocks SET SCHEMA attic});
produce('ticks', 95, 105);
is_whole($node, 'attic.uno', 'and is in another schema', role => 'alice');
as('alice', q{BEGIN; ALTER VIEW attic.uno OWNER TO bob; ALTER VIEW attic.uno_query OWNER TO bob; ALTER TABLE attic.uno_closed OWNER TO bob;
	ALTER FOREIGN TABLE attic.uno_live OWNER TO bob; GRANT SELECT ON attic.tocks TO bob; COMMIT});
produce('ticks', 105, 115);
is_whole($node, 'attic.uno', 'and belongs to somebody else', role => 'bob');
is($node->query(q{SELECT who FROM app.audit WHERE start = '2025-01-01 01:40+00'}), "bob\nbob", 'as whom the trigger runs then');
is_whole($node, 'app.two', 'another view of the stream did not mind', role => 'alice');

# Another meaning

my $definition = $node->query(q{SELECT pg_get_viewdef('app.two_query')});
as('alice', 'CREATE OR REPLACE VIEW app.two_query AS ' . ($definition =~ s/sum\((\S+)\)/sum($1 + 1)/r));
becomes(state_of('app.two_live'), 'changed', 'another definition stops the view');
produce('ticks', 115, 125);
is_whole($node, 'attic.uno', 'and no other', role => 'bob');
as('alice', "CREATE OR REPLACE VIEW app.two_query AS $definition");
is_whole($node, 'app.two', 'the old definition lets it go on', role => 'alice');
as('alice', 'CREATE OR REPLACE VIEW app.two_query AS ' . ($definition =~ s/sum\((\S+)\)/sum($1 + 1)/r));
becomes(state_of('app.two_live'), 'changed', 'changed again');
as('alice', q{SELECT weir.restart('app.two', keep_closed => false)});
is_whole($node, 'app.two', 'a restart runs the new one', role => 'alice');

# Lateness: W = M - lateness, M = 2:04:30
is($node->query('SELECT max(start) FROM app.two_closed'), '2025-01-01 01:50:00+00', 'lateness 2 minutes: 2:00 is closed');
my $epoch = q{SELECT epoch FROM weir.run WHERE view = 'app.two_live'::regclass};
my $epoch_before = $node->query($epoch);
as('alice', q{ALTER FOREIGN TABLE attic.tocks OPTIONS (SET lateness '20 min')});
wait_until(sub { $node->query($epoch) ne $epoch_before }, 'the worker has seen it');
produce('ticks', 125, 145);
as('alice', q{SELECT weir.flush('app.two')});
is($node->query('SELECT max(start) FROM app.two_closed'), '2025-01-01 01:50:00+00', 'lateness 20 minutes: W waits');
as('alice', q{ALTER FOREIGN TABLE attic.tocks OPTIONS (SET lateness '1 min')});
becomes(sub { $node->query('SELECT max(start) FROM app.two_closed') }, '2025-01-01 02:10:00+00', 'lateness 1 minute: windows close at once');
is_whole($node, 'app.two', 'and nothing is late', role => 'alice');

# A closed table that cannot be written

my $locker = Weir::Session->new($node);
$locker->query('BEGIN');
$locker->query('LOCK TABLE attic.uno_closed IN ACCESS EXCLUSIVE MODE');
produce('ticks', 145, 165);
becomes(sub { $node->query('SELECT max(start) FROM app.two_closed') }, '2025-01-01 02:30:00+00', 'a closed table that is locked does not hold up others');
is($node->query(q{SELECT count(*) FROM attic.uno_live WHERE start < '2025-01-01 02:40+00'}), '4', 'its windows are live until they are written');
$locker->query('COMMIT');
is_whole($node, 'attic.uno', 'they are written when it is free', role => 'bob');

as('bob', q{ALTER TABLE attic.uno_closed ADD CONSTRAINT stubborn CHECK (start < '2025-01-01 02:40+00')});
produce('ticks', 165, 185);
becomes(sub { $node->query(q{SELECT actual_state, last_error_sqlstate FROM weir.stat_view WHERE view = 'attic.uno_live'::regclass}) },
	'retrying|23514', 'a constraint that fails is shown');
like($node->query(q{SELECT last_error FROM weir.stat_view WHERE view = 'attic.uno_live'::regclass}), qr/violates check constraint "stubborn"/, 'by its name');
is_whole($node, 'app.two', 'other views of the stream go on', role => 'alice');
as('bob', 'ALTER TABLE attic.uno_closed DROP CONSTRAINT stubborn');
is_whole($node, 'attic.uno', 'without it everything is written', role => 'bob');
becomes(state_of('attic.uno_live'), 'running', 'and it runs');

# NOTIFY

my $listener = Weir::Session->new($node);
$listener->query('LISTEN weir');
produce('other', 25, 35, $_) for 0, 1;
is_whole($node, 'app.three', 'a view with notify', role => 'alice');
like($listener->query('SELECT 1'), qr/"weir" with payload "\{"view": "[^"]*three[^"]*", "event": "closed"\}"/, 'tells who listens that it has closed windows');

# Counters

my $counters = q{SELECT view, messages, folded, late, rejected, opened, closed, rows_written FROM weir.stat_view ORDER BY view::text};
my $before = $node->query($counters);
$node->restart;
becomes(sub { states() }, 'app.three_live running, app.two_live running, attic.uno_live running', 'all run after a restart of the server');
is($node->query($counters), $before, 'and count on');

# Rejects

configure($node, 'weir.max_rejects = 6');
as('alice', 'BEGIN;' . stream('app.bad', 'bad') . view('app.good', 'app.bad')
	  . q{SELECT weir.create_view('app.plain', 'SELECT weir.tumble(at, ''10 min'') AS start, count(*) AS events FROM app.bad GROUP BY 1'); COMMIT});
produce('bad', 0, 20);
$broker->produce('bad', [ 'no json', '{"symbol":"A","n":1}', qq({"symbol":"A","at":@{[ ms(20) ]},"n":"x"}), qq({"symbol":"A","at":@{[ ms(1) ]},"n":1}) ], '-p', 0);
as('alice', qq{SELECT weir.flush('app.$_')}) for 'good', 'plain';
my $rejected = q{SELECT relation, "offset", reason FROM weir.rejected ORDER BY 1, 2};
is(as('alice', $rejected), "app.bad|80|syntax\napp.bad|81|time_missing\napp.good_live|82|not_a_number\napp.good_live|83|late\napp.plain_live|83|late",
	'a message is a reject of the stream or of the view, once');
$broker->produce('bad', [ ('no json') x 10, map { qq({"symbol":"A","at":@{[ ms($_) ]},"n":1}) } 0 .. 9 ], '-p', 0);
as('alice', qq{SELECT weir.flush('app.$_')}) for 'good', 'plain';
my $caps = q{SELECT count(*) FILTER (WHERE relation = 'app.bad'::regclass), count(*) FILTER (WHERE relation = 'app.good_live'::regclass),
	count(*) FILTER (WHERE relation = 'app.plain_live'::regclass) FROM weir.rejected};
my $counts = q{SELECT view, rejected, unrecorded, messages FROM weir.stat_view WHERE view::text LIKE 'app.good%' OR view::text LIKE 'app.plain%' ORDER BY 1};
is($node->query($caps), '6|6|6', 'weir.max_rejects are kept of each');
is($node->query($counts), "app.good_live|24|12|104\napp.plain_live|23|11|104", 'and the others counted');
$node->restart;
becomes(sub { states() =~ s/, attic.*//r }, 'app.good_live running, app.plain_live running, app.three_live running, app.two_live running', 'after a restart');
$broker->produce('bad', [ 'no json', qq({"symbol":"A","at":@{[ ms(3) ]},"n":1}) ], '-p', 0);
as('alice', qq{SELECT weir.flush('app.$_')}) for 'good', 'plain';
is($node->query($caps), '6|6|6', 'no more are kept');
is($node->query($counts), "app.good_live|26|14|106\napp.plain_live|25|13|106", 'and the others counted still');

# Others

my $denied = sub { return '42501: permission denied for ' . shift };
as('alice', 'GRANT SELECT ON app.two, app.two_closed TO carol');
is(as('carol', 'SELECT count(*) FROM app.two'), $node->query('SELECT count(*) FROM app.two'), 'a reader sees the view');
is(as('carol', 'SELECT count(*) FROM app.two_closed'), $node->query('SELECT count(*) FROM app.two_closed'), 'and its closed rows');
is(error_as('carol', 'SELECT * FROM app.two_live'), $denied->('foreign table two_live'), 'not the live table');
is(error_as('carol', 'SELECT * FROM weir.live(NULL::app.two_live)'), $denied->('foreign table two_live'), 'nor by the function');
is(error_as('carol', 'SELECT * FROM app.two_query'), $denied->('view two_query'), 'not the definition');
is(error_as('carol', 'SELECT * FROM attic.tocks'), $denied->('schema attic'), 'not the stream');
is(error_as('carol', "SELECT * FROM weir.$_"), $denied->("table $_"), "not weir.$_") for 'chunk', 'run', 'reject';
is(as('carol', 'SELECT count(*) FROM weir.rejected'), '0', 'no rejects');
is(as('carol', 'SELECT count(*) FROM weir.stat_view'), '0', 'no statistics');
for my $function ('pause', 'resume', 'restart', 'flush', 'drop_view')
{
	is(error_as('carol', "SELECT weir.$function('app.two')"), '42501: must be owner of foreign table two_live', "weir.$function() is for owners");
}
as('alice', 'GRANT SELECT ON app.two_live TO carol');
is(as('carol', 'SELECT count(*) FROM app.two_live'), $node->query('SELECT count(*) FROM app.two_live'), 'the live table if that was granted');

# Row security of the closed table: open windows have no policies, so they are not shown where it applies.
my $all = $node->query('SELECT count(*) FROM app.two');
my $refused = '42501: permission denied for live table "two_live"';
as('alice', q{ALTER TABLE app.two_closed ENABLE ROW LEVEL SECURITY; CREATE POLICY only_a ON app.two_closed TO carol USING (symbol = 'A')});
is(as('carol', 'SELECT DISTINCT symbol FROM app.two_closed'), 'A', 'policies hide closed rows');
is(error_as('carol', $_), $refused, "refused: $_") for 'SELECT * FROM app.two_live', 'SELECT * FROM weir.live(NULL::app.two_live)';
is(as('carol', 'SELECT count(*) FROM app.two'), $all, 'a view reads with the rights of its owner, who is free of them');
is(as('alice', 'SELECT count(*) FROM app.two'), $all, 'as is the owner');
as('alice', 'ALTER VIEW app.two SET (security_invoker)');
is(error_as('carol', 'SELECT * FROM app.two'), $refused, 'with security_invoker it checks its caller');
is($node->query('SELECT count(*) FROM app.two'), $all, 'and shows all to those whom no policy binds');
as('alice', 'ALTER TABLE app.two_closed FORCE ROW LEVEL SECURITY');
is(error_as('alice', 'SELECT * FROM app.two'), $refused, 'FORCE binds the owner');
produce('ticks', 185, 205);
becomes(state_of('app.two_live'), 'retrying', 'and the worker, which writes as the owner');
as('alice', 'ALTER VIEW app.two RESET (security_invoker); ALTER TABLE app.two_closed NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY');
is_whole($node, 'app.two', 'without it the rows are written', role => 'alice');

# Rates

as('alice', q{SELECT weir.flush('app.two')});
becomes(sub { $node->query(q{SELECT bool_and(messages_per_second >= 0) FROM weir.stat_stream}) }, 't', 'a rate of each stream');
produce('other', 90, 95, $_) for (0, 1);
becomes(sub { $node->query(q{SELECT messages_per_second > 0 FROM weir.stat_stream WHERE stream = 'app.other'::regclass}) }, 't', 'that is above zero when messages come');
becomes(sub { $node->query(q{SELECT events_per_second > 0 FROM weir.stat_view WHERE stream = 'app.other'::regclass}) }, 't', 'of each view too');

# Settings of a session do not show

as('alice', q{SELECT weir.create_view('app.texts', 'SELECT weir.tumble(at, ''10 min'') AS start, (weir.avg(n::float8) / 3)::text AS third,
	encode(max(n::text)::bytea, ''hex'') AS hex, max(n::text)::bytea::text AS bytes FROM app.other GROUP BY 1')});
is_whole($node, 'app.texts', 'values as text', role => 'alice');
my $other = q{SET extra_float_digits = 0; SET bytea_output = 'escape'; };
is(as('alice', $other . 'TABLE app.texts'), as('alice', 'TABLE app.texts'), 'open windows have the texts that the closed ones have, whatever the session says');
as('alice', q{SELECT weir.drop_view('app.texts', keep_closed => false)});

# The end

as('alice', stream('app.doomed', 'doomed') . view('app.orphan', 'app.doomed'));
produce('doomed', 0, 25);
is_whole($node, 'app.orphan', 'a stream that will be dropped', role => 'alice');
as('alice', 'DROP FOREIGN TABLE app.doomed CASCADE');
becomes(sub { $node->query(q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%doomed%'}) }, '0', 'it has no worker any more');
like(error_as('alice', 'SELECT * FROM app.orphan_live'), qr/live table "orphan_live" is undefined/, 'its live table is undefined');
is($node->query('SELECT count(*) FROM app.orphan_closed'), '4', 'its closed rows stay');
as('alice', q{SELECT weir.drop_view('app.orphan')});
is($node->query(q{SELECT string_agg(relname, ' ' ORDER BY 1) FROM pg_class WHERE relname LIKE 'orphan%' AND relkind <> 'i'}), 'orphan_closed', 'what is left can be dropped');
as('alice', q{SELECT weir.drop_view('app.good'); SELECT weir.drop_view('app.plain', keep_closed => false)});
is($node->query(q{SELECT string_agg(relname, ' ' ORDER BY 1) FROM pg_class WHERE relname ~ '^(good|plain)' AND relkind <> 'i'}), 'good_closed', 'closed rows stay unless they are unwanted');
is($node->query(q{SELECT (SELECT count(*) FROM weir.run), (SELECT count(*) FROM weir.position), (SELECT count(DISTINCT view) FROM weir.chunk)}), '3|3|3',
	'nothing is stored of views that are gone');
becomes(sub { $node->query(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'weir worker'}) }, '3', 'nor do their workers run');
is_whole($node, 'app.two', 'the others do', role => 'alice');

done_testing();
