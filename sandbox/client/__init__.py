"""The HTTP client of a city, for the command line, the tour and the tests."""
