"""Photographs: what each method finds where no part is known, and the little that is known of objects."""
