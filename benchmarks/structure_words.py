"""Words that this project used in a sense of its own, what they became, and how often they still stand somewhere.

A pattern finds the private sense; a second one takes out ordinary English and names of the lake that stay
(`docs/glossary.md` lists those). Patterns are about lower-case text in which `_` and a change of case separate words,
so that `is_settled` and `PendingClaim` are found, too. They err on the side of finding too much.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# What defines the words, what says what was once so, reproductions of what other software does, and these two files.
LEFT_OUT = (
    *(
        "docs/glossary.md",
        "CHANGELOG.md",
        "docs/decisions/",
        "LICENSE",
        "requirements/",
        "docs/images/",
        "findings/",
    ),
    *("benchmarks/structure.py", "benchmarks/structure_words.py"),
)
SUFFIXES = {".py", ".md", ".toml", ".yml", ".sql", ".html", ".j2", ".svg", ".css", ".sh", ".cfg", ""}


@dataclass(frozen=True)
class Word:
    """A word of the left column: what finds its private sense, and what within that is none."""

    word: str
    becomes: str
    pattern: str
    ordinary: str = ""


W, E = r"(?<![a-z])", r"(?![a-z])"  # where a word begins and ends; `_` and digits are no part of it
WORDS = (
    Word("claim", "pending batch", rf"{W}claim(s|ing)?{E}|{W}claimed (nights?|sources?)"),
    Word("settle", "reconcile, pending", rf"{W}(un)?settl(e|es|ed|ing){E}", r"settled_at"),
    Word("fate", "outcome", rf"{W}fates?{E}", r"\.fate\""),  # the seed of a draw
    Word(
        "judge",
        "validate",
        rf"{W}judg(e|es|ed|ing|ement|ements|ment){E}",
        r"staging\.judged_|\"judged_",  # tables of earlier versions, which `maintain` drops
    ),
    Word(
        "held", "existing", r"_held_by|\.held\(|def held\(self|held_elsewhere|\bheld by\b|as_held|held: dict"
    ),
    Word(
        "note",
        "run result, commit metadata, staged slices, log",
        rf"{W}not(es?|ed|ing){E}",
        r"decision[s]?[ _]notes?|dated notes?|notebooks?|release notes|# noqa|note that|worth noting",
    ),
    Word(
        "told, tell",
        "reported, notified",
        rf"{W}(told|tells?|telling){E}",
        r"tells?( \S+){0,6} apart|tells? you|tells? apart|\.tell\(\)|is told what is meant|told from documents",
    ),
    Word("dirt", "fault rates", rf"{W}dirt{E}", r"`dirt`|\"dirt\""),  # in manifests of earlier versions
    Word("truth", "fault labels", rf"{W}truths?{E}", r"truth/|[/,] ?\"truth\"|row-level truth"),
    Word("care", "maintenance", rf"{W}care{E}", r"tak(e|es|en|ing) care|with care|care of it"),
    Word("place", "location", r"\bclass place\b|\b_place\(|\bplace\.(py|\w+\()|import place\b"),
    Word("exact (module)", "aggregates", r"gold[./]exact\b|import exact\b|\bexact\.\w+\("),
    Word("engine (module)", "gx_engine", r"(jobs|quality)[./]engine\b|import engine\b|test_engine\b"),
    Word("tables (module)", "catalog", r"jobs[./]tables(\.py|\.toml|\b(?![./]))|from jobs import tables"),
    Word(
        "transformations (lookup)",
        "table_functions",
        r"jobs[./]transformations|import transformations|\btransformations\.\w+\(",
    ),
    Word(
        "history (bulk nights)",
        "backfill",
        r"iot_history|history_jobs|jobs[./]history\b|job history\b(?!-of)|stage `history`|`history`|\"history\"",
        r"else \"history\"",  # of earlier versions
    ),
    Word(
        "flow (module)",
        "flow_chart",
        # A `Flow` of lineage is what Spark's declarative pipelines call so, too.
        r"(jobs|report)[./]flow\b(?!_chart)|from jobs(\.report)? import flow\b|\bflow\.of\(",
    ),
    Word("results (module)", "errors, run results", r"jobs[./]results\b|from jobs import results"),
    Word("record (module)", "runner", r"jobs[./]record\b|from jobs import record"),
    Word(
        "drop (deliver a file)",
        "deliver",
        rf"{W}drop(s|ped|ping)?[ _](by[ _]hand|a ([\w-]+ ){{0,2}}files?|into|csv|as_the)"
        r"|files?[ _](that[ _](is|are)[ _])?dropped|dropped[ _](files?|records?|csv)|file drops|\bdrops? (csv )?files",
    ),
    Word(
        "texts, truths, whole numbers",
        "strings, booleans, integers",
        r"\bof (its )?texts\b|\btruths\b|whole[ _]numbers?|must be (a )?text\b",
    ),
    Word(
        "line is not a record",
        "malformed record",
        r"\b(is|are) (no|not a) records?\b|\bno_record\b",
        r"no records? of sen_ml",  # as of a pack that has none: so says the reason, behind "malformed record"
    ),
)


@dataclass
class Found:
    """A word, and how often it stands in which file; a file that is called so counts as once more."""

    word: str
    becomes: str
    files: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How often in all files together."""
        return self.files.total()

    @property
    def in_tests(self) -> int:
        """How often of that in files of the tests."""
        return sum(times for path, times in self.files.items() if path.startswith("tests/"))


def occurrences(text: str, word: Word) -> int:
    """How often a word stands in a text in its private sense."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()
    if word.ordinary:
        plain = re.sub(word.ordinary, " ", plain)
    return len(re.findall(word.pattern, plain))


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and text of each file that is counted: those that Git has, without LEFT_OUT."""
    listed = subprocess.run(["git", "ls-files"], cwd=folder, capture_output=True, text=True, check=True)
    for path in listed.stdout.splitlines():
        file = folder / path
        if not path.startswith(LEFT_OUT) and file.suffix in SUFFIXES and file.is_file():
            with suppress(UnicodeDecodeError):
                yield path, file.read_text(encoding="utf-8")


def count(folder: Path) -> list[Found]:
    """The words in the order of the vocabulary, counted in all files and their names."""
    found = [Found(word.word, word.becomes) for word in WORDS]
    for path, text in texts_of(folder):
        for word, each in zip(WORDS, found, strict=True):
            if times := occurrences(f"{path}\n{text}", word):
                each.files[path] = times
    return found


def lines_with(folder: Path, name: str) -> Iterator[str]:
    """The lines in which a word stands, as `path:line: text`. Raises LookupError for a word that is none of WORDS."""
    word = next((word for word in WORDS if word.word.split()[0].strip(",") == name), None)
    if word is None:
        raise LookupError(f"no word {name!r}; there are {', '.join(each.word for each in WORDS)}")
    for path, text in texts_of(folder):
        for number, line in enumerate([path, *text.splitlines()]):
            if occurrences(line, word):
                yield f"{path}:{number}: {line.strip()}"
