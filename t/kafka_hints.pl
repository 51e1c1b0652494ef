# SPDX-License-Identifier: PostgreSQL
#
# Log-in, TLS and the common mistakes: each has its own hint, none takes the whole time-out that
# waiting does not mend, and no secret shows anywhere.
use strict;
use warnings FATAL => 'all';
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use Time::HiRes qw(time);
use Weir;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka(topics => { hint_prices => 1 });
my $node = Weir->cluster(conf => "log_min_messages = debug1\nlog_statement = none\nlog_min_error_statement = panic\n");
$kafka->produce('hint_prices', ['{"n":1}']);

sub pem { return slurp_file($kafka->setting("WEIR_KAFKA_$_[0]")) }

# A server at a listener, or an address; what the mapping says; and a foreign table of the same name.
sub make
{
	my ($name, $address, $options, $mapping, $topic) = @_;
	$address = $kafka->setting($address) if $address =~ /^WEIR_/;
	my $list = sub { my ($h) = @_; join ', ', map { "$_ '" . ($h->{$_} =~ s/'/''/gr) . "'" } sort keys %$h };
	my $server = $list->({ bootstrap_servers => $address, timeout => '30s', %$options });
	my $secrets = %$mapping ? ' OPTIONS (' . $list->($mapping) . ')' : '';
	$node->query("CREATE SERVER $name FOREIGN DATA WRAPPER weir_kafka OPTIONS ($server);
		CREATE USER MAPPING FOR PUBLIC SERVER $name$secrets;
		CREATE FOREIGN TABLE $name (n int) SERVER $name OPTIONS (topic '@{[ $topic // 'hint_prices' ]}')");
	return;
}

my $spoken = '';

# Both ways fail in the same words, and soon.
sub is_refused
{
	my ($name, $primary, $detail, $hint, $claim) = @_;
	for my $sql ("SELECT * FROM $name", "INSERT INTO $name VALUES (1)")
	{
		my $start = time();
		is_told($sql, $primary =~ s/\bX\b/$name/r, $detail, $hint, $claim);
		cmp_ok(time() - $start, '<', 20, 'sooner than the time-out');
	}
	return;
}

sub is_told
{
	my ($sql, $primary, $detail, $hint, $claim) = @_;
	my $error = $node->error($sql);
	$spoken .= $error;
	is(($error =~ /\A(.*)$/m)[0], $primary, $claim . ': ' . lc substr $sql, 0, 6);
	like($error, qr/^DETAIL:  .*$detail/m, 'with librdkafka\'s own words');
	is(($error =~ /^HINT:  (.*)/m)[0], $hint, 'and a hint');
	return;
}

sub works
{
	my ($name, $claim) = @_;
	is($node->query("SELECT n FROM $name LIMIT 1"), 1, $claim);
	is($node->error("INSERT INTO $name VALUES (1)"), '', 'also to INSERT');
	return;
}

my %plain = (user => 'alice', password => 'alice-secret');
my %sasl = (security_protocol => 'sasl_plaintext', sasl_mechanism => 'PLAIN');
my %sasl_tls = (security_protocol => 'sasl_ssl', sasl_mechanism => 'PLAIN');
my %tls = (security_protocol => 'ssl');

# --- what works -------------------------------------------------------------------------------------

make('usual', 'WEIR_KAFKA', {}, {});
works('usual', 'no log-in, no TLS');
make('with_password', 'WEIR_KAFKA_SASL', \%sasl, \%plain);
works('with_password', 'PLAIN');
make('with_tls', 'WEIR_KAFKA_TLS', \%tls, { ssl_ca_pem => pem('CA') });
works('with_tls', 'TLS with an authority in the mapping');
make('with_both', 'WEIR_KAFKA_SASL_TLS', \%sasl_tls, { %plain, ssl_ca_pem => pem('CA') });
works('with_both', 'PLAIN over TLS');
make('with_certificate', 'WEIR_KAFKA_MTLS', \%tls, { ssl_ca_pem => pem('CA'), ssl_certificate_pem => pem('CERT'), ssl_key_pem => pem('KEY') });
works('with_certificate', 'TLS with a certificate of the client');

# SCRAM: librdkafka before 2.6.1 does it in a way that this Kafka refuses; weir-topic tells.
for my $mechanism ('SCRAM-SHA-256', 'SCRAM-SHA-512')
{
	my %bob = (user => 'bob', password => 'bob-secret');
	my $name = 'scram_' . substr $mechanism, -3;
	my @properties = map { ('-X', $_) } 'security.protocol=sasl_ssl', "sasl.mechanism=$mechanism", 'sasl.username=bob', 'sasl.password=bob-secret',
	  'ssl.ca.location=' . $kafka->setting('WEIR_KAFKA_CA');
	my $is_able = eval { $kafka->topic('', '-b', $kafka->setting('WEIR_KAFKA_SASL_TLS'), '-t', 5, @properties, 'offsets', 'hint_prices') };
	make($name, 'WEIR_KAFKA_SASL_TLS', { %sasl_tls, sasl_mechanism => $mechanism }, { %bob, ssl_ca_pem => pem('CA') });
  SKIP: {
		skip "this librdkafka cannot do $mechanism with this Kafka", 2 unless $is_able;
		works($name, "$mechanism over TLS");
	}
}

# --- what does not ----------------------------------------------------------------------------------

make('misspelt', 'WEIR_KAFKA', {}, {}, 'hint_pricse');
for my $sql ('SELECT * FROM misspelt', 'INSERT INTO misspelt VALUES (1)')
{
	is($node->error($sql) ,
		qq{HV00R: topic "hint_pricse" does not exist on server "misspelt"\nHINT:  Perhaps you meant the topic "hint_prices".}, 'a topic that is not there');
}

my $login = 'Check user and password in the user mapping, and the server\'s sasl_mechanism.';
make('wrong_password', 'WEIR_KAFKA_SASL', \%sasl, { %plain, password => 'tellnobody1' });
is_refused('wrong_password', '28P01: could not log in to server "X"', 'SASL', $login, 'a wrong password');
make('wrong_password_tls', 'WEIR_KAFKA_SASL_TLS', \%sasl_tls, { %plain, password => 'tellnobody2', ssl_ca_pem => pem('CA') });
is_refused('wrong_password_tls', '28P01: could not log in to server "X"', 'SASL', $login, 'a wrong password over TLS');
make('wrong_scram', 'WEIR_KAFKA_SASL', { %sasl, sasl_mechanism => 'SCRAM-SHA-256' }, { user => 'bob', password => 'tellnobody3' });
like($node->error('SELECT * FROM wrong_scram'), qr/\A28P01: could not log in to server "wrong_scram"\nDETAIL:  .*SASL.*\nHINT:  Check user and password in the user mapping/, 'a wrong password by SCRAM');

make('tls_to_plain', 'WEIR_KAFKA', \%tls, { ssl_ca_pem => pem('CA') });
is_refused('tls_to_plain', 'HV00N: could not make a TLS connection to server "X"', 'SSL',
	"The port speaks no TLS: use the broker's TLS port, or set security_protocol to 'plaintext' or 'sasl_plaintext'.", 'TLS to a plain port');
make('unknown_authority', 'WEIR_KAFKA_TLS', \%tls, {});
is_refused('unknown_authority', 'HV00N: could not make a TLS connection to server "X"', 'verif',
	'Give the certificate authority that signed the broker\'s certificate in option ssl_ca_pem of the user mapping; a broker that asks for a client certificate needs ssl_certificate_pem and ssl_key_pem too.',
	'an authority that is not known');
make('no_certificate', 'WEIR_KAFKA_MTLS', \%tls, { ssl_ca_pem => pem('CA') });
is_refused('no_certificate', 'HV00N: could not make a TLS connection to server "X"', '.',
	'Give the certificate authority that signed the broker\'s certificate in option ssl_ca_pem of the user mapping; a broker that asks for a client certificate needs ssl_certificate_pem and ssl_key_pem too.',
	'a port that wants a certificate');
make('plain_to_tls', 'WEIR_KAFKA_TLS', {}, {});
is_refused('plain_to_tls', 'HV00N: could not connect to server "X"', '.',
	"The port seems to speak TLS: set security_protocol to 'ssl' or 'sasl_ssl', or use the broker's plain port.", 'plain text to a TLS port');
# Only after the first request has it hung up, as a broker does that restarts: waiting may mend that.
make('plain_to_sasl', 'WEIR_KAFKA_SASL', { timeout => '2s' }, {});
is_told($_, 'HV00N: timed out after 2 s waiting for server "plain_to_sasl"', 'might require SASL authentication',
	"The port seems to want a log-in: set security_protocol to 'sasl_plaintext' or 'sasl_ssl', set sasl_mechanism, and give user and password in the user mapping.",
	'no log-in to a port that wants one')
  for ('SELECT * FROM plain_to_sasl', 'INSERT INTO plain_to_sasl VALUES (1)');
make('sasl_to_plain', 'WEIR_KAFKA', \%sasl, \%plain);
is_refused('sasl_to_plain', '28P01: could not log in to server "X"', '.', $login, 'a log-in to a port that wants none');
my $advertised = "A broker answers at bootstrap_servers, but advertises an address that does not work from the database server: check advertised.listeners in the broker's configuration.";
make('badly_advertised', 'WEIR_KAFKA_BAD', { timeout => '3s' }, {});
is_told('SELECT * FROM badly_advertised', 'HV00N: could not connect to a broker of server "badly_advertised"', 'broker\.invalid', $advertised,
	'a broker that advertises a name that does not resolve');
is_told('INSERT INTO badly_advertised VALUES (1)', 'HV00N: timed out after 3 s waiting for server "badly_advertised"', 'broker\.invalid', $advertised,
	'a broker that advertises a name that does not resolve');
make('no_such_host', 'nowhere.invalid:9092', {}, {});
is_refused('no_such_host', 'HV00N: could not connect to server "X"', 'nowhere\.invalid',
	'Check the host names in option bootstrap_servers: they must resolve on the database server.', 'a name that does not resolve');

# --- secrets ----------------------------------------------------------------------------------------

my $log = slurp_file($node->logfile);
like($log, qr/DEBUG:  librdkafka: /, 'librdkafka\'s messages are in the server log at debug1');
my @secrets = ('alice-secret', 'bob-secret', 'tellnobody', pem('KEY') =~ /\n([^\n]{20,})\n/);
for my $place ([ 'the log', $log ], [ 'an error', $spoken ])
{
	my ($name, $text) = @$place;
	is(join(' ', grep { index($text, $_) >= 0 } @secrets), '', "$name has no secret in it");
}
$node->query('CREATE ROLE stranger; GRANT USAGE ON FOREIGN SERVER with_password TO stranger');
is($node->query(q{SET ROLE stranger; SELECT DISTINCT umoptions IS NULL FROM pg_user_mappings WHERE srvname <> 'usual'}), 't', 'nor have the views of others');
unlike($log, qr/^%\d\|/m, 'nothing on standard error');
done_testing();
