"""Order: one file per thing a person starts or schedules. A flow reads as a handful of sentences; the work is in `tasks`."""
