# SPDX-License-Identifier: PostgreSQL
#
# The examples of docs/tables.md give what the page shows.
use strict;
use warnings FATAL => 'all';
use File::Basename qw(dirname);
use Test::More;
use Weir;

my $text = PostgreSQL::Test::Utils::slurp_file(dirname(__FILE__) . '/../docs/tables.md');
my @examples = $text =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar @examples, '>=', 5, 'there are examples');

my $broker = Weir->broker;
my $node = Weir->cluster;
$node->add_server($broker);

for my $example (@examples)
{
	# What is shown may have semicolons too, where it is echoed.
	my ($sql, $shown) = $example =~ /\A(.*?^\\echo .*?\n|.*;\n)(.*)\z/ms;
	my ($stdout, $stderr);
	IPC::Run::run([ 'psql', '-X', '-q', '-P', 'footer=off', '-P', 'pager=off', '-d', $node->connstr('postgres') ],
		'<', \$sql, '>', \$stdout, '2>', \$stderr);
	$stdout =~ s/[ \t]+$//mg;
	$stdout =~ s/\n+\z/\n/;
	is($stdout . $stderr, $shown, $sql =~ s/\s+/ /gr);
}

done_testing();
