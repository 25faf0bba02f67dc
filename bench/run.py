"""From a command line to figures."""

import asyncio
import gc
import resource
import shlex
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from bench import machine, report
from bench.launch import on_cores, shared_out
from bench.parlor import Parlor
from bench.plot import picture
from bench.report import Measured
from bench.scenes import SCENES
from bench.scenes.scene import Outcome, Run, Scene
from bench.site import Site
from bench.target import Target
from bench.yardsticks import Yardstick

NEVER = 2**31 - 1  # the most that Python takes


def run(options: Namespace, arguments: list[str]) -> int:
    """Measure, and tell. Returns the exit code: 1 where anything went wrong, for then the figures are
    worth nothing."""
    facts = machine.described(options.processes)
    _open_many_files()
    with tempfile.TemporaryDirectory(prefix="parlor-bench-") as directory, ExitStack() as ending:
        measured = measure(SCENES[options.scene], _targets(options, Path(directory), ending), options)
    command = shlex.join(["python", "-m", "bench", *arguments])
    print(f"{command}\n{'; '.join(f'{name} {fact}' for name, fact in facts.items())}\n")  # noqa: T201
    print(report.table(measured, SCENES[options.scene].compares))  # noqa: T201
    for remark in report.remarks(measured):
        print(remark)  # noqa: T201
    if options.json:
        options.json.write_text(report.as_json(options.scene, command, facts, measured))
    if options.plot:
        options.plot.write_text(picture(measured))
    return int(any(one.outcome.faults for one in measured))


def measure(scene: Scene, targets: list[Target], options: Namespace) -> list[Measured]:
    """All runs of a scene: each target in turn, as often as `options.runs` says."""
    return [
        Measured(
            _column(target.name if len(targets) > 1 else "", name) or target.name,
            _once(target, its, options, f"{n + 1}/{options.runs}"),
        )
        for n in range(options.runs)
        for target in targets
        for name, its in scene.runs.items()
    ]


def _column(server: str, run: str) -> str:
    return ", ".join(filter(None, (server, run)))


def _once(target: Target, run: Run, options: Namespace, number: str) -> Outcome:
    """One run, against a server that was started for it."""
    print(f"{number}: {target.name}", file=sys.stderr)  # noqa: T201
    _, own = shared_out(options.processes)

    async def measure() -> Outcome:
        return await run(target, options)

    target.start()
    try:
        with (
            on_cores(own),
            without_pauses(),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(measure())
    except Exception:
        print(target.log()[-2000:], file=sys.stderr)  # noqa: T201 — perhaps it says why
        raise
    finally:
        target.stop()


@contextmanager
def without_pauses() -> Iterator[None]:
    """Python's collector never looks through everything: what there is stays, and so does what is written
    down from here on. With 300,000 messages this process stood still for 0.17 s each time, ever more often,
    and whatever the server sent meanwhile came late."""
    young, middle, old = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, middle, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
        gc.unfreeze()


def _targets(options: Namespace, directory: Path, ending: ExitStack) -> list[Target]:
    cores, _ = shared_out(options.processes)
    others = [options.yardstick] if options.yardstick else options.beside
    yardsticks: list[Target] = [
        Yardstick(options.yardsticks / file, directory / file.stem, cores, options.node_modules)
        for file in others
    ]
    if options.yardstick:
        return yardsticks
    if options.url:
        return [Parlor(None, options.url, tuple(options.pid))]
    site = Site(directory, options.server, options.database, options.processes, cores)
    ending.callback(site.end)
    return [Parlor(site), *yardsticks]


def _open_many_files() -> None:
    """Thousands of sockets, here and in what is started from here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
