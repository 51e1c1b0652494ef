# SPDX-License-Identifier: PostgreSQL
#
# Servers, mappings, tables and continuous views are plain objects: a dump brings them back, for an owner
# who is no superuser, without shared_preload_libraries and without a broker.
use strict;
use warnings FATAL => 'all';
use IPC::Run ();
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Weir;

my $broker = Weir->broker(topics => { events => 2 });
my $node = Weir->cluster;
my $directory = PostgreSQL::Test::Utils::tempdir();
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

sub run_ok
{
	my ($claim, @command) = @_;
	my ($output, $error) = ('', '');
	my $is_ok = IPC::Run::run(\@command, '>', \$output, '2>', \$error);
	ok($is_ok, $claim) or diag $error;
	is($error, '', 'without a word');
	return $output;
}

sub dump_of
{
	my ($database, @options) = @_;
	my $file = "$directory/$database.sql";
	run_ok("pg_dump of $database", 'pg_dump', '-U', 'streamer', @options, '-f', $file, $database);
	# what differs from run to run, since October 2025
	return slurp_file($file) =~ s/^\\(?:un)?restrict .*\n//mgr;
}

# A database as its owner made it; pg_weir is installed once, by a superuser.
sub new_database
{
	my ($database) = @_;
	$node->query("CREATE DATABASE $database OWNER streamer");
	$node->query('CREATE EXTENSION pg_weir; GRANT USAGE ON FOREIGN DATA WRAPPER weir_kafka TO streamer', database => $database);
	return;
}

$node->query('CREATE ROLE streamer LOGIN; CREATE ROLE reader LOGIN');
is($node->query('SHOW shared_preload_libraries'), '', 'nothing is preloaded');
new_database('source');
my $bootstrap = $broker->bootstrap;
my $definition = qq{
	SET SESSION AUTHORIZATION streamer;
	CREATE SCHEMA app;
	CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '$bootstrap', timeout '7s', compression_type 'lz4');
	COMMENT ON SERVER kafka IS 'the test''s broker';
	CREATE SERVER other FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '$bootstrap', security_protocol 'sasl_ssl', sasl_mechanism 'SCRAM-SHA-512');
	CREATE USER MAPPING FOR streamer SERVER kafka;
	CREATE USER MAPPING FOR streamer SERVER other OPTIONS (user 'o''neil', password 'pa''ss\\word', ssl_ca_pem E'-----BEGIN CERTIFICATE-----\\nabc\\n-----END CERTIFICATE-----');
	CREATE USER MAPPING FOR reader SERVER kafka;
	CREATE FOREIGN TABLE app.events (n int, "Odd name" text OPTIONS (path 'a.b[0]."x y"'), at timestamptz OPTIONS (unit 'ms'),
			p int OPTIONS (meta 'partition'), o bigint OPTIONS (meta 'offset'))
		SERVER kafka OPTIONS (topic 'events', format 'json', on_error 'skip', timeout '30s', event_time 'at');
	CREATE VIEW app.recent AS SELECT n, at FROM app.events WHERE p = 1 AND o > 10;
	COMMENT ON COLUMN app.events.n IS 'a number';
	GRANT SELECT ON app.events, app.recent TO reader;
	GRANT USAGE ON SCHEMA app TO reader;
	SELECT weir.create_view('app."Odd view"', \$\$SELECT weir.tumble(at, '1 day') AS day, "Odd name", first(n) AS "first n",
			count(*) AS n FROM app.events WHERE p = 1 GROUP BY 1, 2 HAVING count(*) > 1\$\$);
	INSERT INTO app.events (n, p) SELECT g, g % 2 FROM generate_series(1, 40) AS g;
};
$node->query($definition, database => 'source');
my $query = 'SELECT count(*), sum(n) FROM app.events';
is($node->query("SET SESSION AUTHORIZATION reader; $query", database => 'source'), '40|820', 'the source works');

# --- the broker is not needed from here on ----------------------------------------------------------

$broker->command('down all');
my $whole = dump_of('source');
my $schema = dump_of('source', '-s');
like($schema, qr/CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS/, 'a dump has the server');
unlike($whole, qr/COPY app\.events/, 'and not the messages');
run_ok('pg_dump -Fc', 'pg_dump', '-U', 'streamer', '-Fc', '-f', "$directory/source.dump", 'source');

# The extension, its comment and the right to use it are a superuser's, who prepared the database.
sub list_for_owner
{
	my ($dump) = @_;
	my $list = run_ok('a list of what is dumped', 'pg_restore', '-l', $dump);
	PostgreSQL::Test::Utils::append_to_file("$dump.list",
		join '', grep { !/ (?:EXTENSION|FOREIGN DATA WRAPPER) / } split /^/, $list);
	return ('-L', "$dump.list");
}

my @list = list_for_owner("$directory/source.dump");
my @restore = ('pg_restore', '-U', 'streamer', '--exit-on-error', @list);
run_ok('a dump as a script', 'pg_restore', @list, '-f', "$directory/script.sql", "$directory/source.dump");
my %restore = (
	plain => [ 'psql', '-X', '-q', '-o', '/dev/null', '-U', 'streamer', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$directory/script.sql" ],
	parallel => [ @restore, '-j4', '-d', 'parallel', "$directory/source.dump" ],
	schema_only => [ @restore, '-s', '-d', 'schema_only', "$directory/source.dump" ],
);

for my $database (sort keys %restore)
{
	new_database($database);
	run_ok("restore: $database", @{ $restore{$database} });
	is(dump_of($database), $whole, 'the dump of what was restored equals the first one');
	is(dump_of($database, '-s'), $schema, 'pg_dump -s too');
	is($node->query(q{SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'definition'}, database => $database),
		q{CHECK (weir.defined_by('app."Odd view_query"'::regclass, 'app."Odd view_closed"'::regclass))}, 'the view is linked');
}
$broker->command('up all');
my $count = 40;
for my $database (sort keys %restore)
{
	$node->query('SET SESSION AUTHORIZATION streamer; INSERT INTO app.events (n, p) VALUES (0, 0)', database => $database);
	is($node->query("SET SESSION AUTHORIZATION reader; $query", database => $database), ++$count . '|820', "$database writes and reads");
}
$node->query(q{SET SESSION AUTHORIZATION streamer; SELECT weir.drop_view('app."Odd view"', keep_closed => false)}, database => 'parallel');
is($node->query(q{SELECT relname FROM pg_class WHERE relname LIKE 'Odd view%'}, database => 'parallel'), '', 'and can be dropped');
my $secrets = q{SELECT o FROM pg_user_mapping, unnest(umoptions) AS o ORDER BY o};
is($node->query($secrets, database => 'parallel'), $node->query($secrets, database => 'source'), 'the secrets are the same');

# --- a superuser's dump -----------------------------------------------------------------------------

$node->query('CREATE DATABASE again');
run_ok('a superuser dumps', 'pg_dump', '-U', 'postgres', '-Fc', '-f', "$directory/super.dump", 'source');
run_ok('and restores into an empty database', 'pg_restore', '-U', 'postgres', '-j4', '--exit-on-error', '-d', 'again', "$directory/super.dump");
is($node->query("SET SESSION AUTHORIZATION reader; $query", database => 'again'), "$count|820", 'which works, too');

# --- options that are a superuser's ------------------------------------------------------------------

$node->query(qq{CREATE SERVER files FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers '$bootstrap', ssl_ca_location '/etc/passwd');
	ALTER SERVER kafka OWNER TO postgres; ALTER SERVER kafka OPTIONS (ssl_ca_location '/etc/passwd')}, database => 'source');
run_ok('pg_dump of a server that names files', 'pg_dump', '-U', 'postgres', '-Fc', '-f', "$directory/files.dump", 'source');
new_database('files');
my $error = '';
ok(!IPC::Run::run([ 'pg_restore', '-U', 'streamer', '--no-owner', '--exit-on-error', list_for_owner("$directory/files.dump"), '-d', 'files', "$directory/files.dump" ],
		'2>', \$error), 'is refused to one who is no superuser');
like($error, qr/option "ssl_ca_location"/, 'by the name of the option');
$node->query(q{ALTER SERVER kafka OWNER TO streamer}, database => 'source');
like($node->error("SET SESSION AUTHORIZATION streamer; $query", database => 'source'), qr/\A\w{5}: .*"ssl_ca_location"/,
	'nor can a server be used that was given away with it');

done_testing();
