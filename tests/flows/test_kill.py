"""Workers that are killed for real, on real files, at every call into a port."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

DRIVER = """
import json, os, shutil, signal, tempfile
from pathlib import Path
from ingest.extract import Reader
from tests.fakes import Clock
from tests.sighted import SEEN, SightedReader
from tests.worlds import LIMITS, Fuse, Killed, folder_world

OLD = "\\n\\n".join(f"Pool paragraph {n}. " + f"water{n} " * 200 for n in range(3))
NEW = "\\n\\n".join(f"Pool chapter {n}. " + f"water{n} " * 200 for n in range(2))

class Deadly(Fuse):
    def step(self, call):
        try:
            return super().step(call)
        except Killed:
            os.kill(os.getpid(), signal.SIGKILL)

def forked(body):
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    try:
        body()
    except BaseException as error:
        print(json.dumps({"raised": repr(error)}), flush=True)
    os._exit(0)

def told(texts):
    return [len(texts), texts[0][:14], texts[-1].split()[-1]]

def started(folder):
    with Reader(LIMITS) as reader, folder_world(folder, reader) as world:
        world.put("d1", OLD)
        world.work()
        world.put("d1", NEW)

def killed(folder, step):
    with Reader(LIMITS) as reader, folder_world(folder, reader, Clock(1_790_000_000)) as world:
        worker = world.ingestor(Deadly(step))
        while worker.drain(world.queue):
            pass

def repaired(folder, step):
    with Reader(LIMITS) as reader, folder_world(folder, reader, Clock(1_790_000_100)) as world:
        seen = world.visible()["d1"]
        world.work()
        document = world.document("d1")
        now = world.visible()["d1"]
        left = len({key.split("/")[3] for key in world.blobs.keys("processed/")})
        line = {"step": step, "seen": told(seen), "status": document.status, "now": told(now), "left": left}
        print(json.dumps(line), flush=True)

with tempfile.TemporaryDirectory() as top:
    first = Path(top) / "first"
    forked(lambda: started(first))
    step, status = 0, signal.SIGKILL
    while status == signal.SIGKILL:
        step += 1
        folder = Path(top) / str(step)
        shutil.copytree(first, folder)
        status = forked(lambda: killed(folder, step))
        forked(lambda: repaired(folder, step))
"""

Told = list[int | str]
OLD: Told = [3, "Pool paragraph", "water2"]
NEW: Told = [2, "Pool chapter 0", "water1"]
"""How many chunks, how the first begins, and how the last ends."""


def lines_of(driver: str) -> list[dict[str, object]]:
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", driver], capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_killed_at_every_step() -> None:
    """Killed -9 before any call into a port, a worker leaves a document that one restart brings to its end."""
    lines = lines_of(DRIVER)

    assert len(lines) > 20
    for line in lines:
        assert line["seen"] in (OLD, NEW), line
        assert (line["status"], line["now"], line["left"]) == ("ready", NEW, 1), line


def test_killed_at_every_step_with_pictures() -> None:
    """The same holds for one with pictures, whose pages of text answer before."""
    driver = DRIVER.replace("Reader(LIMITS)", "SightedReader()")
    driver = driver.replace("in range(2))", 'in range(2)) + f"\\f{SEEN}Pool seen"')
    lines = lines_of(driver)

    last: Told = [NEW[0], NEW[1], "seen"]
    assert len(lines) > 40
    assert [line for line in lines if line["seen"] == NEW]
    for line in lines:
        assert line["seen"] in (OLD, NEW, last), line
        assert (line["status"], line["now"], line["left"]) == ("ready", last, 1), line
