# SPDX-License-Identifier: PostgreSQL
#
# Databases of different encodings meet in one topic: messages are UTF-8.
use strict;
use warnings FATAL => 'all';
use utf8;
use Encode qw(encode);
use Test::More;
use Weir;

my $broker = Weir->broker(topics => { texts => 1 });
my $node = Weir->cluster;

# name => encoding, as PostgreSQL and as Perl call it
my %encodings = (latin => [ 'LATIN1', 'iso-8859-1' ], japanese => [ 'EUC_JP', 'euc-jp' ], ascii => [ 'SQL_ASCII', 'utf-8' ], unicode => [ 'UTF8', 'utf-8' ]);
for my $name (sort keys %encodings)
{
	$node->query("CREATE DATABASE $name TEMPLATE template0 ENCODING '$encodings{$name}[0]' LOCALE 'C'");
	$node->query('CREATE EXTENSION pg_weir', database => $name);
	$node->add_server($broker, database => $name);
	$node->query(q{CREATE FOREIGN TABLE texts (t text, o bigint OPTIONS (meta 'offset'), k text OPTIONS (meta 'key')) SERVER kafka OPTIONS (topic 'texts')}, database => $name);
}

# As the client speaks the database's own encoding, what is compared are its bytes.
sub in_bytes
{
	my ($name, $text) = @_;
	return encode($encodings{$name}[1], $text);
}

my %text = (plain => 'abc', french => 'déjà', japanese => '日本語', neither => '日€');
my %holds = (latin => [ 'plain', 'french' ], japanese => [ 'plain', 'french', 'japanese' ], ascii => [ sort keys %text ], unicode => [ sort keys %text ]);
my $offset = 0;
for my $writer (sort keys %holds)
{
	for my $text (@{ $holds{$writer} })
	{
		my $bytes = in_bytes($writer, $text{$text});
		$node->query("INSERT INTO texts (t, k) VALUES ('$bytes', '$bytes')", database => $writer);
		for my $reader (sort keys %holds)
		{
			my $sql = "SELECT t, k FROM texts WHERE o = $offset";
			if (grep { $_ eq $text } @{ $holds{$reader} })
			{
				my $expected = in_bytes($reader, $text{$text});
				is($node->query($sql, database => $reader), "$expected|$expected", "$text, written in $writer, is read in $reader");
			}
			else
			{
				like($node->error($sql, database => $reader),
					qr/\AHV000: cannot read column "t" of foreign table "texts": .*\nDETAIL:  Topic "texts", partition 0, offset $offset[,.]/,
					"$text, written in $writer, is refused by name in $reader");
			}
		}
		$offset++;
	}
}
like($node->error("INSERT INTO texts (t) VALUES (E'\\xff')", database => 'ascii'), qr/\A22021: /, 'bytes that are no UTF-8 are not sent');
is($node->query('SELECT count(*) FROM texts'  , database => 'unicode'), $offset, 'and nothing was');
done_testing();
