"""The regression itself: its equations in NumPy (`effects`) and torch (`network`), and fitting it to moments (`training`)."""
