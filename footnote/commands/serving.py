"""`serve`: the HTTP door on loopback, and one worker beside it."""

from __future__ import annotations

import ipaddress
import os
import socket

import uvicorn

from corpus.errors import ConfigError
from footnote.api.app import create_app
from footnote.connect import Footnote
from footnote.worker import Worker


def serve(footnote: Footnote, host: str, port: int) -> None:
    """Answer over HTTP until Ctrl-C. Raises `ConfigError` if the address is taken, or is not this machine's own."""
    listening = _listening(host, port)
    worker = Worker(footnote)
    worker.start()
    config = uvicorn.Config(create_app(footnote), log_level="warning", access_log=False, lifespan="off")
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    print(f"Footnote answers on {address} for this machine only (Ctrl-C ends it)", flush=True)  # noqa: T201
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        print("Stopped.")  # noqa: T201
    finally:
        worker.stop()
        listening.close()


def _listening(host: str, port: int) -> socket.socket:
    if host != "localhost" and not (_is_address(host) and ipaddress.ip_address(host).is_loopback):
        raise ConfigError(
            f"Footnote cannot serve on {host}: everybody who reaches it would be the local user.",
            hint="Serve on 127.0.0.1, and put something that knows who is asking in front of it.",
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be used: {os.strerror(error.errno or 0)}.", hint="Name another --port."
        ) from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
