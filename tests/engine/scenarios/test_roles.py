"""The roles of GitHub's workflows do on the real engine what they are for, and are refused what they are not."""

import json

from engine.world import World, assume

POLICY = "aws:iam/rolePolicy:RolePolicy"


def take_away(world: World, role: str, *actions: str) -> None:
    """Take actions out of a role's own policy, as an administrator would by hand."""
    (policy,) = [each for each in world.account.resources(POLICY) if each.urn.endswith(f"::{role}-grants")]
    document = json.loads(policy.inputs["policy"])
    document["Statement"].append({"Effect": "Deny", "Action": list(actions), "Resource": "*"})
    text = {"policy": json.dumps(document)}
    world.account.hold(
        type(policy)(
            type=policy.type,
            id=policy.id,
            urn=policy.urn,
            inputs={**policy.inputs, **text},
            outputs={**policy.outputs, **text},
        )
    )


def test_the_preview_role_reads_all_that_a_preview_with_refresh_asks_and_changes_nothing(standing: World) -> None:
    assume(standing, "delivery-preview")

    standing.preview()
    before = standing.account.operations()
    done = standing.refresh("--expect-no-changes")
    assert done, done.output

    standing.add_tag("CostCenter", "platform")
    refused = standing.up()
    assert not refused
    assert "ai-prism:cluster.admins: must name the role of whoever runs the update" in refused.output
    assert not [each for each in standing.account.operations()[len(before) :] if each.error is None]


def test_the_deployment_role_changes_what_runs(standing: World) -> None:
    assume(standing, "delivery-deploy")
    nodes = standing.settings("nodes")

    standing.add_tag("CostCenter", "platform")
    standing.change_settings("database", instance_class="db.r6g.xlarge")
    standing.change_settings("nodes", api={**nodes["api"], "max": nodes["api"]["max"] + 1})

    standing.up().must()

    groups = standing.account.resources("aws:eks/nodeGroup:NodeGroup")
    assert nodes["api"]["max"] + 1 in [held.inputs["scalingConfig"]["maxSize"] for held in groups]
    assert {held.inputs["tagsAll"]["CostCenter"] for held in groups} == {"platform"}


def test_the_deployment_role_does_not_change_how_long_backups_are_kept_and_an_administrator_goes_on(
    standing: World,
) -> None:
    assume(standing, "delivery-deploy")
    days = standing.settings("database")["backup_days"]
    standing.change_settings("database", backup_days=days + 1)

    refused = standing.up()

    assert not refused
    assert f"{standing.stack}-deploy/GitHubActions is not authorized to perform: rds:" in refused.output
    assume(standing, "")
    standing.up().must()


def test_a_call_that_a_role_lacks_is_refused_with_its_name(standing: World) -> None:
    take_away(standing, "delivery-preview", "budgets:ViewBudget")
    assume(standing, "delivery-preview")

    refused = standing.refresh()

    assert not refused
    assert "is not authorized to perform: budgets:ViewBudget with an explicit deny" in refused.output
