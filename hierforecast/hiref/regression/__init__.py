"""The regression: its equations (`effects`), strengths (`ridge`, `choosing`), fitting to moments (`training`), errors."""
