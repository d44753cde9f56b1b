"""The pipeline: each method's story, stage by stage, and the work that carries a run through it."""
