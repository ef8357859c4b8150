"""Previews without an account: runs the program for one stack or several, and renders what it registered."""

import functools
import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from prismctl.errors import UsageError
from prismctl.project import Project
from recording import recorder, sdk
from recording.graph import Graph


@dataclass(frozen=True)
class Preview:
    """One stack's run."""

    graph: Graph
    config: Mapping[str, str]
    seconds: float


Render = Callable[[Preview], Mapping[str, str]]
"""Turns a preview into texts by output; runs where the preview was made, since graphs are costly to hand over."""


Results = dict[str, Mapping[str, str] | UsageError]
"""Rendered texts by stack, or the mistake that keeps a stack from being previewed."""


def preview(project: Project, stack: str, *, known: bool) -> Preview:
    """Run the program for `stack`; raises UsageError with what the program says of its configuration."""
    started = time.perf_counter()
    config = project.config(stack)
    try:
        graph = recorder.record(
            project.root, project.name, stack, config, secret_keys=project.secret_keys(stack), known=known
        )
    except pulumi.RunError as error:
        raise UsageError(str(error)) from None
    return Preview(graph, config, time.perf_counter() - started)


def preview_each(project: Project, stacks: Sequence[str], render: Render, *, known: bool) -> Results:
    """Preview several stacks, as many at once as there are processors, after importing the SDK once."""
    if len(stacks) == 1:
        return {stacks[0]: _attempt(project, stacks[0], render, known=known)}
    sdk.preload(project.root)
    # What was imported stays shared between the processes only while nobody touches it, the collector included.
    gc.freeze()
    # This process takes a share itself: each further one pays for its own copies of what it touches.
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = [stacks[first::processors] for first in range(min(len(stacks), processors))]
    workers = [_Worker(functools.partial(_attempt_all, project, share, render, known=known)) for share in shares[1:]]
    try:
        results = _attempt_all(project, shares[0], render, known=known)
        for worker in workers:
            results |= worker.result()
    except BaseException:
        for worker in workers:
            worker.stop()
        raise
    return {stack: results[stack] for stack in stacks}


def preview_all(
    project: Project, stacks: Sequence[str], render: Render, *, known: bool
) -> dict[str, Mapping[str, str]]:
    """Preview several stacks like `preview_each`; raises UsageError with every stack's mistake where there is one."""
    results = preview_each(project, stacks, render, known=known)
    if mistakes := [str(result) for result in results.values() if isinstance(result, UsageError)]:
        raise UsageError("\n".join(mistakes))
    return {stack: result for stack, result in results.items() if not isinstance(result, UsageError)}


class _Worker:
    """A forked process that does one piece of work and ends with it, or is stopped."""

    def __init__(self, work: Callable[[], Results]) -> None:
        forks = multiprocessing.get_context("fork")
        self._receiver, sender = forks.Pipe(duplex=False)

        def run() -> None:
            # A terminal interrupts both processes; this one is then stopped by the other.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            sender.send(work())

        self._process = forks.Process(target=run, daemon=True)
        self._process.start()
        sender.close()

    def result(self) -> Results:
        """Wait for the work; raises RuntimeError where the process died (its own message is on standard error)."""
        try:
            return self._receiver.recv()
        except EOFError:
            raise RuntimeError("a worker of the preview died") from None
        finally:
            self._process.join()

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.terminate()
        self._process.join()


def _attempt_all(project: Project, stacks: Sequence[str], render: Render, *, known: bool) -> Results:
    return {stack: _attempt(project, stack, render, known=known) for stack in stacks}


def _attempt(project: Project, stack: str, render: Render, *, known: bool) -> Mapping[str, str] | UsageError:
    try:
        return render(preview(project, stack, known=known))
    except UsageError as error:
        return error
