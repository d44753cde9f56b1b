"""docs/benchmarks.md, made of what the benchmarks left under benchmarks/results."""
