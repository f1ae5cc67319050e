"""Carries out the cleaning steps of a policy on the typed rows of a file, each unit by itself."""

from sandbox.cleaning.pseudonyms import PseudonymKeys, one_time_keys
from sandbox.cleaning.step_cleaner import StepCleaner

__all__ = ["PseudonymKeys", "StepCleaner", "one_time_keys"]
