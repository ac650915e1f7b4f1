"""Machine code kept on disk, where somebody asks for it: by the program, the processor and the versions.

A file holds the digest of what follows in it. One that is damaged, cut short or of another key is made
anew; files are put in place whole, so that processes may share the directory. Who can write to it decides
what code runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from symgrad.calls import checked
from symgrad.errors import ArgumentError

VARIABLE: Final = "SYMGRAD_NATIVE_CACHE"
DIGEST: Final = 32  # bytes
_chosen: list[Path | None] = []


@checked
def native_cache(directory: Any) -> None:
    """Keep machine code in a directory, for this process and later ones; None keeps none.

    Without a call, the environment variable ``SYMGRAD_NATIVE_CACHE`` names the directory, and where there
    is none, nothing is kept. Files are chosen by the program, the processor, and the versions of this
    library, llvmlite and LLVM; damaged ones are made anew. The directory should be one that nobody else
    can write to: what stands there is run.

    Parameters
    ----------
    directory : str, path or None
        It is made where it is not there.

    Raises
    ------
    ArgumentError
        If it is no directory, and cannot be made.

    Examples
    --------
    >>> import tempfile, symgrad as sg
    >>> sg.native_cache(tempfile.mkdtemp())
    >>> x = sg.symbol("x")
    >>> sg.lambdify(x, x**2, backend="native")(3.0)
    9.0
    >>> sg.native_cache(None)
    """
    path = None
    if directory is not None:
        path = Path(directory)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArgumentError(
                f"native_cache: {path} is no directory for files: {error}"
            ) from None
    _chosen[:] = [path]


def kept(parts: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
    """What `make` gives, or what it once gave for the same parts of a key."""
    directory = _directory()
    if directory is None:
        return make()
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    path = directory / f"{key}.symgrad"
    found = _read(path, key)
    if found is None:
        found = make()
        _write(path, key, found)
    return found


def _directory() -> Path | None:
    if _chosen:
        return _chosen[0]
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def _digest(key: str, code: bytes) -> bytes:
    return hashlib.sha256(key.encode() + code).digest()


def _read(path: Path, key: str) -> bytes | None:
    """The code of a file; None where there is none, or the file is not whole."""
    try:
        text = path.read_bytes()
    except OSError:
        return None
    code = text[DIGEST:]
    return code if text[:DIGEST] == _digest(key, code) else None


def _write(path: Path, key: str, code: bytes) -> None:
    """Put a file in place whole; where that is not possible, code is made again next time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(key, code) + code)
            os.replace(name, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
