# SPDX-License-Identifier: PostgreSQL
#
# What a worker does with values may look into the catalogs, though no expression of the view can raise
# an error: collations, IN with constants, FILTER, conversions to the database's encoding.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;

my $broker = Weir->broker(topics => { events => 1, latin => 1 });
my $node = Weir->cluster(conf => "shared_preload_libraries = 'pg_weir'\n");
$node->add_server($broker);
$node->query(q{CREATE FOREIGN TABLE events (at timestamptz OPTIONS (unit 's'), s text, n int)
	SERVER kafka OPTIONS (topic 'events', event_time 'at')});
$broker->produce('events', [ map { qq({"at":$_,"s":"s$_","n":$_}) } 1 .. 5 ]);

my %claims = (
	'FILTER' => [ 'count(*) FILTER (WHERE n > 2)', '', '3' ],
	'IN with constants' => [ 'sum(n)', 'WHERE n IN (1, 3, 9)', '4' ],
	'a collation that compares' => [ 'max(s COLLATE ucs_basic)', '', 's5' ],
	'a collation that tests for equality' => [ 'count(*)', q{WHERE s COLLATE ucs_basic <> 's1'}, '4' ],
	'a collation that orders' => [ 'last(n ORDER BY s COLLATE ucs_basic)', '', '5' ]);
my $number = 0;
for my $what (sort keys %claims)
{
	my ($aggregate, $where, $result) = @{ $claims{$what} };
	my $view = 'v' . ++$number;
	$node->query("SELECT weir.create_view('$view', \$\$ SELECT weir.tumble(at, '1 min') AS w, $aggregate AS a FROM events $where GROUP BY 1 \$\$);"
		  . "SELECT weir.flush('$view')");
	is($node->query("SELECT a FROM $view"), $result, "a worker evaluates $what");
}
$node->query(q{SELECT weir.create_view('k', $$ SELECT weir.tumble(at, '1 min') AS w, s COLLATE ucs_basic AS s, count(*) AS n
	FROM events GROUP BY 1, 2 $$); SELECT weir.flush('k')});
is($node->query(q{SELECT string_agg(s, ' ' ORDER BY s) FROM k}), 's1 s2 s3 s4 s5', 'a worker compares keys under a collation');

$node->query(q{CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'});
$node->query('CREATE EXTENSION pg_weir', database => 'latin');
$node->add_server($broker, database => 'latin');
$broker->produce('latin', [ '{"at":1,"s":"\u00e9t\u00e9"}', '{"at":2,"s":"\u20ac"}' ]);
$node->query(q{CREATE FOREIGN TABLE latin (at timestamptz OPTIONS (unit 's'), s text) SERVER kafka OPTIONS (topic 'latin', event_time 'at');
	SELECT weir.create_view('v', $$ SELECT weir.tumble(at, '1 min') AS w, s, count(*) AS n FROM latin GROUP BY 1, 2 $$);
	SELECT weir.flush('v')}, database => 'latin');
is($node->query(q{SELECT encode(s::bytea, 'escape'), n FROM v}, database => 'latin'), '\351t\351|1', 'a worker converts text to the encoding of its database');
is($node->query(q{SELECT partition, "offset", reason FROM weir.rejected}, database => 'latin'), '0|1|no_conversion', 'what it does not have is a reject');

done_testing();
