from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import servers
from tests.services.needed import up
from tests.services.servers import SERVERS, CannotRun


@pytest.mark.service
@pytest.mark.parametrize("name", [server.name for server in SERVERS])
def test_a_server_listens_on_loopback_only(name: str) -> None:
    """No server of the tests can be reached from another machine."""
    port = int(up(name).address.rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which address would be used
            own = probe.getsockname()[0]
        except OSError:
            own = "127.0.0.1"
    if own != "127.0.0.1":
        with socket.socket() as knock:
            knock.settimeout(2)
            assert knock.connect_ex((own, port)) != 0


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    """Code that is not, byte for byte, what was expected is not run: more, less or other."""
    expected, jars = tmp_path / "sha256.txt", tmp_path / "jars"
    jars.mkdir()
    (jars / "a.jar").write_bytes(b"a")
    expected.write_text("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.jar\n")
    servers._check(jars, expected)

    (jars / "b.so").write_bytes(b"b")
    with pytest.raises(CannotRun, match=r"sha256\.txt expects: b\.so"):
        servers._check(jars, expected)
    (jars / "b.so").unlink()
    (jars / "a.jar").write_bytes(b"A")
    with pytest.raises(CannotRun, match=r"a\.jar"):
        servers._check(jars, expected)


def test_status_without_servers(tmp_path: Path) -> None:
    """`status` says of each whether it runs, and needs nothing to be installed for it."""
    code = (
        "import sys; from pathlib import Path; from tests.services import servers, __main__ as cli;"
        f"cli.FOLDER = Path({str(tmp_path)!r}); sys.argv = ['services', 'status']; sys.exit(cli.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["opensearch", "dynamodb", "moto"]
    assert done.stdout.count("stopped") == 3
