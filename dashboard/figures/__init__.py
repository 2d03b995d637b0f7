"""Frames to figures: plain functions, one file per subject, no Dash.

- theme: colours and the template every figure wears
- forecast: actual against forecast over time; contributions: stacks over time; scores: accuracy by level
- effects: elasticities and decay as points with their intervals
"""
