"""A fake account, and AWS on it."""

from pathlib import Path

import pytest
from aws_calls import ACCOUNT_ID

from fakes.aws.account import Account
from fakes.aws.service import Aws


@pytest.fixture
def account():
    """An account in which there is nothing yet but a hosted zone, and the roles of services that have been used."""
    account = Account(Path(":memory:"))
    account.set("account_id", ACCOUNT_ID)
    account.set("zones", "example.com")
    account.set("service_roles", "elasticache.amazonaws.com opensearchservice.amazonaws.com rds.amazonaws.com")
    yield account
    account.close()


@pytest.fixture(scope="session")
def found_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the fakes keep what they have found out."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def aws(account: Account, found_out: Path) -> Aws:
    """AWS as one provider of that account sees it."""
    return Aws(account, ACCOUNT_ID, "us-east-1", {"Project": "ai-prism"}, found_out)
