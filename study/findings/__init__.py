"""What a study found: its answers as one table, what is measured of them, the snapshots that pages show."""
