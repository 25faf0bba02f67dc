import multiprocessing
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.datadir import make_data_dir, redis_socket, secret_key

RACERS = 8


def test_the_secret_key_is_kept(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_the_secret_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    secret_key(tmp_path)
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_processes_that_start_together_get_one_secret_key(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("spawn")
    start = fork.Barrier(RACERS)
    keys = fork.SimpleQueue()
    racers = [fork.Process(target=_race, args=(tmp_path, start, keys)) for _ in range(RACERS)]
    for racer in racers:
        racer.start()
    assert len({keys.get() for _ in racers}) == 1
    for racer in racers:
        racer.join()
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def _race(data_dir, start, keys) -> None:
    start.wait()
    keys.put(secret_key(data_dir))


def test_the_data_directory_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_data_dir(Path("some/where"))
    assert made == tmp_path / "some" / "where"
    assert list(made.iterdir()) == []


def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="set DATA_DIR"):
        make_data_dir(tmp_path / "file" / "data")


def test_the_socket_lies_in_the_data_directory() -> None:
    assert redis_socket(Path("/srv/parlor")) == Path("/srv/parlor/redis/redis.sock")


@pytest.mark.parametrize(
    "data_dir", ["/srv/" + "long/" * 30, "/srv/ä" + "ä" * 60, "/srv/my data", "/srv/100%", "/srv/a'b"]
)
def test_a_path_that_is_no_name_for_a_socket_is_replaced(data_dir: str) -> None:
    path = redis_socket(Path(data_dir))
    assert path.is_relative_to(tempfile.gettempdir())
    assert path == redis_socket(Path(data_dir))
    assert path != redis_socket(Path(data_dir + "2"))


@pytest.mark.parametrize("length", range(70, 110))
def test_every_path_can_be_a_socket(length: int) -> None:
    """Up to where the limit lies and beyond; the directories are made and removed."""
    with tempfile.TemporaryDirectory(prefix="parlor-") as short:
        data_dir = Path(short) / ("x" * (length - len(short)))
        path = redis_socket(data_dir)
        path.parent.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.fspath(path))
        path.unlink()
        path.parent.rmdir()
