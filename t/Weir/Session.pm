# SPDX-License-Identifier: PostgreSQL
#
# A session that stays open beside the test: statements are sent without waiting, so that a test can
# look at the backend, cancel it or end the broker meanwhile.
package Weir::Session;

use strict;
use warnings FATAL => 'all';

use IO::Select ();
use IPC::Open2 ();
use POSIX ();
use Time::HiRes qw(time);
use Weir;

# What Ctrl-C in psql promises is 100 ms; a test allows for a busy machine.
our $AT_ONCE = 1.0;

# Options: database, user.
sub new
{
	my ($class, $node, %option) = @_;
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGUSER} = $option{user} // $ENV{PGUSER};
	local $ENV{PGDATABASE} = $option{database} // 'postgres';
	my $process = IPC::Open2::open2(my $out, my $in,
		'sh', '-c', 'exec psql -XAtq -v VERBOSITY=verbose 2>&1');
	my $self = bless { node => $node, process => $process, in => $in, out => $out, read => '', sent => 0 },
	  $class;
	$self->{pid} = $self->query('SELECT pg_backend_pid()');
	return $self;
}

sub pid { return $_[0]->{pid} }

# Sends and does not wait.
sub send
{
	my ($self, $sql) = @_;
	$self->{sent}++;
	syswrite $self->{in}, "$sql;\n\\echo done-$self->{sent}\n";
	return $self;
}

# Whether all that was sent has come to its end, now or in so many seconds.
sub has_answered
{
	my ($self, $seconds) = @_;
	my $deadline = time() + $seconds;
	while ($self->{read} !~ /^done-$self->{sent}\n/m)
	{
		my $left = $deadline - time();
		if (!IO::Select->new($self->{out})->can_read($left > 0 ? $left : 0))
		{
			return 0 if $left <= 0;
			next;
		}
		sysread($self->{out}, $self->{read}, 65536, length $self->{read})
		  or die "psql has ended: $self->{read}";
	}
	return 1;
}

# What came back for what was sent: rows and errors as psql prints them.
sub answer
{
	my ($self, $seconds) = @_;
	$self->has_answered($seconds // 120) or die "no answer within the deadline: $self->{read}";
	$self->{read} =~ s/\A(.*?)^done-$self->{sent}\n//ms;
	my $answer = $1;
	$answer =~ s/^done-\d+\n//mg;
	$answer =~ s/^LOCATION: .*\n//mg;
	$answer =~ s/^LINE \d+: .*\n *\^\n//mg;
	chomp $answer;
	return $answer;
}

sub query
{
	my ($self, $sql) = @_;
	return $self->send($sql)->answer;
}

# Waits until the backend waits for Kafka. What has ended will not: that is the test's mistake.
sub await_kafka
{
	my ($self) = @_;
	wait_until(
		sub {
			die "nothing waits for Kafka any more: $self->{read}" if $self->has_answered(0);
			$self->{node}->query("SELECT count(*) FROM pg_stat_activity WHERE pid = $self->{pid}"
				  . " AND state = 'active' AND wait_event_type = 'Extension'") eq '1';
		},
		'the backend waits for Kafka');
	return $self;
}

# Cancels. Result: the answer, and the seconds it took from the signal on.
sub cancel
{
	my ($self) = @_;
	my $start = time();
	kill 'INT', $self->{pid} or die "no backend $self->{pid}";
	my $answer = $self->answer;
	return ($answer, time() - $start);
}

# As a client does that disappears. Waiting for the backend is the caller's affair.
sub disappear
{
	my ($self) = @_;
	kill 'KILL', $self->{process};
	$self->close;
	return;
}

sub backend_is_gone
{
	my ($self) = @_;
	return !-e "/proc/$self->{pid}";
}

sub close
{
	my ($self) = @_;
	my $process = delete $self->{process} or return;
	close $self->{in};
	close $self->{out};
	waitpid $process, 0;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);
	$self->close;
	return;
}

1;
