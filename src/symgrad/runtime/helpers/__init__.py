"""Functions that generated code calls; their source goes into it (see `symgrad.targets.helpers`)."""
