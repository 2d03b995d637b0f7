"""Carrying: one file per outside thing or family; a task is one library call plus one outside system.

Between tasks travel paths and JSON numbers, never frames, live models or sessions.
"""
