#!/usr/bin/env bash
# Runs a command of the README in a fresh Debian 12, as a new user would meet it.
#   scripts/try_fresh.sh FOLDER [COMMAND...]          default command: scripts/demo.sh
# FOLDER receives a minimal Debian made by debootstrap (kept, and used again when it is there; delete it for a fresh one),
# in which HEAD of this checkout is cloned and the command is run as root.  What is not committed is not in the clone.
# From the host come the Swift toolchain (mounted read-only), apt's sources and pip's settings.  Needs root and debootstrap.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
need_swift
[ $# -ge 1 ] || die "usage: try_fresh.sh FOLDER [COMMAND...]"
[ "$(id -u)" = 0 ] || die "must be root"
command -v debootstrap >/dev/null || die "needs debootstrap"
mkdir -p "$1"
root=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- scripts/demo.sh
[ "$root" != / ] || die "not into /"

# The mirror that the host itself uses, so that a machine behind one works.
mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" && $2 ~ /^http/ { print $2; exit }' /etc/apt/sources.list 2>/dev/null || true)
mirror=${mirror:-http://deb.debian.org/debian}

if [ ! -e "$root/.made" ]; then
  say "debootstrap"
  debootstrap --variant=minbase --include=ca-certificates,git bookworm "$root" "$mirror" >"$root.debootstrap.log" 2>&1 \
    || { tail -n 20 "$root.debootstrap.log"; die "debootstrap failed; see $root.debootstrap.log"; }
  rm -f "$root.debootstrap.log"
  touch "$root/.made"
fi

# Settings of the package managers: sources, proxies, certificates.
mkdir -p "$root/etc/apt/apt.conf.d" "$root/etc/apt/sources.list.d" "$root/etc/ssl/certs"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/pip.conf \
  /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
  [ ! -f "$file" ] || cp -L "$file" "$root$file"
done
rm -f "$root/etc/apt/sources.list.d/"*nodesource* "$root/etc/apt/sources.list.d/"*google*
for file in /etc/apt/apt.conf.d/*; do
  if grep -qiE 'Acquire::|Proxy' "$file"; then cp "$file" "$root/etc/apt/apt.conf.d/"; fi
done
if [ -f "$HOME/.config/pip/pip.conf" ]; then
  mkdir -p "$root/etc/xdg/pip"
  cp "$HOME/.config/pip/pip.conf" "$root/etc/xdg/pip/"
fi
keep=()
while IFS= read -r -d '' item; do
  case ${item%%=*} in
    PIP_* | *_proxy | *_PROXY) keep+=("$item") ;;
  esac
done < <(env -0)

toolchain=$(cd "$(dirname "$(readlink -f "$(command -v swift)")")/../.." && pwd)
mounted=()
unmount() {
  local i
  for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount "${mounted[i]}"; done
}
trap unmount EXIT
attach() { # SOURCE TARGET OPTIONS...
  mkdir -p "$root$2"
  mount "${@:3}" "$1" "$root$2"
  mounted+=("$root$2")
}
attach proc /proc -t proc
attach /dev /dev --bind
attach /sys /sys --bind
attach "$toolchain" /opt/swift --bind -o ro
if [ -n "${PIP_FIND_LINKS:-}" ] && [ -d "$PIP_FIND_LINKS" ]; then attach "$PIP_FIND_LINKS" "$PIP_FIND_LINKS" --bind -o ro; fi

say "clone"
rm -rf "$root/srv/mars"
bundle=$root/srv/mars.bundle
git -C "$MARS_ROOT" bundle create -q "$bundle" HEAD
chroot "$root" git clone -q /srv/mars.bundle /srv/mars
rm -f "$bundle"

say "$* in $root"
chroot "$root" env -i HOME=/srv TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  "${keep[@]}" bash -c 'cd /srv/mars && exec "$@"' bash "$@"
