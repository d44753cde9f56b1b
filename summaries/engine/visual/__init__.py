"""Visual summaries (Carletti et al., arXiv 1801.09103): masks, proposals, flow, regions, clusters, pictures."""
