"""How long `lambdify` takes for graphs of many nodes, here and in another checkout.

`table` has the graphs, `measure` lets a process for each checkout compile them in turns.
"""
