"""Breaks the code in the ways that the files of tests/promises name, one at a time, and demands that a test sees each.

Works in a copy of the tree, so that nobody's files change; the libraries that `cargo test --workspace` has built are used
again. The copy's packages have a version of their own, so that cargo never takes one for the other. A change that does not compile, or whose place is not found exactly once, counts as a fault. With words after it,
only changes whose file or name contains one of them are tried.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "promises"
PROMISES = pathlib.Path("tests/promises")
# Every package is selected, so that libraries are built with the features that the whole workspace gives them.
BUILD = ["cargo", "test", "--workspace", "--locked", "--quiet", "--test", "promises", "--no-run"]
TEST = ["cargo", "test", "--workspace", "--locked", "--quiet", "--test", "promises", "--"]

# Many times what all of them take together.
PATIENCE = 120


@dataclasses.dataclass
class Change:
    promise: str
    name: str
    file: str
    before: str
    after: str


def changes(promise, text):
    """The changes that the head of a promise's file names."""
    head = "\n".join(line[4:] for line in text.splitlines() if line.startswith("//!"))
    for block in re.findall(r"^```text\n(.*?)^```", head, re.DOTALL | re.MULTILINE):
        lines = block.splitlines()
        name = next(line[len("break: "):] for line in lines if line.startswith("break: "))
        file = next(line[len("file: "):] for line in lines if line.startswith("file: "))
        before = "\n".join(line[2:] for line in lines if line.startswith("- "))
        after = "\n".join(line[2:] for line in lines if line.startswith("+ "))
        yield Change(promise, name, file, before, after)


def renamed(name, data):
    """A file as the copy has it: the packages of the workspace under another version."""
    if name == "Cargo.toml":
        return re.sub(rb'(\[workspace\.package\]\nversion = "[^"]+)', rb"\1-promises", data, count=1)
    if name == "Cargo.lock":
        return re.sub(rb'(\nname = "[^"]+"\nversion = "[^"]+)"\n(?!source)', rb'\1-promises"\n', data)
    return data


def copy():
    """Brings the copy up to date. What did not change keeps its date, so that cargo does not build it again."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for name in names:
        write(COPY / name, renamed(name, (ROOT / name).read_bytes()))
    for file in [file for file in COPY.rglob("*") if file.is_file()]:
        if str(file.relative_to(COPY)) not in names:
            file.unlink()


def write(file, data):
    if not file.is_file() or file.read_bytes() != data:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def run(command, patience=None):
    """Whether a command in the copy succeeds, and what it said."""
    done = subprocess.run([*command[:2], "--target-dir", str(ROOT / "target"), *command[2:]], cwd=COPY, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=patience)
    return done.returncode == 0, done.stdout


def fault(change):
    """Why a change shows nothing, or None when a test of its promise fails."""
    file = COPY / change.file
    original = file.read_text() if file.is_file() else ""
    found = original.count(change.before) if change.before else 0
    if found != 1:
        return f"its place was found {found} times"
    try:
        write(file, original.replace(change.before, change.after).encode())
        built, said = run(BUILD)
        if not built:
            return f"it does not compile:\n{said}"
        passed, _ = run([*TEST, f"{change.promise}::"], PATIENCE)
        return "no test saw it" if passed else None
    except subprocess.TimeoutExpired:
        return f"its tests do not end within {PATIENCE} s"
    finally:
        write(file, original.encode())


def main(words):
    begun = time.monotonic()
    copy()
    files = sorted(file for file in (ROOT / PROMISES).glob("*.rs"))
    every = [change for file in files for change in changes(file.stem, file.read_text())]
    silent = [file.stem for file in files if file.read_text().startswith("//! Promise: ") and not list(changes(file.stem, file.read_text()))]
    every = [change for change in every if not words or any(word in f"{change.promise} {change.name}" for word in words)]
    # Neighbours in the list share a crate, which is then built once less.
    every.sort(key=lambda change: (change.file, change.promise))
    whole, said = run([*TEST])
    if not whole:
        sys.exit(f"the promises are not kept as the code stands:\n{said}")
    print(f"as the code stands, every promise is kept ({time.monotonic() - begun:.0f} s)", flush=True)
    faults = [f"{promise} names no change" for promise in silent]
    for change in every:
        started = time.monotonic()
        why = fault(change)
        took = time.monotonic() - started
        print(f"{'SURVIVES' if why else 'seen':8} {took:4.0f} s  {change.promise}: {change.name}", flush=True)
        if why:
            faults.append(f"{change.promise}: {change.name}: {why}")
    for line in faults:
        print(f"  {line}")
    print(f"{len(every)} changes, {len(faults)} faults, {time.monotonic() - begun:.0f} s")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
