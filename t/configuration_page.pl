# SPDX-License-Identifier: PostgreSQL
#
# docs/configuration.md says of options and settings what the server says, word for word.
use strict;
use warnings FATAL => 'all';
use File::Basename qw(dirname);
use Test::More;
use Weir;

my $page = dirname(__FILE__) . '/../docs/configuration.md';
my %documented;
my $object;
open my $file, '<:encoding(UTF-8)', $page or die "$page: $!";
while (my $line = <$file>)
{
	chomp $line;
	$object = lc $1 if $line =~ /^## (.*)/;
	push @{ $documented{$object} }, $line if $line =~ /^\| `.*\|.*\|.*\|.*\|$/;
}
close $file;

my $node = Weir->cluster(conf => "shared_preload_libraries = 'pg_weir'\n");
for my $kind ('server', 'user mapping', 'foreign table', 'column', 'import')
{
	my $rows = $node->query(
		qq{SELECT format('| `%s` | %s | %s | %s%s |', name, accepted,
		          CASE WHEN is_required THEN 'required' ELSE coalesce(default_value, 'none') END,
		          CASE WHEN is_superuser_only THEN 'Superuser only. ' ELSE '' END, description)
		   FROM weir.options() WHERE object = '$kind'});
	is_deeply($documented{$kind}, [ split /\n/, $rows ], "the page lists the options: $kind");
}

my $rows = $node->query(
	q{SELECT format('| `%s` | %s | %s | %s | %s %s |', name,
	          CASE vartype WHEN 'bool' THEN 'on, off' WHEN 'enum' THEN array_to_string(enumvals, ', ')
	               ELSE concat(min_val, ' to ', max_val, ' ' || unit) END,
	          current_setting(name),
	          CASE context WHEN 'postmaster' THEN 'restart' WHEN 'sighup' THEN 'reload' ELSE 'session' END,
	          short_desc, extra_desc)
	   FROM pg_settings WHERE name LIKE 'weir.%' ORDER BY name});
is_deeply($documented{settings}, [ split /\n/, $rows ], 'the page lists the settings');

done_testing();
