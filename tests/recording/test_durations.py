"""How long operations take."""

import pytest
from support import STACKS, recorded

from recording.durations import CREATE, duration

WORTH_A_SOURCE = 100
"""Seconds from which a figure is not to be guessed."""
GUESSED = {"aws:elasticache/replicationGroup:ReplicationGroup", "aws:opensearch/domain:Domain"}
"""Types of which, or of a long variant of which, no log says enough."""


def test_a_reader_is_ready_long_after_the_writer_that_it_waits_for():
    writer = duration("aws:rds/clusterInstance:ClusterInstance", "create", {"promotionTier": 0})
    reader = duration("aws:rds/clusterInstance:ClusterInstance", "create", {"promotionTier": 1})

    assert reader.seconds > 1.5 * writer.seconds


def test_a_group_without_nodes_is_there_sooner():
    full = duration("aws:eks/nodeGroup:NodeGroup", "create", {"scalingConfig": {"desiredSize": 2}})
    empty = duration("aws:eks/nodeGroup:NodeGroup", "create", {"scalingConfig": {"desiredSize": 0}})

    assert empty.seconds < full.seconds


def test_a_cache_of_several_nodes_takes_longer_than_one():
    several = duration("aws:elasticache/replicationGroup:ReplicationGroup", "create", {"numCacheClusters": 3})
    one = duration("aws:elasticache/replicationGroup:ReplicationGroup", "create", {"numCacheClusters": 1})

    assert several.seconds > one.seconds


def test_what_is_not_in_the_table_is_an_estimate_of_a_call():
    unknown = duration("aws:sqs/queue:Queue", "create", {})

    assert unknown.estimate
    assert 0 < unknown.seconds <= 2


def test_the_engines_own_resources_take_no_time():
    assert duration("pulumi:providers:aws", "create", {}).seconds == 0


def test_every_type_has_a_row_for_whatever_inputs_and_every_source_is_an_address():
    for type_, rows in CREATE.items():
        assert all(row.seconds > 0 for row in rows), type_
        assert all(source.startswith("https://") for row in rows for source in row.sources), type_
        assert rows[-1].when({}), f"{type_} has no row for whatever else"


@pytest.mark.parametrize("stack", STACKS)
def test_no_long_operation_of_a_first_update_is_a_mere_guess(stack: str):
    guessed = {
        resource.type
        for resource in recorded(stack, known=True).resources
        if resource.custom
        for found in [duration(resource.type, "create", resource.inputs)]
        if found.estimate and found.seconds > WORTH_A_SOURCE
    }

    assert guessed <= GUESSED
