# SPDX-License-Identifier: PostgreSQL
#
# Tables that are inferred from a sample read the sample back, whatever is in it: random messages,
# the same in each run unless SEED says otherwise.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;

my $TOPICS = 25;
my $seed = $ENV{SEED} || 7;
srand $seed;

sub pick { return $_[ rand @_ ] }

# JSON text of a scalar: among them what looks like something else.
sub scalar_value
{
	return pick(
		sub { int(rand 2000) - 1000 },
		sub { int(rand 2**31) . int(rand 1e9) },
		sub { sprintf '%.*f', int(rand 20), rand() * 10**int(rand 12) },
		sub { pick(qw(1e3 -1.5E-7 1e400 -0 0 0.0 99999999999999999999999999)) },
		sub { pick(qw(true false null)) },
		sub { 1763632800 + int(rand 100) . pick('', '000', '000000', '000000000', '.5') },
		sub { '"' . pick('', 'a', '17', '007', '1.50', '-3', '+4', '1e5', 'NaN', 'Infinity', 'true', ' 12 ', '\u0000', 'x\u0000y', '\u00e9', '日本', '\"', '\\\\u0000') . '"' },
		sub { '"' . pick('2026-11-20', '2026-11-20T10:00:00Z', '2026-11-20 10:00', '2026-02-30', '10:00', 'infinity', '1763632800') . '"' },
		sub { '"' . pick('7c9e6679-7425-40de-944b-e07fc1f90ae7', '7c9e6679742540de944be07fc1f90ae7', '{7c9e6679-7425-40de-944b-e07fc1f90ae7}') . '"' },
	)->();
}

sub value
{
	my ($depth) = @_;
	my $kind = rand;
	return scalar_value() if $kind < 0.75 || $depth > 4;
	return '[' . join(',', map { value($depth + 1) } 1 .. rand 4) . ']' if $kind < 0.85;
	return object($depth + 1);
}

my @names = ('a', 'b', 'ts', 'createdAt', 'created_at', 'event time', 'user', 'User', 'select', 'x.y', '', '$', 'größe', '\"q\"', 'T', 'n\u0000l');

sub object
{
	my ($depth) = @_;
	return '{' . join(', ', map { '"' . pick(@names) . '": ' . value($depth) } 1 .. rand 6) . '}';
}

# Messages of one topic are alike: each member has a few ways to be written.
sub messages
{
	my %ways;
	for my $name (@names)
	{
		$ways{$name} = [ map { value(0) } 1 .. 1 + rand 3 ];
	}
	return [ map {
		my @members = grep { rand() < 0.7 } @names;
		'{' . join(', ', map { "\"$_\": " . pick(@{ $ways{$_} }) } @members) . '}';
	} 1 .. 30 ];
}

my $broker = Weir->broker;
my $node = Weir->cluster;
$node->add_server($broker);
for my $i (1 .. $TOPICS)
{
	$broker->create_topic("random-$i", 2);
	$broker->produce("random-$i", messages(), '-p', int(rand 2));
}

for my $options ("nested 'columns'", "nested 'jsonb', meta_columns 'partition,offset,key,payload'")
{
	$node->query("DROP SCHEMA IF EXISTS imported CASCADE; CREATE SCHEMA imported;
		IMPORT FOREIGN SCHEMA kafka FROM SERVER kafka INTO imported OPTIONS ($options)");
	is($node->query("SELECT count(*) FROM pg_class WHERE relnamespace = 'imported'::regnamespace AND relkind = 'f'"),
		$TOPICS, "$options: a table for each topic");
	for my $i (1 .. $TOPICS)
	{
		my $rows = eval { $node->query("SELECT count(*) FROM (SELECT t::text FROM imported.random_$i AS t) AS q") };
		is($rows, '30', "$options: topic $i of seed $seed is read back")
		  or diag($@, $node->query("SELECT weir.infer('kafka', 'random-$i')"));
	}
}

done_testing();
