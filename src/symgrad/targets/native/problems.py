"""One problem of many: its inputs lie in columns, each with a step from one problem to the next."""

from __future__ import annotations

from typing import Final

READ: Final = """
define internal void @read(i64 %problem, ptr %columns, ptr %steps, ptr %in) {{
entry:
  br label %read
read:
  %j = phi i64 [0, %entry], [%j.after, %read]
  %column.at = getelementptr ptr, ptr %columns, i64 %j
  %column = load ptr, ptr %column.at
  %step.at = getelementptr i64, ptr %steps, i64 %j
  %step = load i64, ptr %step.at
  %place = mul i64 %problem, %step
  %value.at = getelementptr double, ptr %column, i64 %place
  %value = load double, ptr %value.at
  %to = getelementptr double, ptr %in, i64 %j
  store double %value, ptr %to
  %j.after = add i64 %j, 1
  %all = icmp eq i64 %j.after, {inputs}
  br i1 %all, label %done, label %read
done:
  ret void
}}
"""


def read_code(inputs: int) -> str:
    """The text of ``void read(...)``, which puts the inputs of a problem side by side."""
    return READ.format(inputs=inputs)
