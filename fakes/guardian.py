"""Ends the processes of a run and removes its folder, however the run ends."""

import os
import subprocess
from pathlib import Path

_SCRIPT = """
leaders=" "
while read -r sign leader; do
  case $sign in
    +) leaders="$leaders$leader " ;;
    -) leaders="${leaders%% $leader *} ${leaders#* $leader }" ;;
  esac
done
for leader in $leaders; do kill -KILL "-$leader"; done
for process in $(grep -laF "PULUMI_HOME=$1/" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); do
  kill -KILL "$process"
done
rm -rf -- "$1"
"""
"""Its input ends with whoever writes it: by itself, interrupted, or killed. Plugins are in groups of their own."""


class Guardian:
    """Kills process groups and removes a folder when it is told to, and when whoever made it is gone."""

    def __init__(self, folder: Path) -> None:
        heard, told = os.pipe()
        self._orders = os.fdopen(told, "wb", buffering=0)
        # A session of its own, as for all that it guards: an interrupt of the terminal is not theirs.
        self._shell = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _SCRIPT, "guardian", str(folder)],
            stdin=heard,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(heard)

    def watch(self, leader: int) -> None:
        """Guard a process group, by its leader's number."""
        self._tell(f"+ {leader}")

    def forget(self, leader: int) -> None:
        """Guard it no longer: it has ended, and its number may become another's."""
        self._tell(f"- {leader}")

    def end(self) -> None:
        """Kill what is guarded, and remove the folder."""
        self._orders.close()
        self._shell.wait()

    def _tell(self, line: str) -> None:
        self._orders.write(f"{line}\n".encode())
