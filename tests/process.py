"""A real server: `manage.py up` in a process of its own, which a test may end as it likes."""

import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60.0  # for anything that is to happen at all
KEPT = ["PATH", "HOME", "TMPDIR", "LANG"]  # of the environment; nothing else of it may matter


class Server:
    """`manage.py up` with `data_dir` and a free port, which it keeps over restarts.

    `env` holds what else it finds in its environment, and may be changed between starts.
    """

    command = "up"

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.says = self.url  # when it serves
        self.env = {"DATA_DIR": str(data_dir), "PORT": str(self.port), "RATE_LIMITS": "off"}
        self.env |= {"SLOW_QUERY_MS": "0", **env}  # the machine may have much else to do
        self.process: subprocess.Popen[str] | None = None
        self._errors = data_dir / "stderr"

    def start(self) -> None:
        """Start it and wait until it serves."""
        stdout = self.launch().stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], SECONDS)
        line = stdout.readline() if ready else ""
        if self.says not in line:
            self.kill()
            raise AssertionError(f"the server did not start: {line}{self.errors}")

    def launch(self) -> subprocess.Popen[str]:
        """Start it, as the leader of a process group of its own, and do not wait."""
        assert self.process is None, "it runs already"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self._errors.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), self.command],
                cwd=self.data_dir,
                env={name: os.environ[name] for name in KEPT if name in os.environ} | self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        return self.process

    def interrupt(self) -> int:
        """Ctrl-C: SIGINT to every process of the group. Returns the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self._ended()

    def stop(self, ending: signal.Signals = signal.SIGTERM) -> int:
        """SIGTERM, unless told otherwise, to the server alone. Returns the exit code."""
        assert self.process is not None
        self.process.send_signal(ending)
        return self._ended()

    def kill(self) -> None:
        """SIGKILL to the server alone: its port is free at once, and nothing is tidied up. Its worker
        ends by itself, which is waited for."""
        if self.process is not None:
            workers = self.workers
            self.process.kill()
            self._ended()
            _, alive = psutil.wait_procs(workers, SECONDS)
            assert not alive

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes of `manage.py work` that it has started and that run."""
        if self.process is None or self.process.poll() is not None:
            return []
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it has ended in this very moment
                if "work" in child.cmdline():
                    found.append(child)
        return found

    @property
    def errors(self) -> str:
        """All that it has written to stderr since its first start."""
        return self._errors.read_text() if self._errors.exists() else ""

    def _ended(self) -> int:
        assert self.process is not None
        with self.process as process:  # closes its pipe
            code = process.wait(SECONDS)
        self.process = None
        return code


class Serving(Server):
    """`manage.py serve`, at a port or, where one is given, at a unix socket. What it needs to be there
    `prepare` makes, once for all on the same data."""

    command = "serve"

    def __init__(self, data_dir: Path, unix: Path | None = None, **env: str) -> None:
        super().__init__(data_dir, **env)
        if unix:
            self.env["UNIX_SOCKET"] = self.says = str(unix)

    def prepare(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        make = (
            "from django.core.management import call_command; from project.static import collect;"
            "call_command('migrate', verbosity=0); collect()"
        )
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", make],
            env={name: os.environ[name] for name in KEPT if name in os.environ} | self.env,
            check=True,
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
