"""Functions that are not the library's: own ones, and what undefined ones are said to be."""
