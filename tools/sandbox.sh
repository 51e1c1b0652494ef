# SPDX-License-Identifier: PostgreSQL
#
# A sandbox: a temporary directory with a private copy of PostgreSQL that has pg_weir in it, a cluster,
# and, if asked, Apache Kafka. Everything runs as a user that is not root, nothing outside is touched,
# and nothing is left, whatever ends the script. Sourced after common.sh, not run.
#
#   PG_CONFIG      the PostgreSQL to use; default: the one on PATH. If it is given, or SANITIZE, then
#                  the tree is left alone and a copy of it built
#   SANITIZE       build the extension so, and load the libraries into the server: address,undefined
#   KEEP=1         leave the temporary directory
#   WEIR_TEST_DIR  where temporary directories are made; default /tmp
# shellcheck shell=bash disable=SC2034

dir=
is_other=${PG_CONFIG:-}

# --- leaving nothing behind ------------------------------------------------------------------------

# Processes that this run started and that outlived their parents: by the mark in their environment;
# servers overwrite theirs, but they run in, or from, the directory.
leftovers() {
	local process pid
	for process in /proc/[0-9]*; do
		pid=${process#/proc/}
		case $(readlink "$process/cwd" "$process/exe" 2>/dev/null | tr '\n' ' ') in
			*"$dir/"*) printf '%s\n' "$pid" ;;
			*) ! grep -qzxF "WEIR_TEST_RUN=$dir" "$process/environ" 2>/dev/null || printf '%s\n' "$pid" ;;
		esac
	done
}

end_processes() {
	local signal pids i
	[ -z "$child" ] || kill -TERM -- "-$child" 2>/dev/null || true
	for signal in INT TERM QUIT KILL; do
		for i in $(seq 20); do
			mapfile -t pids < <(leftovers)
			[ ${#pids[@]} -gt 0 ] || return 0
			[ "$i" != 1 ] || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
			sleep 0.1
		done
	done
}

# A server that was killed has left the System V segment that its lock file names, in line 7.
remove_segment() {
	local id
	[ -f "$dir/cluster/postmaster.pid" ] || return 0
	id=$(sed -n '7s/.* //p' "$dir/cluster/postmaster.pid")
	[ -z "$id" ] || ipcrm -m "$id" 2>/dev/null || true
}

finish() {
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	if [ -n "$dir" ]; then
		end_processes
		remove_segment
		if [ -n "${KEEP:-}" ]; then
			say "left: $dir"
		else
			rm -rf "$dir"
		fi
	fi
	exit $status
}
trap finish EXIT
exit_on_signals
set -m

# --- preparing -------------------------------------------------------------------------------------

prepare() {
	local started=$SECONDS
	"$tree/tools/setup" test
	find_pg_config || die "no PostgreSQL with development files: set PG_CONFIG"
	dir=$(mktemp -d "${WEIR_TEST_DIR:-/tmp}/pg_weir.XXXXXX")
	work=$dir/work
	chmod 755 "$dir"
	mkdir "$dir/tmp"
	local source=$tree
	if [ -n "${SANITIZE:-}$is_other" ]; then
		source=$dir/source
		copy_tree "$source"
	fi
	local flags=(SANITIZE="${SANITIZE:-}")
	# Other optimisation, other false alarms: warnings are errors in the tree's own build only.
	[ "$source" = "$tree" ] || flags+=(WERROR=)
	run build_tree "$source" "${flags[@]}" PG_CONFIG="$PG_CONFIG"
	bin=$("$tree/tools/shadow" "$dir/pg" "$source" "${flags[@]}")
	[ -z "${SANITIZE:-}" ] || preload_sanitizers
	pgxs=$("$PG_CONFIG" --pgxs)
	pg_tests=$dir/pg${pgxs%/makefiles/*}/test
	copy_tree "$work"
	mkdir "$work/build"
	cp "$source"/build/weir-* "$work/build/"

	set_environment
	if [ "$(id -u)" = 0 ]; then
		local user=postgres
		id "$user" >/dev/null 2>&1 || user=nobody
		as_tester=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
		chown -R "$user:$(id -g "$user")" "$dir"
		say "running as user $user"
	fi
	say "ready: $("$bin/postgres" --version), $((SECONDS - started)) s"
}

# Nothing of the caller's environment reaches the sandbox but what is listed here.
set_environment() {
	environment=(
		PATH="$work/build:$bin:/usr/local/bin:/usr/bin:/bin"
		HOME="$dir/tmp" TMPDIR="$dir/tmp" LC_ALL=C.UTF-8 TZ=UTC
		WEIR_TEST_RUN="$dir" WEIR_TEST_CACHE="$cache" WEIR_SANITIZE="${SANITIZE:-}"
		PG_REGRESS="$pg_tests/regress/pg_regress" PG_TEST_PORT_DIR="$dir/tmp"
		PERL5LIB="$work/t:$pg_tests/perl" TESTDIR="$dir/tap"
		PGHOST="$dir/tmp" PGUSER=postgres PG_TEST_TIMEOUT_DEFAULT=180
		CASES="${CASES:-}" SEED="${SEED:-}" EVENTS="${EVENTS:-}" KILLS="${KILLS:-}"
	)
	local lib
	lib=$dir/pg$("$PG_CONFIG" --libdir)
	[ ! -d "$lib" ] || environment+=(LD_LIBRARY_PATH="$lib")
	as_tester=()
}

# The server needs the run-time libraries before its own first allocation; psql and perl do not.
# And a stub: libgpg-error's constructor calls bindtextdomain(), which allocates under a lock of the C
# library; AddressSanitizer, initialised by that allocation, takes the same lock.
preload_sanitizers() {
	local libraries
	libraries="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so) $dir/no-text-domain.so"
	cc -shared -fPIC -x c -o "$dir/no-text-domain.so" - <<-E
		char *bindtextdomain(const char *domain, const char *directory)
		{
			(void) domain;
			return (char *) directory;
		}
	E
	mv "$bin/postgres" "$bin/postgres-plain"
	cat >"$bin/postgres" <<-E
		#!/bin/bash
		export LD_PRELOAD='$libraries'
		export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:log_path=$dir/tmp/sanitizer
		export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:abort_on_error=1:log_path=$dir/tmp/sanitizer
		exec -a "\$0" "$bin/postgres-plain" "\$@"
	E
	chmod 755 "$bin/postgres"
}

tester() {
	run "${as_tester[@]}" env -i -C "$work" "${environment[@]}" "$@"
}

# --- a cluster -------------------------------------------------------------------------------------

# start_cluster [LINE…]: with these lines in postgresql.conf. One cluster: a Unix socket in a directory
# of its own, no TCP.
start_cluster() {
	[ ! -d "$dir/cluster" ] || return 0
	local log=$dir/initdb.log
	if ! tester initdb -D "$dir/cluster" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$log" 2>&1; then
		cat "$log" >&2
		die "initdb failed"
	fi
	cat >>"$dir/cluster/postgresql.conf" <<-E
		listen_addresses = ''
		unix_socket_directories = '$dir/tmp'
		fsync = off
		log_line_prefix = '%m [%p] %q%a '
		log_statement = none
		timezone = 'UTC'
	E
	[ $# = 0 ] || printf '%s\n' "$@" >>"$dir/cluster/postgresql.conf"
	if ! tester pg_ctl -D "$dir/cluster" -l "$dir/server.log" -w -t 120 start >"$log" 2>&1; then
		cat "$log" "$dir/server.log" >&2
		die "the cluster does not start"
	fi
}

stop_cluster() {
	[ -d "$dir/cluster" ] || return 0
	tester pg_ctl -D "$dir/cluster" -w -t 60 -m fast stop >"$dir/stop.log" 2>&1
}

# --- Apache Kafka ----------------------------------------------------------------------------------

# Its addresses go to the sandbox's environment: see tools/kafka/README.md.
start_kafka() {
	"$tree/tools/setup" kafka
	# The tester may not be able to read the cache.
	"$work/tools/kafka/kafka" fetch --to "$dir/kafka-jars" >/dev/null
	chmod -R a+rX "$dir/kafka-jars"
	environment+=(WEIR_KAFKA_JARS="$dir/kafka-jars")
	tester "$work/tools/kafka/kafka" start --dir "$dir/tmp/kafka" --sasl --tls --advertise-badly "$@" \
		--with-pid $$ >"$dir/kafka.env" 2>"$dir/kafka-start.log" || return 1
	local line
	while read -r line; do
		environment+=("$line")
	done <"$dir/kafka.env"
}

stop_kafka() {
	tester "$work/tools/kafka/kafka" stop --dir "$dir/tmp/kafka"
}
