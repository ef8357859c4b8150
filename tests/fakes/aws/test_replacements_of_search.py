"""What a change does to a search domain, a replacement of which would lose all that it holds."""

from fakes.aws.replacements import replaced_by

SEARCH = "aws:opensearch/domain:Domain"


def test_a_search_domain_is_replaced_by_an_older_version_and_not_by_a_newer_one():
    old = {"engineVersion": "OpenSearch_3.5"}

    assert replaced_by(SEARCH, old, {"engineVersion": "OpenSearch_3.6"}) == []
    assert replaced_by(SEARCH, old, {"engineVersion": "OpenSearch_2.19"}) == ["engineVersion"]


def test_what_protects_a_search_domain_can_be_switched_on_and_never_off():
    on, off = ({"advancedSecurityOptions": {"enabled": enabled}} for enabled in (True, False))

    assert replaced_by(SEARCH, off, on) == []
    assert replaced_by(SEARCH, on, off) == ["advancedSecurityOptions.enabled"]


def test_a_search_domain_takes_other_subnets_and_neither_leaves_its_vpc_nor_takes_another_key():
    old = {"vpcOptions": {"subnetIds": ["subnet-1"]}, "encryptAtRest": {"enabled": True, "kmsKeyId": "arn:1"}}
    key = {"encryptAtRest": {"enabled": True, "kmsKeyId": "arn:2"}}

    assert replaced_by(SEARCH, old, {**old, "vpcOptions": {"subnetIds": ["subnet-2"]}}) == []
    assert replaced_by(SEARCH, old, key) == ["encryptAtRest.kmsKeyId", "vpcOptions"]


def test_a_search_domain_with_both_kinds_of_addresses_keeps_them():
    assert replaced_by(SEARCH, {"ipAddressType": "ipv4"}, {"ipAddressType": "dualstack"}) == []
    assert replaced_by(SEARCH, {"ipAddressType": "dualstack"}, {"ipAddressType": "ipv4"}) == ["ipAddressType"]
