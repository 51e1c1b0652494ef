# SPDX-License-Identifier: PostgreSQL
#
# What the scripts in tools/ share. Sourced, not run.
# shellcheck shell=bash disable=SC2034

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# A make that calls us has nothing to say to the ones that we call, but its variables, in the environment.
unset MAKEFLAGS MFLAGS MAKELEVEL
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/pg_weir

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Runs with root's rights: directly, or by sudo.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "root's rights are needed for: $*"
	fi
}

# pg_config of the PostgreSQL to work with: PG_CONFIG, or the one on PATH.
find_pg_config() {
	PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}") || return 1
	export PG_CONFIG
	[ -f "$("$PG_CONFIG" --pgxs 2>/dev/null)" ]
}

# The Debian archive that this machine uses.
debian_mirror() {
	local found
	found=$(sed -n -E 's/^[[:space:]]*(deb|URIs:).*[[:space:]](https?:[^[:space:]]*\/debian\/?)([[:space:]].*)?$/\2/p' \
		/etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
	printf '%s\n' "${WEIR_DEBIAN_MIRROR:-${found:-http://deb.debian.org/debian}}"
}

# Copies the sources, without what was built, into a directory.
copy_tree() {
	mkdir -p "$1"
	tar -C "$tree" --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.bc' \
		--exclude='*.so' --exclude=./results --exclude=./output_iso --exclude=./tmp_check \
		-cf - . | tar -C "$1" -xf -
}

# One builder in a tree at a time.
build_tree() {
	mkdir -p "$1/build"
	(
		flock 9
		make -s -C "$1" -j"$(nproc)" "${@:2}" 9>&-
	) 9>"$1/build/.lock"
}

# Runs in a process group of its own, so that it can be ended with all its children, and in the
# background, so that a signal to the script acts at once. Wants `set -m`.
child=
run() {
	local status=0
	"$@" </dev/null &
	child=$!
	wait "$child" || status=$?
	child=
	return $status
}

# Signals end a script by its EXIT trap.
exit_on_signals() {
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
}
