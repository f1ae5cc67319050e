"""The whole story, played against a real city by the people in it.
Every gate is tried where the story meets it."""

from sandbox.standalone.tour.play import Report, play

__all__ = ["Report", "play"]
