"""Voice dictation on one's own machine: hold a key, speak, let go, and finished text stands at the cursor."""

__version__ = "0.1.0.dev0"
