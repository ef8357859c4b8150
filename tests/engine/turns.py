"""Whose turn it is: which day's stack and sample, or everything."""

import datetime
import os

DAY = datetime.date.fromisoformat(os.environ.get("E2E_DAY") or datetime.date.today().isoformat())  # noqa: DTZ011
"""Decides what has its turn; the environment can set it, to repeat another day's run."""
FULL = os.environ.get("FULL") == "1"
"""Whether each resource fails in each way; otherwise the stateful ones and a sample of the others do, in one way."""
