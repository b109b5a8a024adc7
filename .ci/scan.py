"""Scans every file of the tree for what must not stand in it: credentials, package registries, machines' paths, real addresses.

Values that stand for a credential in examples contain the word "example". Findings are shown by their first characters only.
"""

import base64
import binascii
import collections
import gzip
import hashlib
import json
import math
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Literals that look like a credential and are none: (file, their first 12 characters, why). One that nothing needs is a fault.
ALLOWED = [
    ("tests/src/cloud/sign.rs", "wJalrXUtnFEM", "the key of AWS's published test suite for signatures"),
    ("tests/src/cloud/sign.rs", "5fa00fa31553", "the signature which that suite expects"),
    ("shared/vendors/src/annexcloud/sign.rs", "Nq65RhoU3Yzd", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "r-XR2XTVeuLq", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "GLij6c9yYYHH", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "GuYqrsItL7BN", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "6n6rTRE5tlXv", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "EG10qD//Jldw", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "631dvJQx+Qoz", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "QozxS1WIzQGU", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "vabsQ9w83dS-", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "eyJzaXRlX2lk", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/annexcloud/sign.rs", "WyJleGFtcGxlLXRv", "a signature or a connector's token over invented data, computed apart from the code"),
    ("shared/vendors/src/gorgias/ask.rs", "7c1bdee3b07a", "a signature over invented data"),
    ("shared/vendors/src/gorgias/ask.rs", "5d5d139563c9", "a signature over nothing"),
    ("tests/src/standins/annexcloud/tests.rs", "eyJhbGc", "a signature over invented data, computed apart from the code"),
    ("tests/src/standins/annexcloud/tests.rs", "eyJzdWI", "a signature over invented data, computed apart from the code"),
    ("tests/src/standins/annexcloud/tests.rs", "lJNWlpSnl3UT", "a signature over invented data, computed apart from the code"),
    ("tests/src/standins/annexcloud/tests.rs", "8-XoclFt5vCq", "a signature over invented data, computed apart from the code"),
    ("tests/src/standins/annexcloud/tests.rs", "XoclFt5vCqQp", "a signature over invented data, computed apart from the code"),
    ("tests/src/standins/mac.rs", "5bdcc146bf60", "the test vector of RFC 4231"),
]

SHAPES = {
    "AWS access key": r"\b(?:AKIA|ASIA|AIDA|AROA|ABIA|ACCA)[A-Z0-9]{16}\b",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "web token": r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    "vendor's token": r"\b(?:gh[pousr]_|github_pat_|xox[abprs]-|[rs]k_live_|[rs]k_test_|AIza|glpat-|npm_|pypi-|shpat_)[\w-]{16,}",
}
# The groups hold the value, which a placeholder may be.
VALUES = {
    "authorization": r"(?i)\b(?:bearer|basic|token)\s+([\w.~+/-]{16,}=*)",
    "password in an address": r"\w://[^\s/:@\"'{}<>$]+:([^\s/@\"'{}<>$]+)@",
    "secret value": r"(?i)(?:key|token|secret|passw(?:or)?d|credential)s?[\"']?\s*(?::|=|=>)\s*[\"']([^\"'\s]{12,})[\"']",
}
REGISTRIES = [".".join(parts) for parts in (
    ("crates", "io"), ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"),
    ("golang", "org"), ("rubygems", "org"), ("maven", "org"), ("docker", "io"), ("ghcr", "io"), ("jfrog", "io"))]
REGISTRY = re.compile("|".join(rf"(?<![\w-]){re.escape(host)}\b" for host in REGISTRIES))
MACHINE = re.compile(r"(?<![\w.$}~*-])/(?:work|root|home/\w+|Users/\w+)(?![\w-])")
ADDRESS = re.compile(r"[\w.+%-]+@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})")
EXAMPLE_DOMAIN = re.compile(r"(?i)(?:^|\.)example(?:\.[a-z]+){1,2}$|\.(?:example|test|invalid|localhost)$")
HEX = re.compile(r"(?<![\w-])[0-9a-fA-F]{32,}(?![\w-])")
# Both alphabets, and what both share, for a value that stands behind a dash or a slash.
BASE64 = [re.compile(alphabet + "{4,}={0,2}") for alphabet in ("[A-Za-z0-9+/]", "[A-Za-z0-9_-]", "[A-Za-z0-9]")]
# The only long literals that every tree has, and the only line that names where crates come from.
LOCK_LINES = {
    "Cargo.lock": re.compile(r'checksum = "[0-9a-f]{64}"|source = "registry\+https://github\.com/rust-lang/[\w.-]+"'),
    "package-lock.json": re.compile(r'"integrity": "sha512-[A-Za-z0-9+/]{86}==",?'),
}


def entropy(text):
    counts = collections.Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def mixed(text):
    return bool(re.search(r"\d", text) and re.search(r"[A-Za-z]", text))


def decoded(token):
    """What a token holds as base64 of either alphabet, or None."""
    bare = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        return None


def readable(data):
    """Text inside base64, packed or not, or None."""
    try:
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError):
        return None
    return text if all(character.isprintable() or character in "\r\n\t" for character in text) else None


def is_json(text):
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False


def findings(line, depth=0):
    """(what, literal) for everything in a line that must not be there."""
    for token in BASE64[0].findall(line):
        data = decoded(token) if len(token) >= 32 and depth < 3 else None
        text = readable(data) if data and data[:2] == b"\x1f\x8b" else None
        if text:
            # What is packed is looked at as it was before, and not once more in pieces.
            line = line.replace(token, "")
            for inner in text.splitlines():
                yield from findings(inner, depth + 1)
    for what, shape in SHAPES.items():
        for match in re.finditer(shape, line):
            yield what, match[0]
    for what, shape in VALUES.items():
        for match in re.finditer(shape, line):
            # A placeholder says so; words without digits, and names that only join words, are prose or code.
            longest = max(re.findall(r"[A-Za-z0-9]+", match[1]) or [""], key=len)
            random = mixed(longest) and len(longest) >= 8 and entropy(match[1]) >= 3
            if "example" not in match[1].lower() and random:
                yield what, match[1]
    for match in HEX.finditer(line):
        if mixed(match[0]) and entropy(match[0]) >= 3:
            yield "long hexadecimal literal", match[0]
    for token in sorted({token for alphabet in BASE64 for token in alphabet.findall(line)}):
        data = decoded(token)
        text = readable(data) if data else None
        if text and re.fullmatch(r"[!-~]+:[!-~]+", text) and not is_json(text):
            yield "base64 of x:y", token
        elif len(token) >= 32 and text:
            if depth < 3:
                for inner in text.splitlines():
                    yield from findings(inner, depth + 1)
        elif (len(token) >= 32 and mixed(token) and re.search("[a-z]", token) and re.search("[A-Z]", token)
              and entropy(token) >= 4):
            yield "long random literal", token
    for match in REGISTRY.finditer(line):
        yield "package registry", match[0]
    for match in MACHINE.finditer(line):
        yield "path of a machine", match[0]
    for match in ADDRESS.finditer(line):
        if not EXAMPLE_DOMAIN.search(match[1]):
            yield "address that may be real", match[0]


def self_test():
    """Plants one of each, made here so that the tree stays clean, and demands that it is found, and nothing in plain lines."""
    random = hashlib.sha256(b"planted").digest()
    letters = base64.b32encode(random).decode()
    planted = {
        "AWS access key": "AKIA" + letters[:16],
        "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
        "web token": ".".join(["ey" + "J" + letters[:12], letters[:12], letters[:12]]),
        "vendor's token": "gh" + "p_" + letters[:30],
        "authorization": "Authorization: Bearer " + letters[:20],
        "password in an address": "postgres://admin:" + letters[:10] + "@db",
        "secret value": f'"api_key": "{random.hex()[:8]}-{random.hex()[8:20]}"',
        "long hexadecimal literal": random.hex(),
        "base64 of x:y": "x = " + base64.b64encode(b"a:b").decode(),
        "long random literal": f'"{base64.b64encode(random).decode()}"',
        "package registry": "https://index." + REGISTRIES[0] + "/",
        "path of a machine": '"/' + 'root/project"',
        "address that may be real": "kari" + "@" + "nordmann.no",
    }
    for text in (b"user:password", b"1234:", b"kari.nordmann/token:" + letters[:16].encode(), b"k:" + random.hex().encode()):
        for token in (base64.b64encode(text), base64.urlsafe_b64encode(text), base64.b64encode(text).rstrip(b"=")):
            for line in (f'let header = "Basic {token.decode()}";', f"a/path/{token.decode()}", f"x-{token.decode()}"):
                found = [what for what, _ in findings(line)]
                assert ("base64 of x:y" in found) == (not text.endswith(b":")), (text, line, found)
    for what, line in planted.items():
        assert what in [found for found, _ in findings(line)], what
        packed = base64.b64encode(gzip.compress(f'{{"body": "some words", "x": {json.dumps(line)}}}'.encode())).decode()
        if what not in ("secret value", "base64 of x:y"):
            assert what in [found for found, _ in findings(f'"{packed}"')], f"{what}, packed"
    for line in (
        'key = "example-rule-key-2026"', "Authorization: Bearer {key}", "kari@shop.example.com, ola@example.no", "a/b/work/c",
        "https://user@example.com/", "eventid: 0b7f1c2e-3d4a-4f5b-8c6d-7e8f9a0b1c2d", '"token": "example-webhook-token-2026"',
        "fn referral_product_share_reminder_is_not_a_member() {}", "POST /webhooks/{source}/{store}/{token}",
        '"' + base64.b64encode(b'{"topic": "swell/points/earned", "email": "kari@example.com"}').decode() + '"',
    ):
        assert not list(findings(line)), (line, list(findings(line)))


def main():
    self_test()
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    names = sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})
    unused, found = set(ALLOWED), 0
    for name in names:
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
            lock_line = LOCK_LINES.get(name.rsplit("/", 1)[-1])
            if lock_line and lock_line.fullmatch(line.strip()):
                continue
            for what, literal in findings(line):
                known = {entry for entry in ALLOWED if entry[0] == name and literal.startswith(entry[1])}
                unused -= known
                if not known:
                    print(f"  {name}:{number}: {what}: {literal[:6]}…")
                    found += 1
    for name, start, _ in sorted(unused):
        print(f"  {name}: nothing begins with {start} any more; take it off the list")
    print(f"{len(names)} files, {found + len(unused)} findings")
    return bool(found or unused)


if __name__ == "__main__":
    sys.exit(main())
