# SPDX-License-Identifier: PostgreSQL
#
# Random definitions over random events give what plain SQL makes of the same events: closed and live rows,
# rejects, and the watermark after each event.
#
# CASES and SEED say how many and which; `make properties` runs many. A case that fails is made smaller, and
# shown as SQL that anyone can run.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes ();
use Weir;
use Weir::Case;
use Weir::Expected;

my $CASES = $ENV{CASES} || 800;
my $SEED = $ENV{SEED} || 1;
my $IN_ONE_SESSION = 200;
my $SHRINK_SECONDS = 60;
my $SHOWN = 3;

my $node = Weir->cluster;
$node->query(Weir::Expected::setup());

# case number => what differs, or the error; nothing for those that pass
sub differences
{
	my (@cases) = @_;
	my %streams = map { Weir::Expected::stream($_) => 1 } @cases;
	my $script = "SET client_min_messages = error; SET jit = off; TRUNCATE oracle.event;\n"
	  . join('', map { "$_;\n" } sort keys %streams)
	  . "COPY oracle.event FROM stdin;\n" . join('', map { Weir::Expected::rows($_) } @cases) . "\\.\n"
	  . "ANALYZE oracle.event;\n"
	  . join('', map { Weir::Expected::comparison($_) . ";\n" } @cases);
	my ($stdout, $stderr);
	$node->psql('postgres', $script, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	my %found = $stdout =~ /^case (\d+):\|(.*(?:\n(?!case ).*)*)/mg;
	my %differences;
	for my $case (@cases)
	{
		my $line = $found{ $case->{number} };
		next if defined $line && $line eq '|';
		$differences{ $case->{number} } = defined $line ? $line : "error: $stderr";
	}
	return \%differences;
}

# --- making a case smaller ---------------------------------------------------------------------------

my $deadline;
my $is_error; # a wrong answer stays one, an error too

sub fails
{
	my ($case) = @_;
	return 0 if Time::HiRes::time() > $deadline || !@{ $case->{events} } || !@{ $case->{outputs} };
	my ($difference) = values %{ differences($case) };
	return defined $difference && $is_error == ($difference =~ /^error/ ? 1 : 0);
}

# What is left of a list when all is dropped that can be; the function makes a case of what is left.
sub drop
{
	my ($make, @all) = @_;
	for (my $size = int((@all + 1) / 2); $size >= 1; $size = int($size / 2))
	{
		for (my $from = 0; $from < @all;)
		{
			my @less = @all;
			splice @less, $from, $size;
			my $is_less = fails($make->(@less));
			@all = @less if $is_less;
			$from += $size unless $is_less;
		}
	}
	return $make->(@all);
}

sub shrink
{
	my ($case) = @_;
	$deadline = Time::HiRes::time() + $SHRINK_SECONDS;
	$is_error = differences($case)->{ $case->{number} } =~ /^error/ ? 1 : 0;
	for my $round (1 .. 2)
	{
		for my $part ('events', 'outputs', 'keys')
		{
			my $from = $case;
			$case = drop(sub { +{ %$from, $part => [@_] } }, @{ $case->{$part} });
		}
		for my $less (map({ my $part = $_; sub { +{ %{ $_[0] }, $part => undef } } } qw(where having has_end)),
			map { my $number = $_; sub { without_filter($_[0], $number) } } 0 .. $#{ $case->{outputs} })
		{
			my $smaller = $less->($case);
			$case = $smaller if fails($smaller);
		}
		my $from = $case;
		$case = drop(sub { with_values($from, @_) }, map { $_->{name} } @Weir::Case::columns);
	}
	return $case;
}

sub without_filter
{
	my ($case, $number) = @_;
	my @outputs = @{ $case->{outputs} };
	$outputs[$number] = { %{ $outputs[$number] }, filter => undef };
	return { %$case, outputs => \@outputs };
}

sub with_values
{
	my ($case, @names) = @_;
	my @events;
	for my $event (@{ $case->{events} })
	{
		my %values;
		@values{@names} = @{ $event->{values} // {} }{@names};
		push @events, { %$event, values => \%values };
	}
	return { %$case, events => \@events };
}

# --- running -----------------------------------------------------------------------------------------

sub show
{
	my ($case) = @_;
	my $number = $case->{number};
	my $small = shrink($case);
	my $difference = differences($small)->{ $small->{number} };
	my ($missing, $extra) = split /\|/, $difference, 2;
	diag("SEED=$SEED, case $number, made smaller:\n", Weir::Expected::reproduction($small));
	diag(defined $extra ? "wanted, and did not come:\n$missing\ncame, and was not wanted:\n$extra" : $difference);
	return;
}

my $events = 0;
my @failed;
for (my $from = 1; $from <= $CASES && @failed < $SHOWN; $from += $IN_ONE_SESSION)
{
	my $to = $from + $IN_ONE_SESSION - 1;
	my @cases = map { Weir::Case::random($SEED, $_) } $from .. ($to < $CASES ? $to : $CASES);
	my $failed = differences(@cases);
	# an error of one that ended the session is not the others'
	push @failed, grep { $failed->{ $_->{number} } && differences($_)->{ $_->{number} } } @cases;
	$events += @{ $_->{events} } for (@cases);
}
is(join(' ', map { $_->{number} } @failed), '', "$CASES cases of seed $SEED are as plain SQL has them");
show($_) for (splice @failed, 0, $SHOWN);
note("$events events");

done_testing();
