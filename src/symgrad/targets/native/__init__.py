"""Machine code from the typed program, through llvmlite (the extra ``native``)."""
