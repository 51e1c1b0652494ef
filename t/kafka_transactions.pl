# SPDX-License-Identifier: PostgreSQL
#
# Transactions of Kafka: a scan gives what is committed, up to the last stable offset, and ends there
# whatever lies before it: markers, aborted messages, a transaction that is open.
use strict;
use warnings FATAL => 'all';
use IPC::Run ();
use Test::More;
use Weir;
use Weir::Session;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka;
my $node = Weir->cluster;
$node->add_server($kafka, options => { timeout => '20s' });

# A topic and a foreign table of a name, and producers for it.
my ($writer, $input, $output);
sub topic
{
	my ($name, $partitions) = @_;
	$writer->finish if $writer;
	$kafka->create_topic("txn_$name", $partitions // 1);
	$node->query("CREATE FOREIGN TABLE $name (n int, p int OPTIONS (meta 'partition'), o bigint OPTIONS (meta 'offset'))
		SERVER kafka OPTIONS (topic 'txn_$name')");
	($input, $output) = ('', '');
	$writer = IPC::Run::start([ 'weir-topic', '-b', $kafka->bootstrap, 'transaction', "txn_$name" ],
		'<', \$input, '>', \$output, IPC::Run::timeout(120));
	return;
}

# "2" sends {"n":2} to partition 0, "1:2" to partition 1; anything else is a command of weir-topic.
sub transactions
{
	my @lines = map { /^(?:(\d+):)?(\d+)$/ ? "produce @{[ $1 // 0 ]} {\"n\":$2}" : $_ } map { split / *, */ } @_;
	$output = '';
	$input .= join '', map { "$_\n" } @lines;
	$writer->pump until $output =~ tr/\n// == @lines;
	is($output, "ok\n" x @lines, substr join(', ', @_), 0, 80);
	return;
}

sub holds
{
	my ($table, $expected, $claim) = @_;
	is($node->query("SELECT string_agg(n::text, ' ' ORDER BY p, o) FROM $table"), $expected, $claim);
	return;
}

topic('aborted');
transactions('begin, 1, 2, abort', 'begin, 3, 4, commit', 'begin, 5, abort', 'begin, 6, commit', 'begin, 7, 8, abort');
holds('aborted', '3 4 6', 'aborted messages do not come');
is($kafka->topic('', 'offsets', 'txn_aborted'), "0 0 13 13\n", 'though they take offsets, and so do markers');
is($node->query('SELECT o FROM aborted ORDER BY o'), "3\n4\n8", 'the offsets that are left are Kafka\'s own');
is($node->query('SELECT n FROM aborted WHERE o >= 4 AND o < 13 ORDER BY o'), "4\n6", 'a range may begin and end in a gap');
is($node->query('SELECT count(*) FROM aborted WHERE o BETWEEN 9 AND 11'), 0, 'or hold nothing but aborted messages');
is($node->query('SELECT count(*) FROM aborted WHERE o = 12'), 0, 'or a marker');

topic('markers', 3);
transactions('begin, 1:1, abort', 'begin, 1:2, abort');
holds('markers', '', 'a partition of aborted messages and markers only is empty');
transactions('begin, 2:9, commit');
holds('markers', '9', 'beside one that is not');

topic('open');
transactions('begin, 1, commit', 'use other, begin, 2, 3, open', 'use txn_open, begin, 4, commit', 'begin, 5, abort');
holds('open', '1', 'a scan ends where a transaction is open, though others are committed behind it');
is($node->query('SELECT count(*) FROM open WHERE o >= 2'), 0, 'what lies behind is not there yet');
transactions('use other, commit');
holds('open', '1 2 3 4', 'until it is committed');
transactions('use third, begin, 6, open');
holds('open', '1 2 3 4', 'an open transaction at the end is left out');
transactions('use third, abort');
holds('open', '1 2 3 4', 'and when it is aborted it ends in a marker');
transactions('begin, 7, open');
holds('open', '1 2 3 4', 'a topic whose last is open again ends before');
transactions('commit');
holds('open', '1 2 3 4 7', 'and goes on with it');

topic('first');
transactions('begin, 1, open');
holds('first', '', 'a topic that begins with an open transaction is empty');
transactions('commit');
holds('first', '1', 'until it is committed');

# Many small transactions, every third aborted, over two partitions
topic('many', 2);
transactions(map { 'begin, ' . join(', ', map { ($_ % 2) . ":$_" } $_ * 5 .. $_ * 5 + 4) . ($_ % 3 ? ', commit' : ', abort') } 1 .. 40);
is($node->query('SELECT count(*), sum(n) FROM many'),
	$node->query('SELECT count(*), sum(n) FROM generate_series(5, 204) AS n WHERE (n / 5) % 3 <> 0'), 'of many transactions the committed ones come');

# A scan that is under way does not see what is committed meanwhile: its end is that of its start
topic('later');
transactions('begin, ' . join(', ', 1 .. 50) . ', commit', 'begin, 51, open');
my $session = Weir::Session->new($node);
$session->query('BEGIN; DECLARE c CURSOR FOR SELECT n FROM later; FETCH c');
transactions('commit', 'begin, 52, commit');
is($session->query('FETCH ALL IN c'), join("\n", 2 .. 50), 'what is committed under a scan is left to the next');
holds('later', join(' ', 1 .. 52), 'which has it');

$session->close; # it was started after the writer, and has its pipes
$writer->finish;
done_testing();
