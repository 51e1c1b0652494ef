# SPDX-License-Identifier: PostgreSQL
#
# What a continuous view must make of a case, in plain SQL over the same events.
#
# It shares nothing with the engine: windows by arithmetic, or by trying each quarter of an hour on the
# zone's clock; W by window functions; groups by GROUP BY; sums of floats by numerics that are what the
# floats are. The decoder is not asked either: a case knows its values. The rules: W is the
# least of the partitions' maxima minus the lateness, NULL until each has one; an event is late if its
# window's end is at or before the W that stood before it.
package Weir::Expected;

use strict;
use warnings FATAL => 'all';
use Math::BigInt;
use Weir::Case;

# A float8 is too small for this and more: the largest, and half of its last place.
my $TOO_LARGE = Math::BigInt->new(2)**1024 - Math::BigInt->new(2)**970;

sub quote { my ($text) = @_; return "'" . ($text =~ s/'/''/gr) . "'" }

# --- what all cases share --------------------------------------------------------------------------

sub setup
{
	return join ";\n", helpers(), event_table(), windows(),
	  q{CREATE SERVER nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1')}, '';
}

sub helpers
{
	my $sums = 'xs float8[], n bigint, s numeric, q numeric';
	my $var = 'round(n * q - s * s, 330)';
	my %exact = (sum => 's', avg => 'round(s, 330) / NULLIF(n, 0)', var_pop => "$var / NULLIF(n * n, 0)",
		var_samp => "$var / NULLIF(n * (n - 1), 0)");
	$exact{"stddev_$_"} = "sqrt($exact{\"var_$_\"})" for ('pop', 'samp');
	my @helpers = (
		'CREATE SCHEMA oracle',
		"CREATE FUNCTION oracle.too_large() RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT ${TOO_LARGE}::numeric'",
		q{CREATE FUNCTION oracle.time(us numeric) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
			SELECT timestamptz '2000-01-01 00:00+00' + make_interval(days => div(us, 86400000000)::int)
				+ mod(us, 86400000000)::float8 * interval '1 microsecond' $$},
		q{CREATE FUNCTION oracle.us(at timestamptz) RETURNS int8 LANGUAGE sql IMMUTABLE AS $$
			SELECT ((extract(epoch FROM at) - 946684800) * 1000000)::int8 $$},
		# The start of a window of the calendar: when the zone's clock first shows its beginning or more.
		q{CREATE FUNCTION oracle.first(local timestamp, zone text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
			SELECT min(at) FROM generate_series(local AT TIME ZONE 'UTC' - interval '15 hours',
				local AT TIME ZONE 'UTC' + interval '39 hours', interval '15 min') AS at
			WHERE at AT TIME ZONE zone >= local $$},
		q{CREATE FUNCTION oracle.special(xs float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
			SELECT CASE WHEN bool_or(x = 'NaN') OR (bool_or(x = 'Infinity') AND bool_or(x = '-Infinity')) THEN float8 'NaN'
				WHEN bool_or(x = 'Infinity') THEN 'Infinity' WHEN bool_or(x = '-Infinity') THEN '-Infinity'
				WHEN bool_and(x::text = '-0') THEN '-0' END FROM unnest(xs) AS x WHERE x IS NOT NULL $$});
	for my $name (sort keys %exact)
	{
		my $special = $name =~ /samp/ ? 'CASE WHEN n > 1 THEN float8 \'NaN\' END' : 'float8 \'NaN\'';
		$special = 'oracle.special(xs)' if $name =~ /sum|avg/;
		my $is_special = $name eq 'sum' ? 'oracle.special(xs) IS NOT NULL'
		  : q{oracle.special(xs) IN ('NaN', 'Infinity', '-Infinity')};
		my $returns = $name eq 'sum' ? 'text' : 'float8';
		push @helpers, "CREATE FUNCTION oracle.$name($sums) RETURNS $returns LANGUAGE sql IMMUTABLE AS \$\$
			SELECT CASE WHEN $is_special THEN ($special)::$returns
				WHEN NOT ${\too_large($exact{$name})} THEN ($exact{$name})::$returns END \$\$",
		  "CREATE FUNCTION oracle.${name}_fails($sums) RETURNS bool LANGUAGE sql IMMUTABLE AS \$\$
			SELECT NOT coalesce($is_special, false) AND coalesce(${\too_large($exact{$name})}, false) \$\$";
	}
	return @helpers;
}

sub too_large { my ($exact) = @_; return "abs($exact) >= oracle.too_large()" }

sub event_table
{
	my $columns = join ', ', map { ("$_->{name} $_->{type}", $_->{exact} ? "$_->{name}x numeric" : ()) } @Weir::Case::columns;
	return "CREATE UNLOGGED TABLE oracle.event (number int, step int, part int, off bigint, value text, at_us bigint,
		refused text, flaws text[], $columns, PRIMARY KEY (number, step))";
}

# Windows of the calendar around the times that events have.
sub windows
{
	my @rows;
	for my $id (0 .. $#Weir::Case::windows)
	{
		my $window = $Weir::Case::windows[$id];
		next unless defined $window->{local};
		my $days = $window->{days} || $window->{months} * 30.436875;
		push @rows, map { "($id, timestamp '$_', timestamp '$window->{local}', '$window->{zone}', $window->{days}, $window->{months}, $days)" }
		  Weir::Case::bases($window);
	}
	my $rows = join ', ', @rows;
	return ('CREATE UNLOGGED TABLE oracle.span (id int, start_us bigint, end_us bigint, PRIMARY KEY (id, start_us))',
		"INSERT INTO oracle.span SELECT DISTINCT id, oracle.us(s), oracle.us(e) FROM (
			SELECT id, s, lead(s) OVER (PARTITION BY id, base ORDER BY k) AS e FROM (
				SELECT id, base, k, oracle.first(local + make_interval(days => k * days, months => k * months), zone) AS s
				FROM (VALUES $rows) AS v(id, base, local, zone, days, months, size),
				generate_series(-15, 80) AS near, LATERAL (SELECT near +
					floor(extract(epoch FROM base - local) / 86400 / size)::int) AS l(k)) AS b) AS w
		WHERE s < e", 'ANALYZE oracle.span');
}

# --- the stream ------------------------------------------------------------------------------------

sub stream_name { my ($case) = @_; return 's_' . join '_', @{ $case->{stream} }{qw(unit lateness max_ahead on_late)} }

sub stream
{
	my ($case) = @_;
	my $stream = $case->{stream};
	my $columns = join ', ', map { "$_->{name} $_->{type}" } @Weir::Case::columns;
	return "CREATE FOREIGN TABLE IF NOT EXISTS ${\stream_name($case)} (at timestamptz OPTIONS (unit '$stream->{unit}'), $columns) "
	  . "SERVER nowhere OPTIONS (topic 'nothing', event_time 'at', lateness '$stream->{lateness}', "
	  . "max_ahead '$stream->{max_ahead}', on_late '$stream->{on_late}')";
}

# --- events ----------------------------------------------------------------------------------------

sub payload
{
	my ($event) = @_;
	return $event->{payload} if exists $event->{payload};
	my @members;
	push @members, qq("at": $event->{at}{json}) if defined $event->{at}{json};
	for my $column (@Weir::Case::columns)
	{
		my $value = $event->{values}{ $column->{name} } or next;
		push @members, qq("$column->{name}": $value->{json}) if defined $value->{json};
	}
	return '{' . join(', ', @members) . '}';
}

# Rows of oracle.event, as COPY reads them.
sub rows
{
	my ($case) = @_;
	my @position = (0) x 100;
	my $step = 0;
	my $rows = '';
	for my $event (@{ $case->{events} })
	{
		my $values = $event->{values} // {};
		my $off = $position[ $event->{partition} ] + $event->{gap};
		my @flaws = map { $values->{ $_->{name} }{flaw} ? "$_->{name}:$values->{ $_->{name} }{flaw}" : () } @Weir::Case::columns;
		$position[ $event->{partition} ] = $off + 1;
		my @row = ($case->{number}, ++$step, $event->{partition}, $off, payload($event),
			@{ $event->{at} }{qw(us refused)}, '{' . join(',', @flaws) . '}',
			map { ($values->{ $_->{name} }{sql}, $_->{exact} ? $values->{ $_->{name} }{exact} : ()) } @Weir::Case::columns);
		$rows .= join("\t", map { copy_text($_) } @row) . "\n";
	}
	return $rows;
}

sub copy_text
{
	my ($text) = @_;
	return '\N' unless defined $text;
	my %escape = ("\\" => '\\\\', "\n" => '\n', "\t" => '\t');
	return $text =~ s/([\\\n\t])/$escape{$1}/gr;
}

# --- the definition --------------------------------------------------------------------------------

sub with_filter
{
	my ($sql, $filter) = @_;
	my $keep = $filter ? "($filter->{sql})" : 'true';
	my $clause = $filter ? " FILTER (WHERE $keep)" : '';
	return $sql =~ s/FILTER(?! \(WHERE)/$clause/gr =~ s/\bKEEP\b/$keep/gr;
}

sub definition
{
	my ($case) = @_;
	my @groups = ($case->{window}{start}, $case->{has_end} ? $case->{window}{end} : (), map { $_->{sql} } @{ $case->{keys} });
	my @names = ('w', $case->{has_end} ? 'we' : (), map { "k$_" } 1 .. @{ $case->{keys} });
	my @items = map { "$groups[$_] AS $names[$_]" } 0 .. $#groups;
	my $number = 0;
	push @items, with_filter($_->{sql}, $_->{filter}) . ' AS a' . ++$number for (@{ $case->{outputs} });
	my $sql = 'SELECT ' . join(', ', @items) . ' FROM ' . stream_name($case);
	$sql .= " WHERE $case->{where}{sql}" if $case->{where};
	$sql .= ' GROUP BY ' . join(', ', 1 .. @groups);
	$sql .= " HAVING $case->{having}{sql}" if $case->{having};
	return $sql;
}

# Columns that the definition uses: only their flaws count.
sub used
{
	my ($case) = @_;
	my $text = definition($case) =~ s/.*?SELECT//sr =~ s/ FROM \S+//r =~ s/ AS \w+//gr =~ s/'[^']*'//gr;
	return grep { $text =~ /\b$_\b/ } map { $_->{name} } @Weir::Case::columns;
}

# --- what must come --------------------------------------------------------------------------------

sub any { return @_ ? join(' OR ', map { "coalesce($_, false)" } @_) : 'false' }

sub window_join
{
	my ($case) = @_;
	my $window = $case->{window};
	my ($id) = grep { $Weir::Case::windows[$_] == $window } 0 .. $#Weir::Case::windows;
	return "LEFT JOIN oracle.span ON id = $id AND at_us >= start_us AND at_us < end_us" if defined $window->{local};
	return "LEFT JOIN LATERAL (SELECT s AS start_us, s + $window->{width_us} AS end_us FROM (
		SELECT at_us - mod(mod(at_us::numeric - $window->{origin_us}, $window->{width_us}) + $window->{width_us}, $window->{width_us})
	) AS x(s)) AS span ON end_us < 9223371331200000000";
}

# W when the events up to this one are known, or up to the one before.
sub watermark
{
	my ($case, $frame) = @_;
	my $last = 0;
	$_->{partition} > $last and $last = $_->{partition} for (@{ $case->{events} });
	my @maxima = map { "max(at_us) FILTER (WHERE refused IS NULL AND part = $_) OVER (ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND $frame)" } 0 .. $last;
	my $some = join ' OR ', map { "$_ IS NULL" } @maxima;
	return "CASE WHEN NOT ($some) THEN least(" . join(', ', @maxima) . ") - $case->{stream}{lateness_us} END";
}

# The condition under which a part of the definition raises an error for an event.
sub raising
{
	my ($part) = @_;
	my $filter = $part->{filter};
	my @conditions = $part->{raises} ? ($filter ? "($filter->{sql}) AND $part->{raises}" : $part->{raises}) : ();
	return @conditions unless $filter && $filter->{raises};
	@conditions = ('false') unless @conditions;
	@conditions = ("CASE WHEN $filter->{raises} THEN true ELSE $conditions[0] END");
	return @conditions;
}

sub verdict
{
	my ($case) = @_;
	my @when = ('refused IS NOT NULL THEN refused', 'flaw IS NOT NULL THEN flaw');
	if ($case->{where})
	{
		push @when, any($case->{where}{raises}) . " THEN 'expression'" if $case->{where}{raises};
		push @when, "($case->{where}{sql}) IS NOT TRUE THEN 'filtered'";
	}
	my @parts = map { raising($_) } @{ $case->{keys} }, @{ $case->{outputs} };
	push @when, any(@parts) . " THEN 'expression'" if @parts;
	my @long = map { $_->{raises_key} // () } @{ $case->{keys} };
	push @when, any(@long) . " THEN 'key_too_long'" if @long;
	push @when, q{end_us IS NULL THEN 'time_out_of_range'}, q{end_us <= w_before THEN 'late'};
	return 'CASE ' . join(' ', map { "WHEN $_" } @when) . q{ ELSE 'folded' END};
}

sub expected
{
	my ($case) = @_;
	my $used = join ', ', map { quote($_) } used($case), '';
	my @keys = @{ $case->{keys} };
	my @shown = ('oracle.time(start_us) AS w', $case->{has_end} ? 'oracle.time(end_us) AS we' : ());
	push @shown, "(array_agg($keys[$_ - 1]{sql} ORDER BY step))[1] AS k$_" for (1 .. @keys);
	my @fails_before = map { $_->{fails} ? with_filter($_->{fails}, $_->{filter}) : () } @{ $case->{outputs} };
	my @fails_after;
	my $number = 0;
	for my $output (@{ $case->{outputs} })
	{
		my $sql = with_filter($output->{oracle} // $output->{sql}, $output->{filter});
		push @fails_after, $output->{raises_group} if $output->{raises_group};
		$sql = "CASE WHEN NOT coalesce($output->{raises_group}, false) THEN $sql END" if $output->{raises_group};
		push @shown, "$sql AS a" . ++$number;
	}
	my $having = $case->{having};
	push @fails_before, $having->{raises_group} if $having && $having->{raises_group};
	my $holds = !$having ? 'true' : $having->{raises_group}
	  ? "CASE WHEN NOT coalesce($having->{raises_group}, false) THEN $having->{sql} END" : $having->{sql};
	my $row = join ', ', map { (/ AS (\w+)$/)[0] } @shown;
	my $group = join ', ', 'start_us', 'end_us', map { $_->{sql} } @keys;
	my $reported = $case->{stream}{on_late} eq 'discard' ? q{NOT IN ('folded', 'filtered', 'late')} : q{NOT IN ('folded', 'filtered')};
	return "clock AS MATERIALIZED (
	SELECT *, oracle.time(at_us) AS at, ${\watermark($case, '1 PRECEDING')} AS w_before, ${\watermark($case, 'CURRENT ROW')} AS w_after,
		(SELECT split_part(f, ':', 2) FROM unnest(flaws) WITH ORDINALITY AS x(f, n) WHERE split_part(f, ':', 1) IN ($used) ORDER BY n LIMIT 1) AS flaw
	FROM given),
judged AS MATERIALIZED (SELECT *, ${\verdict($case)} AS verdict FROM clock ${\window_join($case)}),
grouped AS MATERIALIZED (
	SELECT ${\join(', ', @shown)}, start_us, end_us, ${\any(@fails_before)} AS fails_before, ($holds) IS TRUE AS holds, ${\any(@fails_after)} AS fails_after
	FROM judged WHERE verdict = 'folded' GROUP BY $group),
ended AS (
	SELECT g.*, (SELECT row_to_json(r) FROM (SELECT $row) AS r) AS shown, fails_before OR holds AND fails_after AS fails,
		(SELECT min(step) FROM clock WHERE w_after >= end_us) AS closed_at, (SELECT max(step) FROM clock) AS last
	FROM grouped AS g),
want AS (
	SELECT step::bigint, 'rejected' AS kind, NULL AS \"row\", part AS partition, off AS \"offset\", verdict AS reason, oracle.time(w_after) AS watermark
	FROM judged WHERE verdict $reported
	UNION ALL
	SELECT step, CASE WHEN fails THEN 'rejected' WHEN closed_at IS NULL THEN 'live' ELSE 'closed' END,
		CASE WHEN NOT fails THEN shown::text END, NULL, NULL, CASE WHEN fails THEN 'finish' END, oracle.time(w_after)
	FROM ended JOIN clock ON step = coalesce(closed_at, last) WHERE fails OR holds
	UNION ALL
	SELECT step, 'watermark', NULL, NULL, NULL, NULL, oracle.time(w_after) FROM clock)";
}

# One row: number, what the engine did not say, what it should not have said.
sub comparison
{
	my ($case) = @_;
	my $definition = quote(definition($case));
	return "WITH given AS MATERIALIZED (SELECT * FROM oracle.event WHERE number = $case->{number}),
${\expected($case)},
got AS MATERIALIZED (
	SELECT step, kind, \"row\"::text, partition, \"offset\", reason, watermark FROM weir.simulate($definition,
		(SELECT array_agg(ROW(part, off, NULL, value, NULL)::weir.event ORDER BY step) FROM given), true))
SELECT 'case $case->{number}:', (SELECT json_agg(x) FROM (SELECT * FROM want EXCEPT ALL SELECT * FROM got) AS x),
	(SELECT json_agg(x) FROM (SELECT * FROM got EXCEPT ALL SELECT * FROM want) AS x)";
}

# What a user would type to see it.
sub reproduction
{
	my ($case) = @_;
	my @position = (0) x 100;
	my @events;
	for my $event (@{ $case->{events} })
	{
		my $off = $position[ $event->{partition} ] + $event->{gap};
		$position[ $event->{partition} ] = $off + 1;
		my $payload = payload($event);
		push @events, "    ($event->{partition}, $off, NULL, " . (defined $payload ? quote($payload) : 'NULL') . ', NULL)';
	}
	return "CREATE SERVER nowhere FOREIGN DATA WRAPPER weir_kafka OPTIONS (bootstrap_servers 'localhost:1');\n"
	  . stream($case) . ";\nSELECT * FROM weir.simulate(\n  " . quote(definition($case)) . ",\n  ARRAY[\n"
	  . join(",\n", @events) . "]::weir.event[], true);\n";
}

1;
