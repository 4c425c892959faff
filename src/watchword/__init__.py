"""Watchword: an authenticated realtime backend that puts a SQL database behind REST and WebSockets."""

__version__ = "0.1.0"
