"""To be imported by a process that forks: the forks find the commands of wheelhouse made."""

from tests.support.command_tree import keep_commands
from wheelhouse.cli import entry

keep_commands()
entry.load()
entry.get_command(entry.app)
