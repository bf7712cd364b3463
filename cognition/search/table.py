"""The half of an index that stays: a LanceDB table, on a disk or on object storage."""

from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cognition.search.columns import Batch
from cognition.search.failures import in_short
from cognition.search.index import IndexFailed

__all__ = ["LAYOUT", "StoredTable", "TableDamaged", "drop"]

LAYOUT = 1
"""Of the columns and of what counts as a word; tables of another one are built again."""
PAGE = 8192
_IDS_AT_ONCE = 500
_OLDER = timedelta(milliseconds=1)
# LanceDB raises whatever its parts raise; none of it has a base class of its own.
_FAILURES = (RuntimeError, OSError, ValueError, pa.ArrowException)


async def drop(location: str, name: str, options: Mapping[str, str] | None = None) -> None:
    """Removes an index with all its files, whichever models it was made by; where there is none, does nothing.

    Args:
        location: see `StoredTable.open`.
        name: of what is in it.
        options: see `StoredTable.open`.

    Raises:
        IndexFailed: the location cannot be reached or written.
    """
    try:
        connection = await lancedb.connect_async(location, storage_options=dict(options or {}))
        try:
            for table in (await connection.list_tables(limit=1000)).tables:
                if table.startswith(f"{name}-"):
                    await connection.drop_table(table)
        finally:
            connection.close()  # type: ignore[no-untyped-call]
    except _FAILURES as error:
        raise IndexFailed(f"the index at {location} cannot be removed: {in_short(error)}") from error


class TableDamaged(Exception):
    """What is stored cannot be read, or is not what was written."""


class StoredTable:
    """Items with their vectors and texts, and the number of the store's last change that is in them.

    Used by one task at a time.

    Attributes:
        number: of the last change; 0 in a new table.
        commits: made since it was last put in order.
        fresh: it was made when it was opened.
    """

    def __init__(self, connection: lancedb.AsyncConnection, name: str, dimensions: int) -> None:
        self.number = 0
        self.commits = 0
        self.fresh = False
        self._generation = 0
        self._connection = connection
        self._name = name
        self._dimensions = dimensions
        self._items: lancedb.AsyncTable
        self._state: lancedb.AsyncTable

    @classmethod
    async def open(
        cls,
        location: str,
        *,
        name: str,
        model: str,
        dimensions: int,
        options: Mapping[str, str] | None = None,
        anew: bool = False,
    ) -> "StoredTable":
        """Opens a table, or makes it. Those of the same name for other models or layouts are dropped.

        Args:
            location: a directory, or a URI that LanceDB knows, as `s3://bucket/path`.
            name: of what is in it.
            model: whose vectors.
            dimensions: of these.
            options: for object storage, as LanceDB's `storage_options`.
            anew: drop what is there.

        Raises:
            IndexFailed: the location cannot be reached or written.
            TableDamaged: there is a table that cannot be opened.
            ValueError: the name has other characters than letters, digits and underscores.
        """
        if not name.isidentifier():
            raise ValueError(f"an index is named with letters, digits and underscores, not {name!r}")
        full = f"{name}-{blake2b(f'{LAYOUT}/{dimensions}/{model}'.encode(), digest_size=6).hexdigest()}"
        try:
            connection = await lancedb.connect_async(location, storage_options=dict(options or {}))
        except _FAILURES as error:
            raise IndexFailed(f"the index at {location} cannot be opened: {in_short(error)}") from error
        table = cls(connection, full, dimensions)
        try:
            there = (await connection.list_tables(limit=1000)).tables
            if not anew and table._state_name in there:
                await table._load()
            else:
                await table._make()
            kept = {table._state_name, table._items_name}
            for other in there:
                if other.startswith(f"{name}-") and other not in kept:
                    await connection.drop_table(other)
        except TableDamaged:
            connection.close()  # type: ignore[no-untyped-call]
            raise
        except _FAILURES as error:
            connection.close()  # type: ignore[no-untyped-call]
            raise IndexFailed(f"the index at {location} cannot be opened: {in_short(error)}") from error
        return table

    async def batches(self) -> AsyncIterator[Batch]:
        """All that is stored.

        Raises:
            TableDamaged: it cannot be read, or is not what was written.
        """
        columns = [name for name in self._schema().names if name != "text"]
        try:
            async for page in await self._items.query().select(columns).to_batches(max_batch_length=PAGE):
                yield self._batch(page)
        except _FAILURES as error:
            raise TableDamaged(in_short(error)) from error

    async def add(self, batch: Batch, texts: Sequence[str]) -> None:
        """Adds rows of which no id is there.

        Raises:
            IndexFailed: they cannot be written.
        """
        await self._changed(self._items.add(self._page(batch, texts)))

    async def replace(self, batch: Batch, texts: Sequence[str]) -> None:
        """Adds rows, and replaces those of the same ids, at once.

        Raises:
            IndexFailed: they cannot be written.
        """
        merge = self._items.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        await self._changed(merge.execute(pa.Table.from_batches([self._page(batch, texts)])))

    async def remove(self, ids: Collection[str]) -> None:
        """Takes rows out; their bytes stay until `purge`.

        Raises:
            IndexFailed: it cannot be written.
        """
        quoted = ["'" + id.replace("'", "''") + "'" for id in ids]
        for start in range(0, len(quoted), _IDS_AT_ONCE):
            await self._changed(
                self._items.delete(f"id IN ({', '.join(quoted[start : start + _IDS_AT_ONCE])})")
            )

    async def keep(self, number: int) -> None:
        """All changes of the store up to a number are in it.

        Raises:
            IndexFailed: it cannot be written.
        """
        before, self.number = self.number, number
        try:
            await self._changed(self._state.add(self._state_row(), mode="overwrite"))
        except BaseException:
            self.number = before
            raise

    async def tidy(self) -> None:
        """Puts small files together and drops what older versions had.

        Raises:
            IndexFailed: it cannot be written.
        """
        for table in (self._items, self._state):
            await self._changed(table.optimize(cleanup_older_than=_OLDER, delete_unverified=True))
        self.commits = 0

    async def purge(self) -> None:
        """Writes everything anew, so that no byte of what was removed or replaced is left.

        Where it is interrupted all is as it was.

        Raises:
            IndexFailed: it cannot be read or written.
        """
        old, name = self._items, self._items_name
        try:
            self._generation += 1
            items = await self._fresh(self._items_name, self._schema())
            async for page in await old.query().to_batches(max_batch_length=PAGE):
                await items.add(page)
            await self._state.add(self._state_row(), mode="overwrite")
        except BaseException as error:
            self._generation -= 1
            if isinstance(error, _FAILURES):
                raise IndexFailed(f"the index cannot be written anew: {in_short(error)}") from error
            raise
        self._items = items
        self.commits = 0
        try:
            old.close()  # type: ignore[no-untyped-call]
            await self._connection.drop_table(name)
        except _FAILURES as error:
            raise IndexFailed(f"what was in the index cannot be removed: {in_short(error)}") from error

    def close(self) -> None:
        """Gives back what it holds."""
        for part in (self._items, self._state, self._connection):
            part.close()  # type: ignore[no-untyped-call]

    @property
    def _items_name(self) -> str:
        return f"{self._name}-{self._generation}"

    @property
    def _state_name(self) -> str:
        return f"{self._name}-state"

    async def _make(self) -> None:
        self.fresh = True
        self._items = await self._fresh(self._items_name, self._schema())
        # Last: with it the table is there.
        self._state = await self._fresh(self._state_name, self._state_row().schema)
        await self._state.add(self._state_row())

    async def _fresh(self, name: str, schema: pa.Schema) -> lancedb.AsyncTable:
        """An empty table; one of that name that an interrupted run has left goes."""
        await self._connection.drop_table(name, ignore_missing=True)
        return await self._connection.create_table(name, schema=schema)

    async def _load(self) -> None:
        try:
            self._state = await self._connection.open_table(self._state_name)
            rows = (await self._state.query().to_arrow()).to_pylist()
            if len(rows) != 1 or rows[0].keys() != {"number", "generation"}:
                raise TableDamaged("its state is not what this version writes")
            self.number, self._generation = rows[0]["number"], rows[0]["generation"]
            self._items = await self._connection.open_table(self._items_name)
            schema = await self._items.schema()
        except _FAILURES as error:
            raise TableDamaged(in_short(error)) from error
        if not schema.equals(self._schema()):
            raise TableDamaged("it has other columns than this version writes")

    def _state_row(self) -> pa.Table:
        return pa.table(
            {
                "number": pa.array([self.number], pa.int64()),
                "generation": pa.array([self._generation], pa.int64()),
            }
        )

    async def _changed(self, change: Awaitable[Any]) -> None:
        try:
            await change
        except _FAILURES as error:
            raise IndexFailed(f"the index cannot be written: {in_short(error)}") from error
        self.commits += 1

    def _schema(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field("id", pa.string()),
                pa.field("text", pa.string()),
                pa.field("vector", pa.list_(pa.float32(), self._dimensions)),
                pa.field("terms", pa.list_(pa.uint32())),
                pa.field("scope", pa.int32()),
                pa.field("at", pa.float64()),
                pa.field("kind", pa.string()),
                pa.field("importance", pa.float32()),
                pa.field("about", pa.string()),
                pa.field("sum", pa.uint64()),
            ]
        )

    def _page(self, batch: Batch, texts: Sequence[str]) -> pa.RecordBatch:
        offsets = np.concatenate(([0], np.cumsum(batch.words))).astype(np.int32)
        columns = [
            pa.array(batch.ids, pa.string()),
            pa.array(texts, pa.string()),
            pa.FixedSizeListArray.from_arrays(
                pa.array(batch.vectors.ravel(), pa.float32()), self._dimensions
            ),
            pa.ListArray.from_arrays(pa.array(offsets), pa.array(batch.terms)),
            pa.array(batch.scope),
            pa.array(batch.at),
            pa.array(batch.kinds, pa.string()),
            pa.array(batch.importance),
            pa.array(batch.about, pa.string()),
            pa.array(_sums(batch)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema())

    def _batch(self, page: pa.RecordBatch) -> Batch:
        if any(column.null_count for column in page.columns):
            raise TableDamaged("it has gaps")
        vectors = page.column("vector").flatten().to_numpy().reshape(-1, self._dimensions)
        terms = page.column("terms")
        batch = Batch(
            page.column("id").to_pylist(),
            vectors,
            terms.flatten().to_numpy(),
            terms.value_lengths().to_numpy().astype(np.int64),
            page.column("scope").to_numpy(),
            page.column("at").to_numpy(),
            page.column("kind").to_pylist(),
            page.column("importance").to_numpy(),
            page.column("about").to_pylist(),
        )
        if not np.array_equal(_sums(batch), page.column("sum").to_numpy()):
            raise TableDamaged("some rows are not what was written")
        return batch


def _sums(batch: Batch) -> npt.NDArray[np.uint64]:
    """A number for each row's vector, words, scope and time: LanceDB does not notice when their bytes have changed."""
    sums: npt.NDArray[np.uint64] = batch.vectors.view(np.uint32).sum(axis=1, dtype=np.uint64)
    ends = np.cumsum(batch.words)
    words = np.zeros(len(batch.terms) + 1, np.uint64)
    np.cumsum(batch.terms, dtype=np.uint64, out=words[1:])
    sums += words[ends] - words[ends - batch.words]
    sums += batch.scope.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    sums += batch.at.view(np.uint64)
    return sums
