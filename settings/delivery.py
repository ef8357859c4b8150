"""The application, its images, who deploys it, and where third-party charts and images come from."""

import re
import zoneinfo
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from settings.forms import URL_PATH, HttpsUrl
from settings.image_registries import UPSTREAMS
from settings.section import Form, Problem, Section, require, show

_Image = Annotated[
    str,
    Field(max_length=60),
    Form(
        r"[a-z0-9]{1,30}(-[a-z0-9]{1,30})*",
        "words of lower-case letters and digits, 30 at most in each, joined with hyphens",
        "image-resizer",
    ),
]


class Registry(Section):
    """Image repositories of the platform."""

    images: Annotated[tuple[_Image, ...], Field(min_length=1)] = ("api", "web", "worker")

    def rules(self) -> Iterator[Problem]:
        if len(set(self.images)) != len(self.images):
            yield Problem("images", "must name each image once", show(self.images))
        # The repositories of the cache begin with these, behind the stack's name as the application's do.
        taken = sorted({upstream.word for upstream in UPSTREAMS.values()} & set(self.images))
        if taken:
            yield Problem("images", "must not have the names of the third-party image repositories", show(taken))


_NAME = r"[A-Za-z0-9_.-]+"
_REPOSITORY = re.compile(rf"{_NAME}/{_NAME}|{_NAME}@[0-9]+/{_NAME}@[0-9]+")


def _named_as_in_tokens(repository: str) -> str:
    named = _REPOSITORY.fullmatch(repository) is not None
    require(true=named, rule="must be OWNER/REPOSITORY, or OWNER@ID/REPOSITORY@ID where GitHub's tokens carry ids")
    return repository


class Delivery(Section):
    """Who may preview and deploy from GitHub."""

    repository: Annotated[str, AfterValidator(_named_as_in_tokens)]
    """As the subject of GitHub's tokens names it.

    That is `OWNER@ID/REPOSITORY@ID` for repositories made, renamed or transferred since 15 July 2026, and for those
    that opted in (https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/).
    """
    owns_oidc_provider: bool = True
    """An account has one OIDC provider for GitHub: exactly one of the stacks that share an account owns it."""
    state_bucket: Annotated[
        str, Form(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?", 'the name of a bucket, or "" for none', "my-pulumi-state")
    ] = ""
    """Bucket with Pulumi's state, which previews read; empty if the state is elsewhere."""
    state_key_arn: Annotated[
        str,
        Form(
            r"(arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[a-f0-9-]+)?",
            'the ARN of a KMS key, not of an alias, or "" for none',
            "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
    ] = ""
    """KMS key of Pulumi's state and secrets, which the delivery roles may use to decrypt; empty without one."""


class Charts(Section):
    """Where the third-party charts come from, in the versions that `versions.yaml` pins."""

    source: Annotated[
        str,
        Form(
            r"local|oci://[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+",
            "local, or a registry",
            "oci://registry.example.com/charts",
        ),
    ] = "local"
    """`local`: the folder `.charts`, which `make charts` fills, so that updates do not depend on another server.

    `oci://…`: a registry that holds them all, to which Helm is logged in.
    """


_Login = Annotated[
    str,
    Form(
        r"(arn:aws:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+)?",
        'the ARN of a secret whose name begins with ecr-pullthroughcache/, or "" for none',
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/hub-AbCdEf",
        shown=False,
    ),
]
"""Of a secret in this account and region with the keys `username` and `accessToken`
(https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html)."""


class Images(Section):
    """Where nodes pull the images of the third-party charts; the application's own come from ECR in any case."""

    source: Literal["cache", "registries"] = "cache"
    """`cache`: from a pull-through cache in this account's ECR. `registries`: from the publishers' registries, so that
    new nodes depend on all of them."""
    docker_hub_login: _Login = ""
    """Login for ECR's cache of docker.io, which requires one; without it, nodes pull from docker.io directly."""
    ghcr_login: _Login = ""
    """The same for ghcr.io."""

    @property
    def cached(self) -> dict[str, str]:
        """Return the registries whose images ECR takes, each with the ARN of its login or ""."""
        logins = {"docker.io": self.docker_hub_login, "ghcr.io": self.ghcr_login}
        return {
            host: logins.get(host, "")
            for host, upstream in UPSTREAMS.items()
            if self.source == "cache" and (logins[host] if upstream.login else True)
        }

    def rules(self) -> Iterator[Problem]:
        for name in ("docker_hub_login", "ghcr_login"):
            if self.source != "cache" and getattr(self, name):
                yield Problem(name, "requires source cache: nodes pull without a login", show(getattr(self, name)))


class SingleSignOn(Section):
    """How people log in to Argo CD: by OpenID Connect, as members of groups."""

    issuer: HttpsUrl
    client_id: Annotated[str, Form(r"[A-Za-z0-9._-]+", "letters, digits, dots, hyphens and underscores", "argo-cd")]
    """Its secret is kept in Secrets Manager, with Argo CD's other secrets."""
    admins: Annotated[str, Field(min_length=1)]
    """Group whose members may change applications; all others are read-only."""


def _is_a_time_zone(name: str) -> bool:
    """Whether the machine knows a time zone: a look at one file, where a list of all takes a tenth of a second."""
    if name.startswith(("posix/", "right/")) or name == "posixrules":  # copies of the database within itself
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


class Gitops(Section):
    """What Argo CD deploys, and who may change it."""

    repository: HttpsUrl
    """Repository with `charts/ai-prism` and the values of each environment."""
    revision: Annotated[
        str, Form(r"[A-Za-z0-9][A-Za-z0-9._/-]*", "a branch, a tag or a commit without special characters", "v1.2.3")
    ]
    """A branch, or in prod a tag: what runs there changes by a commit to the stack file alone."""
    private: bool = False
    """Whether the repository requires credentials, which are stored in Secrets Manager."""
    url: Annotated[
        str,
        Form(
            rf"https://[a-z0-9.-]+(:[0-9]{{1,5}})?{URL_PATH}",
            "an https:// address without login, query or fragment, its host in lower case",
            "https://argo-cd.example.com",
        ),
    ] = "https://localhost:8443"
    """URL of Argo CD's UI; the default is for kubectl port-forward."""
    time_zone: Annotated[
        str, Form(r"[A-Za-z]+([/_+-][A-Za-z0-9]+)*", "the name of a time zone as IANA has it", "America/New_York")
    ] = "UTC"
    """Time zone of the working hours in which Argo CD syncs by itself in prod, such as `America/New_York`."""
    single_sign_on: SingleSignOn | None = None
    """Required outside dev, where the local administrator is disabled."""

    def rules(self) -> Iterator[Problem]:
        # A machine without a database of time zones knows none.
        if not _is_a_time_zone(self.time_zone) and _is_a_time_zone("UTC"):
            yield Problem("time_zone", "must be an existing time zone, such as America/New_York", self.time_zone)
