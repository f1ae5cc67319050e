"""Saved pages of a team's private answers, refreshed for the newest versions at the price shown before."""
