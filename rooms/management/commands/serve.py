import os
import signal
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from project.errors import no_database
from project.listening import listen, listen_at_path

MANIFEST = "staticfiles.json"  # which collectstatic writes


class Command(BaseCommand):
    help = (
        "Serves the site with uvicorn, as one process of several behind a proxy, at HOST:PORT or at a unix "
        "socket. Database, static files, Redis and worker are seen to elsewhere: see docs/production.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--unix",
            metavar="PATH",
            type=Path,
            default=os.environ.get("UNIX_SOCKET") or None,
            help="listen at this unix socket (default: UNIX_SOCKET, and without it HOST and PORT)",
        )

    def handle(self, *, unix: Path | None, **options: Any) -> None:
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: sys.exit(0))  # until uvicorn minds them
        try:
            from project.server import Server, config
        except ImportError as error:
            raise ImproperlyConfigured(
                f"serve needs uvicorn ({error}): pip install -r requirements-production.txt"
            ) from error
        check_all_is_ready()
        if unix:
            listener, where = listen_at_path(unix), f"the unix socket {unix}"
        else:
            listener = listen(os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000")
            where = "http://{}:{}/".format(*listener.getsockname())
        server = Server(config(import_string(settings.ASGI_APPLICATION)), listener)
        if unix and not settings.TRUSTED_PROXIES:
            self.stderr.write("TRUSTED_PROXIES is 0, so nobody's address is known behind a unix socket.")
        self.stdout.write(f"Parlor is at {where}")
        self.stdout.flush()
        tell_systemd("READY=1")
        server.serve_until_told()


def check_all_is_ready() -> None:
    """Raises ImproperlyConfigured where what the processes of a site share is not there."""
    if not settings.REDIS_URL:
        raise ImproperlyConfigured("set REDIS_URL: the processes of a site need a Redis to share")
    if not settings.DEBUG and not (settings.STATIC_ROOT / MANIFEST).exists():
        raise ImproperlyConfigured("static files are not in place: run manage.py collectstatic --noinput")
    try:
        executor = MigrationExecutor(connection)
        is_behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        raise no_database(error) from error
    finally:
        connection.close()
    if is_behind:
        raise ImproperlyConfigured("the database is not up to date: run manage.py migrate")


def tell_systemd(state: str) -> None:
    """What this process has come to, where a service manager waits to be told (see sd_notify(3))."""
    if path := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(state.encode(), path.replace("@", "\0", 1))
