# SPDX-License-Identifier: MIT
"""Tests the checker on histories with one fault each, and one without. Prints nothing if it finds them all."""

import io
import json
import sys
import unittest

from client import Answer
from history import History, violations


def granted(user, at, status=201):
    return Answer(status, {"content-type": "application/json"}, json.dumps({"granted_at": at, "user_id": user}).encode())


def problem(status, name):
    body = json.dumps({"type": f"/problems/{name}"}).encode()
    return Answer(status, {"content-type": "application/problem+json"}, body)


SOLD_OUT = problem(409, "discount-exhausted")


def at(second):
    """Makes a granted_at. Events happen at seconds 1, 2, 3 and so on, so half a second later lies between two."""
    return f"1970-01-01T00:00:0{int(second)}.{int(second % 1 * 1_000_000):06d}Z"


class Story:
    """A history whose clock advances by one for every event."""

    def __init__(self, stock):
        self.time = 0
        self.history = History("dsc-test", stock, now=self.tick)

    def tick(self):
        self.time += 1
        return self.time

    def ask(self, user, answer=None):
        attempt = self.history.begin(user)
        if answer is not None:
            self.history.end(attempt, answer)
        return self

    def faults(self, listed, stored=None):
        return list(violations(self.history, listed, listed if stored is None else stored))


class PlantedFaults(unittest.TestCase):
    def test_a_faultless_sale_passes(self):
        story = Story(2).ask("a", granted("a", at(1.5))).ask("b").ask("a", granted("a", at(1.5), 200)).ask("c", SOLD_OUT)
        self.assertEqual(story.faults([("a", at(1.5)), ("b", at(3.5))]), [])

    def assert_found(self, story, listed, text, stored=None):
        found = story.faults(listed, stored)
        self.assertTrue(any(text in fault for fault in found), f"{text!r} is not in {found}")

    def test_more_grants_than_stock(self):
        story = Story(1).ask("a", granted("a", at(1.5))).ask("b", granted("b", at(3.5)))
        self.assert_found(story, [("a", at(1.5)), ("b", at(3.5))], "at a stock of 1")

    def test_a_user_listed_twice(self):
        story = Story(2).ask("a", granted("a", at(1.5)))
        self.assert_found(story, [("a", at(1.5)), ("a", at(1.5))], "listed twice")

    def test_the_list_differs_from_the_store(self):
        story = Story(2).ask("a", granted("a", at(1.5)))
        self.assert_found(story, [("a", at(1.5))], "Redis holds", stored=[("a", at(1.6))])

    def test_a_grant_to_nobody(self):
        self.assert_found(Story(2), [("x", at(1.5))], "never asked")

    def test_a_lost_grant(self):
        self.assert_found(Story(2).ask("a", granted("a", at(1.5))), [], "is lost")

    def test_a_grant_that_changed(self):
        self.assert_found(Story(2).ask("a", granted("a", at(1.5))), [("a", at(1.6))], "and holds")

    def test_a_grant_that_was_never_told(self):
        self.assert_found(Story(2).ask("a", problem(503, "overloaded")), [("a", at(1.5))], "never told")

    def test_two_times_for_one_user(self):
        story = Story(2).ask("a", granted("a", at(1.5))).ask("a", granted("a", at(3.5), 200))
        self.assert_found(story, [("a", at(1.5))], "was told")

    def test_new_twice(self):
        story = Story(2).ask("a", granted("a", at(1.5))).ask("a", granted("a", at(1.5)))
        self.assert_found(story, [("a", at(1.5))], "told twice")

    def test_granted_by_what_was_surely_not_applied(self):
        story = Story(2).ask("a", problem(503, "store-unavailable")).ask("a", granted("a", at(1.5), 200))
        self.assert_found(story, [("a", at(1.5))], "surely not applied")

    def test_granted_by_what_is_in_doubt(self):
        story = Story(2).ask("a", problem(503, "outcome-unknown")).ask("a", granted("a", at(1.5), 200))
        self.assertEqual(story.faults([("a", at(1.5))]), [])

    def test_refused_while_a_unit_is_left(self):
        story = Story(2).ask("a", granted("a", at(1.5))).ask("b", SOLD_OUT)
        self.assert_found(story, [("a", at(1.5))], "1 of 2 are left")

    def test_refused_and_granted(self):
        story = Story(1).ask("a", granted("a", at(1.5))).ask("a", SOLD_OUT)
        self.assert_found(story, [("a", at(1.5))], "was refused and holds")

    def test_granted_after_a_refusal(self):
        story = Story(1).ask("b", SOLD_OUT).ask("a", granted("a", at(3.5)))
        self.assert_found(story, [("a", at(3.5))], "came after a refusal")

    def test_what_is_in_doubt_and_what_failed_is_counted(self):
        story = Story(1).ask("a").ask("b", problem(503, "outcome-unknown")).ask("c", problem(503, "store-unavailable"))
        story.history.broke(story.history.begin("d"), ConnectionResetError())
        self.assertEqual(story.history.in_doubt(), {"a", "b", "c", "d"})
        self.assertEqual(story.history.unanswered(), ["503 outcome-unknown", "503 store-unavailable",
                                                      "no answer: ConnectionResetError()"])


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(PlantedFaults)
    said = io.StringIO()
    found_all = unittest.TextTestRunner(stream=said).run(suite).wasSuccessful()
    sys.exit(None if found_all else said.getvalue())
