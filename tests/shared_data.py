"""Where real networks, photographs and golden outputs lie; tests that need them skip without."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared (real networks, photographs, golden outputs) is not here"
)
