# SPDX-License-Identifier: PostgreSQL
#
# What Kafka keeps beside a message, and what it keeps of a topic: timestamps, keys, headers,
# tombstones; compacted, deleted and growing topics.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Session;

plan skip_all => 'no Apache Kafka' unless $ENV{WEIR_TEST_KAFKA};
my $kafka = Weir->kafka;
my $node = Weir->cluster;
$node->add_server($kafka, options => { timeout => '20s', queued_min_messages => 1, fetch_message_max_bytes => 10000 });

sub topic
{
	my ($name, $partitions, @configuration) = @_;
	$kafka->create_topic("msg_$name", $partitions, @configuration);
	$node->query("CREATE FOREIGN TABLE $name (n int, p int OPTIONS (meta 'partition'), o bigint OPTIONS (meta 'offset'),
			t text OPTIONS (meta 'topic'), k text OPTIONS (meta 'key'), at timestamptz OPTIONS (meta 'timestamp'),
			type text OPTIONS (meta 'timestamp_type'), h jsonb OPTIONS (meta 'headers'), payload text OPTIONS (meta 'payload'))
		SERVER kafka OPTIONS (topic 'msg_$name')");
	return;
}

# --- one message ------------------------------------------------------------------------------------

topic('meta', 1);
$kafka->produce('msg_meta', ['{"n": 1}'], '-k', 'kéy', '-T', 1700000000123, '-H', 'trace=17', '-H', 'trace=18', '-H', 'none', '-H', 'empty=');
$kafka->produce('msg_meta', ['{"n": 2}'], '-T', 1);
$kafka->topic('', 'produce', 'msg_meta', '-k', 'gone', '--null', '-T', 1700000000124);
$kafka->produce('msg_meta', [''], '-k', '', '-T', 1700000000125);
is($node->query('SELECT n, p, o, t, k, at, type, h, payload FROM meta WHERE o = 0'),
	'1|0|0|msg_meta|kéy|2023-11-14 22:13:20.123+00|create|'
	  . '[{"name": "trace", "value": "17"}, {"name": "trace", "value": "18"}, {"name": "none", "value": null}, {"name": "empty", "value": ""}]|{"n": 1}',
	'key, time, headers and payload of a message');
is($node->query('SELECT n, k IS NULL, h IS NULL, at FROM meta WHERE o = 1'), '2|t|t|1970-01-01 00:00:00.001+00', 'no key is NULL, nor are headers');
is($node->query('SELECT n IS NULL, k, payload IS NULL FROM meta WHERE o = 2'), 't|gone|t', 'a tombstone is a row of NULLs with its key');
like($node->error('SELECT n FROM meta WHERE o = 3'), qr/\AHV000: cannot decode message of foreign table "meta": /, 'an empty payload is none, and no JSON');
is($node->query(q{ALTER FOREIGN TABLE meta OPTIONS (ADD on_error 'skip'); SELECT count(*) FROM meta}), 3, 'which can be skipped');
topic('appended', 1, 'message.timestamp.type=LogAppendTime');
$kafka->produce('msg_appended', ['{"n": 1}'], '-T', 1700000000123);
is($node->query(q{SELECT type, at BETWEEN now() - interval '1 hour' AND now() + interval '1 minute' FROM appended}), 'append|t',
	'a topic with LogAppendTime tells the time of the broker');
$node->query(q{INSERT INTO meta (n, k, at) VALUES (5, 'k5', '2026-03-04 05:06:07.891+00')});
is($kafka->topic('', 'consume', '--json', '-o', 4, 'msg_meta') =~ /"timestamp": ?1772600767891/ ? 1 : 0, 1, 'INSERT sets a time');
is($node->query('SELECT n, k, at FROM meta WHERE n = 5'), '5|k5|2026-03-04 05:06:07.891+00', 'which is read back');

# --- topics with gaps -------------------------------------------------------------------------------

topic('compacted', 1, qw(cleanup.policy=compact segment.ms=100 min.cleanable.dirty.ratio=0.001 delete.retention.ms=0));
$kafka->produce('msg_compacted', [ map { "k@{[ $_ % 10 ]}={\"n\":$_}" } 1 .. 200 ], '--key-sep', '=');
my $last = 200;
# The newest segment is never compacted: send until the old values are gone.
wait_until(
	sub {
		$last++;
		$kafka->produce('msg_compacted', [ "last={\"n\":$last}" ], '--key-sep', '=');
		$kafka->topic('', 'consume', 'msg_compacted') !~ /"n":(?:[1-9]|1[0-8]\d|\d\d)}/;
	},
	'compaction');
# Compaction goes on: compared is what another reader saw both before and after.
sub consumed { return join "\n", $kafka->topic('', 'consume', 'msg_compacted') =~ /"n":(\d+)/g }
my ($rows, $expected);
wait_until(sub { $expected = consumed(); $rows = $node->query('SELECT n FROM compacted ORDER BY o'); consumed() eq $expected }, 'compaction rests');
is($rows, $expected, 'a compacted topic gives what is left');
cmp_ok($node->query('SELECT count(*) FROM compacted'), '<', 200, 'which is less than was sent');
is($node->query('SELECT n FROM compacted WHERE o BETWEEN 5 AND 100'), '', 'a range that is compacted away is empty');
is($node->query("SELECT count(*) FROM compacted WHERE o < 198 AND n = 199"), 0, 'one that ends before a message ends there');

topic('headless', 2);
$kafka->produce('msg_headless', [ map { qq({"n":$_}) } 1 .. 100 ], '-p', $_) for 0, 1;
$kafka->topic('', 'delete-records', 'msg_headless', 0, 60);
is($node->query('SELECT p, count(*), min(n), max(n), min(o) FROM headless GROUP BY p ORDER BY p'), "0|40|61|100|60\n1|100|1|100|0",
	'a topic whose head is deleted begins behind it');
is($node->query('SELECT count(*) FROM headless WHERE p = 0 AND o < 60'), 0, 'a range before is empty');
is($node->query('SELECT count(*) FROM headless WHERE p = 0 AND o <= 60'), 1, 'or begins where the topic does');
is($node->query('SELECT DISTINCT ctid FROM headless WHERE p = 0 AND n = 61'), '(0,0)', 'from where ctid counts');
$kafka->topic('', 'delete-records', 'msg_headless', $_, 100) for 0, 1;
is($node->query('SELECT count(*) FROM headless'), 0, 'a topic of which all is deleted is empty');
$kafka->produce('msg_headless', ['{"n":101}'], '-p', 0);
is($node->query('SELECT n, o FROM headless'), '101|100', 'until something comes');

topic('empty', 3);
is($node->query('SELECT count(*) FROM empty'), 0, 'a new topic is empty');

# --- what changes under a scan ----------------------------------------------------------------------

my $MESSAGES = 20000;
topic('growing', 1);
$kafka->produce('msg_growing', [ map { qq({"n":$_}) } 1 .. $MESSAGES ], '-X', 'batch.num.messages=500');
my $session = Weir::Session->new($node);
$session->query('BEGIN; DECLARE c CURSOR FOR SELECT n FROM growing; FETCH c');
$kafka->produce('msg_growing', [ map { qq({"n":-$_}) } 1 .. 1000 ]);
is($session->query('FETCH ALL IN c'), join("\n", 2 .. $MESSAGES), 'a scan of a topic that grows ends where it was at its start');
is($session->query('COMMIT; SELECT count(*) FROM growing'), $MESSAGES + 1000, 'the next has the rest');

topic('shrinking', 1);
$kafka->produce('msg_shrinking', [ map { qq({"n":$_}) } 1 .. $MESSAGES ], '-X', 'batch.num.messages=500');
$session->query('BEGIN; DECLARE c CURSOR FOR SELECT n FROM shrinking; FETCH c');
$kafka->topic('', 'delete-records', 'msg_shrinking', 0, $MESSAGES - 1);
my $answer = $session->query('MOVE ALL IN c');
like($answer, qr/^ERROR:  HV000: messages of topic "msg_shrinking" of server "kafka" were deleted while they were read$/m,
	'messages that are deleted before a scan came to them are an error, not fewer rows');
like($answer, qr/^DETAIL:  While reading partition 0 of topic "msg_shrinking" at offset \d+, before its end at $MESSAGES: /m, 'with the position');
is($session->query('ROLLBACK; SELECT n FROM shrinking'), $MESSAGES, 'the next scan begins at what is left');

topic('gone', 1);
$node->query(q{ALTER FOREIGN TABLE gone OPTIONS (timeout '2s')});
$kafka->produce('msg_gone', [ map { qq({"n":$_}) } 1 .. $MESSAGES ], '-X', 'batch.num.messages=500');
$session->query('BEGIN; DECLARE c CURSOR FOR SELECT n FROM gone; FETCH c');
$kafka->topic('', 'delete', 'msg_gone');
$answer = $session->query(q{SET LOCAL statement_timeout = '60s'; MOVE ALL IN c});
like($answer, qr/^ERROR:  HV\w{3}: /m, 'so is a topic that is dropped under a scan');
note $answer;
$session->query('ROLLBACK');
like($node->error('SELECT * FROM gone'), qr/\AHV00R: topic "msg_gone" does not exist on server "kafka"$/m, 'and the next scan says that it is gone');

unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal|%\d\||rdkafka/,
	'no crash, and nothing on standard error');
done_testing();
