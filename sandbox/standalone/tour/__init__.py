"""The whole story, played against a real city by the people in it;
every gate is tried as it stands in the way."""

from sandbox.standalone.tour.play import Report, play

__all__ = ["Report", "play"]
