"""Words and phrases that are not plain English of this field, each with a better one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEFORE_WHAT = (
    r"of|by|for|to|in|into|on|that|and|or|but|from|with|as|at|than|is|are|was|does|do|not|all|only|just|till|until|where"
    r"|says?|shows?|sees?|knows?|has|have|had|runs?|makes?|made|takes?|gets?|tells?|reads?|writes?|removes?|keeps?|does"
    r"|names?|lists?|counts?|holds?|asks?|needs?|gives?|brings?|looks?|compares?|remembers?|records?|prints?|notes?"
)
_PERSONS = r"(who|what|which)ever|nobody|somebody|everybody|anybody"


@dataclass(frozen=True)
class Rule:
    """A phrase that is ruled out, and the better one."""

    pattern: re.Pattern[str]
    better: str


def _rule(pattern: str, better: str, *, exact: bool = False) -> Rule:
    return Rule(re.compile(pattern, 0 if exact else re.IGNORECASE), better)


RULES = (
    _rule(r"\bmend(s|ed|ing)?\b", "fix"),
    _rule(r"\banew\b", "again, new"),
    _rule(rf"\b({_PERSONS})('s)?\b", "another process, the operator, the caller, you"),
    _rule(r"\bshall\b", "must, may, will"),
    _rule(r"(?<!there )\b(is|are|was|were|be) no (?!longer\b|more than\b|later\b)", "is not a"),
    _rule(r"\bso (long|many|much)\b(?! (as|that)\b)", "the number: how long, how many"),
    _rule(r"\bso-many", "the number: every Nth"),
    _rule(r"(^|[.:;!] )[^a-z]?what (?!if\b|to\b)(?![^.!;]*\?)", "a subject: the noun that 'what' stands for"),
    _rule(
        rf"\b({_BEFORE_WHAT}) what (?!if\b|to\b|(failed|happened|changed|follows|is running)\b)",
        "the noun that 'what' stands for",
    ),
    _rule(r", what (?!if\b|to\b)(?![^.!;]*\?)", "the noun that 'what' stands for"),
    _rule(r"\bcan't\b", "cannot"),
    _rule(r"\b(go|goes|going|gone|went) on\b", "resume, continue"),
    _rule(r"\b(go|goes|going|gone|went|move[sd]?|moving) back\b", "roll back"),
    _rule(r"\b(take|takes|took|taken|taking) (it |them |a release |a commit |nothing )?back\b", "roll back, undo"),
    _rule(r"\bways? back\b", "rollback"),
    _rule(r"\bmeanwhile\b", "in the meantime, while"),
    _rule(r"\bof (its|their|our|your|one's|his) own\b", "separate, its own …"),
    _rule(r"\bof a (team|person|root|build)'s own\b", "your own …"),
    _rule(r"\b(of|by) ours\b", "our …"),
    _rule(r"\btheirs\b", "the noun"),
    _rule(r"\b(is|are|was|were|be|been) said\b|\bsaid (early|why|at once|as it is)\b|\bit says no\b", "is reported"),
    _rule(r"\bwritten down\b|\bwrites? down\b|\bwrote down\b", "recorded"),
    _rule(r"\bwas looked up\b|\bis looked up\b", "checking"),
    _rule(r"\blikewise\b", "also, the same way"),
    _rule(r"\b(is|are|was|were) (waited for|fought)\b|\bwaited for\b", "wait for …"),
    _rule(r"\bfor another (reason|one) than\b|\banother \w+ than\b", "different from, other than"),
    _rule(r"\banother count\b", "number of tasks"),
    _rule(r"\bfor those who\b", "for teams that, if you"),
    _rule(r"\bthat holds for\b", "the same applies to"),
    _rule(r"\bneeds? to be told\b|\b(could|can|may) (not )?be told\b", "must be set, could not set"),
    _rule(r"\bwith a \w+ of your\b", "your own …"),
    _rule(r"\bnone forgotten\b|\bnothing forgotten\b", "crash recovery"),
    _rule(r"\bnothing (is|was) claimed\b", "could not be determined"),
    _rule(r"\bstay well\b|\bare well\b|\bwell after\b|\bbeen well\b", "healthy"),
    _rule(r"\bto come to (its|a|the)\b|\bcomes? to (its|a|an|their)\b", "reach, finish"),
    _rule(r"\bbut for (its|the|their|where|how)\b", "except for"),
    _rule(r"\bask nothing\b|\basks nothing\b", "do not ask for confirmation"),
    _rule(r"\bis only (shown|said)\b|\bprinted are\b|\bare printed only\b", "only shows"),
    _rule(r"\bwas ordered to\b|\bordered with\b|\bas (it was|you) (ordered|wished)\b", "the options"),
    _rule(r"\border it again\b", "run the same command again"),
    _rule(r"\bis not known\b|\bare not known\b|\bnot known yet\b", "cannot determine, unknown"),
    _rule(r"\bpoorer\b", "incomplete"),
    _rule(r"\bby itself\b", "automatically"),
    _rule(r"\blook what\b|\bbecomes? of\b|\bbecame of\b", "check what happened to"),
    _rule(r"\bneither can be\b", "can be neither"),
    _rule(r"\btells? nothing of\b|\bsays? nothing of\b", "does not return, does not report"),
    _rule(r"\bbe through\b", "be finished"),
    _rule(r"\bmust be a text\b|\bis a text\b", "must be a string"),
    _rule(r"\bmay have gone\b|\bhas gone by then\b", "may be gone"),
    _rule(r"\ban? \w+ that is none\b", "unusable"),
    _rule(r"\bnot at all\b(?=[,.:]| so)", "ignores"),
    _rule(r"\binto the void\b", "lost"),
    _rule(r"\b1 at least\b|\bif you don't say\b|\bwhere none is given\b", "at least 1; by default"),
    _rule(r"\bnothing further\b", "nothing more"),
    _rule(r"\bleft at once\b", "aborted immediately"),
    _rule(r"\bbegins with a letter\b|\bbegin with a letter\b", "must start with a letter"),
    _rule(r"\b(is|are) left alone\b|\bleaves? (it |them |theirs )?alone\b", "left untouched"),
    _rule(r"\bwhich exists\b|\bthat exists\b", "an existing …"),
    _rule(r"\bin the place of\b|\bin place of\b", "instead of"),
    _rule(r"\bhow it ended\b|\bhow that ended\b", "its outcome"),
    _rule(r"\bgot there\b|\bget there\b|\bgets there\b", "completed"),
    _rule(r"\bnot applied yet\b|\bis not applied\b", "a pending change"),
    _rule(r"\bwhich (cannot|could not|may not) be (had|said)\b", "unavailable"),
    _rule(r"\b(pass|passed|passes) them on\b", "passed to"),
    _rule(r"\bdraws? \w+ (histories|hundred)\b|\blooks? likewise\b", "generates"),
    _rule(r"\bfrom one place to the next\b", "redirects"),
    _rule(r"\bit takes none of\b|\bgoes without\b|\bgo without\b|\bgoes with --", "cannot be combined with, requires"),
    _rule(r"\byou read why\b", "you are told why"),
    _rule(r"\bwhere (something|anything) else\b|\bsomething else runs\b", "if something else is running"),
    _rule(r"\b(are|is) judged, which\b|, which have no\b", "a second sentence"),
    _rule(r"\bapproval elsewhere\b|\bapprove elsewhere\b", "wait for approval"),
    _rule(r"\bgoes wrong before\b", "failures"),
    _rule(r"\b(conditions|policies|rules|it|them) not at all\b", "ignores"),
    _rule(r"\bto ask at\b", "not running in a terminal"),
    _rule(r"\bhas (not )?built\b", "the images of …"),
    _rule(r"\bsays so\b", "reports it"),
    _rule(r"\bbehind the build's\b", "after the build's"),
    _rule(r"\band would soon\b", "and would soon override it"),
)  # fmt: skip


def violations(text: str) -> Iterator[tuple[str, str]]:
    """The phrases of a text that are ruled out, each with the better one.

    Args:
        text: a paragraph, a message or a comment, without line breaks inside sentences.
    """
    for rule in RULES:
        for match in rule.pattern.finditer(text):
            yield match[0].strip(), rule.better
