# SPDX-License-Identifier: PostgreSQL
#
# The engine against plain SQL, on random definitions and random events: t/Weir/Oracle.pm says how.
#
#   CASES  how many; default 600
#   SEED   the first case's; each case has the next one. `make oracle` takes the time
#
# A case that fails is made smaller as long as it fails, and printed as SQL that can be run by psql.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Oracle;

my $cases = $ENV{CASES} || 600;
my $seed = $ENV{SEED} || 1;
my $batch = 50;
my $shown = 3;

my $node = Weir->cluster;
$node->query(Weir::Oracle::prepare());

# Result: by number, undef for a case that agrees, else what differs.
sub run
{
	my (@numbered) = @_;
	my ($stdout, $stderr) = ('', '');
	$node->psql('postgres', join('', map { Weir::Oracle::script($_->[1], $_->[0]) } @numbered),
		stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	my %result;
	for my $number (map { $_->[0] } @numbered)
	{
		my ($lines) = $stdout =~ /^case $number\n(.*?)^done $number$/ms;
		$result{$number} = defined $lines ? $lines : 'it did not end';
		$result{$number} = undef if $result{$number} eq '';
	}
	return (\%result, $stderr);
}

sub fails
{
	my ($case) = @_;
	my ($result, $stderr) = run([ 0, $case ]);
	return $stderr ne '' ? $stderr : $result->{0};
}

# Each smaller case.
sub smaller
{
	my ($case) = @_;
	my @found;
	my $events = $case->{events};
	for (my $size = int((@$events + 1) / 2); $size >= 1; $size = int($size / 2))
	{
		for (my $from = 0; $from < @$events; $from += $size)
		{
			my @rest = @$events;
			splice @rest, $from, $size;
			push @found, { %$case, events => \@rest } if @rest;
		}
	}
	for my $list (qw(keys aggregates))
	{
		for my $i (0 .. $#{ $case->{$list} })
		{
			my @rest = @{ $case->{$list} };
			splice @rest, $i, 1;
			push @found, { %$case, $list => \@rest } if @rest || $list eq 'keys';
		}
	}
	push @found, map { { %$case, $_ => undef } } grep { $case->{$_} } qw(where having has_end);
	return @found;
}

sub shrink
{
	my ($case) = @_;
	my $tries = 0;
  AGAIN:
	for my $less (smaller($case))
	{
		last if ++$tries > 400;
		next if !fails($less);
		$case = $less;
		goto AGAIN;
	}
	return $case;
}

my @failed;
for (my $first = $seed; $first < $seed + $cases; $first += $batch)
{
	my $last = $first + $batch < $seed + $cases ? $first + $batch - 1 : $seed + $cases - 1;
	my @numbered = map { [ $_, Weir::Oracle::make($_) ] } $first .. $last;
	my ($result, $stderr) = run(@numbered);
	# an error belongs to one of them
	push @failed, grep { $result->{ $_->[0] } || $stderr ne '' && fails($_->[1]) } @numbered;
}
for my $failed (@failed[ 0 .. ($#failed < $shown - 1 ? $#failed : $shown - 1) ])
{
	my $case = shrink($failed->[1]);
	diag("case $failed->[0] fails, made smaller:\n" . Weir::Oracle::prepare() . Weir::Oracle::script($case, $failed->[0]) . fails($case));
}
is(join(' ', map { $_->[0] } @failed), '', "$cases cases from seed $seed agree with plain SQL");
done_testing();
