"""`serve`: the HTTP door, on loopback only where nobody signs in, and one worker beside it."""

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
    """Answer over HTTP until Ctrl-C.

    Raises `ConfigError` if the address is taken, or if others could reach it and nobody signs in.
    """
    signed_in = bool(footnote.settings.identity.issuer)
    listening = _listening(host, port, signed_in=signed_in)
    worker = Worker(footnote)
    worker.start()
    config = uvicorn.Config(create_app(footnote), log_level="warning", access_log=False, lifespan="off")
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    whom = "for whoever signs in" if signed_in else "for this machine only"
    print(f"Footnote answers on {address} {whom} (Ctrl-C ends it)", flush=True)  # noqa: T201
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        print("Stopped.")  # noqa: T201
    finally:
        worker.stop()
        listening.close()


def _listening(host: str, port: int, *, signed_in: bool) -> socket.socket:
    loopback = host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
    if not (loopback or signed_in):
        raise ConfigError(
            f"Footnote cannot serve on {host}: everybody who reaches it would be the local user.",
            hint="Serve on 127.0.0.1, or name whose tokens say who is asking: FOOTNOTE_ISSUER and FOOTNOTE_AUDIENCE.",
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be used: {os.strerror(error.errno or 0)}.", hint="Name another --port."
        ) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a body waits 40 ms behind its headers
    return listening


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
