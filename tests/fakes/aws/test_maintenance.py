"""What waits for the maintenance window, what AWS refuses of a new version, and what it brings by itself."""

import pytest
from aws_calls import make, update

from fakes.aws.faults import Refusal
from fakes.aws.maintenance import CACHE, CLUSTER, INSTANCE, time_passes

PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
CLUSTER_PARAMETERS = "aws:rds/clusterParameterGroup:ClusterParameterGroup"


def version(account, type_=CLUSTER):
    (held,) = account.resources(type_)
    return held.outputs["engineVersionActual"]


def family(aws, account, number):
    """Make both parameter groups of a family."""
    for type_ in (PARAMETERS, CLUSTER_PARAMETERS):
        make(aws, account, type_, f"of-{number}", name=f"of-{number}", family=f"aurora-postgresql{number}")


class TestDeferred:
    def test_a_larger_class_is_read_as_the_old_one_until_the_window(self, aws, account):
        cluster, _ = make(aws, account, CLUSTER, engineVersion="17.10")
        id_, _ = make(aws, account, INSTANCE, clusterIdentifier=cluster, instanceClass="small")

        answered = update(aws, account, INSTANCE, id_, clusterIdentifier=cluster, instanceClass="large")

        assert answered["instanceClass"] == aws.read(INSTANCE, id_).inputs["instanceClass"] == "small"
        time_passes(account)
        assert aws.read(INSTANCE, id_).inputs["instanceClass"] == "large"

    def test_a_change_that_is_taken_back_is_made_all_the_same(self, aws, account):
        id_, _ = make(aws, account, CACHE, engineVersion="8.1", nodeType="small")
        update(aws, account, CACHE, id_, engineVersion="8.1", nodeType="large")

        time_passes(account)

        assert aws.read(CACHE, id_).outputs["nodeType"] == "large"

    def test_at_once_takes_what_was_pending_along(self, aws, account):
        id_, _ = make(aws, account, CACHE, engineVersion="8.1", nodeType="small")
        update(aws, account, CACHE, id_, engineVersion="8.2", nodeType="small")
        assert version(account, CACHE) == "8.1"

        update(aws, account, CACHE, id_, engineVersion="8.2", nodeType="small", applyImmediately=True)

        assert version(account, CACHE) == "8.2"
        assert account.find(CACHE, id_).pending == {}

    def test_a_pending_version_of_aurora_is_shown_as_if_it_ran(self, aws, account):
        id_, _ = make(aws, account, CLUSTER, engineVersion="17.10")
        answered = update(aws, account, CLUSTER, id_, engineVersion="17.11")

        assert (answered["engineVersion"], version(account)) == ("17.11", "17.10")
        time_passes(account)
        assert version(account) == "17.11"


class TestMinorVersions:
    def test_aws_brings_them_where_all_instances_have_opted_in(self, aws, account):
        cluster, _ = make(aws, account, CLUSTER, engineVersion="17.10")
        make(aws, account, INSTANCE, "one", clusterIdentifier=cluster, autoMinorVersionUpgrade=True)
        time_passes(account)
        assert version(account) == "17.11"

        make(aws, account, INSTANCE, "two", clusterIdentifier=cluster, autoMinorVersionUpgrade=False)
        time_passes(account)
        assert version(account) == "17.11"

    @pytest.mark.parametrize(("opted", "after"), [(True, "8.2"), (False, "8.1")])
    def test_a_cache_gets_them_where_it_has_opted_in(self, aws, account, opted, after):
        make(aws, account, CACHE, engineVersion="8.1", autoMinorVersionUpgrade=opted)
        time_passes(account)
        assert version(account, CACHE) == after


class TestVersions:
    def test_aurora_never_goes_back(self, aws, account):
        id_, _ = make(aws, account, CLUSTER, engineVersion="17.11")
        with pytest.raises(Refusal, match=r"Cannot upgrade aurora-postgresql from 17\.11 to 17\.9"):
            update(aws, account, CLUSTER, id_, engineVersion="17.9")

    def test_a_new_major_version_has_to_be_allowed(self, aws, account):
        id_, _ = make(aws, account, CLUSTER, engineVersion="17.11")
        with pytest.raises(Refusal, match="The AllowMajorVersionUpgrade flag must be present"):
            update(aws, account, CLUSTER, id_, engineVersion="18.6")

    def test_with_a_new_major_version_come_parameter_groups_of_its_family(self, aws, account):
        family(aws, account, 17)
        family(aws, account, 18)
        cluster, _ = make(aws, account, CLUSTER, engineVersion="17.11", dbClusterParameterGroupName="of-17")
        make(aws, account, INSTANCE, clusterIdentifier=cluster, dbParameterGroupName="of-17")
        wanted = {"engineVersion": "18.6", "allowMajorVersionUpgrade": True, "applyImmediately": True}

        with pytest.raises(Refusal, match="The current DB instance parameter group of-17 is custom"):
            update(aws, account, CLUSTER, cluster, dbClusterParameterGroupName="of-18", **wanted)
        wanted["dbInstanceParameterGroupName"] = "of-18"
        with pytest.raises(Refusal, match="of-17 with DBParameterGroupFamily aurora-postgresql17 cannot be used"):
            update(aws, account, CLUSTER, cluster, dbClusterParameterGroupName="of-17", **wanted)
        update(aws, account, CLUSTER, cluster, dbClusterParameterGroupName="of-18", **wanted)

        (instance,) = account.resources(INSTANCE)
        assert (version(account), instance.inputs["dbParameterGroupName"]) == ("18.6", "of-18")

    def test_an_instance_takes_no_group_of_another_family_than_its_cluster_runs(self, aws, account):
        family(aws, account, 17)
        family(aws, account, 18)
        cluster, _ = make(aws, account, CLUSTER, engineVersion="17.11")
        with pytest.raises(
            Refusal, match="Please use a Parameter Group with DBParameterGroupFamily aurora-postgresql17"
        ):
            make(aws, account, INSTANCE, clusterIdentifier=cluster, dbParameterGroupName="of-18")

    def test_a_new_major_version_of_the_cache_takes_its_own_parameter_group(self, aws, account):
        id_, _ = make(aws, account, CACHE, engineVersion="8.2")
        with pytest.raises(
            Refusal, match="Expected a parameter group of family valkey9 but found one of family valkey8"
        ):
            update(aws, account, CACHE, id_, engineVersion="9.0")
        update(aws, account, CACHE, id_, engineVersion="9.0", parameterGroupName="default.valkey9")
