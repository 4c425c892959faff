"""`python -m watchword.cli` is `watchword`."""

from watchword.cli.start import start

start()
