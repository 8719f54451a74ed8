"""Self-signed certificates, valid and invalid, and TLS contexts for both ends of a connection."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

BAD = [("localhost", False), ("expired", True), ("elsewhere", True)]
"""Certificates that are invalid for localhost, and whether their issuer is trusted."""


def write_certificates(folder: Path) -> Path:
    """Write certificates for localhost, for another name and an expired one; return the folder."""
    now = datetime.now(UTC)
    for file, name, ends in (
        ("localhost", "localhost", now + timedelta(days=1)),
        ("elsewhere", "elsewhere.invalid", now + timedelta(days=1)),
        ("expired", "localhost", now - timedelta(days=1)),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder(called, called, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        (folder / f"{file}.pem").write_bytes(made.public_bytes(Encoding.PEM))
        (folder / f"{file}.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    return folder


def server_context(folder: Path, name: str) -> ssl.SSLContext:
    """Return the TLS context of a server that presents the certificate of `name`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    present_certificate(context, folder, name)
    return context


def present_certificate(context: ssl.SSLContext, folder: Path, name: str) -> None:
    """Present this certificate to all new connections."""
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")


def verifying_connector(folder: Path, *trusted: str) -> aiohttp.TCPConnector:
    """Return a connector with normal verification that also trusts these certificates."""
    context = ssl.create_default_context()
    for name in trusted:
        context.load_verify_locations(folder / f"{name}.pem")
    return aiohttp.TCPConnector(ssl=context)
