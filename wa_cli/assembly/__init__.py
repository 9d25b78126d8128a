"""Builds the parts from the settings. Only this package and `cli` read the settings. Other packages receive values.

Each part is built when it is first asked for, so that a command loads only what it uses.
"""
