# SPDX-License-Identifier: PostgreSQL
#
# Debian roots to try things in: made by debootstrap once, kept in the cache, and entered with an
# overlay above, so that what happens inside is thrown away. Sourced, not run; wants root.
#
# A root is entered in mount and process namespaces of its own: whatever happens, no mount and no
# process is left. The network is the machine's.
# shellcheck shell=bash

roots=$cache/roots

# root_make NAME SUITE PACKAGE…    Prints the root's directory. Made anew after 30 days.
root_make() {
	local name=$1 suite=$2 root=$roots/$1 mirror
	shift 2
	mirror=$(debian_mirror)
	mkdir -p "$roots"
	(
		flock 9
		if [ ! -e "$root/finished-$*" ] || [ -n "$(find "$root/finished-$*" -mtime +30)" ]; then
			say "making a Debian root: $suite, with $*" >&2
			rm -rf "$root"
			mkdir -p "$root/upper" "$root/scratch"
			if ! debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
				"$suite" "$root/lower" "$mirror" >"$root/log" 2>&1; then
				tail -n 20 "$root/log" >&2
				die "debootstrap failed, see $root/log"
			fi
			root_settle "$root/lower" "$suite" "$mirror"
			# shellcheck disable=SC2016
			if ! root_enter "$root/lower" '' bash -ec 'apt-get -qq update
				DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"
				apt-get clean; rm -rf /var/lib/apt/lists/*' - "$@" >>"$root/log" 2>&1; then
				tail -n 20 "$root/log" >&2
				die "could not install $*, see $root/log"
			fi
			touch "$root/finished-$*"
		fi
	) 9>"$roots/$name.lock"
	printf '%s\n' "$root/lower"
}

# What a machine has and a minimal root has not: a name, a resolver, the way to the mirror.
root_settle() {
	local root=$1 suite=$2 mirror=$3
	cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
	hostname >"$root/etc/hostname"
	printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$root/etc/hosts"
	printf 'deb %s %s main\n' "$mirror" "$suite" >"$root/etc/apt/sources.list"
	apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Check-Valid-Until|Check-Date|Retries)' \
		>"$root/etc/apt/apt.conf.d/90machine" || true
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
}

# root_enter ROOT OVERLAY COMMAND…    With an overlay directory, ROOT itself stays as it is; what was
# written is in OVERLAY/upper, also afterwards.
root_enter() {
	local root=$1 overlay=$2
	shift 2
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child bash -euc '
		root=$1 overlay=$2
		shift 2
		if [ -n "$overlay" ]; then
			mkdir -p "$overlay/upper" "$overlay/work" "$overlay/merged"
			mount -t overlay overlay -o "lowerdir=$root,upperdir=$overlay/upper,workdir=$overlay/work" "$overlay/merged"
			root=$overlay/merged
		fi
		mount -t proc proc "$root/proc"
		mount -t tmpfs tmpfs "$root/dev"
		for device in null zero full random urandom tty; do
			: >"$root/dev/$device"
			mount --bind "/dev/$device" "$root/dev/$device"
		done
		mkdir "$root/dev/shm" "$root/dev/pts"
		mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
		mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
		ln -s pts/ptmx "$root/dev/ptmx"
		ln -s /proc/self/fd "$root/dev/fd"
		ln -s fd/0 "$root/dev/stdin"
		ln -s fd/1 "$root/dev/stdout"
		ln -s fd/2 "$root/dev/stderr"
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			chroot "$root" "$@"
	' - "$root" "$overlay" "$@"
}

# The whole of a script that uses a throw-away root: root_script MAIN ARGUMENT…. It becomes root,
# gives MAIN a directory for overlays in $dir, and leaves nothing behind.
dir=
root_script() {
	[ "$(id -u)" = 0 ] || exec sudo env XDG_CACHE_HOME="${cache%/pg_weir}" "$0" "${@:2}"
	trap root_finish EXIT
	exit_on_signals
	set -m
	"$tree/tools/setup" root
	dir=$(mktemp -d "${WEIR_TEST_DIR:-/tmp}/pg_weir-root.XXXXXX")
	"$@"
}

root_finish() {
	local status=$?
	trap '' INT TERM HUP
	trap - EXIT
	[ -z "$child" ] || kill -KILL -- "-$child" 2>/dev/null || true
	[ -z "$dir" ] || rm -rf "$dir"
	exit $status
}

# Keeps what failed tests left in a root's copy of the tree: keep_failed COPY NAME.
keep_failed() {
	[ -d "$1/build/failed" ] || return 0
	mkdir -p "$tree/build/failed"
	cp -R "$1/build/failed" "$tree/build/failed/$2"
	say "kept in build/failed/$2"
}
