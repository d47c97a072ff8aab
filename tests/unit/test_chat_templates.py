"""A model is asked by its own chat template, or not at all."""

import shutil

import pytest
from tiny_families import loaded, write_family

_TEXT_ALONE = "{% for m in messages %}{{ m.role + ': ' + m.content }}\n{% endfor %}"
_AS_IT_IS = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
_REFUSES = "{{ raise_exception('roles must alternate') }}"
_NO_IMAGE = (
    "{% for m in messages %}{% for c in m.content if c.type == 'text' %}{{ c.text }}{% endfor %}"
    "{% endfor %}"
)


@pytest.fixture(scope="module", params=["llava", "qwen2_5_vl"])
def folder(request, tmp_path_factory):
    return write_family(request.param, tmp_path_factory.mktemp(request.param))


def without_template(folder, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    (own / "chat_template.jinja").unlink()
    return own


def test_a_family_that_has_one_is_not_asked_without(folder, tmp_path):
    with pytest.raises(ValueError, match="has no chat template.*chat_template.jinja"):
        loaded(without_template(folder, tmp_path))


@pytest.mark.parametrize(
    "template, said",
    [
        (_TEXT_ALONE, "in parts, as it must"), (_AS_IT_IS, "in parts, as it must"),
        (_REFUSES, "roles must alternate"), (_NO_IMAGE, "writes it once for an image"),
    ],
)
def test_a_template_that_takes_no_image_is_refused_when_the_model_is_loaded(
    folder, tmp_path, template, said
):
    own = without_template(folder, tmp_path)
    (own / "chat_template.jinja").write_text(template)
    with pytest.raises(ValueError, match=said):
        loaded(own)


def test_a_question_may_hold_what_such_a_template_writes(folder):
    question = "What is [{'type': 'text'}]?"
    assert question in loaded(folder).prompt(question, 0)


def test_paligemma_is_asked_in_its_own_form(tmp_path):
    mllm = loaded(write_family("paligemma", tmp_path / "own"))
    image = mllm.chat.image
    assert mllm.chat.template and mllm.prompt("What is this?", 0) == "<s>What is this?\n"
    assert image and mllm.prompt("What is this?", 2).endswith("<s>What is this?\n")
