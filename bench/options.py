"""The command line."""

import ipaddress
import socket
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from urllib.parse import urlsplit

from bench.scenes import SCENES


def loopback(url: str) -> str:
    """`url`, if it is one of this machine. Raises ArgumentTypeError: nobody else's server is to be
    put under load, be it by mistake."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ArgumentTypeError(f"{url} is no address such as http://127.0.0.1:8000")
        found = {str(info[4][0]) for info in socket.getaddrinfo(parts.hostname, parts.port or 80)}
    except (OSError, ValueError) as error:
        raise ArgumentTypeError(f"{url}: {error}") from error
    if not all(ipaddress.ip_address(address).is_loopback for address in found):
        raise ArgumentTypeError(f"{url} is not on this machine, and nothing else may be put under load")
    return url


def parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m bench", description="Measures Parlor under load.")
    scenes = parser.add_subparsers(dest="scene", required=True, metavar="scene")
    for scene in SCENES.values():
        its = scenes.add_parser(scene.name, help=scene.help, description=scene.help.capitalize() + ".")
        for name, (default, text) in scene.options.items():
            what = f"{text}; " if text else ""
            flag = f"--{name.replace('_', '-')}"
            its.add_argument(flag, type=type(default), default=default, help=f"{what}{default!r} unless told")
        _common(its, scene.is_parlors, scene.is_own)
    return parser


def _common(its: ArgumentParser, is_parlors: bool, is_own: bool) -> None:
    server = its.add_argument_group("the server, which is started for it and is gone afterwards")
    server.add_argument("--server", choices=["uvicorn", "daphne"], default="uvicorn")
    server.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    server.add_argument("--processes", type=int, default=1, help="of uvicorn")
    if not is_own:
        running = its.add_argument_group("or one that runs on this machine, with RATE_LIMITS=off")
        running.add_argument("--url", type=loopback, help="such as http://127.0.0.1:8000")
        running.add_argument("--pid", type=int, nargs="+", default=[], help="its processes, Redis too")
    if not is_parlors:
        others = its.add_argument_group("other servers")
        others.add_argument(
            "--beside", action="append", type=Path, default=[], help="a file, in turn with Parlor"
        )
        others.add_argument("--yardstick", type=Path, help="a file, and not Parlor")
        others.add_argument("--yardsticks", type=Path, default=Path(), help="the folder they are in")
        others.add_argument(
            "--node-modules", default="", help="the folder of what they need of npm; NODE_PATH"
        )
    told = its.add_argument_group("what is told")
    told.add_argument("--runs", type=int, default=1, help="of which the medians are told")
    told.add_argument("--json", type=Path, help="a file for all figures of all runs")
    told.add_argument("--plot", type=Path, help="a file for a picture, SVG")


def parsed(arguments: list[str]) -> Namespace:
    """The options. Ends the program where they make no sense."""
    found = parser()
    options = found.parse_args(arguments, Namespace(url=None, pid=[], beside=[], yardstick=None))
    if options.url and (options.yardstick or options.beside):
        found.error("--url is alone: what is measured together is to be on the same core")
    if options.url and not options.pid:
        found.error("--url takes --pid, for what the server uses is measured by its processes")
    if any(getattr(options, name, 1) < 1 for name in ("tabs", "rooms", "clients", "messages", "runs")):
        found.error("there is nothing to measure")
    if getattr(options, "rooms", 1) > getattr(options, "tabs", getattr(options, "people", 1)):
        found.error("there are more rooms than tabs")
    if options.processes > 1 and options.server == "daphne":
        found.error("daphne is one process")
    return options
