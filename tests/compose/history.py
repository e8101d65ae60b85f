# SPDX-License-Identifier: MIT
"""The requests for one discount, their answers, and whether these keep the promises.

A grant is never taken back, so a discount is a set that only grows to its stock. That makes the check simple and exact: no order
of events has to be searched for. Times are of the wall clock, which Redis on the same machine uses for granted_at.
"""

import time
from datetime import datetime
from dataclasses import dataclass
from typing import Optional

GRANTED, REPEATED, REFUSED, IN_DOUBT, FAILED = "granted", "repeated", "refused", "in doubt", "failed"


@dataclass
class Attempt:
    user: str
    began: float
    ended: float = float("inf")
    outcome: str = IN_DOUBT
    granted_at: Optional[str] = None
    answer: Optional[str] = None


class History:
    def __init__(self, discount_id, stock, now=time.time):
        self.discount_id = discount_id
        self.stock = stock
        self.now = now
        self.attempts = []

    def begin(self, user):
        """Records the attempt before it is sent: without an answer it stays in doubt."""
        attempt = Attempt(user, self.now())
        self.attempts.append(attempt)
        return attempt

    def end(self, attempt, answer):
        attempt.ended = self.now()
        attempt.answer = f"{answer.status} {answer.problem() or ''}".strip()
        attempt.outcome = outcome_of(answer)
        if attempt.outcome in (GRANTED, REPEATED):
            attempt.granted_at = answer.json()["granted_at"]

    def broke(self, attempt, error):
        """The connection broke, so no answer will come."""
        attempt.ended = self.now()
        attempt.answer = f"no answer: {error!r}"

    def with_outcome(self, *outcomes):
        return [attempt for attempt in self.attempts if attempt.outcome in outcomes]

    def in_doubt(self):
        """Returns the users for whom no attempt has settled the outcome."""
        settled = {attempt.user for attempt in self.with_outcome(GRANTED, REPEATED, REFUSED)}
        return {attempt.user for attempt in self.attempts} - settled

    def unanswered(self):
        """Returns how attempts ended that got none of a healthy service's three answers. Attempts in progress do not count."""
        return [attempt.answer for attempt in self.with_outcome(IN_DOUBT, FAILED) if attempt.answer]


def outcome_of(answer):
    problem = answer.problem()
    if answer.status == 201:
        return GRANTED
    if answer.status == 200:
        return REPEATED
    if answer.status == 409 and problem == "discount-exhausted":
        return REFUSED
    return IN_DOUBT if problem == "outcome-unknown" else FAILED


def violations(history, listed, stored):
    """Returns the broken promises, in words.

    `listed` is what the API lists as granted, as pairs of user and granted_at; `stored` is the same from Redis.
    """
    return [
        *exactness_violations(history, listed, stored),
        *loss_violations(history, dict(listed)),
        *answer_violations(history),
        *doubt_violations(history, dict(listed)),
        *order_violations(history, dict(listed)),
    ]


def exactness_violations(history, listed, stored):
    """P1 and P2, for the API and for Redis."""
    if len(stored) > history.stock:
        yield f"{len(stored)} grants are stored at a stock of {history.stock}"
    if len(dict(listed)) != len(listed):
        yield "a user is listed twice"
    if dict(listed) != dict(stored):
        yield f"the API lists {len(listed)} grants and Redis holds {len(stored)}, or their times differ"
    strangers = set(dict(stored)) - {attempt.user for attempt in history.attempts}
    if strangers:
        yield f"{len(strangers)} users hold a grant and never asked, such as {min(strangers)}"


def loss_violations(history, listed):
    """P3: everything answered is stored, and everything stored was answered or is in doubt."""
    for attempt in history.with_outcome(GRANTED, REPEATED):
        if attempt.user not in listed:
            yield f"the grant of {attempt.user} was answered and is lost"
        elif listed[attempt.user] != attempt.granted_at:
            yield f"{attempt.user} was told {attempt.granted_at} and holds {listed[attempt.user]}"
    answered = {attempt.user for attempt in history.with_outcome(GRANTED, REPEATED)}
    doubtful = {attempt.user for attempt in history.with_outcome(IN_DOUBT)}
    for user in sorted(set(listed) - answered - doubtful):
        yield f"{user} holds a grant and was never told so"


def answer_violations(history):
    """P4: a user has one grant, is told once that it is new, and gets the same grant in every later answer."""
    told = {}
    new = set()
    for attempt in history.with_outcome(GRANTED, REPEATED):
        if told.setdefault(attempt.user, attempt.granted_at) != attempt.granted_at:
            yield f"{attempt.user} was told {told[attempt.user]} and {attempt.granted_at}"
        if attempt.outcome == GRANTED:
            if attempt.user in new:
                yield f"{attempt.user} was told twice that the grant is new"
            new.add(attempt.user)


def doubt_violations(history, listed):
    """P6: each grant was made by an attempt that was answered with it or is in doubt, not by one that was certainly not applied."""
    attempts_of = {}
    for attempt in history.attempts:
        attempts_of.setdefault(attempt.user, []).append(attempt)
    for user, granted_at in sorted(listed.items()):
        at = datetime.strptime(granted_at, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
        if user in attempts_of and not any(may_have_granted(attempt, at) for attempt in attempts_of[user]):
            yield f"{user} was granted at {granted_at} by a request that was surely not applied"


def may_have_granted(attempt, at):
    if attempt.outcome == IN_DOUBT:
        return attempt.began <= at
    return attempt.outcome in (GRANTED, REPEATED) and attempt.began <= at <= attempt.ended


def order_violations(history, listed):
    """P5: a refused user holds nothing, no unit is left then, and no later request is granted."""
    refused = history.with_outcome(REFUSED)
    if not refused:
        return
    if len(listed) < history.stock:
        yield f"{len(refused)} were refused and {history.stock - len(listed)} of {history.stock} are left"
    for user in sorted({attempt.user for attempt in refused} & set(listed)):
        yield f"{user} was refused and holds a grant"
    first_refusal = min(attempt.ended for attempt in refused)
    first_asked = {}
    for attempt in history.attempts:
        first_asked.setdefault(attempt.user, attempt.began)
    for user in sorted(set(listed) & set(first_asked)):
        if first_asked[user] > first_refusal:
            yield f"{user} came after a refusal and was granted"
