"""Answers free SQL within the privacy budget that was sold with a licence."""
