# SPDX-License-Identifier: PostgreSQL
#
# docs/operations.md says of states and statistics what the server says, word for word.
use strict;
use warnings FATAL => 'all';
use File::Basename qw(dirname);
use Test::More;
use Weir;

my $root = dirname(__FILE__) . '/..';
my %documented;
my @states;
my $section = '';
open my $page, '<:encoding(UTF-8)', "$root/docs/operations.md" or die $!;
while (my $line = <$page>)
{
	chomp $line;
	$section = $1 if $line =~ /^#+ (.*)/;
	push @states, $1 if $line =~ /^\| `(\w+)` \|.*\|.*\|$/;
	push @{ $documented{$section} }, $line if $section =~ /^weir\./ && $line =~ /^\| `/;
}
close $page;

my ($names) = PostgreSQL::Test::Utils::slurp_file("$root/src/registry.c") =~ /^weir_state_name\(.*?^\{(.*?)^\}/ms;
is_deeply(\@states, [ grep { $_ ne 'unknown' } $names =~ /return "(\w+)"/g ], 'the page lists the states');

my $node = Weir->cluster;
for my $relation ('weir.stat_stream', 'weir.stat_partition', 'weir.stat_view')
{
	my $rows = $node->query(
		qq{SELECT format('| `%s` | %s |', attname, col_description(attrelid, attnum)) FROM pg_attribute
		   WHERE attrelid = '$relation'::regclass AND attnum > 0 ORDER BY attnum});
	is_deeply($documented{$relation}, [ split /\n/, $rows ], "the page lists the columns of $relation");
}

done_testing();
