"""Documents that a user gave, and the passages of them that can be found."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "Change",
    "Document",
    "Found",
    "Passage",
    "Seen",
    "Summary",
    "change_number",
    "changes",
    "documents",
    "find",
    "folders",
    "forget_document",
    "keep_document",
    "keep_folders",
    "restamp",
    "rooms_of",
    "seen",
    "summaries",
]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document.

    Attributes:
        text: the words.
        heading: under which it stands, its own headings' too; empty for none.
        position: where, for people: "page 3", "line 40".
    """

    text: str
    heading: str = ""
    position: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was read.

    Attributes:
        path: below its folder; empty where the folder is the file.
        title: what it is called.
        size: bytes.
        modified: nanoseconds since 1970.
        digest: SHA-256 of its content; empty where it was not read.
        refused: why nothing is known of it; empty where something is.
    """

    path: str
    title: str
    size: int
    modified: int
    digest: bytes
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a file: enough to tell whether it has changed."""

    key: int
    size: int
    modified: int
    digest: bytes
    refused: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with where it comes from; `key` is its own."""

    key: int
    title: str
    path: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a passage; `passage` is None where it is gone.

    Attributes:
        number: of the change; grows.
        key: the passage's.
        folder: the key of its folder.
        title: of its document.
        modified: of its document.
    """

    number: int
    key: int
    folder: int
    title: str
    modified: int
    passage: Passage | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A folder and how much of it is known; `refused` counts files by reason."""

    path: str
    room: str
    documents: int
    passages: int
    refused: tuple[tuple[str, int], ...]


def keep_folders(connection: sqlite3.Connection, given: Collection[tuple[str, str]]) -> None:
    """Keeps exactly these folders, (path, room) each, and forgets everything of others."""
    for key, path, room in connection.execute("SELECT key, path, room FROM document_folder").fetchall():
        if (path, room) not in given:
            connection.execute("DELETE FROM document_folder WHERE key = ?", (key,))
    connection.executemany(
        "INSERT INTO document_folder (path, room) VALUES (?, ?) ON CONFLICT DO NOTHING", sorted(given)
    )


def folders(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """Keys of the folders by (path, room)."""
    return {
        (path, room): key
        for key, path, room in connection.execute("SELECT key, path, room FROM document_folder ORDER BY key")
    }


def rooms_of(connection: sqlite3.Connection) -> dict[int, str]:
    """The room each folder is bound to, by its key; empty for all rooms."""
    return dict(connection.execute("SELECT key, room FROM document_folder").fetchall())


def seen(connection: sqlite3.Connection, folder: int) -> dict[str, Seen]:
    """The files of a folder that were looked at, by path."""
    rows = connection.execute(
        "SELECT path, key, size, modified, digest, refused FROM document WHERE folder = ?", (folder,)
    )
    return {path: Seen(*rest) for path, *rest in rows}


def keep_document(
    connection: sqlite3.Connection, folder: int, document: Document, parts: Sequence[Passage]
) -> None:
    """Keeps a document as it is now, in the place of what it was; a folder that is gone keeps nothing."""
    forget_document(connection, folder, document.path)
    if connection.execute("SELECT 1 FROM document_folder WHERE key = ?", (folder,)).fetchone() is None:
        return
    (key,) = connection.execute(
        "INSERT INTO document (folder, path, title, size, modified, digest, refused)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING key",
        (
            folder,
            document.path,
            document.title,
            document.size,
            document.modified,
            document.digest,
            document.refused,
        ),
    ).fetchone()
    connection.executemany(
        "INSERT INTO passage (document, ordinal, heading, position, text) VALUES (?, ?, ?, ?, ?)",
        [(key, ordinal, part.heading, part.position, part.text) for ordinal, part in enumerate(parts)],
    )


def restamp(connection: sqlite3.Connection, document: int, size: int, modified: int) -> None:
    """A document was touched, and says what it said before."""
    connection.execute("UPDATE document SET size = ?, modified = ? WHERE key = ?", (size, modified, document))


def forget_document(connection: sqlite3.Connection, folder: int, path: str) -> None:
    """Forgets a document, and all its passages."""
    connection.execute("DELETE FROM document WHERE folder = ? AND path = ?", (folder, path))


def find(connection: sqlite3.Connection, keys: Iterable[int], room: str) -> list[Found]:
    """Those of these passages that may be known in a room of this server, in the order of the keys."""
    wanted = list(keys)
    rows = connection.execute(
        "SELECT p.key, d.title, d.path, p.text, p.heading, p.position FROM passage p"
        " JOIN document d ON d.key = p.document JOIN document_folder f ON f.key = d.folder"
        f" WHERE p.key IN ({_marks(wanted)}) AND f.room IN ('', ?)",
        (*wanted, room),
    )
    found = {key: Found(key, title, path, Passage(*rest)) for key, title, path, *rest in rows}
    return [found[key] for key in wanted if key in found]


def change_number(connection: sqlite3.Connection) -> int:
    """The number of the last change of any passage; 0 before the first."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passage_change'").fetchone()
    return 0 if row is None else int(row[0])


def changes(connection: sqlite3.Connection, after: int, limit: int) -> list[Change]:
    """What became of passages since a change, each once, in the order of their last changes."""
    rows = connection.execute(
        "SELECT c.number, c.passage, d.folder, d.title, d.modified, p.text, p.heading, p.position"
        " FROM passage_change c LEFT JOIN passage p ON p.key = c.passage LEFT JOIN document d ON d.key = p.document"
        " WHERE c.number > ? ORDER BY c.number LIMIT ?",
        (after, limit),
    )
    return [
        Change(
            number, key, folder or 0, title or "", modified or 0, None if folder is None else Passage(*rest)
        )
        for number, key, folder, title, modified, *rest in rows
    ]


def documents(connection: sqlite3.Connection, path: str, room: str) -> list[Document]:
    """The files of a folder, by path."""
    rows = connection.execute(
        "SELECT d.path, d.title, d.size, d.modified, d.digest, d.refused FROM document d"
        " JOIN document_folder f ON f.key = d.folder WHERE f.path = ? AND f.room = ? ORDER BY d.path",
        (path, room),
    )
    return [Document(*row) for row in rows]


def summaries(connection: sqlite3.Connection) -> list[Summary]:
    """Every folder with how much of it is known, by path."""
    rows = connection.execute(
        "SELECT f.key, f.path, f.room, count(d.key) FILTER (WHERE d.refused = ''),"
        " (SELECT count(*) FROM passage p JOIN document o ON o.key = p.document WHERE o.folder = f.key)"
        " FROM document_folder f LEFT JOIN document d ON d.folder = f.key GROUP BY f.key ORDER BY f.path, f.room"
    ).fetchall()
    return [
        Summary(path, room, known, parts, tuple(_refused(connection, key)))
        for key, path, room, known, parts in rows
    ]


def _refused(connection: sqlite3.Connection, folder: int) -> list[tuple[str, int]]:
    return connection.execute(
        "SELECT refused, count(*) FROM document WHERE folder = ? AND refused <> '' GROUP BY refused ORDER BY refused",
        (folder,),
    ).fetchall()


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
