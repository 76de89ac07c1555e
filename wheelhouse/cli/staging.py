"""`stage`: from a wheelhouse to the folder of an image build."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, RequireApproved, command
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import must_be_approved, settings, signer_of, waivers
from wheelhouse.cli.whole_wheelhouses import whole_wheelhouses
from wheelhouse.config.declare import given
from wheelhouse.config.options import FileOrigin, StageOptions
from wheelhouse.errors import WheelhouseError


@command(app)
def stage(
    staging: StageOptions,
    origin: FileOrigin,
    wheelhouse: Annotated[
        Path | None,
        typer.Argument(metavar="[WHEELHOUSE]", help="The wheelhouse to stage. Default: wheels.", show_default=False),
    ] = None,
    require_approved: RequireApproved = False,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Sign the folder with this Ed25519 key: the private key, or the public key if ssh-agent signs.",
        ),
    ] = None,
    sealed: Annotated[
        bool,
        typer.Option(
            "--sealed", help="If a step of the image build still needs a network, write nothing, and exit with code 1."
        ),
    ] = False,
    dockerfile: Annotated[
        Path | None,
        typer.Option(
            "--dockerfile",
            metavar="FILE",
            help="Read this Dockerfile, list its steps that need a network, and write an image build that takes the "
            "files from the wheelhouse. If FILE is Airflow's own Dockerfile, `stage` also takes the build arguments and "
            "the versions from it. Without this option, `stage` reads Airflow's own Dockerfile if it is in the "
            "current folder.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a wheelhouse into the folder of an image build, and print the build command.

    `stage` first verifies the wheelhouse. The image build installs from the folder, with no network. `stage` replaces
    only files that an earlier `stage` wrote. With --index, the image build installs from that index. With --index or
    --dry-run, the wheelhouse is not verified.
    """
    from wheelhouse import report
    from wheelhouse.report.plans import command_lines, layout_text, plan_document, plan_lines
    from wheelhouse.stage.airflow.arguments import Choices
    from wheelhouse.stage.stage import plan_stage
    from wheelhouse.stage.stage import stage as stage_step
    from wheelhouse.verify.verify import load_wheelhouse

    from_file = settings()
    chosen = StageOptions(**from_file.stage | given(staging))
    folder, destination = wheelhouse or from_file.wheelhouse, Path(chosen.dest or "docker-context-files")
    choices = Choices.parse(dataclasses.asdict(chosen))
    signing = signer_of(key) if key else None
    with whole_wheelhouses([folder], origin, quiet=as_json) as (whole,):
        plan = plan_stage(
            whole,
            chosen.layout or "auto",
            chosen.target,
            chosen.base_image,
            choices,
            sdists=chosen.sdists,
            destination=destination,
            dockerfile=dockerfile,
            checkout=Path(),
        )
        if sealed and plan.unsettled:
            raise WheelhouseError(
                "a step of the build still needs a network, so nothing was written", details=plan.unsettled
            )
        if require_approved:
            from_index = load_wheelhouse(whole).artifacts if plan.index else {}
            must_be_approved(
                {path: artifact.sha256 for path, artifact in {**from_index, **plan.files}.items()}, [whole]
            )
        removed = () if chosen.dry_run else stage_step(whole, destination, plan, waivers(), signing)
    if as_json:
        written = {"folder": str(destination), "written": not chosen.dry_run, "removed": list(removed)}
        say_json({**written, **plan_document(plan)})
        return
    if chosen.dry_run:
        say(*plan_lines(plan, str(destination)))
    else:
        say(f"{destination}: {report.counted(len(plan.files), 'file')}, {layout_text(plan)}")
    say(*command_lines(plan))
