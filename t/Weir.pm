# SPDX-License-Identifier: PostgreSQL
#
# What a TAP test needs: a PostgreSQL cluster, a Kafka broker (embedded or Apache Kafka), topics with
# events in them, and waiting for a condition with a deadline. CONTRIBUTING.md has an example.
#
# It stands on PostgreSQL::Test::Cluster, of PostgreSQL's development files; `make test` sets the
# environment that it wants, so run one test by `make test TESTS=name`. Everything that a test
# started ends with it.
package Weir;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use File::Basename ();
use IO::Select ();
use IPC::Open2 ();
use IPC::Run ();
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More ();
use Time::HiRes ();

our @EXPORT = qw(wait_until);

# The same role whoever runs the tests.
$ENV{PGUSER} = 'postgres';

# A started cluster with pg_weir in its database postgres.
#   name       default main
#   conf       lines for postgresql.conf
#   extension  0: do not create it
sub cluster
{
	my ($class, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($option{name} // 'main');
	bless $node, 'Weir::Cluster';
	$node->init(extra => [ '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\nmax_prepared_transactions = 4\n");
	$node->append_conf('postgresql.conf', $option{conf}) if defined $option{conf};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_weir') if $option{extension} // 1;
	return $node;
}

# The embedded broker.
#   brokers  default 1
#   topics   { name => number of partitions }
sub broker
{
	my ($class, %option) = @_;
	return Weir::Broker->new(%option);
}

# Apache Kafka, for tests t/kafka_*.pl. One broker serves them all, with every kind of listener, so
# topics want names of their own; with `start => [ options ]` it is one for this test alone.
#   topics  as above
sub kafka
{
	my ($class, %option) = @_;
	return Weir::Kafka->new(%option);
}

# Polls until the function returns something true, which is the result. Dies after the deadline.
sub wait_until
{
	my ($condition, $what, $seconds) = @_;
	my $deadline = Time::HiRes::time() + ($seconds // 60);
	while (1)
	{
		my $result = $condition->();
		return $result if $result;
		die "gave up waiting: $what" if Time::HiRes::time() > $deadline;
		Time::HiRes::sleep(0.05);
	}
}

package Weir::Cluster;

our @ISA = ('PostgreSQL::Test::Cluster');

# What a query gives, as psql -At prints it.
sub query
{
	my ($self, $sql, %option) = @_;
	return $self->safe_psql($option{database} // 'postgres', $sql);
}

# The error that a statement raises: "42601: primary", then DETAIL, HINT, CONTEXT lines; '' if none.
sub error
{
	my ($self, $sql, %option) = @_;
	my ($stdout, $stderr);
	$self->psql($option{database} // 'postgres', $sql,
		stdout => \$stdout, stderr => \$stderr, on_error_stop => 1,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$stderr =~ s/^psql:<stdin>:\d+: //mg;
	$stderr =~ s/^LOCATION: .*\n?//mg;
	$stderr =~ s/^(?:NOTICE|WARNING): .*\n?//mg;
	$stderr =~ s/^ERROR: +//;
	chomp $stderr;
	return $stderr;
}

# A foreign server for a broker, with a mapping for everybody.
sub add_server
{
	my ($self, $broker, %option) = @_;
	my $name = $option{name} // 'kafka';
	my %options = (bootstrap_servers => $broker->bootstrap, %{ $option{options} // {} });
	my $list = join ', ', map { "$_ '" . ($options{$_} =~ s/'/''/gr) . "'" } sort keys %options;
	$self->safe_psql($option{database} // 'postgres',
		"CREATE SERVER $name FOREIGN DATA WRAPPER weir_kafka OPTIONS ($list);"
		  . "CREATE USER MAPPING FOR PUBLIC SERVER $name");
	return $name;
}

# What brokers have in common: subclasses say where they are.
package Weir::AnyBroker;

sub bootstrap { return $_[0]->{bootstrap} }

# Runs weir-topic, which --help explains; $input goes to its standard input. Result: what it prints.
sub topic
{
	my ($self, $input, @arguments) = @_;
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ 'weir-topic', '-b', $self->bootstrap, @arguments ],
		'<', \$input, '>', \$stdout, '2>', \$stderr)
	  or die "weir-topic @arguments: $stderr";
	return $stdout;
}

# Sends messages and waits until the broker has them: produce('events', [ '{"a":1}' ], '-p', 0).
sub produce
{
	my ($self, $name, $messages, @arguments) = @_;
	$self->topic(join('', map { "$_\n" } @$messages), 'produce', @arguments, $name);
	return;
}

# The embedded broker: weir-broker obeys commands on its standard input as long as that is open.
package Weir::Broker;

our @ISA = ('Weir::AnyBroker');

my @running;

sub new
{
	my ($class, %option) = @_;
	my @command = ('weir-broker', '--brokers', $option{brokers} // 1);
	my $topics = $option{topics} // {};
	push @command, '--topic', "$_:$topics->{$_}" for sort keys %$topics;
	# Not by IPC::Run: a server that is started later would inherit its pipes and hold them open.
	my $pid = IPC::Open2::open2(my $out, my $in, @command);
	my $self = bless { pid => $pid, in => $in, out => $out, read => '', topics => $topics }, $class;
	push @running, $self;
	$self->{bootstrap} = $self->answer;
	return $self;
}

# Waits for one line.
sub answer
{
	my ($self) = @_;
	my $select = IO::Select->new($self->{out});
	while (1)
	{
		return $1 if $self->{read} =~ s/\A(.*)\n//;
		$select->can_read($PostgreSQL::Test::Utils::timeout_default)
		  or die 'weir-broker does not answer';
		sysread($self->{out}, $self->{read}, 4096, length $self->{read})
		  or die 'weir-broker has ended';
	}
}

# It keeps 5 MB of a partition, with what surrounds a message, and deletes the oldest beyond that: a test
# that came near would lose its events on a slow day alone.
sub produce
{
	my ($self, $name, $messages, @arguments) = @_;
	my ($partition) = "@arguments" =~ /-p (\d+)/;
	my $kept = \$self->{kept}{$name}[ $partition // 0 ];
	my $share = defined $partition ? 1 : $self->{topics}{$name} // 1;
	$$kept += (16 + length) / $share for @$messages;
	die "topic $name: more than the embedded broker keeps" if $$kept > 4_500_000;
	$self->SUPER::produce($name, $messages, @arguments);
	return;
}

# "down 1", "leader t 0 2", … see weir-broker --help. Result: the answer behind "ok".
sub command
{
	my ($self, $line) = @_;
	syswrite $self->{in}, "$line\n";
	my $answer = $self->answer;
	$answer =~ /\Aok ?(.*)\z/ or die "weir-broker: $line: $answer";
	return $1;
}

# librdkafka's cluster has no admin protocol.
sub create_topic
{
	my ($self, $name, $partitions) = @_;
	$self->command("topic $name $partitions");
	return;
}

# It ends when its standard input does.
sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	@running = grep { $_ != $self } @running;
	close $self->{in};
	my $is_gone = eval { Weir::wait_until(sub { waitpid($pid, POSIX::WNOHANG) }, 'weir-broker', 10) };
	return if $is_gone;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return;
}

# Apache Kafka, by tools/kafka.
package Weir::Kafka;

our @ISA = ('Weir::AnyBroker');

sub new
{
	my ($class, %option) = @_;
	my $self = bless { setting => {%ENV}, bootstrap => $ENV{WEIR_KAFKA} }, $class;
	if ($option{start})
	{
		$self->{directory} = PostgreSQL::Test::Utils::tempdir();
		$self->start(@{ $option{start} });
		push @running, $self;
	}
	my $topics = $option{topics} // {};
	$self->create_topic($_, $topics->{$_}) for sort keys %$topics;
	return $self;
}

# An address, a file or a process, by its name in tools/kafka/README.md: WEIR_KAFKA_SASL.
sub setting
{
	my ($self, $name) = @_;
	return $self->{setting}{$name} // die "the broker was started without $name";
}

sub create_topic
{
	my ($self, $name, $partitions, @configuration) = @_;
	$self->topic('', 'create', $name, $partitions, @configuration);
	return;
}

# A broker of this test's own: starts, also again after stop(), on what it had stored, at another address.
sub start
{
	my ($self, @options) = @_;
	$self->{options} = \@options if @options;
	my $lines = $self->script('start', '--with-pid', $$, @{ $self->{options} });
	$self->{setting} = { $lines =~ /^(\w+)=(.*)$/mg };
	$self->{bootstrap} = $self->setting('WEIR_KAFKA');
	return;
}

sub stop
{
	my ($self) = @_;
	$self->script('stop');
	return;
}

sub script
{
	my ($self, $command, @options) = @_;
	my $script = File::Basename::dirname(__FILE__) . '/../tools/kafka/kafka';
	# By files: a broker would hold pipes open.
	my $output = "$self->{directory}/$command.out";
	system("exec '$script' $command --dir '$self->{directory}/kafka' @options >'$output' 2>&1 </dev/null") == 0
	  or die "kafka $command: " . PostgreSQL::Test::Utils::slurp_file($output);
	return PostgreSQL::Test::Utils::slurp_file($output);
}

END
{
	local $?;
	$_->stop for (@running);
}

1;
