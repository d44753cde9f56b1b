"""Simulated studies whose truth is known: planned by a seed, answered by bots, coded, tagged, and judged."""
