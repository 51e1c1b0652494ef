# SPDX-License-Identifier: PostgreSQL
#
# The embedded broker does what it is told: seen through weir-topic.
use strict;
use warnings FATAL => 'all';
use POSIX ();
use Test::More;
use Time::HiRes ();
use Weir;

my $broker = Weir->broker(brokers => 2, topics => { events => 2 });

# What weir-topic says when it fails; '' when it does not. Where no answer comes, say by -t how long to wait.
sub failure
{
	my (@arguments) = @_;
	my $input = grep({ $_ eq 'produce' } @arguments) ? "message\n" : '';
	eval { $broker->topic($input, @arguments); 1 } and return '';
	return $@;
}

sub exit_status
{
	my (@command) = @_;
	my $status = system('weir-broker', '--', @command);
	return $status & 127 ? 'signal ' . ($status & 127) : $status >> 8;
}

# Topics
is($broker->topic('', 'offsets', 'events'), "0 0 0 0\n1 0 0 0\n", 'a topic of the command line is there');
is($broker->command('topic more 3 2'), '', 'a topic is created');
is($broker->topic('', 'offsets', 'more'), "0 0 0 0\n1 0 0 0\n2 0 0 0\n", 'with its partitions');
like(eval { $broker->command('topic more 3') } // $@, qr/already exists/, 'once');
like(failure('offsets', 'unknown'), qr/topic "unknown": .*Unknown topic/, 'a topic that is not there is an error');
like(failure('create', 'other', 1), qr/weir-broker creates topics/, 'it has no admin protocol, and that is said');

# Commands that are wrong
for my $case (
	[ 'sideways 1', 'unknown command "sideways", try help' ],
	[ 'down 3', 'no broker "3": brokers are 1 to 2, or all' ],
	[ 'down', 'usage: down BROKER|all' ],
	[ 'topic a/b 1', '"a/b" is not a topic name' ],
	[ 'topic t 0', 'partitions are 1 to 10000, not "0"' ],
	[ 'error Fetch x NO_ERROR', 'a count is 0 to 1000000, not "x"' ],
	[ 'leader events 9 1', 'Broker: Unknown topic or partition' ])
{
	my ($line, $why) = @$case;
	eval { $broker->command($line) };
	like($@, qr/\Qerror: $why\E/, "refused: $line");
}

# Brokers down and up, leaders
$broker->command("leader events $_ 1") for 0, 1;
$broker->produce('events', ['one'], '-p', 0);
$broker->command('down 1');
like(failure('-t', 2, 'offsets', 'events'), qr/no answer from the leader|Timed out|transport failure/, 'a partition whose leader is down is not reached');
$broker->command("leader events $_ 2") for 0, 1;
is($broker->topic('', 'consume', 'events'), "one\n", 'after the leader moved it is, and it lost nothing');
$broker->command('up 1');
$broker->command('leader events 0 1');
$broker->produce('events', ['two'], '-p', 0);
is($broker->topic('', 'consume', 'events'), "one\ntwo\n", 'a broker that came back serves');
$broker->command('down all');
isnt(failure('-t', 2, 'offsets', 'events'), '', 'all brokers go down');
$broker->command('up all');
is($broker->topic('', 'offsets', 'events'), "0 0 2 2\n1 0 0 0\n", 'and come back');

# Errors
$broker->command('error Produce 2 NOT_LEADER_FOR_PARTITION');
$broker->produce('events', ['three'], '-p', 0);
is($broker->topic('', 'consume', 'events'), "one\ntwo\nthree\n", 'an error that passes is met by another try');
$broker->command('error Produce 1 TOPIC_AUTHORIZATION_FAILED');
like(failure('produce', 'events', '-p', 0), qr/1 messages were not delivered .*authorization/,
	'an error that stays is reported');
$broker->command('error Metadata 5 _TRANSPORT');
$broker->command('clear Metadata');
is($broker->topic('', '-t', 5, 'offsets', 'more'), "0 0 0 0\n1 0 0 0\n2 0 0 0\n", 'errors not yet given are forgotten');
$broker->command('topic-error more UNKNOWN_TOPIC_OR_PART');
like(failure('offsets', 'more'), qr/Unknown topic/, 'a topic can be made unknown');
$broker->command('topic-error more NO_ERROR');
is(failure('offsets', 'more'), '', 'and known again');

# Delays
$broker->command('rtt all 300');
my $started = Time::HiRes::time();
$broker->topic('', 'offsets', 'more');
cmp_ok(Time::HiRes::time() - $started, '>=', 0.6, 'each answer is delayed');
$broker->command('rtt all 0');

# As a launcher
is(exit_status('sh', '-c', 'test -n "$WEIR_BOOTSTRAP" && exit 7'), 7, "the command's status is passed on");
is(exit_status('sh', '-c', 'kill -9 $$'), 137, 'and the signal that ended it');
is(exit_status('true'), 0, 'and success');
is(exit_status('weir-topic', 'offsets', 'nosuch'), 1, 'the command finds the broker');

sub launched
{
	my ($mark, $pid) = (PostgreSQL::Test::Utils::tempdir() . '/mark', fork // die);
	if (!$pid)
	{
		exec 'weir-broker', '--', 'sh', '-c',
		  "trap 'echo ended >>$mark; exit 5' TERM; echo \$\$ >$mark; while :; do sleep 0.1; done";
	}
	my $child = wait_until(sub { -s $mark && PostgreSQL::Test::Utils::slurp_file($mark) }, 'the command');
	return ($pid, $child =~ s/\s+//r, $mark);
}

my ($pid, $child, $mark) = launched();
kill 'TERM', $pid;
waitpid $pid, 0;
is($? >> 8, 5, 'a signal reaches the command, which decides');

($pid, $child, $mark) = launched();
kill 'KILL', $pid;
waitpid $pid, 0;
is(wait_until(sub { PostgreSQL::Test::Utils::slurp_file($mark) =~ /(ended)/ && $1 }, 'the end of the command'),
	'ended', 'nothing is left when the broker is killed');

done_testing();
