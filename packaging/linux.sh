#!/usr/bin/env bash
# Builds this machine's Linux packages into target/packages: .deb, .rpm and .tar.xz, with the window and without.
#
#   packaging/linux.sh                        builds the program twice (profile dist), about half an hour on two cores
#   packaging/linux.sh --no-build PROGRAM     packs a program that is there, with its window: to try the packaging alone
#
# SHELL_FILES_BY names a program of this release to write manual pages and completions, where the one packed does not run here.
# Needs cargo, a C compiler, xz, and cargo-deb and cargo-generate-rpm, which are installed by cargo where they are missing.
# Where the packages run is decided by this machine's C library: build on the oldest system that they are for.
set -euo pipefail
cd "$(dirname "$0")/.."

program=""
case "${1:-}" in
  "") ;;
  --no-build) program=$(realpath "${2:?--no-build needs a program}") ;;
  *) sed -n '2,10p' "$0"; exit 2 ;;
esac

arch=$(uname -m)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
grep -q "<release version=\"$version\"" packaging/linux/shufflescope.metainfo.xml ||
  { echo "packaging/linux/shufflescope.metainfo.xml has no release $version" >&2; exit 1; }
cargo=${CARGO:-cargo}
command -v cargo-deb >/dev/null || $cargo install --locked cargo-deb
command -v cargo-generate-rpm >/dev/null || $cargo install --locked cargo-generate-rpm

out=target/packages; files=$out/files
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$out"
rm -rf "$files"
# What the packers take the program from.
built=$target/dist/shufflescope

# What packages hold beside the program, by the program itself.
write_files() {
  rm -rf "$files"; mkdir -p "$files"
  "${SHELL_FILES_BY:-$1}" shell-files "$files"
  gzip -9nf "$files"/man/*.1
  gzip -9nc assets/licences.txt >"$files/licences.txt.gz"
  # Debian wants a changelog; the commits are the long one.
  date=$(git log -1 --format=%cD 2>/dev/null || date -R)
  printf 'shufflescope (%s) unstable; urgency=medium\n\n  * Release %s.\n\n -- The ShuffleScope developers <developers@shufflescope.invalid>  %s\n' \
    "$version-1" "$version" "$date" >"$files/changelog"
}

# A folder to unpack anywhere: a program that needs no installing, and what belongs beside it.
tarball() {
  local name=$1 folder
  folder=$(mktemp -d); mkdir "$folder/$name"
  install -m 755 "$built" "$folder/$name/shufflescope"
  cp -r "$files/man" "$files/completions" "$files/licences.txt.gz" README.md LICENSE-MIT LICENSE-APACHE "$folder/$name/"
  shift; [ $# -eq 0 ] || cp "$@" "$folder/$name/"
  tar -C "$folder" --owner=0 --group=0 --sort=name -cJf "$out/$name.tar.xz" "$name"
  rm -r "$folder"
}

# With the window.
if [ -n "$program" ]; then
  mkdir -p "$(dirname "$built")"
  # Without its debug information, which other profiles may leave in it.
  [ "$program" -ef "$built" ] || install -m 755 -s "$program" "$built"
else
  $cargo build --locked --profile dist
fi
write_files "$built"
$cargo deb -p shufflescope --no-build --profile dist --output "$out/"
$cargo generate-rpm -p app --profile dist --output "$out/"
tarball "shufflescope-$version-$arch-unknown-linux-gnu" packaging/linux/shufflescope.desktop packaging/linux/shufflescope.xml assets/icon.svg

# Without: for boards.
if [ -z "$program" ]; then
  $cargo build --locked --profile board --no-default-features
  built=$target/board/shufflescope; write_files "$built"
  $cargo deb -p shufflescope --no-build --profile board --variant headless --output "$out/"
  tarball "shufflescope-headless-$version-$arch-unknown-linux-gnu"
fi

(cd "$out" && ls -l -- *.deb *.rpm *.tar.xz)
