"""What the benchmarks of masks and of speed share: networks and pictures, the published loop, the rivals."""
