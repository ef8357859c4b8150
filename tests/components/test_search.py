"""Where logs are kept and searched: closed to all but two roles, of which one writes."""

import fnmatch
import functools
import ipaddress
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, LOG_GROUPS, build
from support import STACKS, configured, recorded

from components.search import Search, SearchArgs, domain_arn
from components.stack_context import StackContext
from prismctl.project import ROOT
from recording.graph import Graph, Resource
from settings import observability as settings

WITH = [stack for stack in STACKS if configured(stack, "observability").get("search")]
WITHOUT = [stack for stack in STACKS if stack not in WITH]
DOMAIN = "aws:opensearch/domain:Domain"


def domain(stack: str) -> Resource:
    (found,) = recorded(stack, known=True).of_type(DOMAIN)
    return found


def job(stack: str) -> Resource:
    return recorded(stack, known=True).named("kubernetes:batch/v1:Job", "search-access")


def documents(stack: str) -> dict[str, Any]:
    """Return what the job puts into the domain, by the names that it has for it."""
    (container,) = job(stack)["spec"]["template"]["spec"]["containers"]
    return {item["name"]: json.loads(item["value"]) for item in container["env"] if item["value"].startswith("{")}


def granted(graph: Graph, workload: str) -> list[dict[str, Any]]:
    policy = graph.named("aws:iam/rolePolicy:RolePolicy", f"identity-{workload}-grants")["policy"]
    return json.loads(policy)["Statement"]


SECTION = settings.Search(
    instance_type="r6g.large.search", zones=("us-east-1a", "us-east-1b"), nodes=4, volume_gb=100, version="2.19"
)


@functools.cache
def search(
    *,
    environment: str = "staging",
    readers: tuple[str, ...] = (),
    protect: bool = True,
    makes_service_role: bool = True,
) -> Graph:
    args = SearchArgs(
        context=StackContext(CONTEXT.stack, CONTEXT.account_id, CONTEXT.region, environment),
        settings=SECTION,
        vpc_id="vpc-1",
        subnet_ids=["subnet-a", "subnet-b"],
        client_security_group_id="sg-nodes",
        key_arn=KEY_ARN,
        log_groups=LOG_GROUPS,
        writer_role_arn="arn:writer",
        administrator_role_arn="arn:administrator",
        reader_arns=readers,
        makes_service_role=makes_service_role,
        protect=protect,
    )

    def make(opts: pulumi.ResourceOptions) -> None:
        made = Search("search", args, opts)
        pulumi.export("endpoint", made.endpoint)
        pulumi.export("gib_for_logs", made.gib_for_logs)

    return build(make)


def alone(**more: Any) -> Resource:
    (found,) = search(**more).of_type(DOMAIN)
    return found


ARN = f"arn:aws:es:us-east-1:{CONTEXT.account_id}:domain/ai-prism-test"


def test_logs_are_encrypted_wherever_they_are() -> None:
    found = alone()
    assert found["encryptAtRest"] == {"enabled": True, "kmsKeyId": KEY_ARN}
    assert found["nodeToNodeEncryption"] == {"enabled": True}
    assert found["domainEndpointOptions"] == {
        "enforceHttps": True,
        "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10",
    }


def test_nodes_reach_the_domain_on_one_port_and_nothing_else_does() -> None:
    (group,) = search().of_type("aws:ec2/securityGroup:SecurityGroup")
    (rule,) = search().of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert group["vpcId"] == "vpc-1"
    assert (rule["securityGroupId"], rule["referencedSecurityGroupId"]) == (group.id, "sg-nodes")
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 443, 443)
    assert not search().of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert alone()["vpcOptions"] == {"subnetIds": ["subnet-a", "subnet-b"], "securityGroupIds": [group.id]}


def test_the_loss_of_a_zone_leaves_half_of_the_nodes() -> None:
    config = alone()["clusterConfig"]
    assert config["zoneAwarenessEnabled"] is True
    assert config["zoneAwarenessConfig"] == {"availabilityZoneCount": 2}
    assert (config["instanceType"], config["instanceCount"]) == ("r6g.large.search", 4)
    assert config["dedicatedMasterEnabled"] is False


def test_prod_has_three_dedicated_masters() -> None:
    """Three are AWS's advice, and a quorum survives one (managedomains-dedicatedmasternodes)."""
    config = alone(environment="prod")["clusterConfig"]
    assert (config["dedicatedMasterEnabled"], config["dedicatedMasterCount"]) == (True, 3)
    assert config["dedicatedMasterType"] == "m6g.large.search"


def test_what_is_set_in_the_stack_file_is_what_aws_is_asked_for() -> None:
    found = alone()
    assert (found["domainName"], found["engineVersion"]) == ("ai-prism-test", "OpenSearch_2.19")
    assert found["ebsOptions"] == {"ebsEnabled": True, "volumeType": "gp3", "volumeSize": 100}
    assert domain_arn(CONTEXT) == ARN
    assert search().outputs["endpoint"] == found.outputs["endpoint"]


def test_logs_leave_room_on_the_volumes_before_the_alarm_on_storage_fires() -> None:
    """It fires below a quarter of free storage."""
    assert search().outputs["gib_for_logs"] == pytest.approx(4 * 100 * 0.7)


def entering(**more: Any) -> list[tuple[Any, Any, str]]:
    statements = json.loads(alone(**more)["accessPolicies"])["Statement"]
    assert {each["Effect"] for each in statements} == {"Allow"}
    return [(each["Principal"], each["Action"], each["Resource"]) for each in statements]


def test_the_writer_and_the_administrator_get_in_and_nobody_has_a_password() -> None:
    everything = [({"AWS": arn}, "es:ESHttp*", f"{ARN}/*") for arn in ("arn:writer", "arn:administrator")]
    assert entering() == everything
    assert alone()["advancedSecurityOptions"] == {
        "enabled": True,
        "internalUserDatabaseEnabled": False,
        "masterUserOptions": {"masterUserArn": "arn:administrator"},
    }


def test_readers_get_past_the_edge_without_the_call_that_deletes() -> None:
    *_, reading = entering(readers=("arn:one", "arn:two"))
    actions = ["es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut"]
    assert reading == ({"AWS": ["arn:one", "arn:two"]}, actions, f"{ARN}/*")


def test_the_domains_own_logs_go_to_groups_with_the_stacks_key_by_a_policy_that_is_there_first() -> None:
    """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createdomain-configure-slow-logs.html."""
    groups = {group.name: group for group in search().of_type("aws:cloudwatch/logGroup:LogGroup")}
    published = {each["logType"]: each["cloudwatchLogGroupArn"] for each in alone()["logPublishingOptions"]}
    kinds = {
        "ES_APPLICATION_LOGS": "search-application",
        "AUDIT_LOGS": "search-audit",
        "INDEX_SLOW_LOGS": "search-slow-index",
        "SEARCH_SLOW_LOGS": "search-slow-search",
    }
    assert published == {kind: groups[name].outputs["arn"] for kind, name in kinds.items()}
    for group in groups.values():
        assert (group["kmsKeyId"], group["retentionInDays"]) == (LOG_GROUPS.key_arn, LOG_GROUPS.retention_days)
    (policy,) = search().of_type("aws:cloudwatch/logResourcePolicy:LogResourcePolicy")
    assert policy["policyName"] == "ai-prism-test-search"
    (statement,) = json.loads(policy["policyDocument"])["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Allow", {"Service": "es.amazonaws.com"})
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents", "logs:PutLogEventsBatch"]
    assert statement["Resource"] == [f"{group.outputs['arn']}:*" for group in groups.values()]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": CONTEXT.account_id},
        "ArnLike": {"aws:SourceArn": ARN},
    }
    assert policy.urn in alone().dependencies


def test_the_domain_starts_where_its_service_role_is_not_there_yet() -> None:
    """OpenSearch makes none for a domain in a VPC (slr-aos)."""
    (role,) = search().of_type("aws:iam/serviceLinkedRole:ServiceLinkedRole")
    assert role["awsServiceName"] == "opensearchservice.amazonaws.com"
    assert role.urn in alone().dependencies
    assert not search(makes_service_role=False).of_type("aws:iam/serviceLinkedRole:ServiceLinkedRole")


@pytest.mark.parametrize("protect", [True, False])
def test_logs_are_protected_like_other_state(protect: bool) -> None:
    assert alone(protect=protect).protect is protect


def test_aws_patches_and_tunes_the_domain_in_hours_of_little_use() -> None:
    found = alone()
    assert found["autoTuneOptions"] == {"desiredState": "ENABLED", "useOffPeakWindow": True}
    assert found["offPeakWindowOptions"] == {"enabled": True}
    assert found["softwareUpdateOptions"] == {"autoSoftwareUpdateEnabled": True}


def test_an_operation_of_hours_is_not_given_up_half_way() -> None:
    """https://github.com/hashicorp/terraform-provider-aws/issues/33897."""
    assert alone().custom_timeouts == {"create": "120m", "update": "180m", "delete": "90m"}


@pytest.mark.parametrize("stack", WITH)
def test_the_domain_lies_in_isolated_subnets_one_for_each_zone_and_nodes_alone_reach_it(stack: str) -> None:
    graph, found = recorded(stack, known=True), domain(stack)
    tiers = {subnet.id: subnet["tags"]["Tier"] for subnet in graph.of_type("aws:ec2/subnet:Subnet")}
    subnets = found["vpcOptions"]["subnetIds"]
    assert {tiers[subnet] for subnet in subnets} == {"isolated"}
    assert found["clusterConfig"]["zoneAwarenessConfig"]["availabilityZoneCount"] == len(subnets)
    assert found["clusterConfig"]["instanceCount"] % len(subnets) == 0
    (group,) = found["vpcOptions"]["securityGroupIds"]
    rules = [
        rule
        for rule in graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if rule["securityGroupId"] == group
    ]
    nodes = graph.named("aws:ec2/securityGroup:SecurityGroup", "cluster-nodes").id
    assert [(rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) for rule in rules] == [
        (nodes, 443, 443)
    ]


@pytest.mark.parametrize("stack", WITH)
def test_two_roles_get_in_and_nobody_has_a_password(stack: str) -> None:
    graph, found = recorded(stack, known=True), domain(stack)
    roles = {
        role.outputs["arn"]: role.name.removeprefix("identity-")
        for role in graph.of_type("aws:iam/role:Role")
        if role.name.startswith("identity-")
    }
    statements = [
        item for item in json.loads(found["accessPolicies"])["Statement"] if isinstance(item["Principal"]["AWS"], str)
    ]
    assert {roles[statement["Principal"]["AWS"]] for statement in statements} == {"fluent-bit", "search-access"}
    inside = found["advancedSecurityOptions"]
    assert inside["enabled"]
    assert inside["internalUserDatabaseEnabled"] is False
    assert set(inside["masterUserOptions"]) == {"masterUserArn"}
    assert roles[inside["masterUserOptions"]["masterUserArn"]] == "search-access"


@pytest.mark.parametrize("stack", WITH)
def test_whoever_writes_logs_cannot_read_them_and_whoever_decides_cannot_do_either(stack: str) -> None:
    graph = recorded(stack, known=True)
    (writing,) = granted(graph, "fluent-bit")
    assert writing["Action"] == ["es:ESHttpPost"]
    assert [resource.rpartition("/")[2] for resource in writing["Resource"]] == ["_bulk*"]
    (deciding,) = granted(graph, "search-access")
    assert {resource.split("/")[2] for resource in deciding["Resource"]} == {"_index_template", "_plugins"}


@pytest.mark.parametrize("stack", WITH)
def test_the_job_may_ask_for_each_path_that_it_asks_for_and_for_no_other(stack: str) -> None:
    (deciding,) = granted(recorded(stack, known=True), "search-access")
    (container,) = job(stack)["spec"]["template"]["spec"]["containers"]
    paths = re.findall(r"^put \"?([\w/]+)", container["command"][-1], re.MULTILINE)
    granting = [resource.split("/", 2)[2] for resource in deciding["Resource"]]
    assert len(paths) == 7
    for path in paths:
        assert any(fnmatch.fnmatchcase(path, pattern) for pattern in granting), path
    for pattern in granting:
        assert any(fnmatch.fnmatchcase(path, pattern) for path in paths), pattern


def kept_days(states: dict[str, Any], mib: float) -> int:
    """Return for how many days a policy keeps an index of a size, as ISM goes through its states."""
    state = states["keep-0"]
    while True:
        onward = next(
            (step for step in state["transitions"] if mib >= float(step["conditions"].get("min_size", "infmb")[:-2])),
            None,
        )
        if onward is None:
            (end,) = [
                step["conditions"]["min_index_age"] for step in state["transitions"] if step["state_name"] == "delete"
            ]
            return int(end.removesuffix("d"))
        state = states[onward["state_name"]]


@pytest.mark.parametrize("stack", WITH)
def test_the_indices_of_all_days_that_are_kept_leave_room_on_the_nodes(stack: str) -> None:
    """A node takes a thousand shards: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/bp-sharding.html."""
    told = documents(stack)
    states = {state["name"]: state for state in told["RETENTION"]["policy"]["states"]}
    chosen = told["TEMPLATE"]["template"]["settings"]
    shards = chosen["number_of_shards"] * (1 + chosen["number_of_replicas"])
    nodes = domain(stack)["clusterConfig"]["instanceCount"]
    assert kept_days(states, 1) * shards < 1000 * nodes
    # A node that is lost takes no day with it.
    assert 1 <= chosen["number_of_replicas"] < nodes


@pytest.mark.parametrize("stack", WITH)
@pytest.mark.parametrize("gib_a_day", [0.1, 1, 1.4, 1.5, 3, 7, 20, 90])
def test_no_amount_of_logs_fills_the_volumes(stack: str, gib_a_day: float) -> None:
    """A full domain takes no logs, and neither does one that has reached its watermark."""
    told = documents(stack)
    states = {state["name"]: state for state in told["RETENTION"]["policy"]["states"]}
    copies = 1 + told["TEMPLATE"]["template"]["settings"]["number_of_replicas"]
    found = domain(stack)
    volumes = found["clusterConfig"]["instanceCount"] * found["ebsOptions"]["volumeSize"]
    assert gib_a_day * copies * kept_days(states, gib_a_day * 1024) < 0.75 * volumes


@pytest.mark.parametrize("stack", WITH)
def test_logs_of_the_domain_itself_are_written_at_all(stack: str) -> None:
    """To publish them is not enough: audit is off until it is told otherwise, and slow logs have no threshold."""
    told = documents(stack)
    assert told["AUDIT"]["enabled"] is True
    assert "GRANTED_PRIVILEGES" in told["AUDIT"]["audit"]["disabled_rest_categories"]
    settings = told["TEMPLATE"]["template"]["settings"]
    assert {key.split(".")[1] for key in settings if ".slowlog.threshold." in key} == {"search", "indexing"}


@pytest.mark.parametrize("stack", WITH)
def test_the_template_is_for_the_indices_that_go_and_no_line_is_refused_for_what_another_wrote(stack: str) -> None:
    told = documents(stack)
    (rule,) = told["RETENTION"]["policy"]["ism_template"]
    assert told["TEMPLATE"]["index_patterns"] == rule["index_patterns"]
    values = recorded(stack, known=True).named("kubernetes:helm.sh/v3:Release", "fluent-bit")["values"]
    (merged,) = re.findall(r"Merge_Log_Key (\S+)", values["config"]["filters"])
    mappings = told["TEMPLATE"]["template"]["mappings"]
    assert mappings["properties"][merged] == {"type": "flat_object"}
    assert mappings["date_detection"] is False
    assert mappings["properties"]["@timestamp"] == {"type": "date"}


@pytest.mark.parametrize("stack", WITHOUT)
def test_a_stack_without_a_domain_keeps_logs_in_one_group_to_which_alone_the_collector_writes(stack: str) -> None:
    graph = recorded(stack, known=True)
    assert not graph.of_type(DOMAIN)
    group = graph.named("aws:cloudwatch/logGroup:LogGroup", "observability-pods")
    (writing,) = granted(graph, "fluent-bit")
    assert "logs:CreateLogGroup" not in writing["Action"]
    assert writing["Resource"] == [group.outputs["arn"], f"{group.outputs['arn']}:*"]


RUNBOOK = (ROOT / "docs/runbooks/search-the-logs.md").read_text(encoding="utf-8")


@pytest.fixture
def asked(tmp_path: Path) -> tuple[list[str], str]:
    """Return what the runbook's commands give to kubectl: its arguments, and its standard input."""
    function, question, _ = re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\" > arguments\ncat > input\n", encoding="utf-8")
    kubectl.chmod(0o755)
    given = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SEARCH": "search.example.com",
        "REGION": "eu-west-1",
        "IMAGES": recorded("prod", known=True).outputs["imageRegistries"]["quay.io"],
        "AWS_ACCESS_KEY_ID": "id-of-the-session",
        "AWS_SECRET_ACCESS_KEY": "key-of-the-session",
        "AWS_SESSION_TOKEN": "token-of-the-session",
    }
    subprocess.run(["sh", "-euc", function + question], cwd=tmp_path, env=given, check=True)  # noqa: S603, S607
    return (tmp_path / "arguments").read_text().splitlines(), (tmp_path / "input").read_text()


def test_people_ask_from_a_pod_that_the_cluster_lets_through_to_the_domain(asked: tuple[list[str], str]) -> None:
    arguments, _ = asked
    graph = recorded("prod", known=True)
    namespace = arguments[arguments.index("-n") + 1]
    (flows,) = [
        each["spec"]
        for each in graph.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if each["metadata"] == {"name": "needed-flows", "namespace": namespace}
    ]
    subnets = [each for each in graph.of_type("aws:ec2/subnet:Subnet") if each["tags"]["Tier"] == "isolated"]
    open_at_443 = [
        ipaddress.ip_network(peer["ipBlock"]["cidr"])
        for rule in flows["egress"]
        if any(port["port"] == 443 for port in rule["ports"])
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    assert flows["podSelector"] == {}
    for subnet in subnets:
        assert any(ipaddress.ip_network(subnet["cidrBlock"]).subnet_of(network) for network in open_at_443)


def test_people_ask_with_the_image_that_is_there_and_for_what_they_may_read(asked: tuple[list[str], str]) -> None:
    arguments, _ = asked
    (container,) = job("prod")["spec"]["template"]["spec"]["containers"]
    assert f"--image={container['image']}" in arguments
    (url,) = [each for each in arguments if each.startswith("https://search.example.com/")]
    index, _, action = url.removeprefix("https://search.example.com/").partition("/")
    (reader,) = documents("prod")["READER"]["index_permissions"]
    assert (index, action) == ("logs-*", "_search")
    assert index in reader["index_patterns"]
    assert "read" in reader["allowed_actions"]
    assert json.loads(arguments[arguments.index("--data") + 1])["query"]


def test_credentials_of_who_asks_are_in_no_object_and_in_no_list_of_processes(asked: tuple[list[str], str]) -> None:
    arguments, read = asked
    assert "of-the-session" not in "".join(arguments)
    assert 'user = "id-of-the-session:key-of-the-session"' in read
    assert 'header = "x-amz-security-token: token-of-the-session"' in read


@pytest.mark.skipif(not shutil.which("jq"), reason="the runbook's command takes jq")
def test_an_administrator_deletes_an_index_by_a_pod_that_does_what_the_job_does_and_puts_nothing(
    tmp_path: Path,
) -> None:
    *_, function = re.findall(r"^```sh\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    made = job("prod")
    others = {
        "metadata": {"creationTimestamp": "2027"},
        "spec": {"template": {"spec": {"serviceAccountName": "other"}}},
    }
    own = {"metadata": {"creationTimestamp": "2026"}, "spec": made["spec"]}
    (tmp_path / "jobs").write_text(json.dumps({"items": [own, others]}), encoding="utf-8")
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\ncase "$3" in get) cat jobs;; create) cat > pod;; esac\n', encoding="utf-8")
    kubectl.chmod(0o755)
    subprocess.run(  # noqa: S603
        ["sh", "-euc", f"{function}\nas_master DELETE logs-2026.11.01"],  # noqa: S607
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=True,
    )
    pod = json.loads((tmp_path / "pod").read_text())
    (wanted,), (container,) = made["spec"]["template"]["spec"]["containers"], pod["spec"]["containers"]
    script = container["command"][2]
    assert pod["spec"]["serviceAccountName"] == "search-access"
    assert (container["image"], container["securityContext"]) == (wanted["image"], wanted["securityContext"])
    assert "put" not in script
    assert script.splitlines()[-1] == 'ask --fail-with-body --request "$VERB" "https://$HOST/$WHAT"'
    assert {"name": "WHAT", "value": "logs-2026.11.01"} in container["env"]
    subprocess.run(["sh", "-nc", script], check=True)  # noqa: S603, S607
