# SPDX-License-Identifier: PostgreSQL
#
# The examples of docs/semantics.md give what the page shows.
use strict;
use warnings FATAL => 'all';
use File::Basename qw(dirname);
use Test::More;
use Weir;

my $text = PostgreSQL::Test::Utils::slurp_file(dirname(__FILE__) . '/../docs/semantics.md');
my ($setup, @examples) = $text =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar @examples, '>=', 8, 'there are examples');

my $node = Weir->cluster;
$node->query(q{CREATE SERVER kafka FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'broker.invalid')});
my @variables = $setup =~ /^(\\set .*\n)/mg;
$node->query($setup =~ s/^\\set .*\n//mgr);

for my $example (@examples)
{
	my ($sql, $shown) = $example =~ /\A(.*;\n)(.*)\z/s;
	my ($stdout, $stderr);
	IPC::Run::run([ 'psql', '-X', '-q', '-P', 'footer=off', '-P', 'pager=off', '-d', $node->connstr('postgres') ],
		'<', \join('', @variables, $sql), '>', \$stdout, '2>', \$stderr);
	$stdout =~ s/[ \t]+$//mg;
	$stdout =~ s/\n+\z/\n/;
	is($stdout . $stderr, $shown, $sql =~ s/\s+/ /gr);
}

done_testing();
