"""Signed files and bundles: a detached ed25519 signature over the SHA-256 of every file.

The signature stands in a file of its own, JSON, beside a signed file or inside a signed folder:

    {"format": 1, "algorithm": "ed25519", "key": fingerprint, "files": {path: SHA-256}, "signature": base64}

What is signed is the JSON of the other fields with sorted keys and without blanks. A folder holds exactly the
files that are listed: one more is as wrong as one less.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from edgernn.errors import InputError, MissingDependencyError, SignatureError
from edgernn.files import existing_file, file_digest, write_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SUFFIX = ".sig.json"
IN_FOLDER = f"edgernn{SUFFIX}"
ALGORITHM = "ed25519"
# Of the environment, so that it stands in no shell's history.
PASSWORD_VARIABLE = "EDGERNN_KEY_PASSWORD"

PathLike = str | os.PathLike[str]


def signature_path(target: PathLike) -> Path:
    """Where the signature of a file or a folder stands."""
    path = Path(target)
    return path / IN_FOLDER if path.is_dir() else path.with_name(path.name + SUFFIX)


def new_key(path: PathLike) -> Path:
    """Write a new private key, for its owner alone, and its public key beside it, `path` + ".pub".

    The private key is encrypted where the variable EDGERNN_KEY_PASSWORD holds a password.

    Returns the path of the public key. Raises InputError where one of the two files exists.
    """
    _require_library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = Path(path), Path(f"{os.fspath(path)}.pub")
    for file in (private, public):
        if file.exists():
            raise InputError(f"key: {str(file)!r} exists; a key is never written over. Name another.")
    key = Ed25519PrivateKey.generate()
    password, pem = _password(), serialization.Encoding.PEM
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    data = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption)
    private.parent.mkdir(parents=True, exist_ok=True)
    # Never readable by others, not even before a later chmod.
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file_handle:
        file_handle.write(data)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    write_text(public, key.public_key().public_bytes(pem, form).decode())
    return public


def sign(target: PathLike, key: PathLike) -> Path:
    """Sign a file, or every file of a folder.

    Args:
        target: the file or the folder; an earlier signature of it is replaced.
        key: the private key, as `new_key` wrote it.

    Returns:
        The path of the signature.

    Raises:
        InputError: there is nothing to sign, the folder holds a link, or the key is none.
    """
    _require_library()
    private = _private_key(Path(key))
    path = _existing(target)
    if path.is_dir() and Path(key).resolve().is_relative_to(path.resolve()):
        raise InputError(
            f"key: {str(key)!r} lies in the folder that is to be signed, and would go out with it."
        )
    files = _digests(path, InputError)
    signed = {
        "format": 1,
        "algorithm": ALGORITHM,
        "key": fingerprint(private.public_key()),
        "files": files,
    }
    signature = base64.b64encode(private.sign(_canonical(signed))).decode()
    written = signature_path(path)
    write_text(written, json.dumps({**signed, "signature": signature}, indent=1, ensure_ascii=False) + "\n")
    return written


def check(target: PathLike, public_key: PathLike) -> dict[str, str]:
    """Check that a file or a folder is what was signed.

    Args:
        target: the file or the folder, with its signature.
        public_key: the signer's public key, from a source that you trust: not from beside the target.

    Returns:
        The SHA-256 of every file, by path.

    Raises:
        SignatureError: not signed, signed with another key, or a file changed, was added or removed.
        InputError: there is no such file or folder, or the key is none.
    """
    _require_library()
    from cryptography.exceptions import InvalidSignature

    public = _public_key(Path(public_key))
    path = _existing(target)
    signed = _read_signature(signature_path(path))
    try:
        public.verify(base64.b64decode(signed["signature"], validate=True), _canonical(signed))
    except (InvalidSignature, binascii.Error) as error:
        other = signed["key"] != fingerprint(public)
        reason = (
            f"by another key, {signed['key'][:16]}…" if other else "otherwise: the signature does not fit it"
        )
        raise SignatureError(f"{str(path)!r} was signed {reason}. Do not use it; fetch it again.") from error
    found = _digests(path, SignatureError)
    for name in sorted(set(found) | set(signed["files"])):
        if found.get(name) != signed["files"].get(name):
            what = "changed" if name in found and name in signed["files"] else "missing"
            what = "not signed" if name not in signed["files"] else what
            raise SignatureError(f"{str(path)!r}: {name!r} is {what}. Do not use it; fetch it again.")
    return found


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of a public key's 32 bytes, in hexadecimal."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def _existing(target: PathLike) -> Path:
    path = Path(target)
    return path if path.is_dir() else existing_file(path, "path")


def _digests(path: Path, kind: type[InputError | SignatureError]) -> dict[str, str]:
    """The SHA-256 of every file but the signature itself, by its path with slashes."""
    if not path.is_dir():
        return {path.name: file_digest(path)}
    found = {}
    for file in sorted(path.rglob("*")):
        name = str(PurePosixPath(file.relative_to(path)))
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise kind(f"{str(path)!r}: {name!r} is a link or a device, which is never signed. Remove it.")
        if file.is_file() and name != IN_FOLDER:
            found[name] = file_digest(file)
    if not found:
        raise kind(f"{str(path)!r} holds no files.")
    return found


def _canonical(signed: dict[str, Any]) -> bytes:
    """The bytes that are signed."""
    body = {name: signed[name] for name in ("format", "algorithm", "key", "files")}
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _read_signature(path: Path) -> dict[str, Any]:
    """The fields of a signature. Raises SignatureError where there is none or it is damaged."""
    if not path.is_file():
        raise SignatureError(f"there is no signature at {str(path)!r}. Sign with `edgernn sign`.")
    try:
        signed = json.loads(path.read_text("utf-8"))
        whole = (
            signed["format"] == 1
            and signed["algorithm"] == ALGORITHM
            and isinstance(signed["key"], str)
            and isinstance(signed["signature"], str)
            and all(isinstance(item, str) for pair in signed["files"].items() for item in pair)
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureError(f"{str(path)!r} is no signature, or is damaged ({error!r}).") from error
    if not whole:
        raise SignatureError(f"{str(path)!r} is no signature of format 1 and {ALGORITHM}, or is damaged.")
    return dict(signed)


def _private_key(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = existing_file(path, "key").read_bytes()
    try:
        key = load_pem_private_key(data, _password())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"key: {str(path)!r} is no private key in PEM, or its password in {PASSWORD_VARIABLE} is missing "
            f"or wrong ({error})."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"key: {str(path)!r} is no {ALGORITHM} key. Make one with `edgernn sign --new-key`.")
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = existing_file(path, "public key").read_bytes()
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"public key: {str(path)!r} is no public key in PEM ({error}).") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"public key: {str(path)!r} is no {ALGORITHM} key.")
    return key


def _password() -> bytes | None:
    text = os.environ.get(PASSWORD_VARIABLE, "")
    return text.encode() if text else None


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "signatures need the package 'cryptography', which is not installed. "
            "Install it with: pip install 'edgernn[sign]'"
        ) from error
