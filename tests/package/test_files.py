"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.files import atomic_path, existing_file, write_bytes, write_text


class BrokenError(Exception):
    pass


def fail_halfway(path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise BrokenError


def test_a_file_appears_with_its_content_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "folder" / "a.txt", "grün\n")
    assert (tmp_path / "new" / "folder" / "a.txt").read_bytes() == "grün\n".encode()
    assert os.listdir(tmp_path / "new" / "folder") == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write_bytes(path, b"old")
    with pytest.raises(BrokenError):
        fail_halfway(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_a_failure_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(BrokenError):
        fail_halfway(tmp_path / "model.onnx")
    assert os.listdir(tmp_path) == []


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write_bytes(path, b"old")
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert temporary.parent == path.parent  # a rename is atomic within one file system only
    assert path.read_bytes() == b"new"


def test_a_file_has_ordinary_permissions(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_bad_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        write_bytes(tmp_path, b"")
    write_bytes(tmp_path / "file", b"")
    with pytest.raises(InputError, match="cannot be written"):
        write_bytes(tmp_path / "file" / "below", b"")
    with pytest.raises(InputError, match=r"model: no file at .*missing"):
        existing_file(tmp_path / "missing", "model")
    with pytest.raises(InputError, match=r"model: .* is not a file"):
        existing_file(tmp_path, "model")
    assert existing_file(str(tmp_path / "file"), "model") == tmp_path / "file"
