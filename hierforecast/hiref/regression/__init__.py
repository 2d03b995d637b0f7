"""The regression itself: its equations (`effects`), strengths (`ridge`, `choosing`), fitting to moments (`training`), errors."""
