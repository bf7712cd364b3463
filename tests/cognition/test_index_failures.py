"""Who sets a wrong place for the index reads in one line what is wrong with it."""

import os
import socket
from pathlib import Path

import pytest

from cognition.search.failures import LONGEST, in_short
from cognition.search.index import IndexFailed
from cognition.search.lance_index import LanceIndex

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"}


async def failure(location: str, **options: str) -> str:
    with pytest.raises(IndexFailed) as failed:
        await LanceIndex.open(location, name="things", model="fake", dimensions=16, options=options)
    said = str(failed.value)
    assert said.startswith(f"the index at {location} cannot be opened: ")
    assert "\n" not in said
    assert len(said) < LONGEST + 100
    return said


async def test_a_storage_that_does_not_answer_is_named_with_what_to_look_at() -> None:
    with socket.socket() as nobody:
        # Bound and not listening: nobody else can be there.
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        said = await failure(
            "s3://bucket/x",
            aws_endpoint=endpoint,
            allow_http="true",
            client_max_retries="0",
            client_retry_timeout="1",
            **KEYS,
        )
    assert f"{endpoint}: nobody answers there: look at AWS_ENDPOINT" in said


async def test_an_address_without_encryption_is_told_how_to_be_allowed() -> None:
    said = await failure("s3://bucket/x", aws_endpoint="http://127.0.0.1:1", **KEYS)
    assert "AWS_ALLOW_HTTP=true" in said


async def test_a_kind_of_storage_that_there_is_not_is_told_in_short() -> None:
    assert "No object store provider found for scheme: 's4'" in await failure("s4://bucket/x")


@pytest.mark.skipif(
    os.name != "posix", reason="what is a file can be no folder there as well, said otherwise"
)
async def test_a_folder_that_cannot_be_made_is_told_in_short(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    await failure(str(tmp_path / "file" / "index"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'Failed: CredentialsNotLoaded(CredentialsNotLoaded { source: Some("no providers") })',
            "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        (
            'uri: Some(http://a.b:80/c?d), ConnectError("dns error", Custom { kind: Uncategorized })',
            "http://a.b:80: its name is not known: look at AWS_ENDPOINT and at the network",
        ),
        (
            'odd\n thing, location: Location { file: "/root/x.rs", line: 1, column: 9 }, backtrace: MaybeBacktrace',
            "odd thing",
        ),
        ("x" * 500, "x" * (LONGEST - 1) + "…"),
        ("", "RuntimeError"),
    ],
)
def test_of_what_was_said_the_cause_is_told_or_else_its_beginning(said: str, told: str) -> None:
    assert in_short(RuntimeError(said)) == told
