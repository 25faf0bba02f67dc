"""Static files, as they are collected."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.finders import get_finder
from django.contrib.staticfiles.management.commands import collectstatic
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from pytest_django import Settings

from project import static
from project.static import COMMENT, NOTE, Storage, collect

ALL_IN_A_ROOM = ["base", "forms", "tokens", "chat", "messages", "markup", "files", "menu", "composer"]


def stored(name: str) -> Path:
    """The file that is served under this name."""
    storage: Any = staticfiles_storage
    return Path(storage.path(storage.stored_name(name)))


def test_the_sheet_of_a_room_holds_what_it_imports(settings: Settings) -> None:
    whole = stored("css/room.css").read_text()
    for name in ALL_IN_A_ROOM:
        rules = COMMENT.sub("", (settings.BASE_DIR / f"static/css/{name}.css").read_text())
        assert rules.rpartition("\n\n")[2] in whole, name
    assert "@import" not in whole


def test_it_is_served_compressed() -> None:
    served = stored("css/room.css")
    compressed = served.with_name(f"{served.name}.gz")
    assert compressed.stat().st_size < served.stat().st_size / 3


@pytest.fixture
def sources(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A folder of style sheets, which are all the static files there are."""
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [tmp_path / "sources"]
    folder = tmp_path / "sources" / "css"
    folder.mkdir(parents=True)
    cached: Any = get_finder
    cached.cache_clear()
    yield folder
    cached.cache_clear()


def collected(sources: Path, **options: bool) -> str:
    """What the sheet `all.css` is once all is collected."""
    command, root = collectstatic.Command(), sources.parent.parent / "collected"
    command.storage = Storage(location=str(root))
    call_command(command, interactive=False, verbosity=0, **options)
    return (root / Storage(location=str(root)).stored_name("css/all.css")).read_text()


def test_what_changed_is_collected_though_the_sheet_that_imports_it_did_not(sources: Path) -> None:
    (sources / "all.css").write_text('@import "one.css";\n@import "two.css";\n')
    (sources / "one.css").write_text("/* said\nhere */\na { color: red }\n")
    (sources / "two.css").write_text("b { color: blue }\n")
    assert collected(sources) == "a { color: red }\nb { color: blue }\n"
    (sources / "two.css").write_text("b { color: green }\n")
    assert collected(sources) == "a { color: red }\nb { color: green }\n"


def test_what_is_imported_may_import(sources: Path) -> None:
    (sources / "all.css").write_text('@import "one.css";\n')
    (sources / "one.css").write_text('@import "two.css";\na { color: red }\n')
    (sources / "two.css").write_text("b { color: blue; content: '…' }\n")
    assert collected(sources) == "b { color: blue; content: '…' }\na { color: red }\n"


def test_neither_a_dry_run_nor_links_change_what_there_is(sources: Path) -> None:
    (sources / "all.css").write_text('@import "one.css";\n')
    (sources / "one.css").write_text("a { color: red }\n")
    collected(sources)
    assert collected(sources, dry_run=True) == collected(sources, link=True) == "a { color: red }\n"
    assert (sources / "all.css").read_text() == '@import "one.css";\n'


def test_what_is_not_there(sources: Path) -> None:
    (sources / "all.css").write_text('@import "gone.css";\n')
    with pytest.raises(KeyError, match=r"css/gone\.css"):
        collected(sources)


@pytest.fixture
def times_collected(sources: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that what is in `sources` is collected."""
    times: list[str] = []
    settings.STATIC_ROOT = sources.parent.parent / "collected"
    command = collectstatic.Command()
    command.storage = Storage(location=str(settings.STATIC_ROOT))

    def call(name: str, **options: bool) -> None:
        times.append(name)
        call_command(command, **options)

    monkeypatch.setattr(static, "call_command", call)
    return times


def test_what_is_there_already_is_not_collected_again(sources: Path, times_collected: list[str]) -> None:
    (sources / "all.css").write_text("a { color: red }\n")
    collect()
    collect()
    assert len(times_collected) == 1
    (sources / "all.css").write_text("b { color: red }\n")
    collect()
    assert len(times_collected) == 2
    (sources / "two.css").write_text("b { color: blue }\n")
    collect()
    collect()
    assert len(times_collected) == 3


def test_it_is_where_somebody_else_has_collected_or_was_killed(
    sources: Path, settings: Settings, times_collected: list[str]
) -> None:
    (sources / "all.css").write_text("a { color: red }\n")
    collect()
    collected(sources)  # of an older release, say
    assert not (settings.STATIC_ROOT / NOTE).exists()
    collect()
    assert len(times_collected) == 2
