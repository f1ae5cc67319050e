"""The one thing that is used of pandas, by whoever makes ids of rows; it is imported at the first such id.

Importing pandas takes a third of a second and sixty megabytes, which no service needs to start.
"""

from pandas.util import hash_array

__all__ = ["hash_array"]
