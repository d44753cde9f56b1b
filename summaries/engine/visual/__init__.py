"""Visual summaries (Carletti et al., arXiv 1801.09103): from masks and proposals to pictures."""
