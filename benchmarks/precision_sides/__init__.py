"""One marketing mix model on several sides, each a module that runs in a process, and for a peer an environment, of its own.

`problem` (data, beliefs, the scalars compared) and `reporting` (what a side writes) need NumPy and pandas alone. `ours`,
`pymc_nutpie` and `meridian` sample; `environments` installs the peers and knows every side's interpreter and caches.
"""
