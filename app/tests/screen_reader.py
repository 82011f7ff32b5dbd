#!/usr/bin/env python3
"""What a screen reader finds in the window, asked as one asks: over AT-SPI, on a display of its own.

    cargo build --release
    app/tests/screen_reader.py [--program target/release/shufflescope]

Needs Debian's xvfb, dbus, at-spi2-core, python3-pyatspi and, to paint with, mesa-vulkan-drivers or libgl1-mesa-dri; runs
with the system's own Python (/usr/bin/python3), for which pyatspi is made. Goes through every tab by the tabs' own
actions and fails where a control has no name, or where two controls of one tab cannot be told apart.
"""

import argparse
import collections
import os
import subprocess
import sys
import tempfile
import time

CONTROLS = {
    "push button", "button", "toggle button", "check box", "radio button", "combo box", "entry", "text", "slider",
    "spin button", "page tab", "menu item", "link", "password text", "switch", "column header", "table column header",
}
TABS = ["Design", "Compare", "Lab", "Explore", "Camera"]
INSIDE = "SHUFFLESCOPE_SCREEN_READER"


def outside(options):
    """Starts this script again on a display and a message bus of their own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, INSIDE: "1", "XDG_DATA_HOME": folder, "WINIT_UNIX_BACKEND": "x11"}
        environment.pop("WAYLAND_DISPLAY", None)
        command = ["xvfb-run", "-a", "-s", "-screen 0 1440x900x24", "dbus-run-session", "--", "/usr/bin/python3", __file__]
        return subprocess.run([*command, "--program", options.program], env=environment).returncode


def walk(node, depth=0):
    """The node and everything below it that shows."""
    yield node
    if depth < 60:
        for index in range(node.childCount):
            child = node.getChildAtIndex(index)
            if child is not None:
                yield from walk(child, depth + 1)


def find(desktop, patience=60):
    """The program's window, once it is there."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        for index in range(desktop.childCount):
            application = desktop.getChildAtIndex(index)
            if application is not None and "shufflescope" in (application.name or "").lower():
                if any(node.getRoleName() in CONTROLS for node in walk(application)):
                    return application
        time.sleep(0.5)
    sys.exit("no window is known to AT-SPI: accessibility is not built in, or the window did not open")


def controls(application):
    """Every control that is showing: (role, name, node)."""
    found = []
    for node in walk(application):
        role = node.getRoleName()
        if role in CONTROLS:
            found.append((role, node.name or "", node))
    return found


def click(node):
    actions = node.queryAction()
    actions.doAction(0)


def start(path, tries=5):
    """The program; again where the display was not ready yet."""
    for _ in range(tries):
        program = subprocess.Popen([path])
        time.sleep(3)
        if program.poll() is None:
            return program
    sys.exit("the program does not stay")


def inside(options):
    import pyatspi

    set_enabled = ["dbus-send", "--session", "--print-reply", "--dest=org.a11y.Bus", "/org/a11y/bus",
                   "org.freedesktop.DBus.Properties.Set", "string:org.a11y.Status"]
    for name in ("IsEnabled", "ScreenReaderEnabled"):
        subprocess.run([*set_enabled, f"string:{name}", "variant:boolean:true"], check=True, capture_output=True)
    program = start(options.program)
    try:
        application = find(pyatspi.Registry.getDesktop(0))
        failed = False
        for tab in TABS:
            by_name = [node for _, name, node in controls(application) if name == f"{tab} tab"]
            if not by_name:
                print(f"{tab}: no tab of this name")
                failed = True
                continue
            click(by_name[0])
            time.sleep(2)
            found = controls(application)
            roles = collections.Counter(role for role, _, _ in found)
            print(f"{tab}: {len(found)} controls: " + ", ".join(f"{count} {role}" for role, count in roles.most_common()))
            for role, name, _ in found:
                if not name.strip():
                    print(f"  without a name: {role}")
                    failed = True
            same = collections.Counter((role, name) for role, name, _ in found if name.strip())
            for (role, name), count in same.items():
                if count > 1 and "header" not in role:
                    print(f"  {count} times: {role} {name!r}")
                    failed = True
        return 1 if failed else 0
    finally:
        program.terminate()
        program.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/shufflescope")
    options = parser.parse_args()
    sys.exit(inside(options) if INSIDE in os.environ else outside(options))


if __name__ == "__main__":
    main()
