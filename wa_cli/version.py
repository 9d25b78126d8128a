"""The version of wa."""

__version__ = "0.1.0"
