# SPDX-License-Identifier: PostgreSQL
#
# What tests of running views share: a cluster that runs them, conditions that come true, and the judge:
# closed and live rows together are what the definition gives over the topic.
package Weir::Engine;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use Test::More;
use Weir;

our @EXPORT = qw(engine_cluster configure becomes stays_equal differences is_batch at_ms);

# A cluster that runs views; @lines for postgresql.conf.
sub engine_cluster
{
	my ($name, @lines) = @_;
	return Weir->cluster(name => $name,
		conf => join "\n", q{shared_preload_libraries = 'pg_weir'}, 'restart_after_crash = on',
		q{weir.commit_interval = '50ms'}, @lines, '');
}

sub configure
{
	my ($node, @lines) = @_;
	$node->append_conf('postgresql.conf', "$_\n") for @lines;
	$node->reload;
	return;
}

# What the function gives becomes equal to this, within the deadline.
sub becomes
{
	my ($function, $expected, $claim, $seconds) = @_;
	my $found;
	eval { wait_until(sub { ($found = $function->()) eq $expected }, $claim, $seconds // 60) };
	is($found, $expected, $claim);
	return;
}

# Rows by which closed and live differ from the batch answer, both ways; '' if none.
sub differences
{
	my ($node, $view, %option) = @_;
	my $both = "SELECT * FROM ${view}_closed UNION ALL SELECT * FROM ${view}_live";
	my $prefix = $option{role} ? "SET SESSION AUTHORIZATION $option{role};" : '';
	return $node->query(
		qq{$prefix WITH seen AS ($both), batch AS MATERIALIZED (SELECT * FROM ${view}_query)
		   (SELECT 'too much', s::text FROM (SELECT * FROM seen EXCEPT ALL SELECT * FROM batch) AS s)
		   UNION ALL
		   (SELECT 'missing', s::text FROM (SELECT * FROM batch EXCEPT ALL SELECT * FROM seen) AS s)
		   ORDER BY 1, 2 LIMIT 10}, database => $option{database});
}

# After all messages were applied and committed, closed and live are the batch answer.
sub is_batch
{
	my ($node, $view, $claim, %option) = @_;
	my $prefix = $option{role} ? "SET SESSION AUTHORIZATION $option{role};" : '';
	$node->query("$prefix SELECT weir.flush('$view')", database => $option{database});
	is(differences($node, $view, %option), '', $claim);
	return;
}

# Minutes after the start of 2025, in milliseconds since 1970.
sub at_ms
{
	my ($minutes) = @_;
	return 1735689600000 + int($minutes * 60000);
}

1;
