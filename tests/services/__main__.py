"""`python -m tests.services start|stop|status [NAME…]`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.services.servers import FOLDER, SERVERS, CannotRun, Server

UP_SECONDS = 120
DOWN_SECONDS = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.services", description="Real servers on loopback.")
    parser.add_argument("verb", choices=("start", "stop", "status"))
    parser.add_argument("names", nargs="*", help="opensearch, dynamodb, moto; all of them if none is named")
    asked = parser.parse_args()
    servers = [server for server in SERVERS if server.name in asked.names or not asked.names]
    try:
        return {"start": start, "stop": stop, "status": status}[asked.verb](servers)
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 1


def start(servers: list[Server]) -> int:
    """Start what does not run, and return when all of it answers."""
    begun = [server for server in servers if pid_of(server) is None]
    for server in begun:
        if server.answers():
            raise CannotRun(f"Something else answers at {server.address} already: stop it first.")
        folder = FOLDER / server.name
        folder.mkdir(parents=True, exist_ok=True)
        with log_of(server).open("wb") as log:
            process = subprocess.Popen(server.command(folder), stdout=log, stderr=log, start_new_session=True)
        pid_file(server).write_text(str(process.pid))
    deadline = time.monotonic() + UP_SECONDS
    for server in begun:
        while not server.answers():
            if pid_of(server) is None or time.monotonic() > deadline:
                raise CannotRun(f"{server.name} did not start; its last words in {log_of(server)}:\n{_tail(server)}")
            time.sleep(0.2)
    return status(servers)


def stop(servers: list[Server]) -> int:
    """Stop what runs, each by its own process id, and return when it has ended."""
    for server in servers:
        pid = pid_of(server)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    for server in servers:
        while (pid := pid_of(server)) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        pid_file(server).unlink(missing_ok=True)
    return status(servers)


def status(servers: list[Server]) -> int:
    """Say of each whether it runs, where, and as which process."""
    for server in servers:
        pid = pid_of(server)
        state = "stopped" if pid is None else f"{'up' if server.answers() else 'starting'}, process {pid}"
        print(f"{server.name:<11} {server.address}  {state}")
    return 0


def pid_file(server: Server) -> Path:
    return FOLDER / f"{server.name}.pid"


def log_of(server: Server) -> Path:
    return FOLDER / f"{server.name}.log"


def pid_of(server: Server) -> int | None:
    """The server's process, if it runs; a number that another program has got since is not it."""
    try:
        pid = int(pid_file(server).read_text())
    except (OSError, ValueError):
        return None
    found = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, command = found.stdout.strip().partition(" ")
    ours = any(word in command for word in ("Node.java", "Loopback.java", "moto_server"))
    return pid if ours and not state.startswith("Z") else None


def _tail(server: Server) -> str:
    return "\n".join(log_of(server).read_text("utf-8", "replace").splitlines()[-15:])


if __name__ == "__main__":
    sys.exit(main())
