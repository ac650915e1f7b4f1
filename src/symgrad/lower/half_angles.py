"""Sine and cosine of arrays by the tangent of the half angle, where accuracy may be traded for speed.

    t = tan(x/2),  r = 2/(1 + t*t),  sin(x) = t*r,  cos(x) = r - 1

NumPy computes the tangent with vector instructions where it takes sine and cosine entry by entry. The
absolute error is a few units of the last place of 1; the cosine loses relative accuracy at its zeros.
"""

from __future__ import annotations

from symgrad.lower.program import (
    ADD_CODE,
    DIV_CODE,
    MUL_CODE,
    SQUARE_CODE,
    SUB_CODE,
    Program,
    Value,
    code_of,
)

_SIN, _COS = "np.sin({0})", "np.cos({0})"
_TAN = code_of("np.tan({0})", "", 1)


def half_angles(p: Program) -> Program:
    """The program with sines and cosines by the tangent of the half angle."""
    q = p.emptied()
    image: list[Value] = []
    for instr in p.instrs:
        form = instr.code.numpy if instr.code is not None else ""
        if form in (_SIN, _COS):
            image.append(_by_tangent(q, image[instr.args[0]], form == _SIN))
        else:
            image.append(q.copied(instr, image))
    q.outputs = [image[v] for v in p.outputs]
    return q


def _by_tangent(q: Program, x: Value, sine: bool) -> Value:
    shape = q.instrs[x].shape
    half = q.emit(MUL_CODE, (q.literal(0.5), x), shape)
    t = q.emit(_TAN, (half,), shape)
    square = q.emit(SQUARE_CODE, (t,), shape)
    under = q.emit(ADD_CODE, (q.literal(1), square), shape)
    ratio = q.emit(DIV_CODE, (q.literal(2), under), shape)
    if sine:
        return q.emit(MUL_CODE, (t, ratio), shape)
    return q.emit(SUB_CODE, (ratio, q.literal(1)), shape)
