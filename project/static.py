"""Static files, as they are collected."""

import hashlib
import re
from collections.abc import Iterator
from inspect import getfile
from pathlib import Path
from posixpath import dirname, join
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(r'^@import "([\w-]+\.css)";\n', re.MULTILINE)
NOTE = "made-of.txt"  # beside what is collected: of what
COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


class Storage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's, with what a style sheet imports from beside it put in its place: one request for all
    of it. Where files are not collected, browsers follow the imports."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Yields as Django's does. Reads the sources: what was collected may have been put together before,
        from older ones. Raises KeyError where a sheet that is imported is not there."""
        if not dry_run:
            self.delete(NOTE)  # whoever collects; until all is there it is made of nothing
        sheets = {} if dry_run else {name: _read(paths[name]) for name in paths if name.endswith(".css")}
        for name in [name for name, text in sheets.items() if IMPORT.search(text)]:
            self.delete(name)  # it may be a link to the source
            self.save(name, ContentFile(COMMENT.sub("", _whole(name, sheets)).encode()))
            paths = paths | {name: (self, name)}
        yield from super().post_process(paths, dry_run=dry_run, **options)


def collect() -> None:
    """Collect the static files, unless those there are were made of these: to make them anew would take
    half a second of every start."""
    note, sources = Path(settings.STATIC_ROOT) / NOTE, _sources()
    if not note.exists() or note.read_text() != sources:
        call_command("collectstatic", interactive=False, verbosity=0)
        note.write_text(sources)


def _sources() -> str:
    """Differs for other static files, and for other code to make of them what is served."""
    files = [getfile(kind) for kind in staticfiles_storage.__class__.mro()[:-1]]
    for finder in get_finders():
        files += [storage.path(name) for name, storage in finder.list([])]
    found = [(file, (stat := Path(file).stat()).st_size, stat.st_mtime_ns) for file in files]
    return hashlib.sha256(repr(found).encode()).hexdigest()


def _whole(name: str, sheets: dict[str, str]) -> str:
    folder = dirname(name)
    return IMPORT.sub(lambda found: _whole(join(folder, found[1]), sheets), sheets[name])


def _read(source: tuple[Any, str]) -> str:
    storage, path = source
    with storage.open(path) as file:
        return str(file.read().decode())
