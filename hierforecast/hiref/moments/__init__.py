"""Sums over rows that hold everything a squared loss can learn: how they add up, and how they are taken from files."""
