"""Which drivers a model should have: a group-penalised path, judged on later blocks of time and over many halves of them.

blocks   the history cut into blocks of time, and one small matrix of sums per block
path     the group lasso on such matrices, many at once
judging  what a set of drivers is worth on blocks after those it was fitted on
stability  in how many halves of the blocks a driver is found
varying  at which levels a driver's effect varies
choosing puts these together: `choose_drivers`
"""
