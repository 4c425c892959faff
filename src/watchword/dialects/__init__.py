"""The client protocols, one module each."""
