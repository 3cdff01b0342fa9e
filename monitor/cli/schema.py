"""`schema`: the JSON Schemas of the files, for editors and other programs."""

import json
import sys
from pathlib import Path

from monitor.files.schema import KINDS, schema


def run(kind: str | None, out: Path | None) -> int:
    """Print the schema of `kind`, or write that of every kind (or of `kind` alone) into the folder `out`; 2: usage."""
    if kind is not None and kind not in KINDS:
        sys.stderr.write(f"there is no kind of files {kind!r}: it is one of {', '.join(KINDS)}\n")
        return 2
    if out is None:
        sys.stdout.write(text_of(kind or "rules"))
        return 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        for one in [kind] if kind else KINDS:
            (out / f"{one}.json").write_text(text_of(one), encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{out}: {error.strerror or error}\n")
        return 2
    return 0


def text_of(kind: str) -> str:
    """Give the schema of a kind as it is printed and kept."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"
