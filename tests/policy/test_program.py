"""The platform itself, by its own rules."""

import pytest
from support import STACKS, recorded

from policy.findings import Finding, Result
from prismctl.preview import preview
from prismctl.project import ROOT, Project
from prismctl.stack_policies import check, judge_whole, own_judge


def said(findings: list[Finding]) -> list[str]:
    return [f"{finding.rule.id} {finding.resource.urn} {finding.path}: {finding.message}" for finding in findings]


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_has_a_mandatory_finding(stack: str, known: bool) -> None:
    report = check(recorded(stack, known=known), Project(ROOT).config(stack))
    assert said([finding for finding in report.findings if finding.stops]) == []


def test_strict_rules_can_tell_everything_about_prod() -> None:
    report = check(recorded("prod", known=False))
    unsure = [finding for finding in report.findings if finding.result is Result.UNDETERMINED and finding.rule.strict]
    assert said(unsure) == []


NO_RULE = {
    "aws:acm/certificateValidation:CertificateValidation": "waits for a certificate, and has no properties of its own",
    "aws:cloudwatch/dashboard:Dashboard": "shows numbers",
    "aws:cloudwatch/eventRule:EventRule": "chooses events of AWS; the bus and the topic that it writes to have rules",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "watches; tests of the component hold which alarms exist",
    "aws:ec2/eip:Eip": "the address of a NAT gateway, which has a rule",
    "aws:ec2/internetGateway:InternetGateway": "the routes to it have rules",
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": "its repositories come from a template with rules",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "the role that it hands out has rules",
    "aws:elasticache/subnetGroup:SubnetGroup": "a list of subnets",
    "aws:elasticache/userGroup:UserGroup": "a list of users, which have rules",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "the roles that trust it have rules",
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": "AWS alone decides what it may do",
    "aws:lb/targetGroup:TargetGroup": "behind a load balancer inside of the VPC; its listeners have rules",
    "aws:rds/parameterGroup:ParameterGroup": "that of the cluster decides on encryption and logs, and has rules",
    "aws:rds/subnetGroup:SubnetGroup": "a list of subnets",
    "aws:route53/record:Record": "a name, which is public",
    "kubernetes:core/v1:LimitRange": "only narrows what pods may ask for",
    "kubernetes:core/v1:PersistentVolumeClaim": "the class of its volumes decides on encryption",
    "kubernetes:core/v1:ResourceQuota": "only narrows what a namespace may use",
    "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding": "registers pods with a load balancer that has rules",
    "kubernetes:monitoring.coreos.com/v1:PodMonitor": "says what is measured",
    "kubernetes:monitoring.coreos.com/v1:ServiceMonitor": "says what is measured",
    "kubernetes:storage.k8s.io/v1:StorageClass": "made by the program with encryption; tests of the component hold it",
    "kubernetes:telemetry.istio.io/v1:Telemetry": "says what the mesh writes into its log",
}
"""Types in our own stacks that no rule is about, and why not."""


@pytest.mark.parametrize("stack", STACKS)
def test_what_no_rule_is_about_has_a_reason(stack: str) -> None:
    report = check(recorded(stack, known=True), Project(ROOT).config(stack))
    assert set(report.unseen) - NO_RULE.keys() == set()


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_undetermined_once_computed_values_are_known(stack: str) -> None:
    report = check(recorded(stack, known=True), Project(ROOT).config(stack))
    assert said([finding for finding in report.findings if finding.result is Result.UNDETERMINED]) == []


def test_a_preview_leaves_nothing_open_that_is_known_after_an_update() -> None:
    project = Project(ROOT)
    first = preview(project, "dev", known=False)
    judged = judge_whole(project, first, own_judge(), known=False)
    assert said([finding for finding in judged.report.findings if finding.result is Result.UNDETERMINED]) == []
    assert "0 undetermined" in judged.text(None)
