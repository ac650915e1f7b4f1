"""Elementary functions as straight-line code of LLVM's, which its loop vectoriser takes whole.

`table` says which function of entries is which code, and how far it may be wrong; `number` is the
notation that the formulas are written in.
"""
