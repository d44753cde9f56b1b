"""Network dissection (Zhou, Bau, Oliva and Torralba, arXiv 1711.05611): which concept each unit detects."""
