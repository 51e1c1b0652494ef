# SPDX-License-Identifier: PostgreSQL
#
# Topics of Apache Kafka as tables: what is listed, sampled and looked at where commit markers and aborted
# messages lie at the end, and what is said of a topic that is not there.
use strict;
use warnings FATAL => 'all';
use IPC::Run ();
use Test::More;
use Weir;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka(topics => { tables_committed => 2, tables_aborted => 1, tables_empty => 3 });
my $node = Weir->cluster;
$node->add_server($kafka, options => { timeout => '20s' });

# Lines for weir-topic's transactions, each of which it confirms.
sub transactions
{
	my ($topic, @lines) = @_;
	my ($input, $output) = ('', '');
	my $writer = IPC::Run::start([ 'weir-topic', '-b', $kafka->bootstrap, 'transaction', $topic ],
		'<', \$input, '>', \$output, IPC::Run::timeout(120));
	while (my @some = splice @lines, 0, 50)
	{
		$output = '';
		$input .= join '', map { "$_\n" } @some;
		$writer->pump until $output =~ tr/\n// == @some;
		die $output if $output ne "ok\n" x @some;
	}
	$writer->finish;
	return;
}

transactions('tables_committed', 'begin', 'produce 0 {"n":1}', 'produce 0 {"n":2}', 'produce 1 {"n":3}', 'commit');
transactions('tables_aborted', 'begin', (map { "produce 0 {\"n\":$_}" } 1 .. 3), 'commit',
	map { ('begin', (map { "produce 0 {\"n\":0}" } 1 .. 8), 'abort') } 1 .. 20);

is($node->query(q{SELECT topic, partitions, messages, low, high, newest > now() - interval '10 minutes'
	FROM weir.topics('kafka') WHERE topic LIKE 'tables_%'}),
	"tables_aborted|1|184|{0}|{184}|t\ntables_committed|2|5|{0,0}|{3,2}|t\ntables_empty|3|0|{0,0,0}|{0,0,0}|",
	'topics are listed, and the newest message is one that was committed');

$node->query(q{IMPORT FOREIGN SCHEMA kafka LIMIT TO (tables_committed, tables_aborted) FROM SERVER kafka INTO public
	OPTIONS (meta_columns 'partition, offset', sample '3')});
is($node->query('SELECT n FROM weir.recent(NULL::tables_aborted, 2)'), "2\n3",
	'the newest messages lie before a hundred that were aborted');
is($node->query('SELECT count(*) FROM weir.recent(NULL::tables_aborted, 10)'), '3', 'there may be fewer');
is($node->query(q{SELECT string_agg(n::text, ' ' ORDER BY n) FROM weir.recent(NULL::tables_committed, 10)}), '1 2 3',
	'markers are no messages');
is($node->query(q{SELECT string_agg(n::text, ' ' ORDER BY n) FROM weir.tail(NULL::tables_aborted, '20 seconds', '{2}')}), '3',
	'tail() reads from an offset');
is($node->query(q{SELECT count(*) FROM weir.tail(NULL::tables_aborted, '300 ms', '{3}')}), '0', 'and waits at markers');

like($node->error(q{SELECT weir.infer('kafka', 'tables_nowhere')}),
	qr/^HV00R: topic "tables_nowhere" does not exist on server "kafka"/, 'a topic that is not there is not inferred');
is($node->query(q{SELECT count(*) FROM weir.topics('kafka') WHERE topic = 'tables_nowhere'}), '0', 'nor is it made by asking');
like($node->error(q{SELECT weir.infer('kafka', 'tables_empty')}), qr/It has no messages to look at/, 'nor one without messages');

done_testing();
