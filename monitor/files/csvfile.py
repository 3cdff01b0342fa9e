"""CSV text -> nodes with places: one mapping a row, its keys from the first row. Columns that nobody asks for stay out.

Commas, semicolons and tabs separate cells, whichever the first row has; quotes are those of RFC 4180.
"""

from collections.abc import Iterator
from collections.abc import Sequence as Row

from monitor.core.rules.rule import Place
from monitor.files.findings import nearest
from monitor.files.nodes import Mapping, Node, Scalar, Sequence, WrongError

SEPARATORS = ",;\t"


def parse_csv(text: str, file: str, keys: Row[str], required: Row[str] = ()) -> Sequence:
    """Give the rows of `text` below its first one as mappings of `keys`; empty cells are left out.

    Raises `WrongError` where a quote is not closed, and where the first row lacks one of the `required` keys.
    """
    rows = list(_rows(text, file, _separator(text)))
    if not rows:
        raise WrongError(Place(file, 1, 1), "the file is empty", f"its first line is {','.join(keys)}")
    titles = [Scalar(cell.text.strip().lower(), plain=False, place=cell.place) for cell in rows[0]]
    _all_there(titles, keys, required)
    known = [(index, title) for index, title in enumerate(titles) if title.text in keys]
    _once([title for _, title in known])
    found = [_mapping(row, known) for row in rows[1:] if any(cell.text.strip() for cell in row)]
    return Sequence(tuple(found), titles[0].place)


def _all_there(titles: Row[Scalar], keys: Row[str], required: Row[str]) -> None:
    written = [title.text for title in titles]
    if not set(written) & set(keys):
        raise WrongError(titles[0].place, "the first line does not name the columns", f"write {','.join(keys)}")
    for key in required:
        if key not in written:
            others = tuple(one for one in written if one not in keys)
            close = nearest(key, others).replace("did you mean", "is it")
            raise WrongError(titles[0].place, f"there is no column `{key}`", close or f"add {key}", "missing-key")


def _once(titles: Row[Scalar]) -> None:
    seen: set[str] = set()
    for title in titles:
        if title.text in seen:
            raise WrongError(title.place, f"the column `{title.text}` stands twice", "keep one", "duplicate-key")
        seen.add(title.text)


def _mapping(row: Row[Scalar], titles: Row[tuple[int, Scalar]]) -> Node:
    cells = [(title, row[index]) for index, title in titles if index < len(row) and row[index].text.strip()]
    values = ((title, Scalar(cell.text.strip(), plain=False, place=cell.place)) for title, cell in cells)
    return Mapping(tuple(values), row[0].place)


def _separator(text: str) -> str:
    first = text.lstrip("\n").partition("\n")[0]
    return max(SEPARATORS, key=first.count)


def _rows(text: str, file: str, separator: str) -> Iterator[list[Scalar]]:
    """Give the cells of each line that has any; a quoted cell may hold line breaks."""
    row: list[Scalar] = []
    position, line, begin = 0, 1, 0
    while position < len(text):
        place = Place(file, line, position - begin + 1)
        cell, after = _cell(text, position, separator, place)
        row.append(Scalar(cell, plain=False, place=place))
        breaks = text.count("\n", position, after)
        if breaks:
            line, begin = line + breaks, text.rfind("\n", position, after) + 1
        ended = after >= len(text) or text[after] == "\n"
        if ended:
            if row[0].text.strip() or len(row) > 1:
                yield row
            row, line, begin = [], line + 1, after + 1
        position = after + 1
    if row:
        yield row


def _cell(text: str, position: int, separator: str, place: Place) -> tuple[str, int]:
    """Give the cell that begins at `position`, and where it ends: at a separator, a line break, or the end."""
    if text[position] != '"':
        after = next((at for at in range(position, len(text)) if text[at] in (separator, "\n")), len(text))
        return text[position:after], after
    parts: list[str] = []
    begin = position + 1
    while True:
        closing = text.find('"', begin)
        if closing < 0:
            raise WrongError(place, "a quote is opened here and never closed", 'close it with "', "syntax")
        parts.append(text[begin:closing])
        if text[closing + 1 : closing + 2] != '"':
            break
        parts.append('"')
        begin = closing + 2
    after = closing + 1
    if after < len(text) and text[after] not in (separator, "\n"):
        hint = 'a quote inside of a quoted cell is written twice: ""'
        raise WrongError(place, "more stands behind the closing quote of this cell", hint, "syntax")
    return "".join(parts), after
