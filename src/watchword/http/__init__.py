"""The ways in over HTTP: REST resources, authentication, upgrades."""
