"""A signature holds for exactly the files that were signed, and for no other key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from typer.testing import CliRunner

from edgernn.bundle import signing
from edgernn.cli.app import build_app
from edgernn.errors import InputError, SignatureError


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key; its public key stands beside it."""
    signing.new_key(tmp_path / "release.key")
    return tmp_path / "release.key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files, one of them below."""
    made = tmp_path / "app"
    (made / "models" / "a").mkdir(parents=True)
    (made / "main.py").write_text("print(1)\n")
    (made / "models" / "a" / "model.onnx").write_bytes(bytes(range(256)))
    (made / "models" / "ä ö.json").write_text("{}")
    return made


def public(key: Path) -> Path:
    """The public key of a private one."""
    return Path(f"{key}.pub")


def test_what_was_signed_passes(key: Path, folder: Path) -> None:
    assert signing.sign(folder, key) == folder / "edgernn.sig.json"
    assert set(signing.check(folder, public(key))) == {"main.py", "models/a/model.onnx", "models/ä ö.json"}
    signing.sign(folder, key)  # a second signature replaces the first
    signing.check(folder, public(key))
    file = folder / "models" / "a" / "model.onnx"
    assert signing.sign(file, key) == file.with_name("model.onnx.sig.json")
    assert list(signing.check(file, public(key))) == ["model.onnx"]


def swap(folder: Path) -> None:
    """Two files under each other's names."""
    first, second = folder / "main.py", folder / "models" / "ä ö.json"
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)


def edit(folder: Path, **changes: object) -> None:
    """Change fields of the signature."""
    path = folder / "edgernn.sig.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def drop_a_file(folder: Path) -> None:
    """Remove a file, and its line in the signature."""
    (folder / "main.py").unlink()
    files = json.loads((folder / "edgernn.sig.json").read_text())["files"]
    del files["main.py"]
    edit(folder, files=files)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda folder: (folder / "models/a/model.onnx").write_bytes(b"\x01" + bytes(range(1, 256))),
    "a longer file": lambda folder: (folder / "main.py").write_text("print(1)\n\n"),
    "a file more": lambda folder: (folder / "models" / "b.onnx").write_bytes(b""),
    "a hidden file more": lambda folder: (folder / ".pth").write_text("import evil"),
    "a file less": lambda folder: (folder / "main.py").unlink(),
    "another name": lambda folder: (folder / "main.py").rename(folder / "Main.py"),
    "swapped": swap,
    "a link": lambda folder: (folder / "link").symlink_to("main.py"),
    "a file and its line less": drop_a_file,
    "no signature": lambda folder: (folder / "edgernn.sig.json").unlink(),
    "rubbish": lambda folder: (folder / "edgernn.sig.json").write_text("["),
    "a list": lambda folder: (folder / "edgernn.sig.json").write_text("[]"),
    "another format": lambda folder: edit(folder, format=2),
    "another algorithm": lambda folder: edit(folder, algorithm="none"),
    "no files": lambda folder: edit(folder, files={}),
    "files of another kind": lambda folder: edit(folder, files={"main.py": 1}),
    "another signature": lambda folder: edit(folder, signature="AAAA"),
    "no base64": lambda folder: edit(folder, signature="?"),
    "another fingerprint": lambda folder: edit(folder, key="0" * 64),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_refused(key: Path, folder: Path, change: str) -> None:
    signing.sign(folder, key)
    CHANGES[change](folder)
    with pytest.raises(SignatureError):
        signing.check(folder, public(key))


def test_another_key_is_refused_and_named(key: Path, folder: Path, tmp_path: Path) -> None:
    signing.new_key(tmp_path / "other.key")
    signing.sign(folder, tmp_path / "other.key")
    with pytest.raises(SignatureError, match="by another key"):
        signing.check(folder, public(key))


def test_keys_are_kept_and_checked(
    key: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="never written over"):
        signing.new_key(key)
    for wrong in (public(key), folder / "main.py"):
        with pytest.raises(InputError, match="no private key"):
            signing.sign(folder, wrong)
    signing.sign(folder, key)
    with pytest.raises(InputError, match="no public key"):
        signing.check(folder, key)
    with pytest.raises(InputError, match="no file at"):
        signing.check(tmp_path / "none", public(key))
    (folder / "my.key").write_bytes(key.read_bytes())
    with pytest.raises(InputError, match="go out with it"):
        signing.sign(folder, folder / "my.key")
    monkeypatch.setenv(signing.PASSWORD_VARIABLE, "secret")
    signing.new_key(tmp_path / "locked.key")
    assert b"ENCRYPTED" in (tmp_path / "locked.key").read_bytes()
    (folder / "my.key").unlink()
    signing.sign(folder, tmp_path / "locked.key")
    monkeypatch.setenv(signing.PASSWORD_VARIABLE, "wrong")
    with pytest.raises(InputError, match="password"):
        signing.sign(folder, tmp_path / "locked.key")


def test_a_key_of_another_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    other = rsa.generate_private_key(65537, 2048)
    pem = serialization.Encoding.PEM
    private = other.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "rsa.key").write_bytes(private)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "rsa.pub").write_bytes(other.public_key().public_bytes(pem, form))
    with pytest.raises(InputError, match="no ed25519 key"):
        signing.sign(folder, tmp_path / "rsa.key")
    with pytest.raises(InputError, match="no ed25519 key"):
        signing.check(folder, tmp_path / "rsa.pub")


def test_the_command_signs_checks_and_exits_as_it_should(folder: Path, tmp_path: Path) -> None:
    def call(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(build_app(), ["sign", *map(str, words)])
        return done.exit_code, done.output

    assert call("--new-key", tmp_path / "k")[0] == 0
    assert call(folder, "--key", tmp_path / "k")[0] == 0
    code, output = call(folder, "--check", tmp_path / "k.pub", "--json")
    assert (code, json.loads(output)["passed"]) == (0, True)
    (folder / "main.py").write_text("print(2)\n")
    code, output = call(folder, "--check", tmp_path / "k.pub", "--json")
    assert (code, json.loads(output)["passed"]) == (1, False)
    assert "'main.py' is changed" in output
    for words in (
        (),
        (folder,),
        (folder, "--new-key", tmp_path / "n"),
        (folder, "--key", "k", "--check", "k.pub"),
    ):
        assert call(*words)[0] == 2
    assert not (tmp_path / "n").exists()


def test_checking_needs_no_torch(key: Path, folder: Path) -> None:
    signing.sign(folder, key)
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['onnx'] = None; "
        "from edgernn.bundle import signing; "
        f"signing.check({str(folder)!r}, {str(public(key))!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
