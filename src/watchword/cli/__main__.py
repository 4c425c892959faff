"""`python -m watchword.cli` is `watchword`."""

from watchword.cli.main import main

main()
