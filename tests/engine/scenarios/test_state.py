"""What the state holds, and what it must not."""

import base64
import hashlib
import json

from engine.secret_scan import found_in
from engine.world import World

from recording.graph import STACK_TYPE


def test_a_secret_that_a_program_puts_into_its_state_is_found(standing: World):
    standing.change_program(
        "__main__.py",
        'pulumi.export("clusterName", cluster.name)',
        "import pulumi_aws\n"
        'pulumi.export("password", pulumi.Output.unsecret(pulumi_aws.secretsmanager.get_secret_version_output('
        "secret_id=database.secret_arn, opts=pulumi.InvokeOutputOptions(provider=on_aws.providers[0])).secret_string))",
    )
    standing.up().must()

    found = found_in(standing)

    assert [each for each in found if each.endswith("outputs.password")]


def test_a_secret_that_nobody_knows_is_found_by_its_looks(standing: World):
    digest = hashlib.sha256(standing.stack.encode())
    tags = {"Hexadecimal": digest.hexdigest()[:32], "Token": base64.urlsafe_b64encode(digest.digest()[:24]).decode()}
    standing.change_program("components/network.py", '=self._named("vpc")', f'={{**self._named("vpc"), **{tags}}}')
    standing.up().must()

    places = {each.partition(": ")[2] for each in found_in(standing)}

    assert places == {
        f"{part}.{name}.{tag}" for part in ("inputs", "outputs") for name in ("tags", "tagsAll") for tag in tags
    }


def test_what_is_secret_is_encrypted_with_the_stacks_own_key(standing: World):
    exported = standing.run("stack", "export", "--stack", standing.stack).must().out
    provider = json.loads(exported)["deployment"]["secrets_providers"]
    shown = json.loads(standing.run("stack", "output", "--stack", standing.stack, "--json").must().out)

    assert provider["type"] == "passphrase"
    assert shown["kubeconfig"] == "[secret]"
    assert '"ciphertext"' in exported
    assert "certificate-authority-data" not in json.dumps(
        [each["outputs"] for each in json.loads(exported)["deployment"]["resources"] if each["type"] == STACK_TYPE]
    )
