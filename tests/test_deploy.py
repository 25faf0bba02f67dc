"""The files of a production set-up fit what they are for; e2e/test_production.py runs them."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import load_command_class

from project.uploads import REST
from tests.process import ROOT

DEPLOY = ROOT / "deploy"
UNITS = ["parlor@.service", "parlor-work.service"]


def service(name: str) -> configparser.SectionProxy:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / name)
    return unit["Service"]


def test_every_setting_in_the_environment_is_one() -> None:
    names = re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "parlor.env").read_text(), re.MULTILINE)
    known = (ROOT / "project/settings.py").read_text()
    assert len(names) > 8
    assert [name for name in names if f'("{name}"' not in known] == []


@pytest.mark.parametrize("name", UNITS)
def test_units_start_commands_that_there_are(name: str) -> None:
    python, script, command, *arguments = shlex.split(service(name)["ExecStart"])
    assert (python, script) == ("/opt/parlor/.venv/bin/python", "manage.py")
    parser = load_command_class("rooms", command).create_parser("manage.py", command)
    parser.parse_args(arguments)
    assert service(name)["EnvironmentFile"] == "/etc/parlor.env"


def test_nginx_asks_where_processes_listen() -> None:
    *_, path = shlex.split(service("parlor@.service")["ExecStart"])
    asked = re.findall(r"server unix:(\S+) ", (DEPLOY / "nginx.conf").read_text())
    assert asked == [path.replace("%t", "/run").replace("%i", str(n)) for n in range(1, 5)]


def test_nginx_takes_in_what_a_message_may_bring() -> None:
    most = re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())
    assert most
    assert int(most[1]) * 2**20 > settings.FILES_PER_MESSAGE * settings.FILE_MAX_MB * 1_000_000 + REST


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    paths = [tmp_path / name.replace("@", "@1") for name in UNITS]
    for name, path in zip(UNITS, paths, strict=True):
        path.write_text((DEPLOY / name).read_text().replace("/opt/parlor/.venv/bin/python", "/bin/true"))
    command = ["systemd-analyze", "verify", "--man=no", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if str(tmp_path) in line] == []
