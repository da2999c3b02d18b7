"""Ask every route whatever its OpenAPI document allows, and more, as three people: nothing may break or surprise.

    python -m bench.schema [EXAMPLES]

An administrator, a resident and a guest of a building ask, by schemathesis, which lives in an environment of its own
(`make schema`). It ends with 1 if a reply was a server's error, or another than the document says.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import jwt
import uvicorn

from corpus.keys import iso_time
from corpus.principals import LOCAL_TENANT
from corpus.records.grants import Grant, Role
from footnote.api.app import create_app
from footnote.connect import Footnote
from footnote.settings import Settings
from footnote.worker import Worker
from tests.jwks import CLIENT, IdentityServer, id_claims, jwk, rsa_key

ROOT = Path(__file__).parent.parent
ROLES: tuple[Role, ...] = ("admin", "resident", "guest")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def main() -> None:
    examples = sys.argv[1] if len(sys.argv) > 1 else "20"
    program = os.environ.get("SCHEMATHESIS") or shutil.which("schemathesis")
    if program is None:
        sys.exit("schemathesis is not there; `make schema` makes an environment for it.")
    key, failed = rsa_key(), False
    print("\n## Every route, by its OpenAPI document\n\n| asked as | requests | failures | |\n|---|---|---|---|")
    with IdentityServer([jwk("k1", key)]) as provider, tempfile.TemporaryDirectory() as home:
        environ = {"FOOTNOTE_ISSUER": provider.url, "FOOTNOTE_AUDIENCE": CLIENT, "FOOTNOTE_OCR": "off"}
        with Footnote(Settings.from_env(environ, home=Path(home))) as footnote:
            address, worker = serving(footnote), Worker(footnote)
            worker.start()
            for role in ROLES:
                footnote.grants.put(Grant(f"g-{role}", role, LOCAL_TENANT, role, iso_time(0), unit_id="12"))
                claims = id_claims(provider.url, time.time(), sub=role, email=f"{role}@example.org")
                token = jwt.encode({**claims, "exp": int(time.time()) + 7200}, key, "RS256", {"kid": "k1"})
                asked, failures = run(program, address, token, examples)
                failed = failed or bool(failures)
                print(f"| {role} | {asked:,} | {failures} | {'**missed**' if failures else 'met'} |", flush=True)
            worker.stop()  # else it writes into the folder while that is cleared away
    sys.exit(1 if failed else 0)


def serving(footnote: Footnote) -> str:
    """Serve in a thread, which ends with this process; return the address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(footnote), log_level="critical", access_log=False, lifespan="off")
    threading.Thread(target=uvicorn.Server(config).run, args=([listening],), daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def run(program: str, address: str, token: str, examples: str) -> tuple[int, int]:
    """Ask as whoever the token is of; return how many requests there were, and how many different failures."""
    command = [program, "run", f"{address}/openapi.json", "-H", f"Authorization: Bearer {token}"]
    command += ["--max-examples", examples, "--workers", "1", "--checks", CHECKS]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    asked = re.search(r"(\d+) generated", done.stdout)
    failures = re.search(r"found (\d+) unique", done.stdout)
    if failures or not asked:
        print(done.stdout, done.stderr, file=sys.stderr)
    return int(asked[1]) if asked else 0, int(failures[1]) if failures else int(not asked)


if __name__ == "__main__":
    main()
