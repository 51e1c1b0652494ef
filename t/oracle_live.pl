# SPDX-License-Identifier: PostgreSQL
#
# Random views and events through the worker, with a server that is stopped and one that is killed in
# the middle: t/oracle.pl's judge decides. A stream of one partition is a pure function of its log, so its
# closed rows, live rows and rejects are those of plain SQL. With several partitions nothing is late here,
# and the view is what its definition gives as a query.
#
#   CASES  more than 600 is for `make oracle`: a hundredth of it are streams; SEED as there
use strict;
use warnings FATAL => 'all';
use Test::More;
use Weir;
use Weir::Oracle;

my $streams = int(($ENV{CASES} || 600) / 100);
$streams = 12 if $streams > 12;
my $seed = $ENV{SEED} || 1;
my $views = 4;

my $broker = Weir->broker;
my $node = Weir->cluster(
	conf => "shared_preload_libraries = 'pg_weir'\nmax_worker_processes = 40\nweir.commit_interval = '50ms'\n");
$node->query(Weir::Oracle::prepare());
$node->add_server($broker);

# What a topic can hold, as weir-topic writes it: a line each, offsets from 0.
sub as_lines
{
	my ($case) = @_;
	my @next = (0) x $case->{partitions};
	my @events = grep { defined $_->{value} } @{ $case->{events} };
	for my $event (@events)
	{
		$event->{value} =~ s/\n/ /g;
		$event->{o} = $next[ $event->{p} ]++;
	}
	$case->{events} = \@events;
	return;
}

# Of a batch answer: no errors, and no choice among equal values that are not the same.
sub is_plain
{
	my ($case) = @_;
	my @parts = (@{ $case->{keys} }, @{ $case->{aggregates} });
	return 0 if grep { $_->{raises} || $_->{input_raises} } @parts;
	return 0 if $case->{where} && $case->{where}{raises} || $case->{having} && $case->{having}[1];
	return 0 if grep { Weir::Oracle::has_images($_) } @{ $case->{keys} };
	return !grep { $_->{sql} =~ /^(?:min|max)\([dfr]\)/ } @{ $case->{aggregates} };
}

# One stream, several definitions.
sub make_stream
{
	my ($number, %want) = @_;
	my $stream = Weir::Oracle::make($seed + $number);
	$stream->{partitions} = $want{partitions};
	$stream->{events} = Weir::Oracle::events($stream);
	my @cases;
	for (my $next = ($seed + $number) * 1000; @cases < $views; $next++)
	{
		my $case = Weir::Oracle::make($next);
		$case->{$_} = $stream->{$_} for qw(partitions unit on_late max_ahead lateness_us events);
		$case->{aggregates} = [ grep { is_plain({ keys => [], aggregates => [$_] }) } @{ $case->{aggregates} } ] if $want{is_plain};
		next if !@{ $case->{aggregates} } || $want{is_plain} && !is_plain($case);
		push @cases, $case;
	}
	return ($stream, @cases);
}

my @running;
for my $number (1 .. $streams)
{
	my $is_plain = $number % 3 == 0;
	my ($stream, @cases) = make_stream($number, partitions => $is_plain ? 3 : 1, is_plain => $is_plain);
	as_lines($stream);
	if ($is_plain)
	{
		$stream->{events} = [ grep { !$_->{reason} && !%{ $_->{bad} } } @{ $stream->{events} } ];
		as_lines($stream);
		$stream->{lateness_us} = 90_000 * 86_400_000_000;
	}
	$_->{lateness_us} = $stream->{lateness_us}, $_->{events} = $stream->{events} for @cases;
	$broker->create_topic("topic$number", $stream->{partitions});
	# a case's table of events knows its own definition's bad columns
	for my $view (1 .. @cases)
	{
		my $case = $cases[ $view - 1 ];
		my $setup = Weir::Oracle::setup($case, server => 'kafka', topic => "topic$number");
		my ($foreign, $event) = split /(?=^CREATE  ?TABLE event)/m, $setup;
		$event =~ s/\bTABLE event\b/TABLE event$view/;
		$event =~ s/INSERT INTO event\b/INSERT INTO event$view/;
		$event =~ s/VALUES\n;/SELECT WHERE false;/;
		$node->query(($view == 1 ? "CREATE SCHEMA case$number; " : '') . "SET search_path = case$number;"
			  . ($view == 1 ? $foreign : '') . $event
			  . "SELECT weir.create_view('view$view', \$def\$" . Weir::Oracle::definition($case) . "\$def\$);");
	}
	push @running, { number => $number, stream => $stream, cases => \@cases, is_plain => $is_plain };
}

# Sends the part [from, to) of each stream's events, as it would have arrived.
sub send_part
{
	my ($from, $to) = @_;
	for my $one (@running)
	{
		my @events = @{ $one->{stream}{events} };
		@events = @events[ int(@events * $from) .. int(@events * $to) - 1 ];
		for my $p (0 .. $one->{stream}{partitions} - 1)
		{
			my @lines = map { $_->{value} } grep { $_->{p} == $p } @events;
			$broker->produce("topic$one->{number}", \@lines, '-p', $p) if @lines;
		}
	}
	return;
}

sub flush
{
	for my $one (@running)
	{
		$node->query("SELECT weir.flush('case$one->{number}.view$_')") for 1 .. @{ $one->{cases} };
	}
	return;
}

sub rows
{
	my ($one, $view, $kind) = @_;
	return "SELECT '$kind' AS kind, row_to_json(r)::text AS row_text FROM case$one->{number}.view${view}_$kind AS r";
}

# The lines that one side has more of.
sub difference
{
	my ($one, $view) = @_;
	my $case = $one->{cases}[ $view - 1 ];
	my $schema = "case$one->{number}";
	my $got = rows($one, $view, 'closed') . ' UNION ALL ' . rows($one, $view, 'live');
	my $want;
	if ($one->{is_plain})
	{
		$got =~ s/'closed'/'live'/;
		$want = "SELECT 'live' AS kind, row_to_json(r)::text AS row_text FROM $schema.view${view}_query AS r";
	}
	else
	{
		$got .= <<SQL;
 UNION ALL SELECT 'rejected', concat_ws('|', partition, "offset", reason, event_time, windows)
    FROM weir.rejected WHERE relation IN ('$schema.stream'::regclass, '$schema.view${view}_live'::regclass)
SQL
		my $answer = Weir::Oracle::right_answer($case);
		$answer =~ s/\bFROM event\b/FROM $schema.event$view/g;
		$want = <<SQL;
SELECT kind, CASE kind WHEN 'rejected' THEN concat_ws('|', p, o, reason, event_time, windows) ELSE row_text END
    FROM ($answer) AS right_answer WHERE kind IN ('closed', 'rejected') OR kind = 'live' AND row_text IS NOT NULL
SQL
	}
	my $lines = $node->query(<<SQL);
WITH got AS MATERIALIZED ($got), want AS MATERIALIZED ($want)
SELECT 'view: ' || d::text FROM (TABLE got EXCEPT ALL TABLE want) AS d
UNION ALL SELECT 'right: ' || d::text FROM (TABLE want EXCEPT ALL TABLE got) AS d ORDER BY 1;
SQL
	return $lines eq '' ? '' : "$lines\n" . Weir::Oracle::definition($case);
}

send_part(0, 0.4);
flush();
$node->restart;
send_part(0.4, 0.7);
flush();
send_part(0.7, 0.8);
$node->stop('immediate');
$node->start;
send_part(0.8, 1);
flush();

my $rows = 0;
for my $one (@running)
{
	for my $view (1 .. @{ $one->{cases} })
	{
		is(difference($one, $view), '',
			"stream $one->{number}, view $view: " . ($one->{is_plain} ? 'the view is its query' : 'closed, live and rejected are those of plain SQL'));
		$rows += $node->query("SELECT count(*) FROM case$one->{number}.view$view");
	}
}
cmp_ok($rows, '>', 20 * $streams, 'the views were not empty');
done_testing();
