"""Performs operations: joins the four cores, drives connections, turns changes into deliveries."""
