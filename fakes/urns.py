"""What a URN says of its resource."""


def type_of(urn: str) -> str:
    """Return the type token, such as `aws:ec2/vpc:Vpc`."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """Return the logical name."""
    return urn.rpartition("::")[2]
