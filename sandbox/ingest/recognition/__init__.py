"""Recognises identifiers and sensitive contents in a column of an officer's file, by reviewed rules.

What leaves this package is a kind, a class of shares and a reason. No cell is ever quoted.
"""

from sandbox.ingest.recognition.column_texts import Column, DistinctTexts, distinct_texts
from sandbox.ingest.recognition.long_texts import free_text
from sandbox.ingest.recognition.model import NOTHING, Recognition
from sandbox.ingest.recognition.recogniser import recognise, recognise_all
from sandbox.ingest.recognition.rules import IdentifierKind, IdentifierRules, load_identifier_rules

__all__ = [
    "NOTHING",
    "Column",
    "DistinctTexts",
    "IdentifierKind",
    "IdentifierRules",
    "Recognition",
    "distinct_texts",
    "free_text",
    "load_identifier_rules",
    "recognise",
    "recognise_all",
]
