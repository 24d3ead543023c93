"""The lock around SQLite's one writer: fair, bounded, and freed with its holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import pytest

from scim_connector.directory import installation, upgrade
from scim_connector.directory.database import Database
from scim_connector.directory.locking import DatabaseBusy, WriterLock

_HOLDS = """
import sys, time
from scim_connector.directory import installation
from scim_connector.directory.database import Database

def work(tx):
    installation.write(tx, "half", "done")
    print("inside", flush=True)
    time.sleep(60)

Database(sys.argv[1]).write(work)
"""

#: Two threads write for a second; prints how often each did, and the longest wait.
_WRITES = """
import sys, threading
from time import monotonic
from scim_connector.directory import installation
from scim_connector.directory.database import Database

database = Database(sys.argv[1])
sys.stdin.readline()
end = monotonic() + 1
def run(name):
    count = 0
    while monotonic() < end:
        database.write(lambda tx: installation.write(tx, name, str(count)))
        count += 1
    print(count, flush=True)
threads = [threading.Thread(target=run, args=(sys.argv[2] + n,)) for n in "12"]
for each in threads: each.start()
for each in threads: each.join()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/x.db"
    database = Database(made)
    upgrade.upgrade(database)
    database.close()
    return made


def _started(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_killed_writer_frees_the_lock(url: str) -> None:
    """After kill -9 in a transaction the next writes at once, and sees nothing of it."""
    with _started(_HOLDS, url) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "inside\n"
        database = Database(url, lock_timeout=0.05)
        with pytest.raises(DatabaseBusy):
            database.write(lambda tx: None)

        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()

    began = monotonic()
    database.write(lambda tx: installation.write(tx, "after", "all"))
    assert monotonic() - began < 1
    assert installation.read(database.reader(), "half") is None
    database.close()


def test_two_processes_write_fairly(url: str) -> None:
    """Four writers of two processes get alike.

    Without the lock one of them waited for three seconds, and some wrote once.
    """
    counts: list[int] = []
    writers = [_started(_WRITES, url, name) for name in "ab"]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        out, _ = writer.communicate(timeout=30)
        assert writer.returncode == 0
        counts += [int(line) for line in out.split()]

    assert len(counts) == 4
    assert min(counts) > max(counts) / 5


def test_a_wait_that_came_too_late_lets_go(tmp_path: Path) -> None:
    """The lock is not kept by somebody who stopped waiting for it."""
    path = tmp_path / "x.lock"
    first, late, third = WriterLock(path), WriterLock(path), WriterLock(path)
    with first.held(1):
        with pytest.raises(DatabaseBusy), late.held(0.02):
            pass
        with pytest.raises(DatabaseBusy), late.held(0.02):
            pass

    with third.held(1):
        pass
    with late.held(1), pytest.raises(DatabaseBusy), third.held(0.02):
        pass
    for lock in (first, late, third):
        lock.close()
        lock.close()


def test_a_lock_is_granted_in_the_order_of_asking(tmp_path: Path) -> None:
    """Those who wait are served first come, first served."""
    path = tmp_path / "x.lock"
    holder, order = WriterLock(path), []

    def wait(number: int) -> None:
        lock = WriterLock(path)
        with lock.held(5):
            order.append(number)
        lock.close()

    with holder.held(1):
        threads = []
        for number in range(4):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            threads[-1].join(0.05)
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3]
    holder.close()
