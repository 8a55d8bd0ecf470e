"""What can be wrong with a journal. Every message names the file and says what is the matter."""

from __future__ import annotations


class JournalError(RuntimeError):
    """The journal cannot be used."""


class WriteError(JournalError):
    """The disk does not take it, or no longer. What was written before is whole."""


class DivergenceError(JournalError):
    """A resumed run did something else than the journal says it did."""


class UnreadableError(JournalError):
    """The file is sound, but other code made it, and this code cannot take the run up."""


class InUseError(JournalError):
    """Another process has the folder."""
