"""The command line: `watchword`."""

from watchword.cli.main import main

__all__ = ["main"]
