"""Order: one file per thing a person starts or schedules. A flow reads as a handful of sentences; the work is in `tasks`."""

import sys

from tasks import environment

# Before Prefect is imported, which reads its settings then. `-m` stands here while Python looks up `python -m flows.name`.
if sys.argv[:1] == ["-m"]:
    environment.take_over()
environment.set_defaults()
