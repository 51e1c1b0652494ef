# SPDX-License-Identifier: PostgreSQL
#
# An exchange for tests: a small HTTP server in a process of its own, that answers as it is told, wrongly
# too. Answers are recordings in the documented shape, made up here.
#
# A path has a list of answers; each is given once, the last for ever. An answer is a hash:
#   status  default 200
#   header  { 'Retry-After' => 1 }
#   body    text
#   gzip    1: compressed, if the client accepts that
#   fault   hang: no answer. drip: a byte each 20 ms. reset. cut: less than was announced.
#   only    a regular expression for the query; this answer stays, and is for such queries alone
# and trades => [ … ] or klines => [ … ] makes it answer as Binance's aggTrades or klines does over these.
package Weir::Exchange;

use strict;
use warnings FATAL => 'all';

use Compress::Zlib ();
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes ();
use Weir;

my @running;

sub new
{
	my ($class) = @_;
	my $listener = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', LocalPort => 0, ReuseAddr => 1)
	  or die "exchange: $!";
	socketpair(my $ours, my $theirs, Socket::AF_UNIX(), Socket::SOCK_STREAM(), 0) or die "exchange: $!";
	my $self = bless { url => 'http://127.0.0.1:' . $listener->sockport, control => $ours }, $class;
	$self->{pid} = fork() // die "exchange: $!";
	if (!$self->{pid})
	{
		close $ours;
		eval { Weir::Exchange::Server->new($listener, $theirs)->run };
		warn $@ if $@;
		POSIX::_exit(0);
	}
	push @running, $self;
	return $self;
}

sub url { return $_[0]->{url} }

sub ask
{
	my ($self, %command) = @_;
	syswrite $self->{control}, JSON::PP->new->utf8->canonical->encode(\%command) . "\n";
	my $answer = readline $self->{control};
	return JSON::PP::decode_json($answer);
}

sub answer
{
	my ($self, $path, @answers) = @_;
	$self->ask(path => $path, answers => \@answers);
	return;
}

# The paths with queries that were asked for since the last call, and how many connections there were.
sub requests    { return @{ $_[0]->ask(take => 'requests')->{requests} } }
sub connections { return $_[0]->ask(take => 'connections')->{connections} }
sub count       { return $_[0]->ask(take => 'count')->{count} }

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	close $self->{control};
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return;
}

END
{
	local $?;
	$_->stop for @running;
}

package Weir::Exchange::Server;

sub new
{
	my ($class, $listener, $control) = @_;
	return bless { listener => $listener, control => $control, select => IO::Select->new($listener, $control),
		clients => {}, paths => {}, requests => [], connections => 0, count => 0 }, $class;
}

sub run
{
	my ($self) = @_;
	$SIG{PIPE} = 'IGNORE';
	while (1)
	{
		$self->drip;
		for my $handle ($self->{select}->can_read(%{ $self->{dripping} // {} } ? 0.02 : 60))
		{
			if    ($handle == $self->{listener}) { $self->accept }
			elsif ($handle == $self->{control})  { $self->obey or return }
			else                                 { $self->read($handle) }
		}
	}
}

sub accept
{
	my ($self) = @_;
	my $client = $self->{listener}->accept or return;
	$client->autoflush(1);
	$self->{connections}++;
	$self->{clients}{$client} = '';
	$self->{select}->add($client);
	return;
}

sub drop
{
	my ($self, $client) = @_;
	delete $self->{clients}{$client};
	delete $self->{dripping}{$client};
	$self->{select}->remove($client);
	close $client;
	return;
}

# Result: false when the test has gone.
sub obey
{
	my ($self) = @_;
	my $line = readline($self->{control}) // return 0;
	my $command = JSON::PP::decode_json($line);
	my %result;
	if ($command->{take})
	{
		$result{ $command->{take} } = $self->{ $command->{take} };
		$self->{requests} = [] if $command->{take} eq 'requests';
	}
	else
	{
		$self->{paths}{ $command->{path} } = $command->{answers};
	}
	syswrite $self->{control}, JSON::PP::encode_json(\%result) . "\n";
	return 1;
}

sub read
{
	my ($self, $client) = @_;
	my $got = sysread $client, $self->{clients}{$client}, 65536, length $self->{clients}{$client};
	return $self->drop($client) unless $got;
	while (defined $self->{clients}{$client} && $self->{clients}{$client} =~ s/\A(.*?\r\n)\r\n//s)
	{
		$self->reply($client, $1);
	}
	return;
}

sub choose
{
	my ($self, $path, $query) = @_;
	my $answers = $self->{paths}{$path} or return { status => 404, body => 'no such path' };
	for (@$answers)
	{
		return $_ if defined $_->{only} && $query =~ /$_->{only}/;
	}
	my @plain = grep { !defined $_->{only} } @$answers or return { status => 404, body => 'no such query' };
	return $plain[0] if @plain == 1;
	@$answers = grep { $_ != $plain[0] } @$answers;
	return $plain[0];
}

sub reply
{
	my ($self, $client, $head) = @_;
	my ($path, $query) = $head =~ m{\AGET ([^ ?]+)\??(\S*) } or return $self->drop($client);
	$self->{count}++;
	push @{ $self->{requests} }, $path . ($query ne '' ? "?$query" : '') if @{ $self->{requests} } < 10_000;
	my $answer = $self->choose($path, $query);
	my $fault = $answer->{fault} // '';
	return if $fault eq 'hang';
	if ($fault eq 'reset')
	{
		setsockopt $client, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0);
		return $self->drop($client);
	}
	my $body = $answer->{trades} ? trades($answer->{trades}, $query) : $answer->{klines} ? klines($answer->{klines}, $query) : $answer->{body} // '';
	my $headers = join '', map { "$_: $answer->{header}{$_}\r\n" } sort keys %{ $answer->{header} // {} };
	if ($answer->{gzip} && $head =~ /^Accept-Encoding:.*gzip/mi)
	{
		$body = Compress::Zlib::memGzip($body);
		$headers .= "Content-Encoding: gzip\r\n";
	}
	my $status = $answer->{status} // 200;
	my $text = "HTTP/1.1 $status X\r\n${headers}Content-Length: @{[ length $body ]}\r\n\r\n$body";
	if ($fault eq 'drip')
	{
		$self->{dripping}{$client} = [ $client, $text ];
		return;
	}
	$text = substr $text, 0, length($text) - int(length($body) / 2) if $fault eq 'cut';
	while (length $text)
	{
		my $wrote = syswrite $client, $text;
		return $self->drop($client) unless $wrote;
		substr $text, 0, $wrote, '';
	}
	$self->drop($client) if $fault eq 'cut';
	return;
}

sub drip
{
	my ($self) = @_;
	for (values %{ $self->{dripping} // {} })
	{
		my ($client, $text) = @$_;
		syswrite $client, substr($text, 0, 1);
		substr $_->[1], 0, 1, '';
		delete $self->{dripping}{$client} if length $_->[1] == 0;
	}
	return;
}

# Binance's rules: from an id, or the first in a span of times, or the latest; at most limit.
sub trades
{
	my ($trades, $query) = @_;
	my %parameter = map { split /=/, $_, 2 } split /&/, $query;
	my $limit = $parameter{limit} // 500;
	my @found = @$trades;
	if (defined $parameter{fromId}) { @found = grep { $_->{a} >= $parameter{fromId} } @found }
	elsif (defined $parameter{startTime})
	{
		@found = grep { $_->{T} >= $parameter{startTime} && $_->{T} <= ($parameter{endTime} // 9e15) } @found;
	}
	else { splice @found, 0, @found - $limit if @found > $limit }
	splice @found, $limit if @found > $limit;
	return JSON::PP->new->canonical->encode(\@found);
}

# Those that begin in a span of times.
sub klines
{
	my ($klines, $query) = @_;
	my %parameter = map { split /=/, $_, 2 } split /&/, $query;
	my @found = grep { $_->[0] >= $parameter{startTime} && $_->[0] <= ($parameter{endTime} // 9e15) } @$klines;
	my $limit = $parameter{limit} // 500;
	splice @found, $limit if @found > $limit;
	return JSON::PP->new->encode(\@found);
}

1;
