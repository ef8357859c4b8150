"""The project's files, read as the engine reads them."""

import json

import pytest

from prismctl.errors import UsageError
from prismctl.project import ROOT, Project, read_yaml


@pytest.fixture
def project(tmp_path):
    """Return a project with nothing but its definition."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
    return Project(tmp_path)


def write(project, stack, text):
    (project.root / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")


def refusal(project, stack="dev"):
    with pytest.raises(UsageError) as error:
        project.config(stack)
    return str(error.value)


def test_stacks_go_from_the_cheapest_to_lose_to_the_dearest_and_then_by_name(project):
    for stack in ("prod", "sandbox", "dev", "staging", "demo", "integration"):
        write(project, stack, "config: {}\n")
    assert project.stacks() == ("dev", "integration", "staging", "prod", "demo", "sandbox")


def test_only_stacks_with_a_file_are_listed(project):
    write(project, "prod", "config: {}\n")
    assert project.stacks() == ("prod",)


def test_a_stack_is_chosen_by_name_and_all_of_them_by_all():
    assert Project(ROOT).choose("staging") == ("staging",)
    assert Project(ROOT).choose("all") == Project(ROOT).stacks()


def test_a_misspelt_stack_is_answered_with_the_one_it_resembles(project):
    for stack in ("dev", "prod"):
        write(project, stack, "config: {}\n")
    with pytest.raises(UsageError) as error:
        project.choose("prd")
    assert str(error.value) == "no stack called 'prd'; did you mean \"prod\"?\npossible are dev, prod, or all"


def test_a_stack_that_resembles_none_is_answered_with_all_of_them(project):
    for stack in ("dev", "prod"):
        write(project, stack, "config: {}\n")
    with pytest.raises(UsageError) as error:
        project.choose("zzz")
    assert str(error.value) == "no stack called 'zzz'\npossible are dev, prod, or all"


def test_keys_without_a_package_are_the_projects_own(project):
    write(project, "dev", "config:\n  size: small\n  shop:zone: a\n  aws:region: us-east-1\n")
    assert project.config("dev") == {"shop:size": "small", "shop:zone": "a", "aws:region": "us-east-1"}


def test_texts_stay_as_they_are_and_everything_else_becomes_json(project):
    write(project, "dev", 'config:\n  a: "1.30"\n  b: 3\n  c: true\n  d: [x, 1]\n  e: {f: {g: no text}}\n')
    config = project.config("dev")
    assert config["shop:a"] == "1.30"
    assert config["shop:c"] == "true"
    assert [json.loads(config[f"shop:{key}"]) for key in "bde"] == [3, ["x", 1], {"f": {"g": "no text"}}]


def test_defaults_of_the_project_hold_where_a_stack_says_nothing(project):
    (project.root / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nconfig:\n  size: {type: string, default: small}\n  zone: {type: string}\n"
        "  aws:region: {value: us-east-1}\n  shop:colour: red\n",
        encoding="utf-8",
    )
    write(project, "dev", "config: {}\n")
    write(project, "prod", "config: {size: large}\n")
    assert project.config("dev") == {"shop:size": "small", "aws:region": "us-east-1", "shop:colour": "red"}
    assert project.config("prod")["shop:size"] == "large"


@pytest.mark.parametrize("text", ["config:\n", "config: {}\n"])
def test_a_stack_may_configure_nothing(project, text):
    write(project, "dev", text)
    assert project.config("dev") == {}
    assert project.secret_keys("dev") == frozenset()


@pytest.mark.parametrize("stack", ["dev", "integration", "staging", "prod"])
def test_the_stacks_of_this_repository_can_be_read_and_hold_no_secrets(stack):
    project = Project(ROOT)
    assert project.name == "ai-prism"
    assert json.loads(project.config(stack)["ai-prism:environment"])["kind"] == stack
    assert project.secret_keys(stack) == frozenset()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config:\n  a: [1, 2\n  b: 3\n", "Pulumi.dev.yaml:3:4: not valid YAML: did not find expected ',' or ']'"),
        ("config:\n\ta: 1\n", "Pulumi.dev.yaml:2:1: not valid YAML: found character that cannot start any token"),
        ("config: *nowhere\n", "Pulumi.dev.yaml:1:9: not valid YAML: found undefined alias"),
        ("config: {}\n---\nconfig: {}\n", "Pulumi.dev.yaml:2:1: not valid YAML: but found another document"),
        ("config:\n  ? [a]\n  : 1\n", "Pulumi.dev.yaml:2:5: not valid YAML: found unhashable key"),
    ],
)
def test_broken_yaml_is_told_with_file_line_and_column(project, text, message):
    write(project, "dev", text)
    assert refusal(project) == message


def test_bytes_that_are_no_text_are_told_with_their_file(project):
    (project.root / "Pulumi.dev.yaml").write_bytes(b"config: \xff\n")
    assert refusal(project).startswith("Pulumi.dev.yaml: not valid YAML: 'utf-8' codec can't decode byte 0xff")


def test_objects_of_the_interpreter_are_never_made_from_yaml(project):
    write(project, "dev", "config: {a: !!python/object/apply:os.getcwd []}\n")
    assert refusal(project).startswith("Pulumi.dev.yaml:1:13: not valid YAML: could not determine a constructor")


@pytest.mark.parametrize(
    ("text", "where", "key"),
    [
        ("config:\n  a: 1\n  b: 2\n  a: 3\n", "4:3", "a"),
        ("config: {a: 1}\nconfig: {b: 2}\n", "2:1", "config"),
        ("config:\n  a:\n    - {b: 1, b: 2}\n", "3:14", "b"),
    ],
)
def test_a_key_twice_is_refused_at_any_depth(project, text, where, key):
    write(project, "dev", text)
    assert refusal(project) == f"Pulumi.dev.yaml:{where}: not valid YAML: key {key} twice"


def test_a_key_may_override_one_that_is_merged(project):
    write(project, "dev", "shared: &shared {size: small}\nconfig:\n  a:\n    <<: *shared\n    size: large\n")
    assert json.loads(project.config("dev")["shop:a"]) == {"size": "large"}


def test_words_and_days_without_quotes_are_text(project):
    write(project, "dev", "config:\n  a: yes\n  b: 2026-11-23\n  c: 12:30\n  d: {e: [no, on, 2026-11-23, 12:30]}\n")
    config = project.config("dev")
    assert (config["shop:a"], config["shop:b"], config["shop:c"]) == ("yes", "2026-11-23", "12:30")
    assert json.loads(config["shop:d"]) == {"e": ["no", "on", "2026-11-23", "12:30"]}


@pytest.mark.parametrize("text", ["- 1\n", "just text\n", "3\n"])
def test_a_file_that_is_no_mapping_is_refused(project, text):
    write(project, "dev", text)
    assert refusal(project) == "Pulumi.dev.yaml: must be a mapping with the key config"


@pytest.mark.parametrize("text", ["config: [a]\n", "config: text\n"])
def test_configuration_that_is_no_mapping_is_refused(project, text):
    write(project, "dev", text)
    assert refusal(project) == "Pulumi.dev.yaml: config must be a mapping of keys such as shop:network"


ENCRYPTED = """
config:
  whole: {secure: v1:abc}
  nested: {user: admin, login: {password: {secure: v1:abc}}}
  listed: [1, {secure: v1:abc}, 2]
  deep: [{a: [{b: {secure: v1:abc}}]}]
  aws:token: {secure: v1:abc}
  plain: {user: admin}
  word: secure
  more: {secure: v1:abc, other: 1}
  number: {secure: 3}
"""


def test_encrypted_values_are_found_wherever_they_are(project):
    write(project, "dev", ENCRYPTED)
    assert project.secret_keys("dev") == {"shop:whole", "shop:nested", "shop:listed", "shop:deep", "aws:token"}


def test_encrypted_values_are_replaced_by_a_mark_and_everything_else_is_kept(project):
    write(project, "dev", ENCRYPTED)
    config = project.config("dev")
    assert config["shop:whole"] == config["aws:token"] == "[secret]"
    assert json.loads(config["shop:nested"]) == {"user": "admin", "login": {"password": "[secret]"}}
    assert json.loads(config["shop:listed"]) == [1, "[secret]", 2]
    assert json.loads(config["shop:deep"]) == [{"a": [{"b": "[secret]"}]}]
    assert config["shop:word"] == "secure"
    assert json.loads(config["shop:number"]) == {"secure": 3}


@pytest.mark.parametrize("text", ["- 1\n", "runtime: python\n"])
def test_a_project_without_a_name_is_refused(project, text):
    (project.root / "Pulumi.yaml").write_text(text, encoding="utf-8")
    write(project, "dev", "config: {size: small}\n")
    assert refusal(project) == "Pulumi.yaml: must be a mapping with the key name"


def test_any_file_can_be_read(tmp_path):
    file = tmp_path / "list.yaml"
    file.write_text("- 1\n- {a: null}\n", encoding="utf-8")
    assert read_yaml(file) == [1, {"a": None}]
