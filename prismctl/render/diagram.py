"""A drawing of the platform for design documents: zones and tiers of the VPC, what surrounds it, and who talks to whom.

Here everything gets its place; what there is, and what is said of it, comes from `prismctl.render.platform`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from prismctl.render.platform import (
    COMPUTE,
    DATABASE,
    NETWORK,
    TIERS,
    Platform,
    cache_servers,
    count,
    engine,
    search_engine,
    search_servers,
    text,
)
from prismctl.render.svg import Box, Content, Sketch, wrap
from recording.graph import Graph

_MARGIN, _OUTSIDE, _EDGE, _ZONE, _ENDPOINTS, _SERVICES = 24, 150, 240, 250, 176, 220
"""Widths of the margin and of the columns, from left to right."""
_ACCOUNT_X = _MARGIN + _OUTSIDE + 50
_EDGE_X = _ACCOUNT_X + 16
_VPC_X = _EDGE_X + _EDGE + 56
_ZONES_X = _VPC_X + 56
_ZONE_GAP, _ROW_GAP, _HEADER, _GAP = 14, 28, 30, 12
_ACCOUNT_Y, _VPC_Y = 84, 122


def render(graph: Graph) -> str:
    """Return the platform as SVG."""
    return _Drawing(Platform(graph)).draw()


def _between_rows(box: Box) -> float:
    """Return the baseline of a text in the gap above the subnets in which `box` lies."""
    return box.y - _HEADER - _ROW_GAP / 2 + 4


class _Drawing:
    """Places everything, and remembers where, so that arrows are drawn only between things that exist."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._sketch = Sketch()
        self._boxes: dict[str, Box] = {}
        self._services: list[str] = []
        self._zones = {zone: _ZONES_X + (_ZONE + _ZONE_GAP) * n for n, zone in enumerate(platform.zones)}
        self._zones_right = _ZONES_X + (_ZONE + _ZONE_GAP) * len(self._zones) - _ZONE_GAP
        self._bus = 0.0
        """Height at which NAT gateways meet on their way out."""

    def draw(self) -> str:
        self._draw_vpc()
        self._draw_entrance()
        self._draw_delivery()
        self._draw_services()
        self._draw_requests()
        self._draw_ways_out()
        self._draw_data()
        return self._finish()

    def _place(self, name: str, box: Box, content: Content) -> Box:
        self._boxes[name] = box
        self._sketch.card(box, content)
        return box

    # The VPC, from the inside out: a frame lies below what was drawn before it.

    def _draw_vpc(self) -> None:
        vpc = self._platform.first("aws:ec2/vpc:Vpc")
        if not vpc:
            return
        elements = (
            self._draw_balancer,
            self._draw_gateways,
            self._draw_cluster,
            self._draw_database,
            self._draw_cache,
            self._draw_search,
        )
        top = _VPC_Y + 30
        y = top + 26
        for tier in self._platform.tiers:
            row = y
            y += _HEADER
            for draw in elements:
                y = draw(tier, y)
            for (name, zone), subnet in self._platform.subnets.items():
                if name == tier:
                    box = Box(self._zones[zone] + 8, row, _ZONE - 16, y - row)
                    cidr = text(subnet, "cidrBlock")
                    self._sketch.frame(box, tier, fill=TIERS.get(tier, "#f8fafc"), stroke="#cbd5e1", detail=cidr)
            y += _ROW_GAP
        bottom = y - _ROW_GAP + 8 if self._platform.tiers else y
        for zone, x in self._zones.items():
            self._sketch.frame(Box(x, top, _ZONE, bottom - top), zone, fill="none", stroke="#94a3b8", dashed=True)
        endpoints = self._boxes.get("Gateway") or self._boxes.get("Interface")
        right = endpoints.right if endpoints else self._zones_right
        self._boxes["vpc"] = box = Box(_VPC_X, _VPC_Y, right + 16 - _VPC_X, bottom + 14 - _VPC_Y)
        self._sketch.frame(box, "VPC", fill="#ffffff", stroke=NETWORK, detail=text(vpc, "cidrBlock"))

    def _across(self, zones: Sequence[str], y: float, height: float) -> Box:
        """Return a box that reaches over all these zones' subnets."""
        left, right = self._zones[zones[0]] + 16, self._zones[zones[-1]] + _ZONE - 16
        return Box(left, y, right - left, height)

    def _draw_balancer(self, tier: str, y: float) -> float:
        balancer = self._platform.first("aws:lb/loadBalancer:LoadBalancer")
        where, zones = self._platform.place(balancer, "subnets") if balancer else ("", [])
        if not balancer or where != tier:
            return y
        content = self._platform.balancer(balancer)
        return self._place("balancer", self._across(zones, y, content.height + 2), content).bottom + _GAP

    def _draw_gateways(self, tier: str, y: float) -> float:
        bottom = y
        for gateway in self._platform.all("aws:ec2/natGateway:NatGateway"):
            where, zones = self._platform.place(gateway, "subnetId")
            if where == tier:
                self._bus = y + 22
                # As far right as there is room: the way up from the nodes passes the subnet's title.
                box = Box(self._zones[zones[0]] + 150, self._bus + 14, 72, 34)
                bottom = self._place(f"nat {zones[0]}", box, Content("NAT", color=NETWORK)).bottom + _GAP
        return bottom

    def _draw_cluster(self, tier: str, y: float) -> float:
        cluster = self._platform.first("aws:eks/cluster:Cluster")
        where, zones = self._platform.place(cluster, "vpcConfig") if cluster else ("", [])
        if not cluster or where != tier:
            return y
        box = self._across(zones, y, 0)
        cards = [*self._platform.cluster(cluster), *self._platform.apps(box.width - 46)]
        box = Box(box.x, y, box.width, 28 + sum(card.height + 8 for card in cards) + 4)
        box = Box(box.x, y, box.width, max(box.height, self._draw_endpoints(y) - y + 32))
        at = y + 28
        for card in cards:
            self._sketch.card(Box(box.x + 8, at, box.width - 16, card.height), card)
            at += card.height + 8
        name = text(cluster, "name")
        self._sketch.frame(box, "Cluster", fill="#ffffff", stroke=COMPUTE, dashed=True, detail=name)
        self._boxes["cluster"] = box
        return box.bottom + _GAP

    def _draw_endpoints(self, y: float) -> float:
        """Draw the VPC's endpoints beside its zones; returns where they end."""
        for kind, services in self._platform.endpoints.items():
            lines = wrap(services, _ENDPOINTS - 30)
            content = Content(f"{kind} endpoint{'s' if len(services) > 1 else ''}", lines, color=NETWORK)
            box = Box(self._zones_right + 44, y, _ENDPOINTS, content.height)
            y = self._place(kind, box, content).bottom + _GAP
        return y

    def _draw_database(self, tier: str, y: float) -> float:
        cluster = self._platform.first("aws:rds/cluster:Cluster")
        where, zones = self._platform.place(cluster, "dbSubnetGroupName") if cluster else ("", [])
        if not cluster or where != tier:
            return y
        return self._spread_over("database", engine(cluster), self._platform.database_servers(), zones, y)

    def _draw_cache(self, tier: str, y: float) -> float:
        cache = self._platform.first("aws:elasticache/replicationGroup:ReplicationGroup")
        where, zones = self._platform.place(cache, "subnetGroupName") if cache else ("", [])
        if not cache or where != tier:
            return y
        return self._spread_over("cache", engine(cache), cache_servers(cache), zones, y)

    def _draw_search(self, tier: str, y: float) -> float:
        domain = self._platform.first("aws:opensearch/domain:Domain")
        where, zones = self._platform.place(domain, "vpcOptions") if domain else ("", [])
        if not domain or where != tier:
            return y
        return self._spread_over("search", search_engine(domain), search_servers(domain), zones, y)

    def _spread_over(
        self, name: str, titles: tuple[str, str], cards: Sequence[Content], zones: Sequence[str], y: float
    ) -> float:
        """Draw servers, one zone after the other, and a frame with title and detail around them."""
        height = max((card.height for card in cards), default=0) + 8
        for number, card in enumerate(cards):
            row, zone = divmod(number, len(zones))
            self._sketch.card(Box(self._zones[zones[zone]] + 24, y + 28 + height * row, _ZONE - 48, height - 8), card)
        box = self._across(zones, y, 28 + height * -(-len(cards) // len(zones)) + 2)
        title, detail = titles
        self._sketch.frame(box, title, fill="#ffffff", stroke=DATABASE, dashed=True, detail=detail)
        self._boxes[name] = box
        return box.bottom + _GAP

    # What surrounds the VPC.

    def _draw_entrance(self) -> None:
        """Draw what is on the way from and to the internet, level with what it leads to."""
        balancer, network = self._boxes.get("balancer"), self._platform.first("aws:lb/loadBalancer:LoadBalancer")
        if balancer and network:
            self._place("users", Box(_MARGIN, balancer.center - 20, _OUTSIDE, 40), Content("Users"))
            for name in self._platform.names(network):
                content = Content("Route 53", [name], color=NETWORK)
                self._place("dns", Box(_EDGE_X, _VPC_Y, _EDGE, content.height), content)
            if content := self._platform.firewall(_EDGE - 30):
                y = balancer.center - content.height / 2
                if "dns" in self._boxes:
                    y = max(y, self._boxes["dns"].bottom + _GAP)
                self._place("firewall", Box(_EDGE_X, y, _EDGE, content.height), content)
        if self._bus and self._platform.first("aws:ec2/internetGateway:InternetGateway"):
            content, y = Content("Internet gateway", color=NETWORK), self._bus - 16
            if "firewall" in self._boxes:
                y = max(y, self._boxes["firewall"].bottom + _GAP)
            self._place("gateway", Box(_EDGE_X, y, _EDGE, 32), content)
            self._place("internet", Box(_MARGIN, y, _OUTSIDE, 32), Content("Internet"))

    def _draw_delivery(self) -> None:
        """Draw what runs and watches the platform, below the entrance."""
        top = max([self._boxes[name].bottom for name in ("gateway", "firewall") if name in self._boxes], default=_VPC_Y)
        column = Box(_EDGE_X, top + 60, _EDGE, self._bottom - top - 60)
        self._stack(dict(self._platform.delivery(_EDGE - 30)), column)
        if "roles" in self._boxes:
            box = Box(_MARGIN, self._boxes["roles"].center - 20, _OUTSIDE, 40)
            self._place("github", box, Content("GitHub Actions"))

    @property
    def _bottom(self) -> float:
        return self._boxes["vpc"].bottom if "vpc" in self._boxes else _VPC_Y + 480

    def _stack(self, cards: Mapping[str, Content], column: Box) -> None:
        """Place cards below each other over the height of a column."""
        space = column.height - sum(card.height for card in cards.values())
        y = column.y
        for name, card in cards.items():
            y = self._place(name, Box(column.x, y, column.width, card.height), card).bottom
            y += max(_GAP, space / max(1, len(cards) - 1))

    def _draw_services(self) -> None:
        """Draw AWS's services at the right: those with an endpoint first, so that no paths cross."""
        cards = dict(self._platform.services(_SERVICES - 30))
        ways = ("Gateway", "Interface", "NAT", "")
        self._services = sorted(cards, key=lambda name: ways.index(self._platform.way(name)))
        x = self._boxes["vpc"].right + 64 if "vpc" in self._boxes else _VPC_X
        self._stack({name: cards[name] for name in self._services}, Box(x, _VPC_Y, _SERVICES, self._bottom - _VPC_Y))

    # Who talks to whom.

    def _draw_requests(self) -> None:
        """Draw the way of a request to the nodes, and of a deployment to its role."""
        boxes, arrow = self._boxes, self._sketch.arrow
        if "dns" in boxes:
            users, dns = boxes["users"], boxes["dns"]
            arrow((users.middle, users.y), (users.middle, dns.center), (dns.x, dns.center), dashed=True)
        port = self._platform.https_port
        for start, end in pairwise(boxes[name] for name in ("users", "firewall", "balancer") if name in boxes):
            level = boxes["balancer"].center
            arrow((start.right, level), (end.x, level), label=port)
        if "balancer" in boxes and "cluster" in boxes:
            x, end = boxes["balancer"].right - 5, boxes["cluster"]
            arrow((x, boxes["balancer"].bottom), (x, end.y))
            target = self._platform.first("aws:lb/targetGroup:TargetGroup")
            self._sketch.text(x - 6, _between_rows(end), text(target, "port") if target else "", anchor="end")
        if "github" in boxes:
            github, roles = boxes["github"], boxes["roles"]
            arrow((github.right, github.center), (roles.x, github.center), label="OIDC")
        if "watch" in boxes and "topics" in boxes:
            watch, topics = boxes["watch"], boxes["topics"]
            arrow((watch.middle, watch.bottom), (watch.middle, topics.y))

    def _draw_ways_out(self) -> None:
        """Draw what nodes reach through NAT gateways and endpoints."""
        boxes, arrow = self._boxes, self._sketch.arrow
        cluster, gateway = boxes.get("cluster"), boxes.get("gateway")
        for nat in (box for name, box in boxes.items() if name.startswith("nat ")):
            if cluster:
                arrow((nat.middle, cluster.y), (nat.middle, nat.bottom))
            if gateway:
                x = _VPC_X - 28
                way = [(nat.middle, nat.y), (nat.middle, self._bus), (x, self._bus), (x, gateway.center)]
                arrow(*way, (gateway.right, gateway.center))
        if gateway:
            arrow((gateway.x, gateway.center), (boxes["internet"].right, gateway.center))
        if not cluster:
            return
        for kind in ("Gateway", "Interface"):
            if kind in boxes:
                start = boxes[kind]
                arrow((cluster.right, start.center), (start.x, start.center))
        for service in self._services:
            way, end = self._platform.way(service), boxes[service]
            if way:
                y, start = (cluster.bottom - 14, cluster) if way == "NAT" else (boxes[way].center, boxes[way])
                x = boxes["vpc"].right + (40 if way == "Interface" else 22)
                arrow((start.right, y), (x, y), (x, end.center), (end.x, end.center), dashed=way == "NAT")

    def _draw_data(self) -> None:
        """Draw the ways from the nodes to what they keep their data in."""
        cluster, database = self._boxes.get("cluster"), self._boxes.get("database")
        if cluster and database:
            x = database.x + 190
            self._sketch.arrow((x, cluster.bottom), (x, database.y))
            port = self._platform.port("aws:rds/cluster:Cluster", "vpcSecurityGroupIds")
            self._sketch.text(x + 6, _between_rows(database), port)
        ways = (
            ("cache", "aws:elasticache/replicationGroup:ReplicationGroup", "securityGroupIds"),
            ("search", "aws:opensearch/domain:Domain", "vpcOptions"),
        )
        for name, type_, groups in ways:
            box = self._boxes.get(name)
            if cluster and box:
                x, y = _VPC_X + 14, cluster.bottom - 14
                self._sketch.arrow((cluster.x, y), (x, y), (x, box.center), (box.x, box.center))
                self._sketch.text(x + 5, box.center - 5, self._platform.port(type_, groups))

    def _finish(self) -> str:
        """Draw the account's frame, the heading and the legend."""
        graph, draw = self._platform.graph, self._sketch
        right = max(box.right for box in [*self._boxes.values(), Box(_EDGE_X, 0, 520, 0)]) + 16
        bottom = self._bottom + 16
        account, region = self._platform.location
        title = f"AWS account {account}" if account else "AWS account"
        draw.frame(
            Box(_ACCOUNT_X, _ACCOUNT_Y, right - _ACCOUNT_X, bottom - _ACCOUNT_Y),
            title, fill="#fcfcfd", stroke="#94a3b8", detail=region,
        )  # fmt: skip
        heading = f"{graph.project}: {graph.stack}"
        draw.text(_MARGIN, 40, heading, style="heading")
        protected = sum(resource.protect for resource in graph.resources)
        draw.text(_MARGIN, 62, f"{count(len(graph.resources), 'resource') or 'no resources'}, {protected} protected")
        y = bottom + 26
        draw.arrow((_ACCOUNT_X, y), (_ACCOUNT_X + 40, y))
        draw.text(_ACCOUNT_X + 50, y + 4, "request, with its port")
        draw.arrow((_ACCOUNT_X + 220, y), (_ACCOUNT_X + 260, y), dashed=True)
        draw.text(_ACCOUNT_X + 270, y + 4, "name lookup, or request through NAT to a public address of AWS")
        draw.text(_ACCOUNT_X, y + 24, "AWS chooses in which of its zones each server of a database or cache runs.")
        return draw.document(right + _MARGIN, y + 44, heading, self._describe())

    def _describe(self) -> str:
        """Return in words what the drawing shows."""
        platform = self._platform
        zones, tiers = ", ".join(platform.zones), ", ".join(platform.tiers)
        nodes = len(platform.all("aws:eks/nodeGroup:NodeGroup"))
        return f"{platform.graph.project} {platform.graph.stack}: " + "; ".join(
            part
            for part in (
                f"{tiers} subnets in {zones}" if zones else "",
                count(sum(name.startswith("nat ") for name in self._boxes), "NAT gateway"),
                count(nodes, "node group"),
                count(len(platform.all("aws:rds/clusterInstance:ClusterInstance")), "database instance"),
            )
            if part
        )
