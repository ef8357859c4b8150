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

import pulumi
from pulumi.runtime import get_config_env, get_config_secret_keys_env, run_in_stack, set_all_config
from pulumi.runtime.settings import Settings, configure

SHOWN = 32
"""Exit code by which a program says that the user has been told already what went wrong."""


def run(settings: Settings) -> int:
    """Return the exit code; what went wrong has been logged to the engine."""
    configure(settings)
    # Programs allocate much and free little; and nobody reads the SDK's debug log, a dozen messages for each resource.
    gc.disable()
    pulumi.log.debug = lambda *_, **__: None
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(settings.parallel or 1, 1) * 4)
    loop.set_default_executor(executor)
    # After a failure there are outputs that nobody awaits any more; saying so helps nobody.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(run_in_stack(lambda: runpy.run_path(str(Path.cwd()), run_name="__main__")))
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


if __name__ == "__main__":
    set_all_config(get_config_env(), get_config_secret_keys_env())
    sys.exit(run(Settings(**json.loads(sys.argv[1]))))
