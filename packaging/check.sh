#!/usr/bin/env bash
# Looks over what packaging/linux.sh has made and, as root on Debian, installs it into empty systems: the window opens there
# on a screen of Xvfb, has to show a measured network within five seconds, and to remember it in the end.
#
#   packaging/check.sh              pictures of the windows: target/packages/check
#
# Installs what it needs by Debian's package names.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "packaging/check.sh: needs root and Debian" >&2; exit 1; }
out=$PWD/target/packages; check=$out/check; mkdir -p "$check"
network=shufflenet-v2-x1.0

declare -A of=([lintian]=lintian [desktop-file-validate]=desktop-file-utils [appstreamcli]=appstream [rpm]=rpm
  [mmdebstrap]=mmdebstrap [Xvfb]=xvfb [xdotool]=xdotool [import]=imagemagick)
need=""; for tool in "${!of[@]}"; do command -v "$tool" >/dev/null || need="$need ${of[$tool]}"; done
[ -z "$need" ] || { apt-get update -qq; apt-get install -y -qq $need >/dev/null; }

say() { printf '\n== %s\n' "$*"; }
deb=$(ls "$out"/shufflescope_*.deb); rpm=$(ls "$out"/shufflescope-[0-9]*.rpm)
headless=$(ls "$out"/shufflescope-headless_*.deb 2>/dev/null || true)

say "metadata"
desktop-file-validate packaging/linux/shufflescope.desktop
appstreamcli validate --no-net packaging/linux/shufflescope.metainfo.xml
lintian --fail-on error --suppress-tags-from-file packaging/linux/lintian-suppressed "$deb" $headless
rpm -qp --requires "$rpm"; rpm -qpl "$rpm" | grep -v /man1/
dpkg-deb --field "$deb" Depends Installed-Size
ls -l "$out"/*.deb "$out"/*.rpm "$out"/*.tar.xz

# An empty system of this Debian, with nothing but what apt itself needs.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  awk '!/^ *#/ && match($0, /https?:\/\/[^ ]+\/debian/) {print substr($0, RSTART, RLENGTH); exit}' || true)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
root=$(mktemp -d); screen=:97; xvfb=""
cleanup() {
  [ -z "$xvfb" ] || kill "$xvfb" 2>/dev/null || true
  for mount in "$root"/*/proc "$root"/*/sys "$root"/*/dev; do mountpoint -q "$mount" && umount "$mount"; done
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT

empty() {
  mmdebstrap --quiet --variant=apt "$suite" "$root/$1" "$mirror"
  cp /etc/resolv.conf "$root/$1/etc/resolv.conf"
  mount -t proc proc "$root/$1/proc"; mount -t sysfs -o ro sys "$root/$1/sys"; mount --bind /dev "$root/$1/dev"
}
# A command in a system, as root with a home of its own.
within() {
  local name=$1; shift
  chroot "$root/$name" /usr/bin/env -i HOME=/root XDG_RUNTIME_DIR=/tmp LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    DISPLAY="${DISPLAY:-}" "$@"
}

say "$(basename "$deb") without what it depends on, and without a screen"
empty bare
dpkg-deb --extract "$deb" "$root/bare"
DISPLAY="" within bare shufflescope 2>&1 | tee "$check/no-display.txt" || true
grep -q "no display was found" "$check/no-display.txt"
DISPLAY=$screen within bare shufflescope 2>&1 | tee "$check/no-libraries.txt" || true
grep -q "apt install libx11-6" "$check/no-libraries.txt"

Xvfb "$screen" -screen 0 1440x900x24 >/dev/null 2>&1 & xvfb=$!

# Bright pixels where the window on this screen has the figures of the latency: about 250; 45 of a dash until they are there.
figures() {
  DISPLAY=$screen import -window root png:- 2>/dev/null | convert - -crop 126x34+868+64 +repage -colorspace Gray \
    -threshold 55% -format '%[fx:round(w*h*mean)]' info: 2>/dev/null || echo 0
}

# Opens the window in a system and waits until it shows what it has measured; what it shows is stored when all processes of the
# measurement have run, which is later.
opens() {
  local name=$1 start pid seen="" shown="" stored="" picture="$check/$1.png"
  start=$(date +%s%N)
  DISPLAY=$screen within "$name" shufflescope >"$check/$name.log" 2>&1 & pid=$!
  for _ in $(seq 100); do
    sleep 0.1
    [ -n "$seen" ] || { DISPLAY=$screen xdotool search --name '^ShuffleScope' >/dev/null 2>&1 && seen=$(($(date +%s%N) - start)); }
    [ -z "$seen" ] || [ "$(figures)" -lt 120 ] || { shown=$(($(date +%s%N) - start)); break; }
    kill -0 "$pid" 2>/dev/null || break
  done
  DISPLAY=$screen import -window root "$picture" || true
  for _ in $(seq 60); do
    [ -n "$shown" ] || break
    if within "$name" shufflescope history --json 2>/dev/null | grep -q median_ns; then stored=yes; break; fi
    sleep 0.5
  done
  kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true
  cat "$check/$name.log"
  [ -n "$shown" ] || { echo "$name: no measured network was shown: $picture" >&2; return 1; }
  echo "$name: the window was there after $((seen / 1000000)) ms, a measured network after $((shown / 1000000)) ms"
  [ -n "$stored" ] || { echo "$name: what it measured is not in its history" >&2; return 1; }
  [ "$shown" -le 5000000000 ] || { echo "$name: that is later than 5 s" >&2; return 1; }
}

say "$(basename "$deb") installed into an empty system"
empty deb
cp "$deb" "$root/deb/root/"
within deb apt-get update -qq
within deb apt-get install -y -qq "/root/$(basename "$deb")" >"$check/install.log" 2>&1 || { tail -20 "$check/install.log"; exit 1; }
within deb shufflescope --version
within deb shufflescope devices
opens deb

say "$(basename "$rpm") installed beside the same libraries"
empty rpm
within rpm apt-get update -qq
depends=$(dpkg-deb --field "$deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
within rpm apt-get install -y -qq $depends mesa-vulkan-drivers >/dev/null 2>&1
rpm --root "$root/rpm" --dbpath /var/lib/rpm --nodeps --ignoreos -i "$rpm"
within rpm shufflescope --version
opens rpm

if [ -n "$headless" ]; then
  say "$(basename "$headless") installed into an empty system"
  empty headless
  cp "$headless" "$root/headless/root/"
  within headless apt-get update -qq
  within headless apt-get install -y -qq "/root/$(basename "$headless")" >/dev/null 2>&1
  within headless shufflescope profile "$network" --threads 1 | tail -5
  within headless ldd /usr/bin/shufflescope
fi
say "all packages hold"
