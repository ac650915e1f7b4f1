"""Processes that answer questions, each bounded in time and memory: the page survives what they do not.

A process that takes too long, or more memory than it may, is ended and another takes its place.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, Final

SECONDS: Final = 10.0  # for one question
MEMORY: Final = 2 << 30  # bytes of address space of one process
QUESTIONS: Final = 500  # that one process answers before a fresh one takes its place
Answer = dict[str, Any]


def _serve(connection: Connection, memory: int) -> None:
    """Answer what comes until the connection closes."""
    _bound(memory)
    from symgrad.web.answers import answer  # noqa: PLC0415  after the bound

    while True:
        try:
            asked = connection.recv()
        except EOFError:
            return
        try:
            found = answer(asked)
        except MemoryError:
            os._exit(1)  # what is left of this process is not to be trusted
        except Exception as error:
            found = {"error": {"message": f"{type(error).__name__}: {error}"}}
        connection.send(found)


def _bound(memory: int) -> None:
    """Limit the memory of this process, where the system can."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


class Worker:
    """A process, and the connection to it."""

    def __init__(self, memory: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, memory), daemon=True)
        self.process.start()
        theirs.close()
        self.answered = 0

    def ask(self, asked: Mapping[str, str], seconds: float) -> Answer:
        """The answer.

        Raises
        ------
        TimeoutError
            If there is none in time.
        EOFError, OSError
            If the process has ended, as it does where memory does not suffice.
        """
        self.connection.send(dict(asked))
        if not self.connection.poll(seconds):
            raise TimeoutError
        found: Answer = self.connection.recv()
        self.answered += 1
        return found

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


class Workers:
    """Some processes that take turns.

    Parameters
    ----------
    count : int
        Processes; a question waits while all are busy.
    seconds, memory : float, int
        What one question may take.
    """

    def __init__(self, count: int = 2, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._free: queue.Queue[Worker] = queue.Queue()
        self._all: list[Worker] = []
        self._lock = threading.Lock()
        for _ in range(count):
            self._free.put(self._begun())

    def _begun(self) -> Worker:
        worker = Worker(self.memory)
        with self._lock:
            self._all.append(worker)
        return worker

    def _ended(self, worker: Worker) -> None:
        with self._lock:
            self._all.remove(worker)
        worker.end()

    def ask(self, asked: Mapping[str, str]) -> Answer:
        """The answer of the next free process, or an error that says which bound was met."""
        worker = self._free.get()
        try:
            found = worker.ask(asked, self.seconds)
            spent = worker.answered >= QUESTIONS
        except TimeoutError:
            found, spent = _refused(f"takes longer than {self.seconds:g} seconds"), True
        except (EOFError, OSError):
            found, spent = _refused(f"takes more than {self.memory >> 20} MB of memory"), True
        if spent:
            self._ended(worker)
            worker = self._begun()
        self._free.put(worker)
        return found

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            workers, self._all = self._all, []
        for worker in workers:
            worker.end()


def _refused(reason: str) -> Answer:
    return {"error": {"message": f"this {reason}; try a smaller formula"}}
