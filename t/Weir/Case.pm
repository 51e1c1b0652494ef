# SPDX-License-Identifier: PostgreSQL
#
# Random definitions and random events, from a seed.
#
# A case is plain data, so that it can be made smaller: { stream, window, keys, outputs, where, having,
# events }. What is written into a definition knows three things: its SQL, the SQL of the oracle where that
# differs, and `raises`, a condition under which it raises an error. Values know their JSON, their SQL, and
# what is wrong with them. Times are microseconds since 2000-01-01 UTC.
package Weir::Case;

use strict;
use warnings FATAL => 'all';
use POSIX ();
use Time::Local ();

my $SECOND = 1_000_000;
my $MINUTE = 60 * $SECOND;
my $HOUR = 60 * $MINUTE;
my $DAY = 24 * $HOUR;
my $EPOCH = 946_684_800; # 2000-01-01, in seconds since 1970

# The last microsecond that a timestamptz can be: no window holds it, for its end cannot be told.
my $LAST = 9_223_371_331_199_999_999;
my $AHEAD = time_of('2099-01-01 00:00:00');

# In the order of the stream's columns. `exact` names a column of numeric beside it, for the oracle.
our @columns = (
	{ name => 'b', type => 'bool', value => \&boolean },
	{ name => 'i2', type => 'int2', value => sub { integer(32767) } },
	{ name => 'i4', type => 'int4', value => sub { integer(2147483647) } },
	{ name => 'i8', type => 'int8', value => sub { integer(9223372036854775807) } },
	{ name => 'f4', type => 'float4', exact => 1, value => sub { float(13) } },
	{ name => 'f8', type => 'float8', exact => 1, value => sub { float(15) } },
	{ name => 'g8', type => 'float8', exact => 1, value => \&giant },
	{ name => 'n', type => 'numeric', value => \&numeric },
	{ name => 't', type => 'text', value => \&text },
	{ name => 'v', type => 'varchar(5)', value => \&varchar },
	{ name => 'ts', type => 'timestamptz', value => sub { timestamp('Z', '+00') } },
	{ name => 'tm', type => 'timestamp', value => sub { timestamp('', '') } },
	{ name => 'd', type => 'date', value => \&date },
	{ name => 'u', type => 'uuid', value => \&uuid },
	{ name => 'j', type => 'jsonb', value => \&json },
);

sub pick { return $_[ int rand @_ ] }
sub chance { return rand() < $_[0] }

# --- times -----------------------------------------------------------------------------------------

sub time_of
{
	my ($text) = @_;
	my ($year, $month, $day, $hour, $minute, $second, $fraction) =
	  $text =~ /^(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)(?:\.(\d+))?$/ or die $text;
	return (Time::Local::timegm($second, $minute, $hour, $day, $month - 1, $year) - $EPOCH) * $SECOND
	  + ($fraction // 0);
}

# Microseconds -> whole units, and the rest as digits behind the point; without loss.
sub split_time
{
	my ($us, $unit) = @_;
	use integer;
	my $rest = ($us % $unit + $unit) % $unit;
	return (($us - $rest) / $unit, $rest);
}

sub iso
{
	my ($us, $between, $zone) = @_;
	my ($seconds, $rest) = split_time($us, $SECOND);
	my @part = gmtime($seconds + $EPOCH);
	return sprintf('%04d-%02d-%02d%s%02d:%02d:%02d.%06d%s',
		$part[5] + 1900, $part[4] + 1, $part[3], $between, @part[ 2, 1, 0 ], $rest, $zone);
}

# A time as JSON in the stream's unit.
sub time_json
{
	my ($us, $unit) = @_;
	return '"' . iso($us, 'T', 'Z') . '"' if $unit eq 'iso8601';
	my ($size, $digits) = @{ { s => [ $SECOND, 6 ], ms => [ 1000, 3 ], us => [ 1, 0 ] }->{$unit} };
	my ($whole, $rest) = split_time($us, $size);
	$whole += $EPOCH * ($SECOND / $size);
	my $text = $whole;
	if ($rest)
	{
		# -1.25 is -2 and 0.75
		($whole, $rest) = ($whole + 1, $size - $rest) if $whole < 0;
		$text = $whole == 0 && $us < -$EPOCH * $SECOND ? '-0' : $whole;
		$text .= sprintf('.%0*d', $digits, $rest);
	}
	return chance(0.2) ? qq("$text") : $text;
}

# --- windows ---------------------------------------------------------------------------------------

# call, with %s for the function; width; origin: a boundary. `days` or `months`: of the calendar in `zone`,
# counted from `local`, near the times `bases`. Else all windows are as long.
our @windows = (
	even(q{%s(at, '250 ms')}, 250_000),
	even(q{%s(at, '1 second')}, $SECOND),
	even(q{%s(at, '7 min')}, 7 * $MINUTE),
	even(q{%s(at, '90 min')}, 90 * $MINUTE),
	even(q{%s(at, '1 hour')}, $HOUR),
	even(q{%s(at, '1 day')}, $DAY),
	even(q{%s(at, '1 week')}, 7 * $DAY),
	even(q{%s(at, '10 days')}, 10 * $DAY),
	even(q{%s(at, '1 day 12 hours')}, 36 * $HOUR),
	even(q{%s(at, '1 hour', 'Europe/Berlin')}, $HOUR, '2000-01-02 23:00:00'),
	even(q{%s(at, '24 hours', 'America/New_York')}, $DAY, '2000-01-03 05:00:00'),
	even(q{%s(at, '36 hours', 'UTC', '2001-05-05 05:05:05.000005+00')}, 36 * $HOUR, '2001-05-05 05:05:05.000005'),
	even(q{%s(at, '2 days', 'UTC', '1999-05-05 05:05:05+00')}, 2 * $DAY, '1999-05-05 05:05:05'),
	even(q{%s(at, '15 min', 'Asia/Kathmandu', '2030-01-01 00:07:00+05:45')}, 15 * $MINUTE, '2029-12-31 18:22:00'),
	{ %{ even(q{}, 15 * $MINUTE, '2001-02-16 20:38:40') },
		start => q{date_bin('15 min', at, '2001-02-16 20:38:40+00')},
		end => q{weir.tumble_end(at, '15 min', 'UTC', '2001-02-16 20:38:40+00')} },
	{ %{ even(q{}, $DAY, '1970-01-01 06:00:00') },
		start => q{date_bin('1 day', at, '1970-01-01 06:00+00')},
		end => q{weir.tumble_end(at, '24:00', 'UTC', '1970-01-01 06:00+00')} },
	{ %{ even(q{}, $HOUR, '2000-01-02 18:30:00') },
		start => q{date_trunc('hour', at, 'Asia/Kolkata')},
		end => q{weir.tumble_end(at, '1 hour', 'Asia/Kolkata')} },
	{ %{ even(q{}, $MINUTE) }, start => q{date_trunc('minute', at, 'UTC')}, end => q{weir.tumble_end(at, '1 min')} },
	days(1, 'Europe/Berlin', '', '2000-01-03 00:00', '2014-03-29 00:00:00', '2014-10-25 00:00:00', '1985-06-01 00:00:00'),
	days(2, 'Europe/Berlin', '', '2000-01-03 00:00', '2014-03-29 00:00:00', '2014-10-24 22:00:00'),
	days(1, 'Europe/Berlin', '2020-01-01 06:00+01', '2020-01-01 06:00', '2014-03-29 05:00:00', '2014-10-25 04:00:00'),
	days(7, 'America/New_York', '2000-01-02 00:00-05', '2000-01-02 00:00', '2014-03-03 05:00:00', '2014-11-03 04:00:00'),
	days(1, 'America/Sao_Paulo', '', '2000-01-03 00:00', '2018-11-03 03:00:00', '2019-02-15 02:00:00'),
	days(1, 'Australia/Lord_Howe', '', '2000-01-03 00:00', '2020-04-03 13:00:00', '2020-10-02 13:30:00'),
	days(1, 'Atlantic/Azores', '', '2000-01-03 00:00', '2020-10-24 00:00:00'),
	days(1, 'America/St_Johns', '', '2000-01-03 00:00', '2010-11-06 02:30:00'),
	days(1, 'Pacific/Apia', '', '2000-01-03 00:00', '2011-12-28 10:00:00'),
	months(1, undef, '', '2000-01-01 00:00', '2003-11-01 00:00:00', '1999-12-01 00:00:00'),
	months(1, 'Europe/Berlin', '', '2000-01-01 00:00', '2004-01-31 23:00:00', '1969-11-30 23:00:00'),
	months(3, 'Asia/Tokyo', '', '2000-01-01 00:00', '2003-12-31 15:00:00'),
	months(12, 'Europe/Berlin', '2020-04-01 00:00+02', '2020-04-01 00:00', '1972-03-31 23:00:00'),
	{ %{ days(1, 'America/New_York', '', '2000-01-03 00:00', '2014-03-08 05:00:00', '2014-11-01 04:00:00') },
		start => q{date_trunc('day', at, 'America/New_York')} },
	{ %{ days(7, 'Europe/Berlin', '', '2000-01-03 00:00', '2014-03-16 23:00:00') },
		start => q{date_trunc('week', at, 'Europe/Berlin')} },
	{ %{ months(1, 'Asia/Tokyo', '', '2000-01-01 00:00', '2003-12-31 15:00:00') },
		start => q{date_trunc('month', at, 'Asia/Tokyo')} },
	{ %{ months(3, 'Europe/Berlin', '', '2000-01-01 00:00', '2003-12-31 23:00:00') },
		start => q{date_trunc('quarter', at, 'Europe/Berlin')} },
);

sub even
{
	my ($call, $width_us, $origin) = @_;
	return { start => sprintf($call || '%s', 'weir.tumble'), end => sprintf($call || '%s', 'weir.tumble_end'),
		width_us => $width_us, origin_us => time_of($origin // '2000-01-03 00:00:00'),
		bases => [ '2012-02-28 00:00:00', '1999-12-31 00:00:00', '1969-12-31 00:00:00', '2000-01-01 00:00:00' ] };
}

sub calendar
{
	my ($width, $zone, $origin, $local, @bases) = @_;
	my $rest = defined $zone ? ", '$zone'" : '';
	$rest .= ", '$origin'" if $origin;
	return (start => "weir.tumble(at, '$width'$rest)", end => "weir.tumble_end(at, '$width'$rest)",
		zone => $zone // 'UTC', local => $local, bases => \@bases);
}

sub days
{
	my ($days, @rest) = @_;
	return { calendar("$days days", @rest), days => $days, months => 0, width_us => $days * $DAY };
}

sub months
{
	my ($months, @rest) = @_;
	return { calendar("$months months", @rest), days => 0, months => $months, width_us => $months * 30 * $DAY };
}

# Those that `now` of the year 2099 falls into are wanted too.
sub bases { return (@{ $_[0]->{bases} }, '2099-01-01 00:00:00') }

# --- values ----------------------------------------------------------------------------------------

# { json, sql, exact }; without json it is missing, without sql it is NULL.
sub fine { my ($json, $sql, $exact) = @_; return { json => $json, sql => $sql, exact => $exact } }
sub bad { my ($json, $flaw) = @_; return { json => $json, flaw => $flaw } }

sub value
{
	my ($column, $is_clean) = @_;
	return fine(undef, undef) if chance(0.08);
	return $column->{name} eq 'j' ? fine('null', 'null') : fine('null', undef) if chance(0.05);
	my $value;
	do { $value = $column->{value}->() } while ($is_clean && $value->{flaw});
	return $value;
}

sub boolean
{
	return bad('"maybe"', 'not_a_boolean') if chance(0.03);
	return pick(fine('true', 't'), fine('false', 'f'), fine('"TRUE"', 't'), fine('0', 'f'), fine('1', 't'));
}

sub integer
{
	my ($max) = @_;
	return pick(bad('1.5', 'not_an_integer'), bad('99999999999999999999', 'out_of_range'),
		bad('"x"', 'not_a_number'), bad('[1]', 'wrong_kind')) if chance(0.03);
	my $value = chance(0.03) ? pick($max, -$max) : int(rand 9) - 3;
	return fine(pick($value, $value, qq("$value"), chance(0.5) && abs($value) < 9 ? "$value.0" : $value), $value);
}

# Multiples of 2^-10 below 2^bits, and decimals, which a double is not: `exact` is what it is.
sub float
{
	my ($bits) = @_;
	return pick(bad('"x"', 'not_a_number'), bad('1e999', 'out_of_range'), bad('{}', 'wrong_kind')) if chance(0.02);
	return pick(map { fine(qq("$_"), $_) } ('NaN', 'Infinity', '-Infinity')) if chance(0.02);
	return pick(fine('0', '0', 0), fine('-0.0', '-0', 0)) if chance(0.15);
	return pick(map { fine($_, $_, $_) } ('1', '1.0', '-1', '2.5')) if chance(0.3);
	if ($bits > 13 && chance(0.4))
	{
		my $text = sprintf('%.2f', 0.01 + rand 300);
		return fine($text, $text, sprintf('%.80f', $text));
	}
	my $text = sprintf('%.10f', pick(1, -1) * (1 + int rand 2**pick(4, $bits + 10)) / 1024);
	return fine($text, $text, $text);
}

# Their sums do not fit, and their squares never.
sub giant
{
	return fine('0', '0', 0) if chance(0.1);
	my $text = pick('1e308', '-1e308', '1.7976931348623157e308', '-1.7976931348623157e308', '9e307', '-3.3e307', '2e307');
	return fine($text, $text, sprintf('%.0f', $text));
}

sub numeric
{
	return pick(bad('"x"', 'not_a_number'), bad('true', 'wrong_kind')) if chance(0.03);
	return pick(map { fine(qq("$_"), $_) } ('NaN', 'Infinity', '-Infinity')) if chance(0.02);
	my $text = pick('1', '1.0', '1.00', '0', '0.00', '-1.5', '-1.50', '2.5', '100', '1e2', '0.1',
		'12345678901234567890.123456789', '-12345678901234567890.123456789', '0.000000000000000000001',
		'99999999999', '-0.0001', '9999.9999', '10000');
	return fine(chance(0.2) ? qq("$text") : $text, $text);
}

sub text
{
	return bad('"a\u0000"', 'nul') if chance(0.02);
	return fine('"' . 'x' x 3000 . '"', 'x' x 3000) if chance(0.01);
	return pick(fine('""', ''), fine('"a"', 'a'), fine('"a"', 'a'), fine('"b"', 'b'), fine('"ab"', 'ab'),
		fine('"A"', 'A'), fine('"\u00e4"', "\xc3\xa4"), fine('"\u65e5"', "\xe6\x97\xa5"), fine('"a "', 'a '),
		fine('"q\"\\\\\'\n"', "q\"\\'\n"), fine('12', '12'), fine('{"x": 1}', '{"x": 1}'), fine('false', 'false'));
}

sub varchar
{
	return bad('"abcdef"', 'too_long') if chance(0.03);
	return pick(map({ fine(qq("$_"), $_) } ('a', 'abcde', 'a ', '', "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4")),
		fine('"abcd    "', 'abcd '));
}

sub timestamp
{
	my ($zone, $sql_zone) = @_;
	return pick(bad('"soon"', 'not_a_time'), bad('7', 'not_a_time')) if chance(0.03);
	my $us = time_of('1999-12-31 23:00:00') + int(rand 5) * 30 * $MINUTE;
	return fine('"' . iso($us, 'T', $zone) . '"', iso($us, ' ', $sql_zone));
}

sub date
{
	return bad('"1999-02-29"', 'not_a_date') if chance(0.03);
	return pick(map { fine(qq("$_"), $_) } ('2000-02-29', '1999-12-31', '2000-01-01', '1970-01-01'));
}

sub uuid
{
	return pick(bad('"u"', 'not_a_uuid'), bad('5', 'wrong_kind')) if chance(0.03);
	my $uuid = '00000000-0000-0000-0000-00000000000' . int rand 4;
	return fine(pick(qq("$uuid"), qq("{$uuid}")), $uuid);
}

sub json
{
	return pick(map { fine($_, $_) } ('{"a": 1}', '{"a": 1.0}', '{"a": null}', '[1, 2]', '"s"', '5', '5.00', '{}'));
}

# --- definitions -----------------------------------------------------------------------------------

my @conditions = (map({ { sql => $_ } }
	'i4 > 0', 'b', 'b IS NOT TRUE', q{t <> 'a'}, 'n >= 1', 'f8 < 100', q{f8 <> 'NaN'}, 'i2 IS NOT NULL',
	q{t IN ('a', 'b', 'ab')}, q{j ? 'a'}, 'ts > at', q{d > '1999-12-31'}, 'i8 % 2 = 0', 'tm IS NULL', 'f4 = f8',
	q{u <> '00000000-0000-0000-0000-000000000001'}, q{at >= '2000-01-01 00:00+00'}, 'i2 < i4', 'true'),
	{ sql => '100 / i4 > 20', raises => 'i4 = 0' }, { sql => '100 / i2 <> 50', raises => 'i2 = 0' });

my @keys = (map({ { sql => $_ } } map({ $_->{name} } grep { $_->{name} !~ /^(?:g8|t)$/ } @columns),
	'at', 'i4 % 3', q{coalesce(n, 1.0)}, 'n + 1', 'f8 * 2', '-f4', 'i4 IS NULL', 'd + 1', q{j -> 'a'},
	q{date_bin('1 hour', ts, '2000-01-01 00:00+00')}, 'NULLIF(f8, 1)'),
	map({ { sql => $_, raises_key => "octet_length($_) > 2900" } }
		't', 'lower(t)', q{coalesce(t, '?')}, 'CASE WHEN b THEN t END', q{v || t}, 'concat(t, i4)'),
	{ sql => '100 / i4', raises => 'i4 = 0' },
	{ sql => 'i2 + i8', raises => 'abs(i2::numeric + i8 + 0.5) > 9223372036854775807.5' });

my @integers = map({ { sql => $_ } } 'i2', 'i4', 'i8', 'n', 'i4 % 5', 'i2 * n', 'coalesce(i4, 7)', 'length(t)');
push @integers, { sql => '100 / i4', raises => 'i4 = 0' };

# [ SQL, the same exactly, may it have a variance ]
my @floats = ([ 'f4', 'f4x', 1 ], [ 'f8', 'f8x', 1 ], [ '-f8', '-f8x', 1 ], [ 'f8 * 2', 'f8x * 2', 1 ],
	[ 'g8', 'g8x', 1 ], [ 'i2::float8', 'i2::numeric', 1 ], [ 'i4::float4', 'i4::float4::int8::numeric', 0 ]);

my @orders = ('i4', 'i4 DESC', 'i8', 'i8 DESC NULLS LAST', 'ts', 'ts NULLS FIRST', 'tm DESC', 'at DESC', 't', 'n DESC',
	'f8', 't DESC NULLS LAST, i2', 'j, b', 'd, u DESC', 'at, i4', 'i4 % 2', 'length(v) DESC');

# An output: engine and oracle SQL with FILTER for ' FILTER (WHERE …)', KEEP for that condition.
sub output
{
	my $kind = pick(qw(count exact exact extreme extreme bool float float float end end finish));
	return count() if $kind eq 'count';
	return exact() if $kind eq 'exact';
	return extreme() if $kind eq 'extreme';
	return filtered({ sql => pick(qw(bool_and bool_or every)) . '(' . pick('b', 'i4 > 0', 't IS NULL') . ')FILTER' })
	  if $kind eq 'bool';
	return real() if $kind eq 'float';
	return end() if $kind eq 'end';
	return finish();
}

sub filtered
{
	my ($output) = @_;
	my $filter = chance(0.3) ? { %{ pick(@conditions) } } : undef;
	return { %$output, filter => $filter };
}

sub count { return filtered({ sql => 'count(' . pick('*', '*', map { $_->{name} } @columns) . ')FILTER' }) }

sub exact
{
	my $argument = pick(@integers);
	my $name = pick(qw(sum sum avg avg stddev variance stddev_samp stddev_pop var_samp var_pop));
	return filtered({ sql => "$name($argument->{sql})FILTER", raises => $argument->{raises} });
}

sub extreme
{
	my $name = pick(qw(min max));
	my $argument = pick('i2', 'i4', 'i8', 'f4', 'f8', 'g8', 'n', 't', 'v', 'ts', 'tm', 'd', 'at', 'i4 % 3', 'f8 - 1', 't || v');
	return filtered({ sql => "trim_scale($name($argument)FILTER)" }) if $argument eq 'n';
	return filtered({ sql => "$name($argument)FILTER" }) unless $argument =~ /^[fg]\d/;
	my $order = $name eq 'min' ? "$argument, ($argument)::text <> '-0'" : "$argument DESC, ($argument)::text = '-0'";
	return filtered({ sql => "$name($argument)FILTER",
		oracle => "(array_agg($argument ORDER BY $order) FILTER (WHERE ($argument) IS NOT NULL AND KEEP))[1]" });
}

# Sums of floats by numerics that are what the floats are, rounded once.
sub real
{
	my ($sql, $exact, $has_variance) = @{ pick(@floats) };
	my $name = pick('sum', 'sum', 'avg', 'avg', $has_variance ? qw(stddev variance stddev_samp stddev_pop var_samp var_pop) : ());
	my $type = $name eq 'sum' && $sql =~ /f4$|float4$/ ? 'float4' : 'float8';
	my $function = { stddev => 'stddev_samp', variance => 'var_samp' }->{$name} // $name;
	my $arguments = "array_agg(($sql)::float8)FILTER, count($sql)FILTER, sum($exact)FILTER, sum(($exact) * ($exact))FILTER";
	return filtered({ sql => "$name($sql)FILTER",
		oracle => "oracle.$function($arguments)::$type", fails => "oracle.${function}_fails($arguments)" });
}

sub end
{
	my $name = pick(qw(first last));
	my $argument = pick(map({ $_->{name} } @columns), 'at', 'i4 + 0.50', 't || v');
	my $order = chance(0.5) ? undef : pick(@orders);
	my $all = 'array_agg(' . $argument . ' ORDER BY ' . ($order // 'at') . ", part, off) FILTER (WHERE ($argument) IS NOT NULL AND KEEP)";
	return filtered({ sql => "$name($argument" . (defined $order ? " ORDER BY $order" : '') . ')FILTER',
		oracle => $name eq 'first' ? "($all)[1]" : "($all)[count($argument)FILTER]" });
}

# Expressions over aggregates; `raises_group` says where they raise an error.
sub finish
{
	return { %{ pick(
		{ sql => 'sum(i4) + count(*)' },
		{ sql => '100 / sum(i4)', raises_group => 'sum(i4) = 0' },
		{ sql => 'max(i4) - min(i4)', raises_group => 'abs(max(i4)::bigint - min(i4)) > 2147483647' },
		{ sql => 'sum(i4)::int4', raises_group => 'abs(sum(i4)::bigint) > 2147483647' },
		{ sql => 'count(*) * 100.0 / count(i4)', raises_group => 'count(i4) = 0' },
		{ sql => 'extract(epoch FROM max(at))' }, { sql => 'coalesce(sum(i8), 0)' },
		{ sql => q{concat(min(t), '/', max(t), '/', count(v))} }, { sql => 'max(at) - min(at)' },
		{ sql => 'CASE WHEN bool_or(b) THEN max(d) END' }, { sql => 'round(avg(n), 3)' },
		{ sql => 'min(i2)::int2 = max(i2)' }, { sql => 'jsonb_build_object(\'n\', count(*), \'x\', max(i8))' }) } };
}

sub having
{
	return { %{ pick(map({ { sql => $_ } } 'count(*) > 1', 'sum(i4) > 0', q{max(t) > 'a'}, 'bool_or(b)', 'avg(n) < 5',
		'count(i4) FILTER (WHERE b) >= 1', 'min(d) IS NOT NULL', 'count(*) % 2 = 1', 'sum(i8) IS NULL OR min(i2) < 0'),
		{ sql => '100 / (count(*) - 1) > 0', raises_group => 'count(*) = 1' }) } };
}

# --- events ----------------------------------------------------------------------------------------

# The payload of what is no event for any view, and why.
my @refused = ([ 'x', 'syntax' ], [ '', 'empty' ], [ '{"at": 5', 'truncated' ], [ '[]', 'not_object' ],
	[ '{} {}', 'trailing' ], [ undef, 'time_missing' ], [ '{"t": "\ud800"}', 'surrogate' ]);

sub odd_time
{
	my ($case) = @_;
	my $unit = $case->{stream}{unit};
	my $is_checked = $case->{stream}{max_ahead} ne 'off';
	my $extreme = pick($AHEAD, $AHEAD, $LAST);
	return pick({ refused => 'time_missing' }, { json => 'null', refused => 'time_missing' },
		{ json => '"soon"', refused => 'not_a_time' }, { json => '"infinity"', refused => 'time_out_of_range' },
		{ json => '"-infinity"', refused => 'time_out_of_range' }, { json => 'true', refused => 'wrong_kind' },
		chance(0.3) ? { json => time_json($extreme, $unit), us => $extreme, refused => $is_checked ? 'time_ahead' : undef }
		: { json => '""', refused => 'not_a_time' });
}

sub event
{
	my ($case, $partition, $us) = @_;
	my %event = (partition => $partition, gap => chance($case->{gaps}) ? int(rand 3) : 0);
	if (chance($case->{dirt} * 0.5))
	{
		my ($payload, $reason) = @{ pick(@refused) };
		return { %event, payload => $payload, at => { refused => $reason } };
	}
	$event{at} = chance($case->{dirt} * 0.5) ? odd_time($case)
	  : { us => $us, json => time_json($us, $case->{stream}{unit}) };
	my $is_clean = !chance($case->{dirt} * 4);
	$event{values} = { map { $_->{name} => value($_, $is_clean) } @columns };
	return \%event;
}

my %lateness = ('0' => 0, '250ms' => 250_000, '1s' => $SECOND, '1min' => $MINUTE, '15min' => 15 * $MINUTE,
	'1h' => $HOUR, '6h' => 6 * $HOUR, '1d' => $DAY, '3d' => 3 * $DAY, '31d' => 31 * $DAY);

sub stream
{
	my ($window) = @_;
	my @names = sort grep { $lateness{$_} <= 3 * $window->{width_us} && $lateness{$_} * 100 >= $window->{width_us} } keys %lateness;
	my $lateness = chance(0.3) ? '0' : pick(@names, '0');
	return { unit => pick('ms', 'ms', 'us', 's', 'iso8601'), lateness => $lateness, lateness_us => $lateness{$lateness},
		max_ahead => pick('off', '1d'), on_late => chance(0.15) ? 'discard' : 'reject' };
}

# Each partition has a clock of its own, that runs; events lie before it. All fall on a grid, so that
# times meet, and ends of windows.
sub events
{
	my ($case) = @_;
	my $window = $case->{window};
	my $width = $window->{width_us};
	my $grid = pick($width, $width / 2, POSIX::floor($width / 24), 1 + int rand $width);
	my $base = time_of(pick(@{ $window->{bases} }));
	$base -= ($base - $window->{origin_us}) % $width if defined $window->{origin_us};
	my $partitions = pick(1, 1, 2, 2, 3, 4);
	my $steps = pick(1, 3, 10, 10, 30, 30, 60, 120);
	my $speed = pick(0.5, 3, 8) * $width / $steps * $partitions;
	my $disorder = pick(0, 1, 2) * pick($case->{stream}{lateness_us}, $width);
	my @clock = map { rand($width) * pick(0, 1) } 1 .. $partitions;
	my @events;
	for (1 .. $steps)
	{
		my $partition = int rand $partitions;
		$clock[$partition] += rand 2 * $speed;
		my $us = POSIX::floor(($clock[$partition] - (chance(0.5) ? rand $disorder : 0)) / $grid) * $grid;
		push @events, event($case, $partition, sprintf '%d', $base + $us);
	}
	return \@events;
}

# The case of a number, for a seed; the same on each machine.
sub random
{
	my ($seed, $number) = @_;
	srand($seed * 1_000_003 + $number);
	my $window = pick(@windows);
	my %case = (number => $number, window => $window, stream => stream($window),
		dirt => pick(0, 0.02, 0.1), gaps => pick(0, 0.1), has_end => chance(0.3),
		keys => [ map { { %{ pick(@keys) } } } 1 .. pick(0, 1, 1, 1, 2, 3) ],
		outputs => [ { sql => 'count(*)' }, map { output() } 1 .. pick(1, 2, 4, 8) ]);
	$case{where} = { %{ pick(@conditions) } } if chance(0.3);
	$case{having} = having() if chance(0.25);
	my %seen;
	$case{keys} = [ grep { !$seen{ $_->{sql} }++ } @{ $case{keys} } ];
	$case{events} = events(\%case);
	return \%case;
}

1;
