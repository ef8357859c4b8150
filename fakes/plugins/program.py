"""Runs one Pulumi program for the language host; its argument is the settings as JSON."""

import asyncio
import gc
import json
import logging
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import get_config_env, get_config_secret_keys_env, run_in_stack, set_all_config
from pulumi.runtime.settings import Settings, configure

SHOWN = 32
"""Exit code by which a program says that the user has been told already what went wrong."""


def run(settings: dict[str, Any]) -> int:
    """Run the program in the current folder, by the arguments of the SDK's `Settings`.

    Return the exit code; what went wrong has been logged to the engine.
    """
    configure(Settings(**settings))
    # Programs allocate much and free little; and nobody reads the SDK's debug log, a dozen messages for each resource.
    gc.disable()
    pulumi.log.debug = _ignore
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(settings.get("parallel") or 1, 1) * 4)
    loop.set_default_executor(executor)
    # After a failure there are outputs that nobody awaits any more; saying so helps nobody.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(run_in_stack(_run_program))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception:  # noqa: BLE001  # whatever a program raises is told to the user
        pulumi.log.error(f"Program failed with an unhandled exception:\n{traceback.format_exc()}")
        return SHOWN
    finally:
        executor.shutdown(wait=True)
        loop.close()
    return 0


def _ignore(*_: object, **__: object) -> None:
    """Log nothing."""


def _run_program() -> None:
    runpy.run_path(str(Path.cwd()), run_name="__main__")


if __name__ == "__main__":
    set_all_config(get_config_env(), get_config_secret_keys_env())
    sys.exit(run(json.loads(sys.argv[1])))
