"""What a study found: its answers as one table, what is measured of them, and the snapshots that pages show."""
