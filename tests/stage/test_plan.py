"""How a build command is shown."""

from wheelhouse.stage.plan import shell


def test_an_option_is_shown_on_a_line_with_its_value() -> None:
    command = "pip install --no-index --find-links folder/tools --require-hashes -r folder/requirements.txt"
    lines = [line.strip(" \\") for line in shell(tuple(command.split())).split("\n")]
    assert lines == [
        "pip install",
        "--no-index",
        "--find-links folder/tools",
        "--require-hashes",
        "-r folder/requirements.txt",
    ]
