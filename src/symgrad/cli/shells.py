"""Completion of commands and options in shells, by argcomplete."""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from symgrad.errors import ArgumentError

SHELLS: Final = ("bash", "zsh", "fish", "tcsh", "powershell")


def offer(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions; nothing where argcomplete is not installed."""
    if find_spec("argcomplete") is not None:
        import_module("argcomplete").autocomplete(parser)


def completion(arguments: argparse.Namespace) -> int:
    """The script that a shell reads at its start."""
    if find_spec("argcomplete") is None:
        raise ArgumentError("completion needs argcomplete: pip install 'symgrad[cli]'")
    print(import_module("argcomplete").shellcode(["symgrad"], shell=arguments.shell))
    return 0
