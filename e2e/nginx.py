"""nginx with the very file that `deploy/` has for it: the system's nginx, or one that is got."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from e2e.chromium import run
from tests.process import ROOT, free_port
from tests.shell import wait_until

INSTALL_SECONDS = 600
HELP = "no nginx could be found or got: install one, or set NGINX to the path of its binary"

# Around the site's file, in place of what Debian has in nginx.conf.
MAIN = """
daemon off;
{user}
pid {directory}/nginx.pid;
error_log {directory}/errors;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log {directory}/access;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/site.conf;
}}
"""


def find(directory: Path) -> str:
    """The path of an nginx: the one NGINX names, the system's, or one fetched into `directory`. Skips the
    test where there is none, and fails it where CI says that all must run."""
    if named := os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        return named
    if fetched := _fetch(directory):
        return fetched
    if os.environ.get("CI"):
        pytest.fail(HELP)
    pytest.skip(HELP)


def _fetch(directory: Path) -> str | None:
    """Debian's, which needs nothing that Debian would not have, and so is not installed."""
    binary = directory / "usr/sbin/nginx"
    download = ["apt-get", "download", "nginx"]
    got = run(download, INSTALL_SECONDS, cwd=directory) or (
        os.geteuid() == 0
        and run(["apt-get", "update"], INSTALL_SECONDS)
        and run(download, INSTALL_SECONDS, cwd=directory)
    )
    for package in directory.glob("nginx_*.deb") if got else ():
        run(["dpkg", "-x", str(package), str(directory)], INSTALL_SECONDS)
    return str(binary) if binary.exists() and run([str(binary), "-v"], INSTALL_SECONDS) else None


class Nginx:
    """nginx in front of what listens below `sockets`, at `url` (TLS) and at `plain_url`."""

    def __init__(self, binary: str, directory: Path, sockets: Path) -> None:
        self._binary, self._directory = binary, directory
        port, plain_port = free_port(), free_port()
        self.url, self.plain_url = f"https://localhost:{port}", f"http://localhost:{plain_port}"
        self.certificate = directory / "certificate.pem"
        key = directory / "key.pem"
        make_certificate(self.certificate, key)
        site = (ROOT / "deploy/nginx.conf").read_text()
        for ours, here in {
            "unix:/run/parlor/": f"unix:{sockets}/",
            "/var/lib/nginx/parlor ": f"{directory}/cache ",
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "/etc/letsencrypt/live/chat.example.org/fullchain.pem": str(self.certificate),
            "/etc/letsencrypt/live/chat.example.org/privkey.pem": str(key),
            "chat.example.org": "localhost",
        }.items():
            assert ours in site, ours
            site = site.replace(ours, here)
        user = "user root;" if os.geteuid() == 0 else ""
        (directory / "site.conf").write_text(site)
        (directory / "nginx.conf").write_text(MAIN.format(directory=directory, user=user))

    @property
    def errors(self) -> str:
        return (self._directory / "errors").read_text()

    @contextmanager
    def running(self) -> Iterator["Nginx"]:
        command = [self._binary, "-p", str(self._directory), "-c", str(self._directory / "nginx.conf")]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                pid = self._directory / "nginx.pid"
                wait_until(lambda: pid.exists() or process.poll() is not None)
                if process.poll() is not None:
                    pytest.fail(f"nginx did not start: {process.communicate()[1]}")
                yield self
            finally:
                process.terminate()


def make_certificate(certificate: Path, key: Path) -> None:
    """A certificate of this machine's own, which whoever is told of it trusts."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
