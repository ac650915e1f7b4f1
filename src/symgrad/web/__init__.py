"""The page of ``symgrad serve``: formulas, derivatives, code and pictures in a browser on this machine."""
