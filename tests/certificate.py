"""A self-signed certificate for 127.0.0.1."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from shutil import which

import pytest


def make_certificate(folder: Path, days: int = 2) -> Path:
    """Return a certificate that is valid so many days, with its key beside it."""
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("TLS WAS NOT TESTED: there is no openssl on this machine")
    path = folder / "certificate.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-nodes", "-newkey", "ec", "-days", str(days)),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(path.with_suffix(".key")), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return what makes a server speak TLS with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context
