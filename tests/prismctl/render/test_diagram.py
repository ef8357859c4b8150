"""The drawing of the platform: complete, legible, and no more than the graph says."""

import re
from collections.abc import Mapping
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest
from support import recorded

from prismctl.render import diagram
from prismctl.render.platform import Platform
from prismctl.render.svg import TITLE, Box, fit, measure, wrap
from recording.graph import STACK_TYPE, UNKNOWN, Graph, Resource, Secret

SVG = "{http://www.w3.org/2000/svg}"
STACKS = ("dev", "prod")
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"


@pytest.fixture(scope="module", params=[(stack, known) for stack in STACKS for known in (False, True)], ids=str)
def graph(request: pytest.FixtureRequest) -> Graph:
    stack, known = request.param
    return recorded(stack, known=known)


@pytest.fixture(scope="module")
def drawing(graph: Graph) -> ET.Element:
    return ET.fromstring(diagram.render(graph))  # noqa: S314  # our own text


def texts(svg: str | ET.Element) -> list[str]:
    root = ET.fromstring(svg) if isinstance(svg, str) else svg  # noqa: S314
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def parts(svg: str | ET.Element) -> set[str]:
    """Return texts and the spans they consist of."""
    root = ET.fromstring(svg) if isinstance(svg, str) else svg  # noqa: S314
    return {part for text in root.iter(f"{SVG}text") for part in text.itertext()}


def text_boxes(root: ET.Element) -> list[tuple[str, Box]]:
    found = list[tuple[str, Box]]()
    for text in root.iter(f"{SVG}text"):
        sizes = {"title": TITLE, "heading": 22}
        spans = [
            (part.text or "", sizes.get(part.get("class", ""), 11), float(part.get("dx", 0))) for part in text.iter()
        ]
        width = sum(measure(content, size) + gap for content, size, gap in spans)
        tallest = max(size for _, size, _ in spans)
        left = float(text.attrib["x"]) - (width if text.get("text-anchor") == "end" else 0)
        box = Box(left, float(text.attrib["y"]) - tallest * 0.8, width, tallest)
        found.append(("".join(text.itertext()), box))
    return found


def segments(root: ET.Element) -> list[Box]:
    found = list[Box]()
    for path in root.iter(f"{SVG}path"):
        if "arrow" in path.get("class", ""):
            numbers = [float(number) for number in re.findall(r"[\d.]+", path.attrib["d"])]
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            found += [
                Box(min(x1, x2), min(y1, y2), abs(x1 - x2), abs(y1 - y2)) for (x1, y1), (x2, y2) in pairwise(points)
            ]
    return found


def cards(root: ET.Element) -> list[Box]:
    return [
        Box(*(float(card.attrib[key]) for key in ("x", "y", "width", "height")))
        for card in root.iter(f"{SVG}rect")
        if card.get("stroke") == "#cbd5e1" and card.get("fill") == "#ffffff"
    ]


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def resource(type_: str, name: str, inputs: dict[str, object] | None = None, **sources: Resource) -> Resource:
    """Make a resource; `sources` are where properties come from."""
    return Resource(
        urn=f"urn:pulumi:s::p::{type_}::{name}",
        type=type_,
        name=name,
        custom=True,
        property_dependencies={key: (source.urn,) for key, source in sources.items()},
        read_inputs=lambda: inputs or {},
        read_outputs=dict,
    )


def graph_of(*resources: Resource, stack: str = "small") -> Graph:
    root = resource(STACK_TYPE, "root")
    return Graph(project="project", stack=stack, resources=(root, *resources), outputs={}, known=True)


VPC = resource("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"})
PRIVATE = resource(
    "aws:ec2/subnet:Subnet",
    "private",
    {"cidrBlock": "10.0.1.0/24", "availabilityZone": "eu-west-1a", "tags": {"Tier": "private"}},
)


def cluster(inputs: dict[str, object]) -> Resource:
    return resource("aws:eks/cluster:Cluster", "cluster", inputs, vpcConfig=PRIVATE)


def nodes(inputs: dict[str, object]) -> Resource:
    return resource("aws:eks/nodeGroup:NodeGroup", "nodes", inputs)


def test_the_svg_says_what_it_is_to_those_who_cannot_see_it(drawing: ET.Element, graph: Graph) -> None:
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("role") == "img"
    assert graph.stack in (drawing.findtext(f"{SVG}title") or "")
    assert "NAT gateway" in (drawing.findtext(f"{SVG}desc") or "")


def test_the_background_is_painted_white(drawing: ET.Element) -> None:
    background = next(drawing.iter(f"{SVG}rect"))
    assert (background.get("width"), background.get("fill")) == ("100%", "#ffffff")


def test_each_subnet_of_the_graph_is_drawn_with_its_cidr(drawing: ET.Element, graph: Graph) -> None:
    shown = parts(drawing)
    subnets = graph.of_type("aws:ec2/subnet:Subnet")
    assert subnets
    assert {subnet["cidrBlock"] for subnet in subnets} <= shown
    assert {subnet["availabilityZone"] for subnet in subnets} <= shown
    assert graph.of_type("aws:ec2/vpc:Vpc")[0]["cidrBlock"] in shown


@pytest.mark.parametrize(
    ("title", "type_"),
    [("NAT", "aws:ec2/natGateway:NatGateway"), ("EKS control plane", "aws:eks/cluster:Cluster")],
)
def test_there_are_as_many_as_in_the_graph(drawing: ET.Element, graph: Graph, title: str, type_: str) -> None:
    assert texts(drawing).count(title) == len(graph.of_type(type_)) > 0


def test_one_database_instance_writes_and_the_others_read(drawing: ET.Element, graph: Graph) -> None:
    instances = len(graph.of_type("aws:rds/clusterInstance:ClusterInstance"))
    assert texts(drawing).count("Writer") == 1
    assert texts(drawing).count("Reader") == instances - 1


def test_every_cache_node_is_drawn(drawing: ET.Element, graph: Graph) -> None:
    number = graph.of_type(CACHE)[0]["numCacheClusters"]
    assert texts(drawing).count("Primary") + texts(drawing).count("Replica") == number


def test_the_domain_for_logs_and_every_secret_are_drawn_where_the_stack_has_them(
    drawing: ET.Element, graph: Graph
) -> None:
    shown = texts(drawing)
    domains = graph.of_type("aws:opensearch/domain:Domain")
    assert shown.count("Data node") == sum(domain["clusterConfig"]["instanceCount"] for domain in domains)
    secrets = [secret.name.removeprefix("secrets-") for secret in graph.of_type("aws:secretsmanager/secret:Secret")]
    assert secrets
    assert all(any(name in line for line in shown) for name in secrets)


def test_data_stores_say_what_they_are_and_how_they_are_kept(drawing: ET.Element, graph: Graph) -> None:
    database, cache = graph.named("aws:rds/cluster:Cluster", "database"), graph.of_type(CACHE)[0]
    shown = texts(drawing)
    days = f"{database['backupRetentionPeriod']:g}", f"{cache['snapshotRetentionLimit']:g}"
    assert f"Aurora PostgreSQL{database['engineVersion']} · encrypted · backups kept {days[0]} days" in shown
    assert f"Valkey{cache['engineVersion']} · encrypted · backups kept {days[1]} days" in shown


def test_node_groups_show_their_types_and_sizes(drawing: ET.Element, graph: Graph) -> None:
    shown = texts(drawing)
    for group in graph.of_type("aws:eks/nodeGroup:NodeGroup"):
        sizes = group["scalingConfig"]
        assert f"{sizes['minSize']:g} to {sizes['maxSize']:g} nodes" in shown
        assert any(", ".join(group["instanceTypes"]) in text for text in shown)


def test_every_endpoint_is_named(drawing: ET.Element, graph: Graph) -> None:
    shown = " ".join(texts(drawing))
    for endpoint in graph.of_type("aws:ec2/vpcEndpoint:VpcEndpoint"):
        assert endpoint["serviceName"].split(".", 3)[-1] in shown


def test_ports_come_from_listeners_targets_and_rules(drawing: ET.Element) -> None:
    assert {"443", "8080", "5432", "6379"} <= set(texts(drawing))


def test_what_surrounds_the_vpc_is_drawn(drawing: ET.Element) -> None:
    around = {"Users", "Route 53", "Firewall (WAF)", "Internet", "GitHub Actions", "CloudWatch", "SNS"}
    services = {"S3", "ECR", "KMS", "Secrets Manager", "Bedrock"}
    assert around | services <= set(texts(drawing))


def test_no_two_texts_overlap(drawing: ET.Element) -> None:
    boxes = text_boxes(drawing)
    assert [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if overlap(one, other)] == []


def test_nothing_that_is_said_is_cut_off(drawing: ET.Element) -> None:
    assert [text for text in texts(drawing) if text.endswith("…")] == []


def test_no_two_cards_touch(drawing: ET.Element) -> None:
    grown = [Box(card.x - 2, card.y - 2, card.width + 4, card.height + 4) for card in cards(drawing)]
    assert [(one, other) for one, other in combinations(grown, 2) if overlap(one, other)] == []


def test_the_firewall_says_by_what_it_counts_and_what_it_only_counts() -> None:
    def limit(name: str, key: Mapping[str, object], action: str) -> dict[str, object]:
        statement = {"limit": 7, "evaluationWindowSec": 60, **key}
        return {"name": name, "action": {action: {}}, "statement": {"rateBasedStatement": statement}}

    by_network = {"aggregateKeyType": "CUSTOM_KEYS", "customKeys": [{"asn": {}}]}
    rules = [limit("one", {"aggregateKeyType": "IP"}, "block"), limit("two", by_network, "count")]
    acl = resource("aws:wafv2/webAcl:WebAcl", "acl", {"rules": rules})
    association = resource("aws:wafv2/webAclAssociation:WebAclAssociation", "association")
    content = Platform(graph_of(acl, association)).firewall(1000)
    assert content
    assert list(content.lines) == ["2 rules", "7 per address in 60 s", "7 per network in 60 s, counted only"]


def test_no_arrow_crosses_a_text(drawing: ET.Element) -> None:
    lines = segments(drawing)
    assert lines
    assert [text for text, box in text_boxes(drawing) if any(overlap(box, line) for line in lines)] == []


def test_no_arrow_runs_through_a_card(drawing: ET.Element) -> None:
    insides = [Box(card.x + 1, card.y + 1, card.width - 2, card.height - 2) for card in cards(drawing)]
    assert insides
    assert [card for card in insides if any(overlap(card, line) for line in segments(drawing))] == []


def test_arrows_run_straight_or_around_corners(drawing: ET.Element) -> None:
    assert [line for line in segments(drawing) if line.width and line.height] == []


def test_everything_lies_on_the_canvas(drawing: ET.Element) -> None:
    canvas = Box(0, 0, float(drawing.attrib["width"]), float(drawing.attrib["height"]))
    for _, box in text_boxes(drawing):
        assert box.x >= 0
        assert box.right <= canvas.right
        assert box.bottom <= canvas.bottom


def test_the_order_of_registration_changes_nothing(graph: Graph) -> None:
    resources = tuple(reversed(graph.resources))
    turned = Graph(project=graph.project, stack=graph.stack, resources=resources, outputs={}, known=graph.known)
    assert diagram.render(turned) == diagram.render(graph)


def test_what_the_graph_lacks_is_not_drawn() -> None:
    shown = set(texts(diagram.render(graph_of(VPC, PRIVATE))))
    assert "private10.0.1.0/24" in shown
    assert shown.isdisjoint({"NAT", "Users", "Internet", "EKS control plane", "Writer", "S3", "KMS", "Bedrock", "SNS"})


def test_a_program_without_a_network_is_still_a_picture() -> None:
    assert "project: small" in texts(diagram.render(graph_of()))


def test_markup_in_names_is_text() -> None:
    assert "project: <b>&" in texts(diagram.render(graph_of(stack="<b>&")))


def test_a_secret_never_appears_in_the_diagram() -> None:
    hidden = Secret("hunter2")
    vpc = resource("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": hidden})
    bucket_nodes = nodes({"instanceTypes": [hidden], "scalingConfig": {"minSize": hidden, "maxSize": 3}})
    svg = diagram.render(graph_of(vpc, PRIVATE, cluster({"name": hidden, "version": hidden}), bucket_nodes))
    assert "hunter2" not in svg
    assert "Cluster[secret]" in texts(svg)
    assert "[secret] to 3 nodes" in texts(svg)


def test_unknown_values_are_called_so() -> None:
    svg = diagram.render(graph_of(VPC, PRIVATE, cluster({"version": UNKNOWN}), nodes({"scalingConfig": UNKNOWN})))
    assert any(text.startswith("Kubernetes known after") for text in texts(svg))
    assert "nodes" in texts(svg)
    assert "UNKNOWN" not in svg


def test_what_is_not_set_is_not_mentioned() -> None:
    assert "None" not in diagram.render(graph_of(VPC, PRIVATE, cluster({}), nodes({})))


def test_a_service_without_a_resource_is_drawn_where_a_role_may_use_it() -> None:
    def with_policy(effect: str) -> list[str]:
        text = f'{{"Statement": [{{"Effect": "{effect}", "Action": ["bedrock:InvokeModel"], "Resource": "*"}}]}}'
        return texts(diagram.render(graph_of(resource("aws:iam/rolePolicy:RolePolicy", "grants", {"policy": text}))))

    assert "Bedrock" in with_policy("Allow")
    assert "Bedrock" not in with_policy("Deny")


def test_a_subnet_of_no_known_tier_is_drawn_too() -> None:
    subnet = resource("aws:ec2/subnet:Subnet", "odd", {"cidrBlock": "10.0.9.0/24", "availabilityZone": "eu-west-1a"})
    assert "other10.0.9.0/24" in texts(diagram.render(graph_of(VPC, PRIVATE, subnet)))


def test_more_servers_than_zones_share_them() -> None:
    group = resource(
        CACHE,
        "cache",
        {"engine": "valkey", "numCacheClusters": 3, "nodeType": "cache.t4g.small"},
        subnetGroupName=PRIVATE,
    )
    root = ET.fromstring(diagram.render(graph_of(VPC, PRIVATE, group)))  # noqa: S314
    assert texts(root).count("Replica") == 2
    boxes = text_boxes(root)
    assert [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if overlap(one, other)] == []


def test_a_text_that_is_too_wide_is_cut() -> None:
    assert fit("short", 100) == "short"
    assert fit("x" * 100, 100).endswith("…")
    assert measure(fit("x" * 100, 100)) <= 100


def test_lines_break_between_words() -> None:
    assert wrap(["one", "two", "three"], measure("one, two,")) == ["one, two,", "three"]
