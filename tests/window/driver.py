"""Drives windows through the accessibility tree, as a screen reader does.

Reads one JSON request a line from standard input and answers each with one JSON line:
{"ok": true, "value": ...} or {"ok": false, "error": "...", "tree": "..."}.
"""

import json
import re
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

# What WebKit calls the roles that a page asks for.
ROLES = {
    "button": {"push button", "button", "toggle button"},
    "link": {"link"},
    "entry": {"entry", "text"},
    "status": {"status bar", "statusbar", "status"},
    "heading": {"heading"},
    "option": {"list item", "option"},
    "tab": {"page tab", "radio button"},
    "alert": {"alert", "notification"},
    "any": None,
}
POLL = 0.05


def text_of(node):
    """The text of a node and, where it has none of its own, of everything in it."""
    text = ""
    if node.get_text_iface() is not None:
        text = Atspi.Text.get_text(node, 0, Atspi.Text.get_character_count(node))
    if not text.replace("\ufffc", "").strip():
        text = " ".join(filter(None, (text_of(child) for child in children(node))))
    elif "\ufffc" in text:
        parts = iter([text_of(child) for child in children(node)])
        text = re.sub("\ufffc", lambda _: " " + next(parts, "") + " ", text)
    return " ".join(text.split())


def children(node):
    for i in range(node.get_child_count()):
        child = node.get_child_at_index(i)
        if child is not None:
            yield child


def nodes(node, depth=0):
    """Everything under a node that is on screen, with its depth. What vanishes while it is looked at is left out."""
    try:
        node.clear_cache()
        yield node, depth
        below = list(children(node))
    except GLib.Error:
        return
    for child in below:
        yield from nodes(child, depth + 1)


def states(node):
    return node.get_state_set()


def showing(node):
    return states(node).contains(Atspi.StateType.SHOWING)


def matches(node, role, name, contains):
    roles = ROLES.get(role, {role})
    if roles is not None and node.get_role_name() not in roles:
        return False
    if name is not None and (node.get_name() or "").strip() != name:
        return False
    if contains is not None and contains not in (node.get_name() or "") and contains not in text_of(node):
        return False
    return showing(node)


def find(role, name=None, contains=None, enabled=False, nth=0):
    found = []
    for node, _ in nodes(Atspi.get_desktop(0)):
        try:
            if not matches(node, role, name, contains):
                continue
            if enabled and not states(node).contains(Atspi.StateType.ENABLED):
                continue
            found.append(node)
            if nth >= 0 and len(found) > nth:
                return found[nth]
        except GLib.Error:
            continue
    return found[nth] if found and nth < 0 else None


def tree():
    lines = []
    for node, depth in nodes(Atspi.get_desktop(0)):
        try:
            text = text_of(node) if node.get_text_iface() is not None else ""
            hidden = "" if showing(node) else " (hidden)"
            lines.append(f"{'  ' * depth}{node.get_role_name()} {node.get_name()!r} {text[:120]!r}{hidden}")
        except GLib.Error:
            continue
    return "\n".join(lines)


def until(timeout, probe):
    """Asks again and again until the probe answers, or fails after the timeout."""
    end = time.monotonic() + timeout
    while True:
        try:
            value = probe()
        except GLib.Error:
            value = None  # it went away meanwhile
        if value:
            return value
        if time.monotonic() > end:
            return None
        time.sleep(POLL)


def wanted(r):
    return " ".join(f"{k}={r[k]!r}" for k in ("role", "name", "contains", "nth") if r.get(k) is not None)


def within(r, deed, enabled=False):
    """Finds what is wanted and does something with it, again when it vanished in between."""

    def probe():
        node = find(r["role"], r.get("name"), r.get("contains"), enabled, r.get("nth", 0))
        return node and (deed(node),)

    done = until(r["timeout"], probe)
    if done is None:
        raise LookupError(f"nothing found with {wanted(r)}")
    return done[0]


def do_find(r):
    return within(r, text_of) or "found"


def do_gone(r):
    there = until(r["timeout"], lambda: find(r["role"], r.get("name"), r.get("contains")) is None)
    if not there:
        raise LookupError(f"still there: {wanted(r)}")


def press(node):
    """Presses once: what had vanished before is tried again, an answer that did not come may have been a press."""
    try:
        return Atspi.Action.do_action(node, 0)
    except GLib.Error as problem:
        if any(gone in str(problem) for gone in ("no longer exists", "No such interface", "No such object")):
            raise
        raise RuntimeError(f"pressing had no answer: {problem}") from problem


def do_press(r):
    if not within(r, press, enabled=True):
        raise LookupError(f"cannot be pressed: {wanted(r)}")


def do_type(r):
    """Clicks into an entry and types, with real events of pointer and keyboard."""
    box = within(r, lambda node: Atspi.Component.get_extents(node, Atspi.CoordType.SCREEN))
    x, y = box.x + min(box.width // 2, 40), box.y + box.height // 2
    subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1"], check=True)
    subprocess.run(["xdotool", "type", "--delay", "5", r["text"]], check=True)


def do_status(r):
    """Waits until the status region begins with a text and returns the whole of it."""

    def probe():
        for node, _ in nodes(Atspi.get_desktop(0)):
            if matches(node, "status", None, None):
                said = text_of(node)
                if said.startswith(r["text"]):
                    return said
        return None

    said = until(r["timeout"], probe)
    if said is None:
        raise LookupError(f"the status did not become {r['text']!r}")
    return said


def do_tree(_):
    return tree()


def main():
    deeds = {n[3:]: f for n, f in globals().items() if n.startswith("do_")}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"ok": True, "value": deeds[request["do"]](request)}
        except Exception as problem:  # everything is told to the test, with what was on screen
            answer = {"ok": False, "error": f"{type(problem).__name__}: {problem}", "tree": tree()}
        print(json.dumps(answer), flush=True)


main()
