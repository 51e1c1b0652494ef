# SPDX-License-Identifier: PostgreSQL
#
# What tests of running views share: a cluster that runs them, events, waiting for what becomes true,
# and the judge: closed and live rows together are what the definition gives over the topic.
package Weir::Views;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use Test::More;
use Weir;

our @EXPORT = qw(views_cluster configure becomes query_becomes differences is_whole ms);

# A cluster that runs views and commits often; further lines for postgresql.conf.
sub views_cluster
{
	my (@lines) = @_;
	return Weir->cluster(
		conf => join "\n", "shared_preload_libraries = 'pg_weir'", 'max_worker_processes = 20',
		'restart_after_crash = on', "weir.commit_interval = '50ms'", @lines, '');
}

sub configure
{
	my ($node, @lines) = @_;
	$node->append_conf('postgresql.conf', "$_\n") for @lines;
	$node->reload;
	return;
}

# What the function gives becomes this.
sub becomes
{
	my ($function, $expected, $claim) = @_;
	my $found = '';
	eval { wait_until(sub { ($found = $function->()) eq $expected }, $claim, 60) } or note $@;
	is($found, $expected, $claim);
	return;
}

sub query_becomes
{
	my ($node, $sql, $expected, $claim, %option) = @_;
	becomes(sub { $node->query($sql, %option) }, $expected, $claim);
	return;
}

# Rows by which closed and live differ from the batch answer, both ways; '' if none.
#   parts     [ closed, live, query ], if not named after the view
#   role      who asks
#   database  where
sub differences
{
	my ($node, $view, %option) = @_;
	my ($closed, $live, $query) = @{ $option{parts} // [ map { "${view}_$_" } qw(closed live query) ] };
	return $node->query(as($option{role}) . qq{
		WITH seen AS (SELECT * FROM $closed UNION ALL SELECT * FROM $live),
		     batch AS MATERIALIZED (SELECT * FROM $query)
		(SELECT 'not in the batch', s FROM (SELECT * FROM seen EXCEPT ALL SELECT * FROM batch) AS s)
		UNION ALL
		(SELECT 'missing', s FROM (SELECT * FROM batch EXCEPT ALL SELECT * FROM seen) AS s)
		LIMIT 10}, database => $option{database});
}

# When all that Kafka has is committed, closed and live rows are the batch answer, each row once.
# Options as above, and flush, 0: do not wait.
sub is_whole
{
	my ($node, $view, $claim, %option) = @_;
	my $live = $option{parts} ? $option{parts}[1] : "${view}_live";
	$node->query(as($option{role}) . "SELECT weir.flush('$live')", database => $option{database})
	  if $option{flush} // 1;
	is(differences($node, $view, %option), '', $claim);
	return;
}

sub as
{
	my ($role) = @_;
	return defined $role ? "SET SESSION AUTHORIZATION $role; " : '';
}

# A time so many minutes after the beginning of 2025, in milliseconds.
sub ms
{
	my ($minute) = @_;
	return 1735689600000 + int($minute * 60000);
}

1;
