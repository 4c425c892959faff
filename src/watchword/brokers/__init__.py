"""Brokers: how nodes tell each other that there is something new in the log."""
