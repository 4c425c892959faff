"""What every other package may use: errors, time, identifiers, secrets and JSON."""
