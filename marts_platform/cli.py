"""The command ``marts``. One function a command; what it does is imported inside, so that help is quick."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from marts_platform.settings import ExpectedError

app = typer.Typer(
    name="marts",
    help="Operational data to data marts that people trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, passwords among them
)

replica = typer.Typer(no_args_is_help=True, help="The delivery service's logical replica.")
app.add_typer(replica, name="replica")


class Engine(StrEnum):
    """A warehouse engine that ``marts sql`` talks to."""

    postgres = "postgres"
    clickhouse = "clickhouse"
    mysql = "mysql"


@contextmanager
def clean_errors() -> Generator[None]:
    """Turn what is expected to go wrong into one message on standard error and exit code 1.

    Whatever the terminal shows is without secrets, and messages are without values of rows.
    """
    from marts_platform.console import masked_errors
    from marts_platform.masking import clean_logs
    from marts_platform.settings import ExpectedError

    clean_logs()
    with masked_errors():
        try:
            yield
        except ExpectedError as error:
            _end(error)
        except Exception as error:  # the commands' last resort: all but servers' and files' faults pass
            from marts_platform.plain_faults import plainly

            if (expected := plainly(error)) is None:
                raise
            _end(expected)


def _end(error: ExpectedError) -> NoReturn:
    from marts_platform.masking import cleaned, masked

    # A statement that somebody typed may come back with its values.
    text = masked(str(error)) if error.shows_values else cleaned(str(error))
    print(f"marts: {text}", file=sys.stderr)
    raise typer.Exit(1) from None


@app.command()
def up(
    servers: Annotated[list[str] | None, typer.Argument(help="Which servers; all by default.")] = None,
) -> None:
    """Start the embedded stack; what runs already is left alone."""
    with clean_errors():
        from marts_platform.console import screen, servers_table
        from marts_platform.embedded.stack import Stack

        stack = Stack()
        stack.start(servers or ())
        screen().print(servers_table(stack.status()))


@app.command()
def down() -> None:
    """Stop the embedded stack; its data stays."""
    with clean_errors():
        from marts_platform.embedded.stack import Stack

        stack = Stack()
        stack.stop()
        print(f"The embedded stack of {stack.folder} is down; its data stays.")


@app.command()
def status() -> None:
    """Show the servers, and every setting with its value and origin; secrets are masked."""
    with clean_errors():
        from marts_platform import settings
        from marts_platform.console import screen, servers_table, settings_table
        from marts_platform.embedded.stack import Stack
        from marts_platform.migrations import warehouses

        console = screen()
        console.print(servers_table(Stack().status()))
        console.print(settings_table(settings.load()))
        for line in warehouses.identities():
            console.print(line, soft_wrap=True)
        console.print(f"MARTS_HOME is {settings.home()}", style="dim", soft_wrap=True)


@app.command()
def env() -> None:
    """Print the settings in force as export lines, secrets in the clear: eval "$(marts env)"."""
    with clean_errors():
        from marts_platform import settings
        from marts_platform.console import exports, settings_in_force
        from marts_platform.dagster_home import use_dagster_home

        homes = {"DAGSTER_HOME": str(use_dagster_home()), "MARTS_HOME": str(settings.home())}
        sys.stdout.write(exports(homes | settings_in_force(settings.load())))


@app.command()
def sql(
    engine: Annotated[Engine, typer.Argument(help="The warehouse engine to ask.")],
    query: Annotated[str, typer.Argument(help="The SQL to run.")],
) -> None:
    """Run SQL in a warehouse and show what it returns as a table.

    In ClickHouse, a query with a FORMAT of its own gives exactly the bytes that the server sends.
    """
    with clean_errors():
        from marts_platform import sql_console

        sql_console.run(engine.value, query)


@app.command()
def migrate(
    revision: Annotated[str, typer.Option(help="The Alembic revision to reach.")] = "head",
    down: Annotated[
        bool, typer.Option("--down", help="Downgrade; revision base removes everything, data too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Downgrade without a question.")] = False,
) -> None:
    """Bring the warehouse's schema to a revision, by default the newest."""
    with clean_errors():
        from marts_platform import settings
        from marts_platform.migrations import warehouses
        from marts_platform.resources.identity import Slot

        def assets_in(slot: Slot) -> list[str]:
            # Only a log that meets its first warehouse asks: Dagster takes seconds to import.
            from marts_platform import demonstration

            return demonstration.assets_in(slot)

        if down and revision == "head":
            raise settings.SettingsError("say how far down, such as --down --revision base")
        if down:
            if not yes:
                _confirm_downgrade(revision)
            reached = warehouses.move_postgres(revision, is_upgrade=False)
            print(f"The warehouse's schema is at revision {reached}.")
            return
        for said in warehouses.upgrade(assets_in, revision):
            print(said)


def _confirm_downgrade(revision: str) -> None:
    """Ask before tables go, and refuse where nobody can answer."""
    from marts_platform import settings
    from marts_platform.console import shown
    from marts_platform.migrations import warehouses

    lost = warehouses.downgrade_loss(revision)
    where = shown(settings.load().warehouse_url)
    print(f"marts migrate --down --revision {revision}, at {where}, drops:", file=sys.stderr)
    for table, rows in lost.rows.items():
        print(f"  table {table}, {rows:,} rows", file=sys.stderr)
    for column in lost.columns:
        print(f"  column {column}", file=sys.stderr)
    if not lost.rows and not lost.columns:
        print("  no table and no column", file=sys.stderr)
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "nobody can be asked without a terminal; --yes downgrades without a question"
        )
    typer.confirm("Drop all of that?", abort=True, err=True)


@app.command()
def dev(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port of Dagster's UI, on loopback.")
    ] = 3000,
) -> None:
    """Start the stack, bring the schema up to date, then run Dagster's UI and daemon until Ctrl-C."""
    up()
    migrate()
    with clean_errors():
        from marts_platform import dagster_dev

        raise typer.Exit(dagster_dev.run(port))


@app.command()
def seed(
    domains: Annotated[list[str] | None, typer.Argument(help="Which sources; all by default.")] = None,
    scale: Annotated[float, typer.Option(min=0.001, help="Multiplies the amount of generated data.")] = 1.0,
    live: Annotated[
        bool, typer.Option("--live", help="Let seeded sources live: produce and change rows until Ctrl-C.")
    ] = False,
) -> None:
    """Fill the embedded sources with demo data; again is harmless."""
    with clean_errors():
        from marts_platform import demonstration

        if live:
            demonstration.live(domains or ())
        else:
            demonstration.seed(domains or (), scale)


@app.command()
def materialize(
    selection: Annotated[
        str, typer.Argument(help="A domain, an asset (domain/table), all, or Dagster's syntax.")
    ],
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day (UTC).")
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], help="The day after the last one; it may lie in the future."
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Load tables without days, too, that have not changed: after a change of their SQL.",
        ),
    ] = False,
    compare: Annotated[
        str,
        typer.Option(
            metavar="N|all",
            help="How many days older than the newest 30 to compare with the source, least recently compared "
            "first; all for every day that was loaded.",
        ),
    ] = "30",
) -> None:
    """Build tables in this process. Without days: what is new, changed or failed."""
    with clean_errors():
        from marts_platform import demonstration, settings
        from marts_platform.materialization import older_to_compare

        older = older_to_compare(compare)
        if (first is None) != (end is None):
            raise settings.SettingsError("give both --from and --to, or neither")
        with demonstration.telling(f"marts materialize {selection}"):
            demonstration.materialize_selection(
                selection, first and first.date(), end and end.date(), is_forced=force, older=older
            )


@app.command()
def replay(
    asset: Annotated[str, typer.Argument(help="The asset (domain/table) whose rows stand in quarantine.")],
) -> None:
    """Judge an asset's rows in quarantine anew, after a fix; those that are good now join its table."""
    with clean_errors():
        from marts_platform import demonstration

        with demonstration.telling(f"marts replay {asset}"):
            demonstration.replay(asset)


@app.command()
def forget(
    domain: Annotated[str, typer.Argument(help="The domain, such as camunda.")],
    process: Annotated[
        str | None, typer.Option(metavar="ID", help="The Camunda process instance to forget.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without a question.")] = False,
) -> None:
    """Delete a person's rows from all marts of a domain and from quarantine, once the source has none."""
    with clean_errors():
        from marts_platform import forgetting

        forgetting.forget(domain, {"process": process}, is_confirmed=yes)


@app.command()
def report(
    domain: Annotated[
        str | None, typer.Argument(help="A domain with named queries, such as bionicpro.")
    ] = None,
    name: Annotated[str | None, typer.Argument(help="Which one; without it they are listed.")] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value; today-30 is a day. Repeatable.")
    ] = None,
    html: Annotated[
        bool, typer.Option("--html", help="Write one page with the charts of every domain.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes; report.html in MARTS_HOME by default.")
    ] = None,
) -> None:
    """List a domain's named queries, run one and show its result, or write the page with all charts."""
    with clean_errors():
        from marts_platform import reports, settings

        if html == (domain is not None):
            raise settings.SettingsError("name a domain with named queries, or say --html for the page")
        if domain is not None:
            reports.show(domain, name, param or ())
        else:
            reports.write_page(out)


@app.command()
def demo(
    scale: Annotated[float, typer.Option(min=0.001, help="Multiplies the amount of generated data.")] = 1.0,
) -> None:
    """Start the stack, seed the sources, build every mart and show them."""
    with clean_errors():
        from marts_platform import demonstration

        demonstration.demo(scale)


@replica.command("create")
def replica_create() -> None:
    """Make the delivery service's logical replica; again is harmless."""
    with clean_errors():
        from marts_platform import replication

        replication.create()


@replica.command("status")
def replica_status() -> None:
    """Show the replica and its lag; exit code 1 if it is missing, stalls or holds too much log."""
    with clean_errors():
        from marts_platform import replication

        replication.status()


@replica.command("drop")
def replica_drop() -> None:
    """Remove the replica: subscription, slot, publication and its tables. The warehouse keeps what it has."""
    with clean_errors():
        from marts_platform import replication

        replication.drop()


def main() -> None:
    """Run the installed command ``marts``; an unexpected traceback is shown without secrets."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 # shown whole, and ends the process
        from marts_platform.masking import shown_traceback

        sys.stderr.write(shown_traceback(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
