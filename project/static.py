"""Static files, as they are collected."""

import re
from collections.abc import Iterator
from posixpath import dirname, join
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(r'^@import "([\w-]+\.css)";\n', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


class Storage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's, with what a style sheet imports from beside it put in its place: one request for all
    of it. Where files are not collected, browsers follow the imports."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Yields as Django's does. Reads the sources: what was collected may have been put together before,
        from older ones. Raises KeyError where a sheet that is imported is not there."""
        sheets = {} if dry_run else {name: _read(paths[name]) for name in paths if name.endswith(".css")}
        for name in [name for name, text in sheets.items() if IMPORT.search(text)]:
            self.delete(name)  # it may be a link to the source
            self.save(name, ContentFile(COMMENT.sub("", _whole(name, sheets)).encode()))
            paths = paths | {name: (self, name)}
        yield from super().post_process(paths, dry_run=dry_run, **options)


def _whole(name: str, sheets: dict[str, str]) -> str:
    folder = dirname(name)
    return IMPORT.sub(lambda found: _whole(join(folder, found[1]), sheets), sheets[name])


def _read(source: tuple[Any, str]) -> str:
    storage, path = source
    with storage.open(path) as file:
        return str(file.read().decode())
