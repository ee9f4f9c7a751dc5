"""Machine code on disk: found again whole or not at all, and only in a folder that is the user's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from graphs.codegen.store import Store, digest, folder


KEY = digest("one", "two")
CODE = bytes(range(256)) * 40


def _only(place: Path) -> Path:
    [path] = place.iterdir()
    return path


def test_what_was_saved_is_found_by_others(tmp_path: Path) -> None:
    Store(tmp_path / "a" / "kernels").save(KEY, CODE)
    assert Store(tmp_path / "a" / "kernels").load(KEY) == CODE
    assert stat.S_IMODE((tmp_path / "a" / "kernels").stat().st_mode) == 0o700


def test_keys_tell_parts_from_each_other() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4


def test_what_was_not_saved_is_missing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(KEY, CODE)
    assert store.load(digest("another")) is None


@pytest.mark.parametrize("length", [0, 5, 8, 20, 39, 40, 41, 1000, len(CODE) + 39])
def test_a_file_cut_short_counts_as_missing_and_is_replaced(tmp_path: Path, length: int) -> None:
    store = Store(tmp_path)
    store.save(KEY, CODE)
    path = _only(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    assert store.load(KEY) is None
    store.save(KEY, CODE)
    assert store.load(KEY) == CODE


@pytest.mark.parametrize("at", [0, 7, 8, 39, 40, 5000, -1])
def test_an_altered_file_counts_as_missing(tmp_path: Path, at: int) -> None:
    store = Store(tmp_path)
    store.save(KEY, CODE)
    path = _only(tmp_path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert store.load(KEY) is None


def test_a_longer_file_and_a_foreign_one_count_as_missing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(KEY, CODE)
    path = _only(tmp_path)
    path.write_bytes(path.read_bytes() + b"more")
    assert store.load(KEY) is None
    path.write_bytes(os.urandom(len(CODE)))
    assert store.load(KEY) is None


def test_a_file_under_another_key_is_not_taken(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(KEY, CODE)
    other = digest("another")
    path = _only(tmp_path)
    path.rename(path.with_name(path.name.replace(KEY, other)))
    assert store.load(other) is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the system has no owners and modes")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "kernels"
    Store(place).save(KEY, CODE)
    place.chmod(mode)
    store = Store(place)
    assert store.load(KEY) is None
    store.save(digest("another"), CODE)
    assert len(list(place.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    place = tmp_path / "kernels"
    Store(place).save(KEY, CODE)
    os.chown(place, 12345, -1)
    assert Store(place).load(KEY) is None


def test_a_link_to_a_folder_is_not_used(tmp_path: Path) -> None:
    Store(tmp_path / "real").save(KEY, CODE)
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert Store(tmp_path / "link").load(KEY) is None


def test_without_a_folder_nothing_is_kept_and_nothing_raised(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    for store in (Store(None), Store(blocked), Store(blocked / "kernels")):
        store.save(KEY, CODE)
        assert store.load(KEY) is None


def test_a_folder_that_goes_away_is_no_error(tmp_path: Path) -> None:
    store = Store(tmp_path / "kernels")
    (tmp_path / "kernels").rmdir()
    store.save(KEY, CODE)
    assert store.load(KEY) is None


def test_above_the_limit_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    keys = [digest(str(i)) for i in range(8)]
    for i, key in enumerate(keys):
        Store(tmp_path).save(key, CODE)
        os.utime(tmp_path / f"{key}.kernel", (1_000_000 + i, 1_000_000 + i))
    assert Store(tmp_path).load(keys[1]) == CODE  # which is a use
    Store(tmp_path, limit=5 * len(CODE)).save(digest("last"), CODE)  # the first save of each process looks at the size
    kept = [key for key in (*keys, digest("last")) if Store(tmp_path).load(key) is not None]
    assert kept == [keys[1], keys[7], digest("last")]


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    left, fresh = tmp_path / f"{KEY}.1.2", tmp_path / f"{KEY}.3.4"
    left.write_bytes(b"part")
    os.utime(left, (1_000_000, 1_000_000))
    fresh.write_bytes(b"part")
    Store(tmp_path).save(KEY, CODE)
    assert not left.exists()
    assert fresh.exists()


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIPTYCH_CACHE", str(tmp_path))
    assert folder() == tmp_path / "kernels"
    monkeypatch.setenv("DIPTYCH_CACHE", "0")
    assert folder() is None
    monkeypatch.delenv("DIPTYCH_CACHE")
    found = folder()
    assert found is not None
    assert found.name == "kernels"
    assert "diptych" in found.parts
