"""The pack for `pulumi preview --policy-pack policy`: serves as long as the engine wants it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import EnforcementLevel, PolicyPack

from policy.adapter import initial_config, policies

PolicyPack("ai-prism", policies(), enforcement_level=EnforcementLevel.MANDATORY, initial_config=initial_config())
