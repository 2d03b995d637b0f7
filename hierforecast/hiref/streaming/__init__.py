"""Fits whose rows lie in Parquet files or come week by week: the same material as from a frame, in bounded memory.

- `files` lists a data set's files and reads them batch by batch; `keys` tells which series each row of a batch is.
- `survey` is a first reading: which series, nodes and days there are, and what the drivers' references rest on.
- `passing` is the second: sums over all rows, and the rows of the last periods themselves.
- `material` puts them together; `cluster` does both readings on a Dask cluster.
- `kept` is what a fitted model holds on to so that `update` needs the new rows only.
"""
