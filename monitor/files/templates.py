"""Templates in rule files: parsed here so that a page never meets one that cannot be rendered."""

import re

from monitor.core.template import TemplateError, parse
from monitor.files.nodes import Scalar, WrongError
from monitor.files.scalars import text

_URL = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")


def template(word: Scalar, known: tuple[str, ...] | None) -> str:
    """Give the text of a template that reads only `known` labels (None: any); raise where it does not render."""
    text(word)
    try:
        parsed = parse(word.text)
    except TemplateError as error:
        raise WrongError(word.at(error.offset), error.message, error.hint, "template") from None
    for label in parsed.labels():
        if known is not None and label.name not in known:
            hint = f"put it into the signal's `by`; known here: {', '.join(known) or 'none'}"
            message = f"`$labels.{label.name}` is always empty here"
            raise WrongError(word.at(label.offset), message, hint, "template-label")
    return word.text


def link(word: Scalar, known: tuple[str, ...] | None) -> str:
    """Give the template of a URL; raise where what it renders to is none."""
    written = template(word, known)
    parsed = parse(written)
    sample = parsed.render({label.name: "x" for label in parsed.labels()}, 1.0, 0, 0)
    if not _URL.fullmatch(sample):
        raise WrongError(word.place, f"`{word.text}` is no link", "write https://host/path", "link")
    return written
