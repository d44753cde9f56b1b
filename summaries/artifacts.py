"""What stages leave for each other: arrays under keys that hold all they depend on.

The key of an artefact is the SHA-256 of its stage, the engine's version and everything that went into it, so
changed parameters recompute only what depends on them, and two runs share what they can.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotations import files
from summaries.engine import ENGINE_VERSION, Refusal

Arrays = dict[str, NDArray]
Wanted = Callable[[str], bool]


def everything(name: str) -> bool:
    return True


def key_of(stage: str, **depends_on: Any) -> str:
    """A key for what `stage` makes of these inputs (anything that JSON can hold)."""
    content = json.dumps([stage, ENGINE_VERSION, depends_on], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"artifacts/{stage}/{digest[:2]}/{digest}.npz"


def save(key: str, arrays: Arrays) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    files.put_as(key, buffer.getvalue())


def require(key: str, wanted: Wanted = everything) -> Arrays:
    """The arrays, or those of wanted names; Refusal when what an earlier stage left is gone."""
    if (arrays := load(key, wanted)) is None:
        raise Refusal(
            f"What an earlier stage left is gone or damaged ({key}); start a new run (summarise --new)."
        )
    return arrays


def load(key: str, wanted: Wanted = everything) -> Arrays | None:
    """The arrays, or None when they are not there yet or the file is damaged and must be made again."""
    try:
        with np.load(io.BytesIO(files.get(key)), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files if wanted(name)}
    except (files.Missing, zipfile.BadZipFile, zlib.error, ValueError, EOFError):
        return None
