#!/usr/bin/env python3
"""Writes assets/licences.txt: what every package that the program is built from says about its licence.

    python3 assets/licences.py

Run it after Cargo.lock has changed; a test says so where a package is missing. It needs cargo, and the packages as cargo
downloads them. A package under a choice of licences is taken under MIT where that is one of them. Texts that differ in
nothing but who holds the copyright are printed once, and the holders with the package.
"""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense|ofl|ufl|.*-licen[cs]e)", re.IGNORECASE)
HOLDER = re.compile(r"^\W*(copyright\s*(\(c\)|©|[0-9])|©\s*[0-9]|\(c\)\s*[0-9])(?!.*\[yyyy\])", re.IGNORECASE)
# Fonts are in no manifest: their licences lie beside them.
FONTS = "epaint_default_fonts"
MOST = 60_000
USUAL = {"MIT": "LICENSE-MIT", "Apache-2.0": "LICENSE-APACHE"}


def files_of(folder, name, expression):
    places = [folder, folder / "fonts"] if name == FONTS else [folder]
    found = [path for place in places if place.is_dir() for path in sorted(place.iterdir())]
    is_font = lambda path: path.parent != folder and path.suffix == ".txt"
    files = [path for path in found if path.is_file() and (FILES.match(path.name) or is_font(path))]
    notices = [path for path in files if path.name.lower().startswith("notice")]
    is_choice = (" OR " in expression or "/" in expression) and " AND " not in expression
    if re.search(r"\bMIT\b", expression) and is_choice:
        # Only what is chosen.
        chosen = [path for path in files if "mit" in path.name.lower()]
        return chosen + notices if chosen else files
    return files


def main():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    texts, lines, without = {}, [], []

    def understand(text):
        """The number of a text, and who holds the copyright."""
        holders, kept = [], []
        for line in text.replace("\r", "").splitlines():
            if HOLDER.match(line):
                holders.append(" ".join(line.split()))
            else:
                kept.append(line.rstrip())
        body = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
        key = re.sub(r"\W+", " ", body).strip().lower()
        return (texts.setdefault(key, (len(texts) + 1, body))[0] if key else None), holders

    # What a package without a text of its own refers to by name.
    usual = {name: understand((ROOT / file).read_text())[0] for name, file in USUAL.items()}
    for package in sorted(metadata["packages"], key=lambda package: (package["name"], package["version"])):
        if package["source"] is None:
            continue
        name, expression = package["name"], package["license"] or "see its licence file"
        holders, used = [], []
        for path in files_of(Path(package["manifest_path"]).parent, name, expression):
            number, named = understand(path.read_text(errors="replace")[:MOST])
            holders += [holder for holder in named if holder not in holders]
            used += [number] if number and number not in used else []
        if not used:
            named = next((name for name in usual if re.search(rf"\b{re.escape(name)}\b", expression)), None)
            used = [usual[named]] if named else []
        if not used:
            without.append(name)
        where = "".join(f" [{number}]" for number in used)
        lines.append(f"* {name} {package['version']}: {expression}{where} {package['repository'] or ''}".rstrip())
        if not holders and package["authors"]:
            holders = [f"By {', '.join(package['authors'])}"]
        lines.extend(f"    {holder}" for holder in holders)
    head = [
        "ShuffleScope is built from the packages below. Numbers in brackets are those of the licence texts at the end.",
        "The fonts Hack and Ubuntu-Light and the icons are part of epaint_default_fonts.",
        "Written by assets/licences.py; not edited by hand.",
        "",
    ]
    tail = []
    for number, body in texts.values():
        tail += ["", "=" * 100, f"[{number}]", "", body]
    text = "\n".join(head + lines + tail) + "\n"
    (ROOT / "assets" / "licences.txt").write_text(text)
    print(f"{len(lines)} lines on packages, {len(texts)} texts, {len(text)} bytes; without a text: {without}")


if __name__ == "__main__":
    main()
