"""Looks at a set-up before or while it serves, and says what to do about what is wrong."""
