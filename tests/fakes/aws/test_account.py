"""The fake account: what it keeps, what it forgets, and that nobody who uses it at the same time disturbs it."""

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fakes.aws.account import Account
from fakes.aws.faults import Fault
from fakes.aws.held import Held

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
ADD_ONE = """
import sys
from pathlib import Path
from fakes.aws.account import Account
account = Account(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with account.exclusively():
        account.set("count", str(int(account.get("count", "0")) + 1))
"""
DIE_WITHIN = """
import os, signal, sys
from pathlib import Path
from fakes.aws.account import Account
from fakes.aws.held import Held
account = Account(Path(sys.argv[1]))
account.begin("urn:a", "aws:ec2/vpc:Vpc", "create")
with account.exclusively():
    account.hold(Held(type="aws:ec2/vpc:Vpc", id="vpc-1", urn="urn:a"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "account.sqlite"


@pytest.fixture
def account(file: Path):
    account = Account(file)
    yield account
    account.close()


def vpc(id_: str = "vpc-1", **fields) -> Held:
    return Held(type=VPC, id=id_, urn=f"urn:{id_}", **fields)


def start(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    path = ":".join(str(Path(__file__).parents[up]) for up in (2, 3))
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], env={"PYTHONPATH": path})  # noqa: S603


def test_what_one_process_holds_another_finds(account, file):
    kept = vpc(inputs={"tags": {"a": "é"}, "n": [1, True]}, outputs={"arn": "a"}, contents=("x", "y"), complete=False)
    account.hold(kept)
    account.set("zones", "example.com")
    account.keep_secret("arn", "hunter2")

    other = Account(file)

    assert other.find(VPC, "vpc-1") == kept
    assert other.get("zones") == "example.com"
    assert other.secrets() == {"arn": "hunter2"}
    other.close()


def test_what_is_not_there_is_not_found(account):
    account.hold(vpc())

    assert account.find(VPC, "vpc-2") is None
    assert account.find(SUBNET, "vpc-1") is None
    assert account.get("zones", "none") == "none"


def test_resources_are_those_of_the_types_asked_for_oldest_first(account):
    subnet = Held(type=SUBNET, id="subnet-1", urn="urn:s")
    account.hold(vpc("vpc-2"), subnet, vpc("vpc-1"))

    account.drop(VPC, "subnet-1")
    assert account.resources() == [vpc("vpc-2"), subnet, vpc("vpc-1")]
    assert account.resources(VPC) == [vpc("vpc-2"), vpc("vpc-1")]
    assert account.resources(VPC, SUBNET) == account.resources()
    assert account.resources("aws:kms/key:Key") == []

    account.hold(vpc("vpc-2", complete=False))
    account.drop(VPC, "vpc-1")
    assert account.resources(VPC) == [vpc("vpc-2", complete=False)]


def test_of_a_state_the_resources_of_aws_are_adopted_and_no_others(account):
    fields = {"id": "i", "urn": "u", "inputs": {"a": 1}, "outputs": {"arn": "b"}}
    account.adopt(
        {"resources": [{"type": type_, **fields} for type_ in ("pulumi:providers:aws", VPC, "kubernetes:core/v1:Pod")]}
    )

    assert account.resources() == [Held(type=VPC, **fields)]


def test_an_account_takes_over_everything_of_another(account):
    account.hold(vpc("of nobody"))
    origin = Account(Path(":memory:"))
    origin.hold(vpc())
    origin.set("account_id", "1")
    origin.fail_once([Fault("urn:a", "create", "throttled")])
    origin.end(origin.begin("urn:a", VPC, "create"))

    account.take_over(origin)
    origin.drop(VPC, "vpc-1")

    assert account.resources() == [vpc()]
    assert account.get("account_id") == "1"
    assert account.faults_left() == [Fault("urn:a", "create", "throttled")]
    assert [each.urn for each in account.operations()] == ["urn:a"]
    origin.close()


def test_a_fault_strikes_the_next_such_operation_once(account):
    account.fail_once([Fault("urn:a", "create", "throttled"), Fault("urn:a", "delete", "timed out")])

    assert account.take_fault("urn:b", "create") is None
    assert account.take_fault("urn:a", "update") is None
    assert account.take_fault("urn:a", "create") == "throttled"
    assert account.take_fault("urn:a", "create") is None
    assert account.faults_left() == [Fault("urn:a", "delete", "timed out")]


def test_an_operation_is_under_way_until_it_ends_and_tells_how_it_ended(account):
    first, second = account.begin("urn:a", VPC, "create"), account.begin("urn:b", SUBNET, "delete")
    account.end(second, "refused")

    found = account.operations()

    assert [(each.serial, each.urn, each.type, each.verb) for each in found] == [
        (first, "urn:a", VPC, "create"),
        (second, "urn:b", SUBNET, "delete"),
    ]
    assert [(each.ended is None, each.error) for each in found] == [(True, None), (False, "refused")]
    assert found[1].started <= found[1].ended


def test_reads_are_told_only_to_those_who_ask_for_them(account):
    for verb in ("read", "create", "update"):
        account.begin("urn:a", VPC, verb)

    assert [each.verb for each in account.operations()] == ["create", "update"]
    assert [each.verb for each in account.operations("read", "update")] == ["read", "update"]


def test_what_is_done_exclusively_is_done_wholly_or_not_at_all(account):
    def stop_halfway() -> None:
        with account.exclusively():
            account.hold(vpc())
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        stop_halfway()
    assert account.resources() == []

    with account.exclusively():
        account.hold(vpc())
    assert account.resources() == [vpc()]


def test_threads_and_processes_that_use_the_account_at_once_lose_nothing(account, file):
    others = [start(ADD_ONE, file, 100) for _ in range(2)]

    def work(thread: int) -> None:
        for number in range(25):
            with account.exclusively():
                account.set("count", str(int(account.get("count", "0")) + 1))
            account.hold(vpc(f"vpc-{thread}-{number}"))
            account.end(account.begin(f"urn:{thread}", VPC, "create"), None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [other.wait(30) for other in others] == [0, 0]
    assert account.get("count") == str(2 * 100 + 4 * 25)
    assert len(account.resources(VPC)) == 4 * 25
    assert len({each.serial for each in account.operations() if each.ended}) == 4 * 25


def test_an_account_that_somebody_else_is_just_making_is_waited_for(file):
    maker = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.1, maker.execute, ("COMMIT",))
    done.start()

    try:
        Account(file).close()
    finally:
        done.join()
        maker.close()


def test_who_looks_exclusively_is_waited_for_by_those_who_would_change_what_is_looked_at(account, file):
    other = Account(file)
    writer = threading.Thread(target=other.set, args=("word", "the other's"))
    with account.exclusively():
        assert account.get("word") == ""
        writer.start()
        writer.join(0.1)
        assert writer.is_alive()
        account.set("word", "mine")
    writer.join(30)

    assert account.get("word") == "the other's"
    other.close()


def test_one_fault_strikes_only_one_of_many_who_ask_at_once(account, file):
    account.fail_once([Fault("urn:a", "create", "throttled")])
    accounts, struck, together = [account, Account(file)], [], threading.Barrier(6)

    def ask(number: int) -> None:
        together.wait(10)
        struck.append(accounts[number % 2].take_fault("urn:a", "create"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(struck, key=repr) == ["throttled", *[None] * 5]
    accounts[1].close()


def test_a_process_that_is_killed_leaves_its_operation_under_way_nothing_half_done_and_no_lock(account, file):
    assert start(DIE_WITHIN, file).wait(30) == -signal.SIGKILL

    assert [(each.urn, each.ended) for each in account.operations()] == [("urn:a", None)]
    assert account.resources() == []
    with account.exclusively():
        account.hold(vpc())
    assert account.resources() == [vpc()]
