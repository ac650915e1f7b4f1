"""Symgrad beside its peers on the same work: ``python -m benchmarks``.

`case` says what a benchmark is, `cases` holds them, `peers` lets other libraries do the same work,
`harness` checks and measures, `report` shows.
"""
