"""The deck in Anki itself: opened, learned from, and imported again after an upgrade."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.exercise import catalog
from autograder.exercise.syllabus.material import materials
from autograder.language import LANGUAGES, Language
from autograder.report import ReportError
from autograder.report.exports.anki import write_anki
from autograder.study.cards import cards

METRICS = catalog.exercise("metrics")
FOLDER = METRICS.lesson("en").parent
DECK = [(card, FOLDER) for card in cards(METRICS, {("metrics", "recall")})]
TIME = 1_780_000_000.0


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Any]:
    anki = pytest.importorskip("anki.collection")
    found = anki.Collection(str(tmp_path / "collection.anki2"))
    yield found
    found.close()


def put_in(collection: Any, path: Path) -> None:
    from anki.collection import ImportAnkiPackageOptions, ImportAnkiPackageRequest

    # As Anki's own dialogue has it: notes that are newer are brought up to date.
    options = ImportAnkiPackageOptions(with_scheduling=False, merge_notetypes=False)
    collection.import_anki_package(
        ImportAnkiPackageRequest(package_path=str(path), options=options)
    )


def test_an_import_after_an_upgrade_changes_texts_and_keeps_the_history(
    tmp_path: Path, collection: Any
) -> None:
    path = tmp_path / "cards.apkg"
    assert write_anki(DECK, path, ["en"], at=TIME) == len(DECK)
    put_in(collection, path)
    assert collection.note_count() == collection.card_count() == len(DECK)
    collection.decks.select(collection.decks.id("Touchstone::metrics"))
    card = collection.sched.getCard()
    assert card.note()["Id"] == DECK[0][0].id  # in the order of the lesson
    collection.sched.answerCard(card, 4)
    card.load()
    after = card.ivl, card.due, card.reps, collection.db.scalar("SELECT count() FROM revlog")
    assert after[2:] == (1, 1)

    changed = replace(DECK[0][0], back={"en": "Now *mended*.", "zh": "已经修订。"})
    fresh = replace(DECK[0][0], id="next/metrics/S3-Q1/fresh")
    upgraded = [(changed, FOLDER), (fresh, FOLDER), *DECK[1:]]
    write_anki(upgraded, path, ["en", "zh"], at=TIME + 86_400)
    put_in(collection, path)
    assert collection.note_count() == collection.card_count() == len(DECK) + 1
    card.load()
    note = card.note()
    assert "Now <em>mended</em>." in note["Back"]
    assert "已经修订。" in note["Back"]
    assert after == (
        card.ivl, card.due, card.reps, collection.db.scalar("SELECT count() FROM revlog"),
    )  # fmt: skip
    assert sum("Touchstone" in m.name for m in collection.models.all_names_and_ids()) == 1


def test_figures_and_formulas_arrive(tmp_path: Path, collection: Any) -> None:
    path = tmp_path / "cards.apkg"
    write_anki(DECK, path, ["zh"], at=TIME)
    put_in(collection, path)
    (number,) = collection.find_notes("tag:formula Front:*面积*")
    back = collection.get_note(number)["Back"]
    assert r"\[\mathrm{AUC} = P(s^+ &gt; s^-)" in back
    name = re.search(r'<img src="([^"]+)"', back)
    assert name is not None
    assert name[1].endswith(".zh.svg")
    assert (Path(collection.media.dir()) / name[1]).read_bytes() == (
        FOLDER / "figures" / name[1].removeprefix("touchstone-metrics-")
    ).read_bytes()
    shown = collection.get_note(number).cards()[0].answer()
    assert "{{" not in re.sub(r"<style>.*?</style>", "", shown, flags=re.DOTALL)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_card_of_the_course_has_a_formula_or_a_link_that_leads_nowhere(
    tmp_path: Path, language: Language
) -> None:
    everything = [
        (card, e.lesson("en").parent) for e in catalog.exercises() for card in cards(e, ())
    ]
    path = tmp_path / "cards.apkg"
    write_anki(everything, path, [language], at=TIME)
    with zipfile.ZipFile(path) as archive:
        (tmp_path / "x.db").write_bytes(archive.read("collection.anki2"))
        media = archive.read("media").decode()
    base = sqlite3.connect(tmp_path / "x.db")
    fields = [row[0] for row in base.execute("SELECT flds FROM notes")]
    base.close()
    assert len(fields) == len(everything)
    for field in fields:
        assert "$" not in re.sub(r"<code>.*?</code>|\\[(\[].*?\\[)\]]", "", field, flags=re.DOTALL)
        assert all(link.startswith("http") for link in re.findall(r'href="([^"]*)"', field))
        assert all(f'"{name}"' in media for name in re.findall(r'<img src="([^"]+)"', field))
        assert "\ue000" not in field


def test_nothing_else_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    write_anki(DECK, tmp_path / "cards.apkg", ["en"], at=TIME)
    assert os.listdir(tmp_path / "temporary") == []
    write_anki(DECK, tmp_path / "cards.apkg", ["en"], at=TIME)  # over one of ours
    assert sorted(os.listdir(tmp_path)) == ["cards.apkg", "temporary"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("mine.apkg", "left as it is"), ("deck.zip", ".apkg"), ("x/y.apkg", "x")],
)
def test_what_is_somebody_elses_or_cannot_be_written_is_left(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "mine.apkg").write_bytes(b"PK mine")
    (tmp_path / "x").write_bytes(b"a file, no folder")
    with pytest.raises(ReportError, match=words):
        write_anki(DECK, tmp_path / name, ["en"], at=TIME)
    assert (tmp_path / "mine.apkg").read_bytes() == b"PK mine"
    assert sorted(os.listdir(tmp_path)) == ["mine.apkg", "x"]


def test_formulas_are_the_same_in_both_languages_but_for_words() -> None:
    found = [formula for material in materials() for formula in material.formulas]
    assert found
    for formula in found:
        tex = {n: re.sub(r"\\text\{[^}]*\}", "", formula.tex[n]) for n in LANGUAGES}
        assert tex["en"].count("=") == tex["zh"].count("="), formula
        for language in LANGUAGES:
            assert re.search(r"\d", formula.worked[language])
            assert formula.lead[language]
