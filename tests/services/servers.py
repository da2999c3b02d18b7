"""Which servers there are: their addresses, how each is fetched, started and asked whether it is up."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / ".services"
OPENSEARCH_PORT, TRANSPORT_PORT, DYNAMODB_PORT, MOTO_PORT = 9200, 9300, 8010, 8020
OPENSEARCH = f"http://127.0.0.1:{OPENSEARCH_PORT}"
DYNAMODB = f"http://127.0.0.1:{DYNAMODB_PORT}"
MOTO = f"http://127.0.0.1:{MOTO_PORT}"
CLOCK_HEADER = "X-Test-Clock"
"""By which a request tells the moto of `moto_clock.py` what time it is, and an answer how long it waited."""


class CannotRun(Exception):
    """A server cannot be had here: what is missing, and how to get it."""


@dataclass(frozen=True, slots=True)
class Server:
    """One of them. `command` fetches what it needs, if need be, and returns what to run; `probe` is a path to ask."""

    name: str
    address: str
    probe: str
    command: Callable[[Path], Sequence[str]]

    def answers(self) -> bool:
        """Whether something answers at its address, with whatever status below 500."""
        try:
            with urllib.request.urlopen(self.address + self.probe, timeout=2) as answer:  # noqa: S310 -- our own
                return bool(answer.status)
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False


def _opensearch(folder: Path) -> Sequence[str]:
    jars = fetched("opensearch", "2.19.1.0")
    config = folder / "node_1" / "config" / "opensearch.yml"  # the runner would write one of its own
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("action.destructive_requires_name: false\n", "utf-8")
    quiet = ("-Dlog4j2.disable.jmx=true", "-Dlog4j.shutdownHookEnabled=false", "-Dio.netty.noUnsafe=true")
    ports = (str(OPENSEARCH_PORT), str(TRANSPORT_PORT))
    source = str(HERE / "opensearch" / "Node.java")
    return _java("-Xms1g", "-Xmx1g", *quiet, "-cp", f"{jars}/*:{jars}/knn/*", source, *ports, str(folder))


def _dynamodb(folder: Path) -> Sequence[str]:
    del folder
    jars = fetched("dynamodb", "2.6.1")
    source = str(HERE / "dynamodb" / "Loopback.java")
    asked = ("-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(DYNAMODB_PORT))
    return _java("-Xmx512m", f"-Dsqlite4java.library.path={jars}", "-cp", f"{jars}/*", source, *asked)


def _moto(folder: Path) -> Sequence[str]:
    del folder
    program = Path(sys.executable).parent / "moto_server"
    if not program.exists():
        raise CannotRun("moto is not installed in this environment: `make services` installs it.")
    return [str(program), "-H", "127.0.0.1", "-p", str(MOTO_PORT)]


SERVERS = (
    Server("opensearch", OPENSEARCH, "/_cluster/health?wait_for_status=yellow&timeout=1s", _opensearch),
    Server("dynamodb", DYNAMODB, "/", _dynamodb),
    Server("moto", MOTO, "/moto-api/", _moto),
)


def fetched(name: str, version: str) -> Path:
    """Return the folder of a server's jars in the user's cache, fetched by Maven if need be, each of its SHA-256.

    Raises `CannotRun` when Maven is missing, cannot reach its repository, or brings other bytes than expected.
    """
    target = platformdirs.user_cache_path("footnote") / "jars" / f"{name}-{version}"
    if not target.is_dir():
        maven = shutil.which("mvn")
        if not maven:
            raise CannotRun(
                f"{name} is fetched by Maven (Debian: maven; macOS: brew install maven), which is not here."
            )
        print(f"Fetching {name} {version} (once) …", flush=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            shutil.copy(HERE / name / "pom.xml", folder)
            jars = Path(folder) / "jars"
            command = [maven, "-B", "-q", "-f", f"{folder}/pom.xml", "package", f"-Dtarget={jars}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise CannotRun(f"Maven could not fetch {name}:\n{done.stdout[-2000:]}")
            _check(jars, HERE / name / "sha256.txt")
            jars.rename(target)
    return target


def _check(jars: Path, expected: Path) -> None:
    """Raise `CannotRun` unless the code in a folder is exactly what was seen when its list was made."""
    wanted = {name: digest for digest, name in map(str.split, expected.read_text("utf-8").splitlines())}
    code = (path for path in jars.rglob("*") if path.suffix in {".jar", ".so", ".dylib", ".dll"})
    found = {path.relative_to(jars).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in code}
    other = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if other:
        raise CannotRun(f"Maven brought other bytes than {expected.name} expects: {', '.join(other[:5])}.")


def _java(*arguments: str) -> list[str]:
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    if not java:
        raise CannotRun("A JDK, 17 or newer, is needed (Debian: openjdk-17-jdk-headless; macOS: brew install openjdk).")
    return [java, "-Djava.awt.headless=true", *arguments]
