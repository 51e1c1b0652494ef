# SPDX-License-Identifier: PostgreSQL
#
# Running weir-producer: to its end, or beside the test.
package Weir::Producer;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IPC::Run ();
use Test::More;
use Weir;

our @EXPORT = qw(producer_run producer_ok producer_start producer_end);

# Nothing of the caller's environment stands for an option but where the test says so.
delete $ENV{$_} for grep { /^WEIR_(BROKERS|TOPIC|LOG|URL)$/ } keys %ENV;

# Result: what it printed, what it logged, its exit code.
sub producer_run
{
	my ($arguments, $input) = @_;
	my ($stdout, $stderr) = ('', '');
	my $stdin = $input // '';
	IPC::Run::run([ 'weir-producer', @$arguments ], '<', \$stdin, '>', \$stdout, '2>', \$stderr,
		IPC::Run::timeout(120));
	note $stderr;
	return ($stdout, $stderr, $? >> 8);
}

# Result: what it printed.
sub producer_ok
{
	my ($arguments, $input) = @_;
	my ($stdout, $stderr, $code) = producer_run($arguments, $input);
	is($code, 0, "weir-producer @$arguments") or diag $stderr;
	return $stdout;
}

# Runs beside the test, which reads ->{stderr} and ->{stdout} after ->{run}->pump_nb.
sub producer_start
{
	my (@arguments) = @_;
	my $self = { stdout => '', stderr => '' };
	$self->{run} = IPC::Run::start([ 'weir-producer', @arguments ],
		'<', \undef, '>', \$self->{stdout}, '2>', \$self->{stderr});
	return $self;
}

# Sends the signal, if one is given, and waits for the end. Result: the exit code.
sub producer_end
{
	my ($self, $signal) = @_;
	$self->{run}->signal($signal) if defined $signal;
	wait_until(sub { $self->{run}->pump_nb if $self->{run}->pumpable; !$self->{run}->pumpable }, 'weir-producer', 30);
	$self->{run}->finish;
	note $self->{stderr};
	return $self->{run}->result(0);
}

1;
