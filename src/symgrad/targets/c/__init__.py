"""The typed program as C99, for people who embed it: functions of scalars, and the loops of solvers."""
