"""The command line: `watchword`."""

from watchword.cli.start import start as main

__all__ = ["main"]
