"""Checks dependencies against .cargo/deny.toml without a network: licences, sources, bans, layers; and finds unused ones."""

import json
import pathlib
import re
import subprocess
import sys

try:
    import tomllib
except ImportError:  # Python before 3.11; pip brings the same parser.
    from pip._vendor import tomli as tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def built(targets):
    """What is really built, after features are resolved: {(name, version): licence} and {(name, version): names of users}.

    `cargo metadata` cannot tell: its graph holds crates that only an unused feature would bring.
    """
    licences, users = {}, {}
    for target in targets:
        tree = cargo("tree", "--offline", "--locked", "--workspace", "--edges", "normal,build,dev", "--target", target,
                     "--prefix", "depth", "--format", "|{p}|{l}")
        above = []
        for line in filter(None, tree.splitlines()):
            depth, package, licence = line.split("|")
            name, version = package.split()[:2]
            licences[(name, version)] = licence.replace("(*)", "").strip()
            above[int(depth):] = [name]
            if int(depth):
                users.setdefault((name, version), set()).add(above[int(depth) - 1])
    return licences, users


def satisfied(licence, allowed, used):
    """Whether an SPDX expression can be met from the allowed licences; notes in `used` those that met it."""
    tokens = re.findall(r"[()]|[^\s()]+", licence.replace("/", " OR "))

    def either():
        met = every()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met = every() or met
        return met

    def every():
        met = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met = one() and met
        return met

    def one():
        token = tokens.pop(0)
        if token == "(":
            met = either()
            tokens.pop(0)
            return met
        if tokens and tokens[0] == "WITH":
            token = " ".join([token, tokens.pop(0), tokens.pop(0)])
        if token in allowed:
            used.add(token)
        return token in allowed

    return bool(tokens) and either() and not tokens


def licence_faults(rules, licences, ours):
    used = set()
    for (name, version), licence in sorted(licences.items()):
        if name not in ours and not satisfied(licence, rules["allow"], used):
            yield f"licence of {name} {version} is not allowed: {licence or 'none given'}"
    for licence in rules["allow"]:
        if licence not in used:
            yield f"licence {licence} is allowed, but nothing needs it"


def source_faults(lock, ours):
    for package in lock["package"]:
        source = package.get("source")
        if source is None:
            if package["name"] not in ours:
                yield f"{package['name']} comes from a path outside the workspace"
        elif not source.startswith("registry+https://github.com/rust-lang/"):
            yield f"{package['name']} comes from {source}"
        elif "checksum" not in package:
            yield f"{package['name']} has no checksum in Cargo.lock"


def ban_faults(rules, users):
    for rule in rules["deny"]:
        found = {version: by for (name, version), by in users.items() if name == rule["crate"]}
        if rule.get("deny-multiple-versions"):
            if len(found) > 1:
                yield f"{rule['crate']} is there in versions {', '.join(sorted(found))}: {rule['reason']}"
            continue
        for version, by in found.items():
            for user in sorted(by - set(rule.get("wrappers", []))):
                yield f"{user} may not use {rule['crate']} {version}: {rule['reason']}"


def unused_faults(packages, workspace):
    used = set()
    for package in packages:
        folder = pathlib.Path(package["manifest_path"]).parent
        code = "\n".join(file.read_text() for file in sorted(folder.rglob("*.rs")))
        # Some are taken only for a feature that they switch on; the manifest says so, as cargo-machete reads it.
        silent = ((package.get("metadata") or {}).get("cargo-machete") or {}).get("ignored", [])
        for dependency in package["dependencies"]:
            used.add(dependency["name"])
            word = (dependency["rename"] or dependency["name"]).replace("-", "_")
            if dependency["name"] not in silent and not re.search(rf"\b{word}\b", code):
                yield f"{package['name']} does not use {dependency['name']}"
            if dependency["req"] == "*" and "path" not in dependency:
                yield f"{package['name']} takes any version of {dependency['name']}"
    for name in workspace:
        if name not in used:
            yield f"{name} stands in [workspace.dependencies], but no crate takes it"


def self_test():
    """A check that cannot fail proves nothing."""
    mit = {"MIT", "ISC"}
    for licence, expected in {"MIT": True, "MIT/Apache-2.0": True, "Apache-2.0 OR MIT": True, "MIT AND GPL-3.0": False,
                              "(GPL-3.0 OR MIT) AND ISC": True, "": False, "GPL-3.0": False, "MIT WITH x": False}.items():
        assert satisfied(licence, mit, set()) is expected, licence
    assert list(licence_faults({"allow": ["MIT", "ISC"]}, {("a", "v1"): "GPL-3.0", ("b", "v1"): "MIT"}, set())) != []
    assert len(list(source_faults({"package": [{"name": "a", "source": "git+https://example.com/a"}, {"name": "b"}]}, {"c"}))) == 2
    deny = [{"crate": "a", "reason": ""}, {"crate": "b", "deny-multiple-versions": True, "reason": ""},
            {"crate": "c", "wrappers": ["x"], "reason": ""}]
    users = {("a", "v1"): {"x"}, ("b", "v1"): {"x"}, ("b", "v2"): {"x"}, ("c", "v1"): {"x", "y"}}
    assert len(list(ban_faults({"deny": deny}, users))) == 3


def main():
    self_test()
    rules = tomllib.loads((ROOT / ".cargo/deny.toml").read_text())
    packages = json.loads(cargo("metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"))["packages"]
    ours = {package["name"] for package in packages}
    licences, users = built(rules["graph"]["targets"])
    faults = [
        *licence_faults(rules["licenses"], licences, ours),
        *source_faults(tomllib.loads((ROOT / "Cargo.lock").read_text()), ours),
        *ban_faults(rules["bans"], users),
        *unused_faults(packages, tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["dependencies"]),
    ]
    for fault in faults:
        print(f"  {fault}")
    print(f"{len(licences)} packages, {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
