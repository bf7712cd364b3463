"""The command `continuum`. What is heavy is imported by the command that needs it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signaling.errors import UserError

if TYPE_CHECKING:
    from signaling.given_documents import GivenDocuments
    from signaling.weights import Entry

__all__ = ["app", "main"]

app = typer.Typer(
    help="Calls in which AI personas are participants, on the same footing as people.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
weights_app = typer.Typer(help="The models' weights: what is there, from where, and is it what it should be.")
app.add_typer(weights_app, name="weights")
timeline_app = typer.Typer(help="What the personas lived.", no_args_is_help=True)
app.add_typer(timeline_app, name="timeline")
persona_app = typer.Typer(
    help="The personas: who there is, how far they are trusted, and why.", no_args_is_help=True
)
app.add_typer(persona_app, name="persona")
documents_app = typer.Typer(help="Files and folders that the personas may know.", no_args_is_help=True)
app.add_typer(documents_app, name="documents")

memory_app = typer.Typer(
    help="What personas know of a person: shown, put right, taken along, forgotten.", no_args_is_help=True
)
app.add_typer(memory_app, name="memory")

PAGE = Path(__file__).parent.parent / "web" / "dist"

Roles = Annotated[
    list[str] | None, typer.Argument(metavar="[ROLE]…", help="Which roles; all that are needed.")
]


@contextmanager
def _told() -> Iterator[None]:
    """Errors for people become one line each and exit status 1."""
    try:
        yield
    except UserError as error:
        for line in str(error).splitlines():
            typer.echo(f"continuum: {line}", err=True)
        raise typer.Exit(1) from None


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the page and the API.")] = None,
    lan: Annotated[
        bool | None, typer.Option("--lan", help="Serve other machines too: HTTPS, an invite, a QR code.")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = False,
) -> None:
    """Run a server: rooms, the page, the personas. Ctrl-C ends it."""
    with _told():
        from signaling.serve import serve as run_server
        from signaling.settings import load_settings

        run_server(
            load_settings(host=host, port=port, lan=lan),
            page=PAGE,
            echo=typer.echo,
            log=lambda line: typer.echo(line, err=True),
            open_page=open_page,
        )


@app.command()
def call(
    room: Annotated[str, typer.Argument(help="The room to join.")],
    wav: Annotated[list[Path] | None, typer.Option(help="A spoken turn; may be repeated.")] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="A turn written in the chat; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Record what is heard to this WAV.")] = None,
    url: Annotated[str | None, typer.Option(help="The server; the one of this machine's settings.")] = None,
    name: Annotated[str, typer.Option(help="Shown to the others.")] = "Caller",
    token: Annotated[str | None, typer.Option(help="A join or invite token.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The server's key, where tokens are not given away.")
    ] = None,
    wait_greeting: Annotated[bool, typer.Option(help="Let a greeting end before the first turn.")] = True,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds a turn may take.")] = 45.0,
    insecure: Annotated[bool, typer.Option(help="Accept a certificate that nobody signed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Join a room without a browser: speak a file, write, record what is heard, print words and latency."""
    with _told():
        from signaling.call import CallOptions, run

        if url is None:
            from signaling.settings import load_settings

            settings = load_settings()
            host = "127.0.0.1" if settings.lan or settings.host == "0.0.0.0" else settings.host
            host = f"[{host}]" if ":" in host else host
            url = f"{'https' if settings.lan else 'http'}://{host}:{settings.port}"
        options = CallOptions(
            room=room,
            url=url,
            wavs=tuple(wav or ()),
            texts=tuple(text or ()),
            out=out,
            name=name,
            token=token,
            key=key,
            wait_greeting=wait_greeting,
            timeout=timeout,
            insecure=insecure,
        )
        status = run(
            options, as_json=as_json, echo=typer.echo, complain=lambda line: typer.echo(line, err=True)
        )
        raise typer.Exit(status)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check what a call needs on this machine: one line each, and what to do where it is not well."""
    with _told():
        from signaling.doctor import examine
        from signaling.settings import load_settings

        findings = examine(load_settings(), PAGE)
        if as_json:
            typer.echo(json.dumps({"findings": [finding.to_json() for finding in findings]}, indent=1))
        else:
            for finding in findings:
                typer.echo(finding.line(colour=sys.stdout.isatty()))
        if any(finding.state == "fail" for finding in findings):
            raise typer.Exit(1)


@app.command()
def token(
    room: Annotated[str, typer.Argument(help="The one room it opens.")],
    name: Annotated[str, typer.Option(help="Whose seat it is: the identity.")],
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 365, help="How long it is good.")] = 12.0,
) -> None:
    """Print a token for a seat in a room, signed with this server's key."""
    with _told():
        from signaling.server.names import MAX_ID_CHARACTERS, valid_room
        from signaling.server.tokens import Tokens
        from signaling.settings import load_settings, signing_key

        if not valid_room(room):
            raise typer.BadParameter("it is no name of a room", param_hint="ROOM")
        if not 0 < len(name) <= MAX_ID_CHARACTERS:
            raise typer.BadParameter(f"it has 1 to {MAX_ID_CHARACTERS} characters", param_hint="--name")
        tokens = Tokens(signing_key(load_settings()))
        typer.echo(tokens.mint_join(room, name, life=timedelta(hours=hours)))


@app.command()
def discuss(
    personas: Annotated[str, typer.Option(help="Who takes part: ids or names, with commas.")],
    topic: Annotated[str, typer.Option(help="What they are to discuss.")],
    room: Annotated[str, typer.Option(help="Where; nobody is there.")] = "lobby",
) -> None:
    """Let personas of the running server discuss something among themselves; who comes there next can read it."""
    with _told():
        from signaling.cast_commands import discuss as have_discussed
        from signaling.server.names import valid_room
        from signaling.settings import load_settings

        if not valid_room(room):
            raise UserError("it is no name of a room: letters, digits, dots, underscores, hyphens")
        for line in have_discussed(load_settings(), room, personas, topic):
            typer.echo(line)


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(help="A new file, or a directory.")],
) -> None:
    """Copy what the personas remember, also while the server runs; the copy is one file, checked."""
    with _told():
        from signaling.settings import load_settings
        from signaling.store_commands import make_backup

        typer.echo(make_backup(load_settings().store_path, path))


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(help="What `continuum backup` made.")],
) -> None:
    """Put a backup in place while no server runs; what was there is kept beside it."""
    with _told():
        from signaling.settings import load_settings
        from signaling.store_commands import put_back

        typer.echo(put_back(load_settings().store_path, path))


@timeline_app.command("export")
def export_timeline(
    out: Annotated[Path | None, typer.Option(help="A new file; standard output if not given.")] = None,
    person: Annotated[str | None, typer.Option(help="Only what this identity did or said.")] = None,
    lived_by: Annotated[
        str | None, typer.Option(help="Only what this persona or identity perceived.")
    ] = None,
    room: Annotated[str | None, typer.Option(help="Only there.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only of this kind; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="ISO 8601; UTC without a time zone.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to before this.")] = None,
) -> None:
    """Write what was lived as JSON lines, the oldest first, also while the server runs."""
    with _told():
        from signaling.settings import load_settings
        from signaling.store_commands import export_timeline as export
        from signaling.store_commands import timeline_query

        try:
            query = timeline_query(person, lived_by, room, kind or (), since, until)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        store = load_settings().store_path
        if out is None:
            export(store, query, typer.echo)
            return
        try:
            with out.open("x", encoding="utf-8") as file:
                count = export(store, query, lambda line: print(line, file=file))
        except OSError as error:
            raise UserError(f"{out} cannot be made: {error.strerror}") from error
        typer.echo(f"{count} events in {out}")


@persona_app.command("card")
def persona_card(
    name: Annotated[str, typer.Argument(help="A persona's name, or its id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how a persona stands with people, also while the server runs."""
    with _told():
        from signaling.persona_commands import card_lines, find_persona, read_card
        from signaling.profiles import Profiles
        from signaling.settings import load_settings

        settings = load_settings()
        persona = find_persona(Profiles(settings.persona_paths(), settings.profiles_dir), name)
        card = read_card(settings.store_path, persona)
        if as_json:
            typer.echo(json.dumps(card, indent=1))
        else:
            for line in card_lines(persona.name, card):
                typer.echo(line)


PersonaId = Annotated[str, typer.Argument(metavar="ID", help="A persona's id, the name of its profile.")]
ProfileFile = Annotated[
    Path, typer.Argument(metavar="PROFILE", help="A TOML file; its name is the persona's id.")
]
Why = Annotated[str, typer.Option(help="The reason, for the record.")]


@persona_app.command("list")
def list_personas() -> None:
    """Show the personas of the server that runs here."""
    with _told():
        from signaling.cast_commands import roll
        from signaling.settings import load_settings

        for line in roll(load_settings()):
            typer.echo(line)


@persona_app.command("add")
def add_persona(profile: ProfileFile, why: Why = "") -> None:
    """Let a persona join the running server and all its rooms, now and after each start."""
    _order_with_profile("add", profile, why)


@persona_app.command("edit")
def edit_persona(profile: ProfileFile, why: Why = "") -> None:
    """Give a persona a new profile; what it has lived stays."""
    _order_with_profile("edit", profile, why)


@persona_app.command("pause")
def pause_persona(id: PersonaId, why: Why = "") -> None:
    """Let a persona be silent until it may go on."""
    _order("pause", id, why)


@persona_app.command("resume")
def resume_persona(id: PersonaId, why: Why = "") -> None:
    """Let a paused persona go on."""
    _order("resume", id, why)


@persona_app.command("wake")
def wake_persona(
    id: PersonaId,
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    minutes: Annotated[float, typer.Option(min=0.1, max=60, help="For how long.")] = 15.0,
) -> None:
    """Keep a tired persona from its rest for a while; that is on record."""
    _order("keep-awake", id, why, minutes=minutes)


@persona_app.command("remove")
def remove_persona(id: PersonaId, why: Why = "") -> None:
    """Take a persona from the server; what it has lived is kept for its return."""
    _order("remove", id, why)


def _order_with_profile(action: str, profile: Path, why: str) -> None:
    with _told():
        from signaling.cast_commands import profile_of

        id, text = profile_of(profile)
    _order(action, id, why, text=text)


def _order(action: str, id: str, why: str, **details: object) -> None:
    with _told():
        from signaling.cast_commands import order
        from signaling.settings import load_settings

        for line in order(load_settings(), action, id, why, **details):
            typer.echo(line)


@documents_app.command("add")
def add_documents(
    path: Annotated[Path, typer.Argument(help="A file or a folder.")],
    room: Annotated[str, typer.Option(help="Known in this room alone; in every one if not given.")] = "",
) -> None:
    """Let the personas know what a file or folder says; a running server reads it now, and whenever it changes."""
    with _told():
        typer.echo(_given_documents().add(path, room))


@documents_app.command("remove")
def remove_documents(
    path: Annotated[Path, typer.Argument(help="As it was given.")],
    room: Annotated[
        str | None, typer.Option(help="Only for this room; wherever it was given if not given.")
    ] = None,
) -> None:
    """Take a file or folder back; a running server forgets it now."""
    with _told():
        typer.echo(_given_documents().remove(path, room))


@documents_app.command("list")
def list_documents(
    each: Annotated[bool, typer.Option("--each", help="Every file, and why it was refused.")] = False,
) -> None:
    """Show what was given, how much of it is known, and what was refused, also while the server runs."""
    with _told():
        from signaling.given_documents import shelf_lines
        from signaling.settings import load_settings

        given = _given_documents().folders()
        for line in shelf_lines(load_settings().store_path, given, each=each):
            typer.echo(line)
        if not given:
            typer.echo("nothing was given: `continuum documents add PATH`")


def _given_documents() -> "GivenDocuments":
    from signaling.given_documents import given_documents
    from signaling.settings import load_settings

    return given_documents(load_settings())


Who = Annotated[str, typer.Argument(metavar="PERSON", help="Whom it is about: an identity, or a name.")]
Knower = Annotated[str, typer.Option("--persona", help="The id of the persona that knows it.")]
MemoryId = Annotated[str, typer.Argument(metavar="MEMORY", help="Its id, as `show` names it.")]


@memory_app.command("show")
def show_memories(
    person: Who,
    memory: Annotated[
        str | None, typer.Argument(metavar="[MEMORY]", help="Its id: also where it comes from, and why.")
    ] = None,
    persona: Annotated[str | None, typer.Option(help="A persona's id; all of them if not given.")] = None,
) -> None:
    """Show what personas know of a person and may say to them, also while the server runs."""
    with _told():
        from signaling.memory_commands import shown, shown_with_source
        from signaling.settings import load_settings

        store = load_settings().store_path
        lines = (
            shown(store, person, persona)
            if memory is None
            else shown_with_source(store, person, persona, memory)
        )
        for line in lines:
            typer.echo(line)


@memory_app.command("export")
def export_memories(
    person: Who,
    out: Annotated[Path | None, typer.Option(help="A new file; standard output if not given.")] = None,
) -> None:
    """Write all of a person that they may take along as JSON lines, also while the server runs."""
    with _told():
        from signaling.memory_commands import exported
        from signaling.settings import load_settings

        lines = [
            json.dumps(each, ensure_ascii=False) for each in exported(load_settings().store_path, person)
        ]
        if out is None:
            for line in lines:
                typer.echo(line)
            return
        try:
            with out.open("x", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise UserError(f"{out} cannot be made: {error.strerror}") from error
        typer.echo(f"{len(lines)} lines in {out}")


@memory_app.command("correct")
def correct_memory(
    person: Who,
    memory: MemoryId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='How it is, in their words: "I live in Rome".')],
    persona: Knower,
) -> None:
    """Put right what is known of a person, at their word."""
    with _told():
        from signaling.memory_commands import change
        from signaling.settings import load_settings

        change(load_settings(), "correct", person, persona, memory, text)
        typer.echo("put right")


@memory_app.command("forget")
def forget_memory(
    person: Who,
    memory: Annotated[
        str | None, typer.Argument(metavar="[MEMORY]", help="Its id; everything about them if not given.")
    ] = None,
    persona: Knower = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget what is known of a person, at their word, with the words it comes from; nothing brings it back."""
    with _told():
        from signaling.memory_commands import change
        from signaling.settings import load_settings

        if memory is None and not yes:
            typer.confirm(f"Forget everything about {person}, for good?", abort=True)
        change(load_settings(), "forget", person, persona, memory)
        typer.echo("forgotten; backups made before still hold it")


@weights_app.callback(invoke_without_command=True)
def weights(context: typer.Context) -> None:
    """Without a command: list."""
    if context.invoked_subcommand is None:
        list_weights()


@weights_app.command("list")
def list_weights() -> None:
    """What is there, from where, its licence, size and SHA-256."""
    with _told():
        from signaling.settings import load_settings
        from signaling.weights import CATALOGUE
        from signaling.weights_cache import WeightsCache
        from signaling.weights_report import report

        settings = load_settings()
        for line in report(CATALOGUE, WeightsCache(settings.weights_dir), settings.weights.given()):
            typer.echo(line)


@weights_app.command("verify")
def verify_weights(roles: Roles = None) -> None:
    """Hash every file again and compare it with what the catalogue says."""
    with _told():
        from signaling.serve import needed
        from signaling.settings import load_settings
        from signaling.weights import CATALOGUE
        from signaling.weights_cache import WeightsCache

        settings = load_settings()
        cache = WeightsCache(settings.weights_dir)
        required = {entry.role for entry in (_entries(roles) if roles else needed(settings))}
        bad = False
        for entry in _entries(roles) if roles else CATALOGUE:
            for file in entry.files:
                state = cache.state(entry, file, reread=True)
                if state == "missing" and entry.role not in required:
                    continue
                bad = bad or state != "verified"
                typer.echo(f"{state:9} {entry.role}: {cache.path(entry, file)}")
        if bad:
            raise UserError("not everything is what it should be: `continuum weights fetch` mends it")


@weights_app.command("fetch")
def fetch_weights(roles: Roles = None) -> None:
    """Fetch what is missing or damaged; without a role what a call needs."""
    with _told():
        from signaling.fetching import Fetcher
        from signaling.progress import BarProgress
        from signaling.serve import needed
        from signaling.settings import load_settings
        from signaling.weights_cache import WeightsCache

        settings = load_settings()
        entries = _entries(roles) if roles else needed(settings)
        with BarProgress() as progress:
            cache = WeightsCache(settings.weights_dir)
            Fetcher(cache, progress, hugging_face=settings.weights.hugging_face).fetch(entries)
        typer.echo(f"{len(entries)} sets of weights are there and verified in {settings.weights_dir}")


def _entries(roles: list[str]) -> tuple["Entry", ...]:
    from signaling.weights import entry_for

    try:
        return tuple(entry_for(role) for role in roles)
    except LookupError as error:
        raise typer.BadParameter(str(error), param_hint="ROLE") from error


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
