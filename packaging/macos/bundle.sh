#!/usr/bin/env bash
# Makes ShuffleScope.app and a disk image of it, on a Mac:
#
#   packaging/macos/bundle.sh PROGRAM OUT          PROGRAM: shufflescope, best for both processors (lipo -create)
#
# Signed as nobody ("-"), which Apple's processors ask for at least; with SIGN_AS set, as that identity.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,6p' "$0"; exit 2; }
program=$(realpath "$1"); mkdir -p "$2"; out=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)

stage=$(mktemp -d); app=$stage/ShuffleScope.app
trap 'rm -rf "$stage"' EXIT
mkdir -p "$app/Contents/MacOS" "$app/Contents/Resources"
sed "s/VERSION/$version/" packaging/macos/Info.plist >"$app/Contents/Info.plist"
plutil -lint "$app/Contents/Info.plist"
install -m 755 "$program" "$app/Contents/MacOS/shufflescope"
cp packaging/macos/shufflescope.icns assets/licences.txt LICENSE-MIT LICENSE-APACHE "$app/Contents/Resources/"
codesign --force --deep --sign "${SIGN_AS:--}" "$app"

ln -s /Applications "$stage/Applications"
image=$out/ShuffleScope-$version.dmg
rm -f "$image"
hdiutil create -volname "ShuffleScope $version" -srcfolder "$stage" -fs HFS+ -format UDZO "$image"
ls -l "$image"
