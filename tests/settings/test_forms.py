"""What a user is told of a text in the wrong form: in words, wherever in the configuration it stands."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from pydantic import create_model

from settings import stack as settings
from settings.section import Form, Section, parse_section, show

EXPRESSION = re.compile(r"\^|\$|\\[A-Za-z.]|\[[^\]]*\]|\(\?|[)\]}][*+?]|\{\d")
"""What a regular expression has and a sentence has not."""


def parts(annotation: Any) -> Iterator[tuple[type[Section] | Form, Any]]:
    """Yield each section and form within an annotation, with what puts a text there: into a list, or a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, None
    yield from ((found, str) for found in getattr(annotation, "__metadata__", ()) if isinstance(found, Form))
    origin = get_origin(annotation)
    # Of a list and of what may be None the first argument tells, of a mapping the last.
    inner = get_args(annotation)[-1:] if origin is Mapping else get_args(annotation)[:1]
    for part, put in (found for argument in inner for found in parts(argument)):
        yield (
            part,
            {tuple: lambda text, put=put: [put(text)], Mapping: lambda text, put=put: {"name": put(text)}}.get(
                origin, put
            ),
        )


def places(section: type[Section], path: str) -> Iterator[tuple[str, Form, Any, Any]]:
    """Yield of each form within a section: where, which, the field it belongs to, and what puts a text there."""
    for name, field in section.model_fields.items():
        for part, put in parts(field.rebuild_annotation()):
            if isinstance(part, Form):
                yield f"{path}.{name}", part, field, put
            else:
                yield from places(part, f"{path}.{name}")


PLACES = [place for name, section in settings.SECTIONS.items() for place in places(section, name)]
FORMS = pytest.mark.parametrize(("form", "field", "put"), [pytest.param(*rest, id=path) for path, *rest in PLACES])


def told(field, put, text):
    """Return what is told of a section that consists of the field alone."""
    alone = create_model("Alone", __base__=Section, it=(field.annotation, field))
    problems = []
    parse_section("p:alone", alone, json.dumps({"it": put(text)}), problems)
    return [str(problem) for problem in problems]


def test_every_section_says_in_words_which_texts_it_takes():
    bare = [
        name for name, section in settings.SECTIONS.items() if '"pattern"' in json.dumps(section.model_json_schema())
    ]
    assert bare == []
    assert {path for path, *_ in PLACES} > {"aws.account_id", "cluster.admins", "observability.search.instance_type"}


@FORMS
def test_the_example_in_a_message_would_be_accepted(form, field, put):
    assert told(field, put, form.example) == []
    assert not EXPRESSION.search(form.rule)


def test_a_default_could_be_written_into_the_file():
    texts = {path: (field, put) for path, _, field, put in PLACES if isinstance(field.default, str)}
    assert "gitops.url" in texts
    wrong = {path: lines for path, (field, put) in texts.items() if (lines := told(field, put, field.default))}
    assert wrong == {}


@FORMS
@given(data=st.data())
@budget(max_examples=12)
def test_no_message_of_a_text_in_another_form_holds_a_regular_expression(form, field, put, data):
    near = st.sampled_from([f" {form.example}", f"{form.example}\n", f"{form.example}٣", form.example[1:], "-", ""])
    text = data.draw(st.one_of(near, st.text(max_size=30)))
    lines = told(field, put, text)
    if re.fullmatch(form.pattern, text, re.ASCII):
        assert lines == []
    else:
        (line,) = lines
        where, _, rule = line.removesuffix(f", got {show(text)}").partition(": ")
        assert where.startswith("p:alone.it")
        assert rule == form.rule
