# SPDX-License-Identifier: PostgreSQL
#
# weir-producer as a program: where settings come from, what it says, brokers that go away, signals.
use strict;
use warnings FATAL => 'all';
use Encode ();
use File::Basename qw(dirname);
use IPC::Run ();
use JSON::PP ();
use Test::More;
use Weir;
use Weir::Producer;

my $broker = Weir->broker(topics => { a => 1, b => 1, down => 1, held => 1 });
my $directory = PostgreSQL::Test::Utils::tempdir();
my @synth = ('synth', '--count', 10, '-b', $broker->bootstrap);

sub high { return (split ' ', $broker->topic('', 'offsets', $_[0]))[2] }

# Help

like(producer_ok(['--help']), qr/^weir-producer feeds Kafka topics\.\n/, 'help');
like(producer_ok(['--version']), qr/^weir-producer \d+\.\d+\.\d+\n$/, 'version');
for my $command (producer_ok(['--help']) =~ /^  weir-producer (\w+)/mg)
{
	my $help = producer_ok([ $command, '--help' ]);
	cmp_ok($help =~ tr/\n//, '<=', 24, "help of $command fits a screen");
	is(join('', grep { length(Encode::decode('UTF-8', $_)) > 80 } split /^/, $help), '', 'also in width');
}

my %has = map { $_ => 1 } map { producer_ok([ $_, '--help' ]) =~ /--([a-z-]+)/g } producer_ok(['--help']) =~ /^  weir-producer (\w+)/mg;
$has{$_} = 1 for producer_ok(['--help']) =~ /--([a-z-]+)/g;
my $manual = PostgreSQL::Test::Utils::slurp_file(dirname(__FILE__) . '/../producer/weir-producer.1') =~ s/\\-/-/gr;
is(join(' ', grep { !$has{$_} } $manual =~ /--([a-z-]+)/g), '', 'the manual names options that there are');

# Mistakes

sub mistake { my ($arguments) = @_; my (undef, $error, $code) = producer_run($arguments); return "$code: " . $error =~ s/\n.*//sr }
is(mistake([]), '2: weir-producer: no command', 'no command');
is(mistake(['feed']), '2: weir-producer: no such command: "feed"', 'no such command');
is(mistake([ 'synth', '--speed', '1x' ]), '2: weir-producer: weir-producer synth has no option --speed', "another command's option");
is(mistake([ 'synth', '--count' ]), '2: weir-producer: --count wants a value', 'no value');
is(mistake([ 'synth', '--count', '1e3' ]), '2: weir-producer: --count is a number from 1 to 2305843009213693951, not "1e3"', 'no number');
is(mistake([ 'synth', '--disorder', '5' ]), '2: weir-producer: --disorder is a number with one of the units us ms s min h d, not "5"', 'no unit');
is(mistake([ 'synth', '--late', '1' ]), '2: weir-producer: --late is a percentage like 0.1%, not "1"', 'no percentage');
is(mistake([ 'synth', '--log', 'xml' ]), '2: weir-producer: --log is one of text|json, not "xml"', 'no choice');
is(mistake([ 'synth', '-X', 'linger.ms' ]), '2: weir-producer: property is NAME=VALUE, not "linger.ms"', 'no property');
is(mistake([ @synth, '-X', 'no.such=1' ]), '2: weir-producer: No such configuration property: "no.such"', 'no such property');
is(mistake([ 'synth', 'word' ]), '2: weir-producer: too many words: "word"', 'a word too many');
is(mistake(['synth']), '2: weir-producer: no broker: give --brokers, set WEIR_BROKERS, or use --dry-run', 'no broker');
is(mistake([ 'replay', '-' ]), '2: weir-producer: weir-producer replay wants --topic', 'no topic');

# Where settings come from

{
	local $ENV{WEIR_BROKERS} = $broker->bootstrap;
	local $ENV{WEIR_TOPIC} = 'a';
	local $ENV{WEIR_COUNT} = 7;
	producer_ok(['synth']);
	is(high('a'), 7, 'from the environment');
	producer_ok([ 'synth', '-t', 'b' ]);
	is(high('b'), 7, 'the command line wins');
	local $ENV{WEIR_DRY_RUN} = 'yes';
	is(mistake(['synth']), '2: weir-producer: --dry-run is 1 or 0 in the environment, not "yes"', 'a flag of the environment');
}
my $file = "$directory/kafka.properties";
PostgreSQL::Test::Utils::append_to_file($file, "# where\n\n bootstrap.servers = @{[ $broker->bootstrap ]}\nlinger.ms=0\nno.such=1\n");
is(mistake([ 'synth', '-F', $file ]), '2: weir-producer: No such configuration property: "no.such"', 'a property of a file');
PostgreSQL::Test::Utils::append_to_file("$file.good", "bootstrap.servers=@{[ $broker->bootstrap ]}\n");
producer_ok([ 'synth', '--count', 3, '-t', 'a', '-F', "$file.good", '-X', 'client.id=x' ]);
is(high('a'), 10, 'properties of a file name the broker');

# What it says

my (undef, $log) = producer_run([ @synth, '-t', 'a', '--log', 'json' ]);
my $line = JSON::PP::decode_json($log);
like($line->{message}, qr/^produced 10, delivered 10, failed 0; \d+\.\d s$/, 'a line of JSON');
is($line->{level}, 'info', 'with its level');
(undef, $log) = producer_run([ 'synth', '--dry-run', '--count', 40, '--rate', 100, '--report-interval', '100ms' ]);
cmp_ok(() = $log =~ /^weir-producer: msgs \d+  late 0  \d+\/s$/mg, '>=', 2, 'a status line from time to time');

SKIP:
{
	skip 'no script(1)', 1 unless grep { -x "$_/script" } split /:/, $ENV{PATH};
	my $terminal = '';
	IPC::Run::run([ 'script', '-qec', 'weir-producer synth --dry-run --count 50 --rate 100 >/dev/null', '/dev/null' ], '<', \undef, '>', \$terminal, IPC::Run::timeout(60));
	like($terminal, qr/\r\e\[Kmsgs \d+  late 0  \d+\/s\r\e\[K.*\r\e\[Kweir-producer: produced 50,/s, 'on a terminal one line that refreshes');
}

# Brokers that are not there

like(mistake([ 'synth', '--count', 1, '-b', '127.0.0.1:1', '--wait', '300ms' ]), qr/^3: weir-producer: error: no broker answered within /, 'it does not wait longer than it may');
is((producer_run([ @synth, '-t', 'none' ]))[2], 3, 'a topic that is not there');
$broker->command('down all');
my $waiting = producer_start('synth', '--count', 5, '-t', 'down', '-b', $broker->bootstrap, '-X', 'reconnect.backoff.max.ms=100');
wait_until(sub { $waiting->{run}->pump_nb; $waiting->{stderr} =~ /waiting for a broker/ }, 'it says that it waits');
$broker->command('up all');
is(producer_end($waiting), 0, 'a broker that comes later is found');
is(high('down'), 5, 'and has the messages');

# A broker that goes away: the queue fills, the source slows, nothing is lost

my $running = producer_start('synth', '--rate', 500, '-t', 'held', '-b', $broker->bootstrap,
	'-X', 'queue.buffering.max.messages=100', '-X', 'reconnect.backoff.max.ms=100');
wait_until(sub { high('held') > 0 }, 'it runs');
$broker->command('down all');
wait_until(sub { $running->{run}->pump_nb; $running->{stderr} =~ /broker: up -> down/ }, 'it notices');
$broker->command('up all');
wait_until(sub { $running->{run}->pump_nb; $running->{stderr} =~ /broker: down -> up/ }, 'it recovers');
is(producer_end($running, 'TERM'), 0, 'all are delivered');
like($running->{stderr}, qr/produced (\d+), delivered \1, failed 0/, 'when the broker is back');
# the embedded broker does not know a message that comes again
cmp_ok(high('held'), '>=', $running->{stderr} =~ /produced (\d+)/ ? $1 : 1, 'and are in the topic');

# Signals

my $endless = producer_start('synth', '--rate', 100, '-t', 'a', '-b', $broker->bootstrap);
my $before = high('a');
wait_until(sub { high('a') > $before }, 'it runs');
is(producer_end($endless, 'INT'), 0, 'SIGINT ends it');
like($endless->{stderr}, qr/produced (\d+), delivered \1, failed 0/, 'with all delivered');

my $stuck = producer_start('synth', '--rate', 1000, '-t', 'b', '-b', $broker->bootstrap, '-X', 'queue.buffering.max.messages=100', '--report-interval', '20ms');
$before = high('b');
wait_until(sub { high('b') > $before }, 'it runs');
$broker->command('down all');
wait_until(sub { $stuck->{run}->pump_nb; $stuck->{stderr} =~ /up -> down.*\n(?:.*msgs.*\n){5}/ }, 'it notices, and goes on');
is(producer_end($stuck, 'TERM'), 1, 'what is not delivered is told by the exit code');
my ($produced, $delivered, $failed) = $stuck->{stderr} =~ /produced (\d+), delivered (\d+), failed (\d+)/;
is($produced, $delivered + $failed, 'and counted to the last');
cmp_ok($failed, '>', 0, 'some failed');

$broker->command('up all');
my $impatient = producer_start('synth', '--rate', 1000, '-t', 'b', '-b', $broker->bootstrap, '-X', 'queue.buffering.max.messages=100', '--report-interval', '20ms');
$before = high('b');
wait_until(sub { high('b') > $before }, 'it runs');
$broker->command('down all');
wait_until(sub { $impatient->{run}->pump_nb; $impatient->{stderr} =~ /up -> down.*\n(?:.*msgs.*\n){5}/ }, 'it notices, and goes on');
$impatient->{run}->signal('TERM');
wait_until(sub { $impatient->{run}->pump_nb; $impatient->{stderr} =~ /finishing; a second signal ends it at once/ }, 'the first signal');
is(producer_end($impatient, 'TERM'), 128 + 15, 'a second signal ends it at once');
like($impatient->{stderr}, qr/ended by a second signal; messages not delivered: [1-9]\d*\n/, 'and tells what is not delivered');

done_testing();
