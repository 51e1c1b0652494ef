# SPDX-License-Identifier: PostgreSQL
#
# Random continuous views over random events, and the right answer in plain SQL.
#
# A case is a definition, the options of its stream, and events in the order in which they arrive. The
# engine's answer is what weir.simulate() says. The oracle's is a query over a table of the same events,
# which shares no code with the engine: it finds M and W by window functions, decides what is late, for each window, by the
# rule, and groups and aggregates by PostgreSQL's own means; floats are summed as exact numerics. Values go
# to the oracle as SQL literals, to the engine as JSON.
#
# This is the data, not the running of it: t/oracle.pl runs cases and shrinks what fails.
package Weir::Oracle;

use strict;
use warnings FATAL => 'all';

# What a session of the oracle needs first.
sub prepare
{
	return <<'SQL';
CREATE SERVER nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');
CREATE SCHEMA oracle;
CREATE TABLE oracle.power2 AS
    WITH RECURSIVE up (e, v) AS (SELECT 0, 1::numeric UNION ALL SELECT e + 1, v * 2 FROM up WHERE e < 400),
        down (e, v) AS (SELECT 0, 1::numeric UNION ALL SELECT e - 1, v * 0.5 FROM down WHERE e > -400)
    SELECT * FROM up UNION SELECT * FROM down WHERE e < 0;
CREATE UNIQUE INDEX ON oracle.power2 (e);
-- every bit of a float
CREATE FUNCTION oracle.exact(x float8) RETURNS numeric LANGUAGE sql STABLE STRICT AS $$
    SELECT CASE WHEN b < 0 THEN -1 ELSE 1 END * CASE WHEN x = 0 THEN 0 ELSE
            ((b & ((1::bigint << 52) - 1)) + (1::bigint << 52)) * (SELECT v FROM oracle.power2 WHERE e = (b >> 52 & 2047) - 1075) END
        FROM (SELECT ('x' || encode(float8send(x), 'hex'))::bit(64)::bigint AS b) AS t $$;
CREATE FUNCTION oracle.is_minus(x float8) RETURNS bool LANGUAGE sql IMMUTABLE STRICT
    RETURN get_byte(float8send(x), 0) >= 128;
-- NaN, both infinities or one of them, as text; else NULL
CREATE FUNCTION oracle.special(xs float8[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN bool_or(x = 'NaN') OR bool_or(x = 'Infinity') AND bool_or(x = '-Infinity') THEN 'NaN'
                WHEN bool_or(x = 'Infinity') THEN 'Infinity' WHEN bool_or(x = '-Infinity') THEN '-Infinity' END
        FROM unnest(xs) AS x $$;
-- the sum, as a text that is rounded once when it is cast
CREATE FUNCTION oracle.sum(xs float8[]) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN count(x) = 0 THEN NULL WHEN oracle.special(xs) IS NOT NULL THEN oracle.special(xs)
                WHEN bool_and(x = 0 AND oracle.is_minus(x)) THEN '-0' ELSE sum(oracle.exact(x))::text END
        FROM unnest(CASE WHEN oracle.special(xs) IS NULL THEN xs ELSE '{0}' END) AS x $$;
CREATE FUNCTION oracle.avg(xs float8[]) RETURNS float8 LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN count(x) = 0 THEN NULL WHEN oracle.special(xs) IS NOT NULL THEN oracle.special(xs)::float8
                ELSE ((sum(oracle.exact(x)) + 0e-150) / count(x))::float8 END
        FROM unnest(CASE WHEN oracle.special(xs) IS NULL THEN xs ELSE '{0}' END) AS x $$;
-- 150 digits: rounded again, to a float's 17, that is rounded once
CREATE FUNCTION oracle.variance(xs float8[], is_sample bool, is_root bool) RETURNS float8 LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN n IS NULL OR is_sample AND n = 1 THEN NULL WHEN oracle.special(xs) IS NOT NULL THEN 'NaN'
                WHEN is_root THEN sqrt(v)::float8 ELSE v::float8 END
        FROM (SELECT array_length(array_remove(xs, NULL), 1) AS n, (count(x) * sum(oracle.exact(x) * oracle.exact(x)) - sum(oracle.exact(x)) * sum(oracle.exact(x)) + 0e-150)
                         / NULLIF(count(x) * (count(x) - is_sample::int), 0) AS v
                  FROM unnest(CASE WHEN oracle.special(xs) IS NULL THEN xs ELSE '{0}' END) AS x) AS t $$;
SQL
}

# --- chance ----------------------------------------------------------------------------------------

sub pick { return $_[ int(rand(@_)) ] }

sub chance { return rand() < $_[0] }

sub between { return $_[0] + int(rand($_[1] - $_[0] + 1)) }

sub quote { return defined $_[0] ? "'" . ($_[0] =~ s/'/''/gr) . "'" : 'NULL' }

sub json_quote { return '"' . ($_[0] =~ s/(["\\])/\\$1/gr) . '"' }

# --- columns ---------------------------------------------------------------------------------------

# A value is [ JSON, text of the SQL literal ].
sub same { return [ $_[0], $_[0] ] }

sub number { return chance(0.2) ? [ json_quote($_[0]), $_[0] ] : same($_[0]) }

sub word { return [ json_quote($_[0]), $_[0] ] }

my @not_a_number = ([ '"many"', 'not_a_number' ], [ '{}', 'wrong_kind' ]);
my @not_an_integer = (@not_a_number, [ '1.5', 'not_an_integer' ], [ '1e30', 'out_of_range' ]);

# In the order of the table: of several bad values the first is named.
my @columns = (
	{
		name => 's', type => 'text',
		value => sub { word(pick('a', 'b', 'A', 'ab', '', 'ä', 'null', 'b ', 'it\'s', 'q"\\', 'z' x 40)) },
		bad => [ [ '"\u0000"', 'nul' ] ],
	},
	{
		name => 'i', type => 'int4',
		value => sub { number(chance(0.1) ? pick(2147483647, -2147483648) : between(-3, 5)) },
		bad => \@not_an_integer,
	},
	{
		name => 'h', type => 'int2',
		value => sub { number(chance(0.1) ? pick(32767, -32768) : between(-2, 3)) },
		bad => \@not_an_integer,
	},
	{
		name => 'g', type => 'int8',
		value => sub { number(chance(0.2) ? pick('9223372036854775807', '-9223372036854775808') : between(-9, 9)) },
		bad => \@not_an_integer,
	},
	{
		# wide: the largest is 2^80 times the smallest
		name => 'f', type => 'float8',
		value => sub {
			return word(pick('NaN', 'Infinity', '-Infinity')) if chance(0.03);
			return number(pick('0', '-0.0')) if chance(0.15);
			return number(sprintf('%.17g', (rand(2) - 1) * 2**between(-30, 49)));
		},
		bad => \@not_a_number,
	},
	{
		# narrow, so that variances are exact
		name => 'q', type => 'float8',
		value => sub { number(between(-70000, 70000) / 8) },
		bad => \@not_a_number,
	},
	{
		name => 'r', type => 'float4',
		value => sub {
			return word(pick('NaN', 'Infinity')) if chance(0.02);
			return number(chance(0.1) ? '-0.0' : between(-2000, 2000) / 16);
		},
		bad => \@not_a_number,
	},
	{
		name => 'd', type => 'numeric',
		value => sub {
			return number(pick('1', '1.0', '1.00', '1.000', '0', '0.0', '-0.5', '-0.50', '2.5', '12345678901234567890.123',
				'-0.0000000001', '1e3', '99999999.99'))
			  if chance(0.95);
			return word('NaN');
		},
		bad => \@not_a_number,
	},
	{
		name => 'b', type => 'bool',
		value => sub { chance(0.5) ? [ pick('true', '"true"', '1'), 'true' ] : [ pick('false', '"false"', '0'), 'false' ] },
		bad => [ [ '"maybe"', 'not_a_boolean' ] ],
	},
	{
		name => 'u', type => 'uuid',
		value => sub { word(pick('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff')) },
		bad => [ [ '"x"', 'not_a_uuid' ] ],
	},
	{
		name => 'day', type => 'date',
		value => sub { word(pick('2024-02-29', '1969-12-31', '0001-01-01', '9999-12-31')) },
		bad => [ [ '"soon"', 'not_a_date' ] ],
	},
	{
		name => 'ts', type => 'timestamp',
		value => sub { word(pick('2024-02-29T12:00:00', '1969-12-31T23:59:59.999999', '2000-01-01T00:00:00')) },
		bad => [ [ '"noon"', 'not_a_time' ] ],
	},
	{
		name => 'j', type => 'jsonb',
		value => sub { my $x = pick('{"a": 1}', '{}', '[1, 2.0]', 'null', '"x"', '1.0', '1.00'); [ $x, $x ] },
		bad => [],
	});
my %column = map { $_->{name} => $_ } @columns;

# --- definitions -----------------------------------------------------------------------------------

# An expression is { sql, columns => [ … ], raises => condition, or nothing }.
sub expression
{
	my ($sql, $raises) = @_;
	my %seen;
	my @used = grep { $column{$_} && !$seen{$_}++ } ($sql =~ s/'[^']*'//gr) =~ /(?<![.:])\b([a-z]+)\b(?!\()/g;
	return { sql => $sql, columns => \@used, raises => $raises };
}

my @keys = (
	(map { expression($_->{name}) } @columns),
	expression('p'), expression('o % 2'), expression('upper(s)'), expression('i % 3'), expression('i > 0'),
	expression('coalesce(s, \'?\')'), expression('length(s)'), expression('d + 0'), expression('-f'),
	expression('s COLLATE "C"'), expression('s COLLATE ucs_basic'), expression('s::varchar(2)'), expression('s::char(4)'),
	expression('100 / h', 'h = 0'), expression('s || \'!\''), expression('CASE WHEN b THEN i ELSE h END'),
	expression('j -> \'a\''), expression('day - date \'2000-01-01\''));

my @conditions = (
	expression('i > 0'), expression('s IS NOT NULL'), expression('b'), expression('NOT b'), expression('d < 2'),
	expression('f <> 0'), expression('p <> 1'), expression('coalesce(i, 0) % 2 = 0'), expression('10 / h > 3', 'h = 0'),
	expression('s < \'b\' OR h = 1'), expression('q BETWEEN -5000 AND 5000 AND r > -60'), expression('u::text LIKE \'a%\''),
	expression('i IN (1, 2, 5, NULL)'), expression('s NOT IN (\'a\', \'b\')'), expression('s COLLATE ucs_basic = \'a\''),
	expression('h = ANY (ARRAY[i, 1])'));

my @havings = (
	[ 'count(*) > 1' ], [ 'max(i) > 2' ], [ 'bool_or(b)' ], [ 'sum(g) IS NULL OR sum(g) > 0', undef ],
	[ '10 / (count(*) - 2) > 2', 'count(*) = 2' ], [ 'count(s) < 3' ], [ 'min(d) < 1', 'false', undef, [ 'd' ] ]);

my @floats = (
	[ 'f', 'float8' ], [ 'q', 'float8' ], [ 'r', 'float4' ], [ 'f * 2', 'float8' ], [ 'i::float8 / 4', 'float8' ], [ 'h::real', 'float4' ]);
my @narrow = ([ 'q', 'float8' ], [ 'r', 'float4' ], [ 'q * 0.5', 'float8' ], [ 'h::real', 'float4' ]);
my @exacts = ('i', 'h', 'g', 'd', 'i::int8 * 2', '-d', '(100 / h)');
my @ordered = ('i', 'h', 'g', 's', 'day', 'ts', 'at', 'upper(s)', 'i::int8 - h', 's COLLATE "C"', 's COLLATE ucs_basic');

# An aggregate is { sql, oracle, columns, raises: at close, input_raises }. $filter is '' or ' FILTER (…)'.
sub aggregate
{
	my ($filter) = @_;
	my $where = $filter ? " FILTER (WHERE $filter->{sql})" : '';
	my $kind = between(1, 14);
	my ($sql, $oracle, $raises, $input_raises);
	my $floats = sub { "array_agg(($_[0])::float8 ORDER BY seq)$where" };

	if ($kind == 1)
	{
		$sql = $oracle = "count(*)$where";
	}
	elsif ($kind == 2)
	{
		$sql = $oracle = 'count(' . pick(map { $_->{name} } @columns) . ")$where";
	}
	elsif ($kind <= 4)
	{
		my $x = pick(@exacts);
		$sql = $oracle = pick(qw(sum avg)) . "($x)$where";
		$input_raises = 'h = 0' if $x eq '(100 / h)';
	}
	elsif ($kind == 5)
	{
		my $x = pick('i', 'h', 'g', 'd');
		$sql = $oracle = pick(qw(stddev stddev_samp stddev_pop variance var_samp var_pop)) . "($x)$where";
	}
	elsif ($kind == 6)
	{
		my ($x, $type) = @{ pick(@floats) };
		$sql = "sum($x)$where";
		$oracle = "oracle.sum(" . $floats->($x) . ")::$type";
	}
	elsif ($kind == 7)
	{
		my ($x, $type) = @{ pick(@floats) };
		$sql = "avg($x)$where";
		$oracle = "oracle.avg(" . $floats->($x) . ")";
	}
	elsif ($kind == 8)
	{
		my ($x) = @{ pick(@narrow) };
		my $name = pick(qw(stddev stddev_samp stddev_pop variance var_samp var_pop));
		$sql = "$name($x)$where";
		$oracle = sprintf('oracle.variance(%s, %s, %s)', $floats->($x),
			($name =~ /pop/ ? 'false' : 'true'), ($name =~ /stddev/ ? 'true' : 'false'));
	}
	elsif ($kind == 9)
	{
		$sql = $oracle = pick(qw(min max)) . '(' . pick(@ordered) . ")$where";
	}
	elsif ($kind == 10)
	{
		# of equal values: -0 before 0; the numeric whose bytes are less, which begin with the scale's last bit
		my ($x, $tie) = @{ pick([ 'd', 'scale(d) % 2, scale(d)' ], [ 'f', 'NOT oracle.is_minus(f)' ], [ 'r', 'NOT oracle.is_minus(r)' ]) };
		my $is_max = chance(0.5);
		$sql = ($is_max ? 'max' : 'min') . "($x)$where";
		$tie =~ s/NOT oracle/oracle/ if $is_max;
		my $condition = $filter ? "$x IS NOT NULL AND ($filter->{sql})" : "$x IS NOT NULL";
		$oracle = "(array_agg($x ORDER BY $x " . ($is_max ? 'DESC' : '') . ", $tie) FILTER (WHERE $condition))[1]";
	}
	elsif ($kind == 11)
	{
		$sql = $oracle = pick('bool_and', 'bool_or', 'every') . '(' . pick('b', 'i > 0', 's = \'a\'') . ")$where";
	}
	elsif ($kind <= 13)
	{
		my $x = pick('i', 's', 'd', 'f', 'u', 'j', 'day', 'h', 'p', 'o', 'upper(s)', 'at');
		my $order = chance(0.4) ? pick('i', 'd DESC', 's', 'h NULLS FIRST', 'ts DESC NULLS LAST, b', 'q', 'p % 2 DESC', 'f', 'day, i DESC',
			's COLLATE ucs_basic') : undef;
		my $name = pick(qw(first last));
		my $by = ($order // 'at') . ', p, o';
		my $condition = $filter ? "$x IS NOT NULL AND ($filter->{sql})" : "$x IS NOT NULL";
		my $values = "array_agg($x ORDER BY $by) FILTER (WHERE $condition)";
		$sql = "$name($x" . ($order ? " ORDER BY $order" : '') . ")$where";
		$oracle = $name eq 'first' ? "($values)[1]" : "($values)[cardinality($values)]";
	}
	else
	{
		($sql, $raises) = @{ pick(
				[ "sum(i)$where + count(*)" ],
				[ "max(i)::int8 * 10 / (count(s)$where - 1)", "max(i) IS NOT NULL AND count(s)$where = 1" ],
				[ "coalesce(sum(d)$where, 0) / nullif(count(d), 0)" ],
				[ "CASE WHEN count(*)$where > 1 THEN 'many' ELSE min(s) END" ],
				[ "(count(*)$where)::text || coalesce(max(s), '-')" ],
				[ "(sum(h) / (count(*) - 3))", 'count(*) = 3 AND sum(h) IS NOT NULL' ]) };
		$oracle = $sql;
	}
	my $e = expression($sql);
	$filter = undef if index($sql, 'FILTER') < 0;
	if ($filter && $filter->{raises})
	{
		$input_raises = $input_raises ? "($filter->{raises}) OR ($filter->{sql}) AND $input_raises" : $filter->{raises};
	}
	elsif ($filter && $input_raises)
	{
		$input_raises = "($filter->{sql}) AND $input_raises";
	}
	return { sql => $sql, oracle => $oracle, columns => $e->{columns}, raises => $raises, input_raises => $input_raises };
}

my @zones = ('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'UTC');

# The windows that may hold an event: $latest is the start of the latest, as a timestamp of the zone.
sub hops
{
	my ($latest, $width, $slide, $count, $zone) = @_;
	return qq{SELECT (b - k * interval '$slide') AT TIME ZONE '$zone' AS ws, (b - k * interval '$slide' + interval '$width') AT TIME ZONE '$zone' AS we
		FROM (SELECT $latest AS b) AS b, generate_series(0, $count) AS k};
}

sub hopping_window
{
	my ($second) = @_;
	if (chance(0.6))
	{
		my ($width, $slide, $count, $width_us) = @{ pick(
				[ '100 ms', '30 ms', 4, $second / 10 ], [ '10 s', '5 s', 2, 10 * $second ], [ '1 min', '10 s', 6, 60 * $second ],
				[ '7 min', '2 min', 4, 420 * $second ], [ '1 hour', '20 min', 3, 3600 * $second ], [ '1 day', '6 hours', 4, 86400 * $second ],
				[ '1 min', '1 min', 1, 60 * $second ], [ '1 hour', '59 min', 2, 3600 * $second ]) };
		return { engine => "weir.hop(at, '$width', '$slide')", engine_end => "weir.hop_end(at, '$width', '$slide')", width_us => $width_us,
			hops => hops("date_bin('$slide', at AT TIME ZONE 'UTC', '2000-01-03')", $width, $slide, $count, 'UTC') };
	}
	my $zone = pick(@zones);
	my ($width, $slide, $latest, $count, $days) = @{ pick(
			[ '3 days', '1 day', 'date_trunc(\'day\', L)', 3, 3 ], [ '1 week', '1 day', 'date_trunc(\'day\', L)', 7, 7 ],
			[ '5 days', '2 days', 'date_bin(\'2 days\', L, \'2000-01-03\')', 3, 5 ],
			[ '3 months', '1 month', 'date_trunc(\'month\', L)', 3, 91 ], [ '1 year', '3 months', 'date_trunc(\'quarter\', L)', 4, 365 ]) };
	$latest =~ s/L/at AT TIME ZONE '$zone'/;
	return { engine => "weir.hop(at, '$width', '$slide', '$zone')", engine_end => "weir.hop_end(at, '$width', '$slide', '$zone')",
		width_us => $days * 86400 * $second, hops => hops($latest, $width, $slide, $count, $zone) };
}

# { engine, engine_end: as SQL of a definition; start, end: the one window of an event, or hops: a query for those that may hold it;
# width_us: about }
sub window
{
	my $second = 1_000_000;
	return hopping_window($second) if chance(0.3);
	my $kind = between(1, 8);
	if ($kind <= 4)
	{
		my ($width, $width_us) = @{ pick(
				[ '100 ms', $second / 10 ], [ '1 s', $second ], [ '10 seconds', 10 * $second ], [ '1 min', 60 * $second ],
				[ '7 min', 420 * $second ], [ '1 hour', 3600 * $second ], [ '24 hours', 86400 * $second ],
				[ '1 day', 86400 * $second ], [ '1 week', 7 * 86400 * $second ], [ '1 day 12 hours', 129600 * $second ]) };
		my $seconds = $width_us / $second;
		my $start = "date_bin('$seconds seconds', at, '2000-01-03 00:00+00')";
		return { engine => "weir.tumble(at, '$width')", engine_end => "weir.tumble_end(at, '$width')",
			start => $start, end => "$start + interval '$seconds seconds'", width_us => $width_us };
	}
	if ($kind == 5)
	{
		my $start = "date_bin('15 min', at, '2001-02-03 04:05:06.000007+00')";
		return { engine => $start, start => $start, end => "$start + interval '15 min'", width_us => 900 * $second };
	}
	my $zone = pick(@zones);
	my ($unit, $width, $days) = @{ pick([ 'day', '1 day', 1 ], [ 'week', '1 week', 7 ], [ 'month', '1 month', 30 ],
			[ 'quarter', '3 months', 91 ], [ 'year', '1 year', 365 ]) };
	my $width_us = $days * 86400 * $second;
	my $local = "at AT TIME ZONE '$zone'";
	my $start = "date_trunc('$unit', $local)";
	my %oracle = (start => "$start AT TIME ZONE '$zone'", end => "($start + interval '$width') AT TIME ZONE '$zone'", width_us => $width_us);
	return { %oracle, engine => "date_trunc('$unit', at, '$zone')" } if $kind == 6;
	return { %oracle, engine => "weir.tumble(at, '$width', '$zone')", engine_end => "weir.tumble_end(at, '$width', '$zone')" }
	  if $kind == 7;
	# days from six to six
	$start = "date_trunc('day', $local - interval '6 hours') + interval '6 hours'";
	my $arguments = "at, '1 day', '$zone', '2020-01-01 06:00'::timestamp AT TIME ZONE '$zone'";
	return { engine => "weir.tumble($arguments)", engine_end => "weir.tumble_end($arguments)",
		start => "($start) AT TIME ZONE '$zone'", end => "($start + interval '1 day') AT TIME ZONE '$zone'", width_us => 86400 * $second };
}

# --- events ----------------------------------------------------------------------------------------

# Of integers beyond what a float holds.
sub floor_div
{
	use integer;
	my $quotient = $_[0] / $_[1];
	return $quotient * $_[1] > $_[0] ? $quotient - 1 : $quotient;
}

# µs since 1970 as the text of a literal
sub time_text
{
	my ($us, $shift_s) = @_;
	my $s = floor_div($us, 1_000_000);
	my @t = gmtime($s + ($shift_s // 0));
	return sprintf('%04d-%02d-%02dT%02d:%02d:%02d.%06d', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ], $us - $s * 1_000_000);
}

sub time_json
{
	my ($us, $unit) = @_;
	my $sign = $us < 0 ? '-' : '';
	my $abs = $us < 0 ? -$us : $us;
	my $text =
		$unit eq 's' ? sprintf('%s%d.%06d', $sign, floor_div($abs, 1_000_000), $abs % 1_000_000)
	  : $unit eq 'ms' ? sprintf('%s%d.%03d', $sign, floor_div($abs, 1000), $abs % 1000)
	  : $unit eq 'us' ? $us
	  : $unit eq 'ns' ? "${us}000"
	  :                 undef;
	if (defined $text)
	{
		$text =~ s/\.?0+$// if $text =~ /\./;
		return chance(0.1) ? json_quote($text) : $text;
	}
	return json_quote(time_text($us) . 'Z') if chance(0.7);
	my $minutes = pick(-300, 60, 330);
	return json_quote(sprintf('%s%s%02d:%02d', time_text($us, $minutes * 60), $minutes < 0 ? '-' : '+', int(abs($minutes) / 60), abs($minutes) % 60));
}

# An event: { p, o, us: valid time or undef, reason: of the stream, value: payload, row: { column => literal }, bad: { column => reason } }
sub event
{
	my ($case, $us) = @_;
	my %event = (us => $us, row => {}, bad => {});
	my @members;
	my $time = time_json($us, $case->{unit});

	if (chance(0.04))
	{
		my $fault = pick(@{ $case->{max_ahead} ? [] : [ [ 'ahead', 'time_ahead' ] ] },
			[ undef, 'time_missing' ], [ 'null', 'time_missing' ], [ '"soon"', 'not_a_time' ], [ '{}', 'wrong_kind' ]);
		$event{reason} = $fault->[1];
		$time = $fault->[0];
		$event{us} = undef;
		if ($event{reason} eq 'time_ahead')
		{
			$event{ahead} = 4_102_444_800_000_000 + between(0, 1000) * 1_000_000;
			$time = time_json($event{ahead}, $case->{unit});
		}
	}
	for my $column (@columns)
	{
		my $name = $column->{name};
		if (chance(0.03) && @{ $column->{bad} })
		{
			my $bad = pick(@{ $column->{bad} });
			push @members, [ $name, $bad->[0] ];
			$event{bad}{$name} = $bad->[1];
		}
		elsif (chance(0.85))
		{
			my $value = $column->{value}->();
			push @members, [ $name, $value->[0] ];
			$event{row}{$name} = $value->[1];
		}
		elsif ($name ne 'j' && chance(0.5))
		{
			push @members, [ $name, 'null' ];
		}
	}
	push @members, [ 'at', $time ] if defined $time;
	push @members, [ 'more', '[{"at": 0}, "}"]' ] if chance(0.1);
	@members = sort { $a->[2] <=> $b->[2] } map { [ @$_, rand ] } @members if chance(0.3);
	my ($colon, $comma) = chance(0.2) ? (' : ', " ,\n") : (':', ',');
	$event{value} = '{' . join($comma, map { json_quote($_->[0]) . $colon . $_->[1] } @members) . '}';
	if (chance(0.02))
	{
		my $fault = pick([ '{', 'truncated' ], [ '', 'empty' ], [ '[1]', 'not_object' ], [ 'x', 'syntax' ], [ undef, 'time_missing' ],
			[ "$event{value}]", 'trailing' ]);
		@event{qw(value reason us ahead)} = (@$fault, undef, undef);
	}
	return \%event;
}

# Times go forward with disorder, often on a grid, so that some are equal and some meet an end exactly.
sub events
{
	my ($case) = @_;
	my $width_us = $case->{window}{width_us};
	my $reach_us = pick($width_us, $width_us, $case->{lateness_us} || $width_us, 3 * $width_us);
	my $grid_us = chance(0.6) ? int(pick($width_us / 4, $width_us, $reach_us / 8)) : 1;
	$grid_us = 3_600_000_000 if $grid_us > 3_600_000_000 && chance(0.8);
	my $base_us = pick(
		map({ $_ * 1_000_000 } 1_600_000_000, 1_616_893_200, 1_635_642_000, 1_615_705_200, -157_766_400, 946_684_800, between(1_577_836_800, 1_700_000_000)),
		$case->{max_ahead} ? 253_370_764_800_000_000 : 0);
	my @lag = map { chance(0.5) ? 0 : rand(2) * $reach_us } 1 .. $case->{partitions};
	my @offset = map { chance(0.8) ? 0 : between(0, 5_000_000_000) } 1 .. $case->{partitions};
	my $count = between(1, chance(0.2) ? 120 : 40);
	# the future is for max_ahead
	my $step_us = rand(3) * $reach_us / 8;
	$base_us -= 30 * $reach_us if $reach_us > 60 * 86_400_000_000 && $base_us < 2e15;
	my @events;
	for my $n (1 .. $count)
	{
		my $p = between(0, $case->{partitions} - 1);
		my $us = $base_us + int($n * $step_us - $lag[$p] + (rand() - 0.5) * $reach_us * pick(0, 0.1, 1, 2));
		$us = floor_div($us, $grid_us) * $grid_us;
		my $event = event($case, $us);
		$offset[$p] += between(1, 4) if chance(0.1);
		$event->{p} = $p;
		$event->{o} = $offset[$p]++;
		push @events, $event;
	}
	return \@events;
}

# --- a case ----------------------------------------------------------------------------------------

# Equal values of this key may be written in several ways.
sub has_images { return $_[0]{sql} =~ /^(?:d|d \+ 0|-?f|q|r|j|j -> 'a')$/ }

sub make
{
	my ($seed) = @_;
	srand($seed);
	my $second = 1_000_000;
	my $case = {
		seed => $seed,
		partitions => pick(1, 1, 2, 3, 4),
		unit => pick('s', 'ms', 'us', 'iso8601'),
		on_late => chance(0.85) ? 'reject' : 'discard',
		max_ahead => chance(0.3) ? 'off' : undef,
		window => window(),
		where => chance(0.4) ? pick(@conditions) : undef,
		having => chance(0.25) ? [ @{ pick(@havings) } ] : undef,
		has_end => chance(0.3),
	};
	$case->{lateness_us} = pick(0, 0, $second, 10 * $second, 60 * $second, 3600 * $second, 86400 * $second, 30 * 86400 * $second,
		$case->{window}{width_us}, int($case->{window}{width_us} / 3));
	my %used;
	$case->{keys} = [ grep { !$used{ $_->{sql} }++ } map { pick(@keys) } 1 .. between(0, 3) ];
	# a hopping window shows the key of its first slice, not of its first event
	$case->{keys} = [ grep { !has_images($_) } @{ $case->{keys} } ] if $case->{window}{hops};
	$case->{aggregates} = [ map { aggregate(chance(0.3) ? pick(@conditions) : undef) } 1 .. between(1, 6) ];
	$case->{events} = events($case);
	return $case;
}

sub definition
{
	my ($case) = @_;
	my ($window, $n) = ($case->{window}, 0);
	my @select = ("$window->{engine} AS w");
	my @group = ($window->{engine});
	if ($case->{has_end} && $window->{engine_end})
	{
		push @select, "$window->{engine_end} AS e";
		push @group, $window->{engine_end};
	}
	for my $key (@{ $case->{keys} })
	{
		push @select, "$key->{sql} AS k" . ++$n;
		push @group, $key->{sql};
	}
	$n = 0;
	push @select, "$_->{sql} AS a" . ++$n for @{ $case->{aggregates} };
	return join("\n    ", 'SELECT ' . join(', ', @select), 'FROM stream',
		($case->{where} ? "WHERE $case->{where}{sql}" : ()), 'GROUP BY ' . join(', ', @group),
		($case->{having} ? "HAVING $case->{having}[0]" : ()));
}

sub used_columns
{
	my ($case) = @_;
	my %used;
	$used{$_} = 1 for map { @{ $_->{columns} } } @{ $case->{keys} }, @{ $case->{aggregates} },
	  ($case->{where} ? $case->{where} : ()), ($case->{having} ? expression($case->{having}[0]) : ());
	return grep { $used{ $_->{name} } } @columns;
}

sub either { return @_ ? join(' OR ', map { "coalesce($_, false)" } @_) : 'false' }

# The stream and its events as tables: of no server, and temporary, if not told otherwise.
sub setup
{
	my ($case, %place) = @_;
	my ($server, $topic) = ($place{server} // 'nowhere', $place{topic} // 'stream');
	my $temporary = $place{server} ? '' : 'TEMPORARY';
	my @used = used_columns($case);
	my $columns = join ', ', map { "$_->{name} $_->{type}" } @columns;
	my $max_ahead = $case->{max_ahead} ? ", max_ahead '$case->{max_ahead}'" : '';
	my @rows;
	my $seq = 0;
	for my $event (@{ $case->{events} })
	{
		my ($flaw) = grep { defined } map { $event->{bad}{ $_->{name} } } @used;
		push @rows, '(' . join(', ', ++$seq, $event->{p}, $event->{o}, quote($event->{value}), quote($event->{reason}), quote($flaw),
			quote(defined $event->{us} ? time_text($event->{us}) . 'Z' : undef),
			quote(defined $event->{ahead} ? time_text($event->{ahead}) . 'Z' : undef),
			map { quote($event->{row}{ $_->{name} }) } @columns) . ')';
	}
	return <<SQL;
CREATE FOREIGN TABLE stream (at timestamptz OPTIONS (unit '$case->{unit}'), p int OPTIONS (meta 'partition'),
        o bigint OPTIONS (meta 'offset'), $columns)
    SERVER $server OPTIONS (topic '$topic', event_time 'at', lateness '$case->{lateness_us}us', on_late '$case->{on_late}'$max_ahead);
CREATE $temporary TABLE event (seq int, p int, o bigint, value text, stream_reason text, flaw text,
        at timestamptz, ahead timestamptz, $columns);
INSERT INTO event VALUES
${\ join(",\n", @rows)};
SQL
}

# The engine's answer: lines.
sub engine_query
{
	my ($case) = @_;
	return <<SQL;
SELECT concat_ws('|', step, kind, coalesce("row"::text, '-'), coalesce(partition::text, '-'), coalesce("offset"::text, '-'), coalesce(reason, '-'),
                 coalesce(event_time::text, '-'), coalesce(windows::text, '-'), coalesce(watermark::text, '-')) AS line
    FROM weir.simulate(\$def\$@{[ definition($case) ]}\$def\$,
        ARRAY(SELECT weir.event(value, p, "offset" => o) FROM event ORDER BY seq), true)
SQL
}

# The right one.
sub oracle_query
{
	my ($case) = @_;
	return <<SQL;
SELECT concat_ws('|', step, kind, coalesce(row_text, '-'), coalesce(p::text, '-'), coalesce(o::text, '-'), coalesce(reason, '-'),
                 coalesce(event_time::text, '-'), coalesce(windows::text, '-'), coalesce(w_after::text, '-')) AS line
    FROM (${\ right_answer($case) }) AS right_answer
SQL
}

# Its columns: step, kind, row_text, p, o, reason, event_time, windows, w_after.
sub right_answer
{
	my ($case) = @_;
	# One without a message is idle, and holds nothing back.
	my @partitions = do { my %seen; map { $seen{ $_->{p} } = 1 } @{ $case->{events} }; sort { $a <=> $b } keys %seen };
	my $maxima = join ', ', map { "max(at) FILTER (WHERE p = $_) OVER (ORDER BY seq) AS m$_" } @partitions;
	my $all_seen = join ' AND ', map { "m$_ IS NOT NULL" } @partitions;
	my $least = join ', ', map { "m$_" } @partitions;
	my ($window, $where, $having) = @$case{qw(window where having)};
	my $windows = $window->{hops} // "SELECT $window->{start} AS ws, $window->{end} AS we";
	my $where_raises = either($where && $where->{raises} ? $where->{raises} : ());
	my $where_sql = $where ? $where->{sql} : 'true';
	my $rest_raises = either(grep { defined } map({ $_->{raises} } @{ $case->{keys} }), map({ $_->{input_raises} } @{ $case->{aggregates} }));
	my $having_raises = either($having && $having->[1] ? $having->[1] : ());
	my $having_sql = $having ? $having->[0] : 'true';
	my $close_raises = either(grep { defined } map { $_->{raises} } @{ $case->{aggregates} });
	my ($k, $a) = (0, 0);
	my @key_columns = map { "(array_agg($_->{sql} ORDER BY seq))[1] AS k" . ++$k } @{ $case->{keys} };
	my @aggregate_columns = map {
		my $value = $_->{raises} ? "CASE WHEN $_->{raises} THEN NULL ELSE $_->{oracle} END" : $_->{oracle};
		"$value AS a" . ++$a
	} @{ $case->{aggregates} };
	my @row = ('ws AS w', ($case->{has_end} && $window->{engine_end} ? 'we AS e' : ()), map({ "k$_" } 1 .. $k), map({ "a$_" } 1 .. $a));
	return <<SQL;
    WITH seen AS (SELECT *, $maxima FROM event),
    clock AS (SELECT *, CASE WHEN $all_seen THEN least($least) - interval '$case->{lateness_us} microseconds' END AS w_after FROM seen),
    windows AS MATERIALIZED (
        SELECT seq, ws, we, we <= w_before IS TRUE AS is_missed
            FROM (SELECT *, lag(w_after) OVER (ORDER BY seq) AS w_before FROM clock) AS c, LATERAL ($windows) AS w
            WHERE at >= ws AND at < we),
    judged AS MATERIALIZED (
        SELECT *, CASE WHEN stream_reason IS NOT NULL THEN 'stream' WHEN flaw IS NOT NULL THEN 'flaw'
                       WHEN $where_raises THEN 'expression' WHEN ($where_sql) IS NOT TRUE THEN 'filtered'
                       WHEN $rest_raises THEN 'expression' ELSE 'wanted' END AS verdict
            FROM clock LEFT JOIN (SELECT seq, array_agg(ws ORDER BY ws) AS all_windows,
                                         array_agg(ws ORDER BY ws) FILTER (WHERE is_missed) AS missed FROM windows GROUP BY seq) AS w USING (seq)),
    folded AS MATERIALIZED (SELECT * FROM judged JOIN windows USING (seq) WHERE verdict = 'wanted' AND NOT is_missed),
    kept_out AS (SELECT *, verdict AS why, all_windows AS which FROM judged WHERE verdict NOT IN ('wanted', 'filtered')
        UNION ALL SELECT *, 'late', missed FROM judged WHERE verdict = 'wanted' AND missed IS NOT NULL),
    groups AS (
        SELECT ${\ join(', ', 'ws', 'we', @key_columns, @aggregate_columns) },
               CASE WHEN $having_raises THEN 'raises' WHEN ($having_sql) IS NOT TRUE THEN 'hidden' WHEN $close_raises THEN 'raises' ELSE 'shown' END AS fate
            FROM folded GROUP BY ${\ join(', ', 'ws', 'we', map { "($_->{sql})" } @{ $case->{keys} }) }),
    finished AS (
        SELECT groups.*, (SELECT min(seq) FROM clock WHERE w_after >= we) AS closed_at,
               (SELECT row_to_json(r)::text FROM (SELECT ${\ join(', ', @row) }) AS r) AS row_text
            FROM groups WHERE fate <> 'hidden')
    SELECT f.step, CASE WHEN closed_at IS NULL THEN 'live' WHEN fate = 'shown' THEN 'closed' ELSE 'rejected' END AS kind,
           CASE WHEN fate = 'shown' THEN row_text END AS row_text, NULL::int AS p, NULL::bigint AS o,
           CASE WHEN fate = 'raises' THEN 'finish' END AS reason, NULL::timestamptz AS event_time,
           CASE WHEN fate = 'raises' THEN ARRAY[ws] END AS windows, w_after
        FROM (SELECT *, coalesce(closed_at, (SELECT max(seq) FROM event)) AS step FROM finished) AS f JOIN clock ON seq = f.step
    UNION ALL
    SELECT seq, CASE WHEN why = 'late' AND '$case->{on_late}' = 'discard' THEN 'discarded' ELSE 'rejected' END, NULL, p, o,
           CASE why WHEN 'stream' THEN stream_reason WHEN 'flaw' THEN flaw ELSE why END,
           CASE WHEN why = 'late' AND '$case->{on_late}' = 'discard' THEN NULL ELSE coalesce(at, ahead) END,
           CASE WHEN why = 'late' AND '$case->{on_late}' = 'discard' OR why = 'stream' THEN NULL ELSE which END, w_after
        FROM kept_out
    UNION ALL
    SELECT seq, 'watermark', NULL, NULL, NULL, NULL, NULL, NULL, w_after FROM clock
SQL
}

# The lines of which one side has more, with its sign.
sub difference
{
	my ($case) = @_;
	my ($engine, $oracle) = (engine_query($case), oracle_query($case));
	return <<SQL;
WITH engine AS MATERIALIZED ($engine), oracle AS MATERIALIZED ($oracle)
SELECT sign || ' ' || line FROM (
    SELECT 'engine' AS sign, line FROM (TABLE engine EXCEPT ALL TABLE oracle) AS e
    UNION ALL SELECT 'oracle', line FROM (TABLE oracle EXCEPT ALL TABLE engine) AS o) AS d ORDER BY substring(line FROM '^\\d+')::int, line, sign;
SQL
}

# One case: prints "case N", differing lines, "done N".
sub script
{
	my ($case, $number) = @_;
	return "\\echo case $number\nBEGIN;\n" . setup($case) . difference($case) . "ROLLBACK;\n\\echo done $number\n";
}

1;
