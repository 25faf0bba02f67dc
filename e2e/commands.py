"""`manage.py` on one site, time after time, for the price of one start: a process that has set Django
up, and forks for each command."""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from contextlib import ExitStack
from typing import NamedTuple

from tests.process import KEPT, ROOT, SECONDS


class Done(NamedTuple):
    code: int
    written: str
    errors: str


class Commands:
    """One such process at a time, that of the site which was asked last; and one command at a time."""

    def __init__(self) -> None:
        self._env: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    def run(self, env: dict[str, str], *arguments: str, text: str = "") -> Done:
        """Run `manage.py arguments` where nothing but `env` is set, with `text` as its input."""
        if self._process is None or env != self._env:
            self.end()
            self._env = dict(env)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "e2e.commands"],
                cwd=ROOT,
                env={name: os.environ[name] for name in KEPT if name in os.environ} | env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        asks, answers = self._process.stdin, self._process.stdout
        assert asks and answers
        print(json.dumps([arguments, text]), file=asks, flush=True)
        return Done(*json.loads(answers.readline()))

    def end(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=SECONDS)
            self._process = None


def serve() -> None:
    """For each line of the input, the arguments and the input of a command, one that says what it came to."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django

    django.setup()
    for line in sys.stdin:
        arguments, text = json.loads(line)
        with ExitStack() as files:
            given, written, errors = streams = [
                files.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3)
            ]
            given.write(text)
            given.seek(0)
            if not (child := os.fork()):
                for number, stream in enumerate(streams):
                    os.dup2(stream.fileno(), number)
                os._exit(command(arguments))
            _, status = os.waitpid(child, 0)
            written.seek(0)
            errors.seek(0)
            done = Done(os.waitstatus_to_exitcode(status), written.read(), errors.read())
        sys.stdout.write(f"{json.dumps(done)}\n")
        sys.stdout.flush()


def command(arguments: list[str]) -> int:
    """Run `manage.py` in this very process. Returns its exit code."""
    from django.core.management import execute_from_command_line

    sys.stdin = open(0, closefd=False)  # noqa: SIM115 — the old one has read ahead
    try:
        execute_from_command_line(["manage.py", *arguments])
        return 0
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1 if ending.code else 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    serve()
