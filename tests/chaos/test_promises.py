#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the checker on short histories written by hand: each breaks one rule, and those of healthy runs break none."""

import copy
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import check_history
import content
import history
import promises

STEADY_US = history.STEADY_US
D, E = "dsc-D", "dsc-E"
WALL = 0  # the wall clock at the beginning; a grant "at 100" is within the clock's tolerance


class Story:
    """A history that is written request by request, and the content of a correct service."""

    def __init__(self):
        self.lines, self.now, self.seq = [["run", {}]], 0, 0
        self.store = content.Content()

    def tick(self):
        self.now += 10
        return self.now

    def ask(self, kind, **asked):
        self.seq += 1
        self.lines.append(["ask", self.tick(), self.seq, "c1", "nginx", kind, asked])
        return self.seq

    def say(self, seq, status, name=None, **said):
        self.lines.append(["said", self.tick(), seq, status, name, said])

    def create(self, id=D, total=1, code=None, key=None, status=201, name=None, stored=True):
        code = code or id
        discount = {"brand": "b", "code": code, "total": total, "created_at": 5}
        if stored:
            self.store.discounts[id] = discount
            self.store.grants.setdefault(id, {})
            if key:
                self.store.keys.append(["b", key, id])
        seq = self.ask("create", brand="b", code=code, total=total, key=key)
        if status == 201:
            self.say(seq, 201, None, id=id, replayed=False, **discount)
        else:
            self.say(seq, status, name)

    def put(self, user, at, id=D):
        """Stores a grant."""
        self.store.grants[id][user] = at
        self.store.wallets.setdefault(user, {})[id] = at

    def grant(self, user, status, at=None, name=None, id=D):
        self.answer_grant(self.ask("grant", discount=id, user=user), user, status, at, name, id)

    def answer_grant(self, seq, user, status, at=None, name=None, id=D):
        if status in (200, 201):
            self.say(seq, status, None, discount=id, user=user, granted_at=at, replayed=status == 200)
        else:
            self.say(seq, status, name)

    def sold_out(self, user, id=D):
        self.grant(user, 409, name="discount-exhausted", id=id)

    def phase(self, name):
        self.lines.append(["phase", self.tick(), name, WALL + self.now])

    def contents(self):
        listed = copy.deepcopy(self.store)
        for id, discount in self.store.discounts.items():
            granted = len(self.store.grants.get(id, {}))
            listed.counts[id] = [granted, discount["total"] - granted]
        return content.Contents(copy.deepcopy(self.store), self.store, listed)

    def violations(self, contents=None):
        return promises.violations(history.History(map(json.dumps, self.lines)), contents or self.contents())


class Rules(unittest.TestCase):
    def setUp(self):
        self.story = Story()

    def expect(self, promise, text, contents=None):
        found = self.story.violations(contents)
        self.assertTrue(any(violation.promise == promise and text in violation.text for violation in found),
                        f"no {promise} about {text!r} in {list(map(str, found))}")

    def expect_none(self, contents=None):
        self.assertEqual([], list(map(str, self.story.violations(contents))))

    # ---- Healthy runs ----

    def test_a_sale_with_doubts_repeats_and_refusals_keeps_all(self):
        self.story.create(total=2, key="k1")
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.grant("u1", 200, 100)
        self.story.grant("u2", 503, name="store-unavailable")
        self.story.put("u3", 101)
        self.story.grant("u3", 503, name="outcome-unknown")
        self.story.sold_out("u2")
        self.story.grant("u4", 0, name="unsent")
        self.story.phase("replay")
        self.story.create(total=2, key="k1")
        self.story.grant("u1", 200, 100)
        self.story.sold_out("u2")
        self.story.grant("u3", 200, 101)
        self.story.sold_out("u4")
        self.expect_none()

    def test_a_request_in_doubt_may_be_applied_long_after(self):
        self.story.create(total=1)
        early = self.story.ask("grant", discount=D, user="u1")
        self.story.say(early, 0, "reset")
        self.story.ask("grant", discount=D, user="u2")
        self.story.put("u2", 100)
        self.story.sold_out("u1")
        self.expect_none()

    def test_a_replay_may_make_what_was_in_doubt(self):
        self.story.create(total=1)
        self.story.grant("u1", 0, name="reset")
        contents = self.story.contents()
        contents.healed = copy.deepcopy(contents.stored)
        self.story.phase("replay")
        self.story.put("u1", 100)
        contents.listed = self.story.contents().listed
        self.story.grant("u1", 201, 100)
        self.expect_none(contents)

    def test_a_grant_is_made_after_its_request_has_lost_its_answer(self):
        self.story.create(total=1)
        self.story.grant("u1", 0, name="reset")
        self.story.now += 20000
        self.story.put("u1", WALL + self.story.now)
        self.story.now += 20000
        self.story.phase("load")
        self.story.grant("u1", 200, self.story.store.grants[D]["u1"])
        self.expect_none()

    def test_readers_see_what_is_there(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.say(self.story.ask("grant_get", discount=D, user="u1"), 200, None, discount=D, user="u1", granted_at=100)
        self.story.say(self.story.ask("wallet", user="u1"), 200, None, **{D: 100})
        self.story.say(self.story.ask("grants", discount=D), 200, None, u1=100)
        self.story.say(self.story.ask("get", discount=D), 200, None, granted=1, remaining=0)
        self.story.say(self.story.ask("list", brand=None), 200, None, **{D: 1})
        self.story.say(self.story.ask("list", brand="another"), 200)
        self.expect_none()

    def test_creates_in_doubt_are_there_or_not(self):
        self.story.create(D, status=0, name="reset")
        self.story.create(E, status=0, name="reset", stored=False)
        self.expect_none()

    def test_a_create_with_a_key_is_answered_again(self):
        self.story.create(D, key="k", status=0, name="timeout")
        self.story.create(D, key="k")
        self.story.store.keys.pop()
        self.story.create(D, key="k")
        self.story.store.keys.pop()
        self.expect_none()

    def test_processes_end_when_they_are_told_to(self):
        self.story.lines += [["exit", 1, "replica 1", -9, "kill"], ["exit", 1, "replica 1", 0, "stop"]]
        self.expect_none()

    # ---- P1, P2 ----

    def test_more_grants_than_stock(self):
        self.story.create(total=1)
        for number in (1, 2):
            self.story.put(f"u{number}", 100)
            self.story.grant(f"u{number}", 201, 100)
        self.expect("P1", "the store has 2 grants")
        self.expect("P1", "2 users were told")

    def test_more_promised_than_stock_though_less_is_stored(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.grant("u2", 201, 101)
        self.expect("P1", "2 users were told")

    def test_counts_beyond_the_stock_are_shown(self):
        self.story.create(total=1)
        self.story.say(self.story.ask("get", discount=D), 200, None, granted=2, remaining=-1)
        self.expect("P1", "was shown with 2 granted")

    def test_a_user_is_listed_twice(self):
        self.story.create(total=2)
        contents = self.story.contents()
        contents.listed.twice.append(f"the grants of {D}: u1")
        self.expect("P2", "listed twice", contents)

    def test_api_and_store_differ(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        contents = self.story.contents()
        contents.listed.grants[D]["u1"] = 101
        self.expect("P2", "their times differ", contents)

    # ---- P3 ----

    def test_an_answered_grant_is_lost(self):
        self.story.create(total=2)
        self.story.grant("u1", 201, 100)
        self.expect("P3", "is lost")

    def test_a_lost_grant_is_not_excused_by_being_granted_again(self):
        self.story.create(total=2)
        self.story.grant("u1", 201, 100)
        contents = self.story.contents()
        contents.healed = copy.deepcopy(contents.stored)
        self.story.put("u1", 200)
        self.story.phase("replay")
        self.story.grant("u1", 201, 200)
        self.expect("P3", "is lost before the replay", contents)
        self.expect("P4", "2 times", contents)

    def test_an_answered_grant_has_another_time(self):
        self.story.create(total=2)
        self.story.put("u1", 200)
        self.story.grant("u1", 201, 100)
        self.expect("P3", "and it is 200")

    def test_an_answered_discount_is_lost(self):
        self.story.create(stored=False)
        self.expect("P3", "is not there after the faults")

    def test_an_answered_discount_is_another(self):
        self.story.create(total=2)
        self.story.store.discounts[D]["created_at"] = 6
        self.expect("P3", "was answered as")

    def test_a_stored_grant_vanishes_in_the_replay(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.story.grant("u1", 0, name="reset")
        contents = self.story.contents()
        contents.stored.grants[D] = {}
        self.expect("P3", "is gone or changed", contents)

    def test_a_stored_discount_vanishes_in_the_replay(self):
        self.story.create(D, status=0, name="reset")
        contents = self.story.contents()
        del contents.stored.discounts[D]
        self.expect("P3", "was stored and is gone", contents)

    def test_a_grant_nobody_asked_for(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.expect("P3", "never asked")

    def test_a_discount_nobody_asked_for(self):
        self.story.create(D)
        self.story.store.discounts[E] = {"brand": "b", "code": "other", "total": 1, "created_at": 5}
        self.expect("P3", "nobody asked for it")

    def test_a_discount_with_another_stock(self):
        self.story.create(D, status=0, name="reset")
        self.story.store.discounts[D]["total"] = 7
        self.expect("P3", "another stock")

    def test_a_reader_misses_what_was_answered_before(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.say(self.story.ask("grant_get", discount=D, user="u1"), 404, "grant-not-found")
        self.story.say(self.story.ask("wallet", user="u1"), 200)
        self.story.say(self.story.ask("grants", discount=D), 200)
        self.story.say(self.story.ask("get", discount=D), 200, None, granted=0, remaining=2)
        self.story.say(self.story.ask("list", brand="b"), 200)
        for text in ("then not found", "the wallet of u1", "the grants of", "then 0 were counted", "the list does not show"):
            self.expect("P3", text)

    def test_a_reader_at_the_same_time_may_miss_it(self):
        self.story.create(total=2)
        grant = self.story.ask("grant", discount=D, user="u1")
        reads = [self.story.ask("grant_get", discount=D, user="u1"), self.story.ask("wallet", user="u1")]
        self.story.put("u1", 100)
        self.story.answer_grant(grant, "u1", 201, 100)
        self.story.say(reads[0], 404, "grant-not-found")
        self.story.say(reads[1], 200)
        self.expect_none()

    def test_verify_finds_a_fault(self):
        self.story.create()
        contents = self.story.contents()
        contents.verify_code, contents.verify_output = 1, "a fault"
        self.expect("P3", "verify ended with 1", contents)

    def test_what_verify_said_is_shown_in_whole_lines(self):
        self.assertEqual(promises.ends("one fault\n1 discount: 1 finding\n"), "one fault\n1 discount: 1 finding")
        lines = [f"fault {i} {'x' * 200}" for i in range(90)]
        self.assertEqual(promises.ends("\n".join([*lines, "90 findings", ""])), "\n".join([*lines[:3], "...", "90 findings"]))

    # ---- P4 ----

    def test_a_repeat_gets_another_time(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.grant("u1", 200, 150)
        self.expect("P4", "several times")

    def test_a_grant_is_new_twice(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.grant("u1", 201, 100)
        self.expect("P4", "2 times that the grant")

    def test_a_holder_is_told_sold_out(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.sold_out("u1")
        self.expect("P4", "told that it is sold out")

    def test_an_answer_for_another_user(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.say(self.story.ask("grant", discount=D, user="u1"), 201, None, discount=D, user="u2", granted_at=100)
        self.expect("P4", "was answered with")

    def test_a_grant_is_shown_with_another_time(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.say(self.story.ask("grant_get", discount=D, user="u1"), 200, None, discount=D, user="u1", granted_at=9)
        self.expect("P4", "another time")

    # ---- P5 ----

    def test_sold_out_while_a_unit_is_left(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.sold_out("u2")
        self.expect("P5", "units of 2 are left")

    def test_a_grant_after_sold_out(self):
        self.story.create(total=1)
        self.story.sold_out("u1")
        self.story.put("u2", 100)
        self.story.grant("u2", 201, 100)
        self.expect("P5", "came after")

    def test_a_grant_that_began_before_sold_out_was_said_is_no_fault(self):
        self.story.create(total=1)
        grant = self.story.ask("grant", discount=D, user="u2")
        self.story.sold_out("u1")
        self.story.put("u2", 100)
        self.story.answer_grant(grant, "u2", 201, 100)
        self.expect_none()

    def test_who_was_told_sold_out_gets_one_later(self):
        self.story.create(total=1)
        self.story.grant("u1", 0, name="reset")
        self.story.sold_out("u1")
        self.story.put("u1", 100)
        self.expect("P5", "is sold out, and has it")

    def test_a_unit_is_kept_back(self):
        self.story.create(total=2)
        self.story.phase("replay")
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.sold_out("u2")
        self.expect("P5", "2 users wanted")

    def test_a_refusal_nobody_earned(self):
        self.story.create(total=2)
        unearned = [(404, "discount-not-found"), (422, "invalid-grant"), (500, "store-corrupt"), (502, None), (503, None)]
        for status, name in unearned:
            self.story.grant("u1", status, name=name)
            self.expect("P5", f"was answered {status} {name}")

    def test_a_refusal_because_of_others(self):
        self.story.create(total=2)
        self.story.grant("u1", 503, name="overloaded")
        self.expect("P5", "nothing was wrong")
        self.story.lines.append(["fault", 1, "kill -9"])
        self.expect_none()

    def test_an_answer_nobody_can_read(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.say(self.story.ask("grant", discount=D, user="u1"), 200, None, malformed="{")
        self.expect("P5", "nobody can read")

    # ---- P6 ----

    def test_a_grant_that_was_surely_not_applied(self):
        self.story.create(total=2)
        for name in ("store-unavailable", "overloaded"):
            self.story.grant("u1", 503, name=name)
        self.story.put("u1", 100)
        self.expect("P6", "surely not applied")

    def test_a_grant_that_was_surely_not_applied_and_then_repeated(self):
        self.story.create(total=2)
        self.story.grant("u1", 503, name="store-unavailable")
        self.story.put("u1", 100)
        contents = self.story.contents()
        self.story.phase("replay")
        self.story.grant("u1", 200, 100)
        self.expect("P6", "told that it was surely not applied", contents)

    def test_a_grant_of_a_time_when_nothing_was_under_way(self):
        self.story.create(total=2)
        self.story.grant("u1", 503, name="store-unavailable")
        self.story.put("u1", WALL + self.story.now)
        self.story.now += 20000
        self.story.phase("load")
        self.story.grant("u1", 200, self.story.store.grants[D]["u1"])
        self.expect("P6", "by a request that was surely not applied")

    def test_a_clock_that_was_set_proves_nothing(self):
        self.story.create(total=2)
        self.story.put("u1", 5)
        self.story.phase("load")
        self.story.lines.append(["phase", self.story.tick(), "load", WALL])
        self.story.lines.append(["phase", self.story.tick(), "load", 2 * STEADY_US])
        self.story.grant("u1", 201, 5)
        self.expect_none()

    def test_a_create_that_was_surely_not_applied(self):
        self.story.create(D, status=503, name="store-unavailable")
        self.expect("P6", "surely not applied")

    def test_one_request_makes_two_discounts(self):
        self.story.create(D, code="c", status=0, name="reset")
        self.story.store.discounts[E] = dict(self.story.store.discounts[D])
        self.expect("P6", "more than answered")

    def test_a_key_makes_two_discounts(self):
        self.story.create(D, code="c", key="k")
        self.story.create(E, code="c", key="k")
        self.expect("P6", "made 2 discounts")
        self.expect("P6", "was answered with")

    def test_a_key_of_no_discount(self):
        self.story.create(D)
        self.story.store.keys.append(["b", "k", E])
        self.expect("P6", "no such discount")

    def test_a_replay_settles_nothing(self):
        self.story.create(total=2)
        self.story.grant("u1", 0, name="reset")
        self.story.grant("u2", 0, name="reset")
        self.story.phase("replay")
        self.story.grant("u1", 503, name="outcome-unknown")
        self.expect("P6", "settles nothing")
        self.expect("P6", "u2 asked for dsc-D and was not replayed")

    def test_a_create_with_a_key_is_not_settled(self):
        self.story.create(D, key="k", status=0, name="reset")
        self.story.phase("replay")
        self.expect("P6", "the replay of create")

    def test_a_replay_disagrees_with_the_store(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.grant("u1", 0, name="reset")
        self.story.phase("replay")
        self.story.sold_out("u1")
        self.expect("P6", "the store 100")

    def test_a_replay_makes_what_was_there(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.grant("u1", 0, name="reset")
        self.story.phase("replay")
        self.story.grant("u1", 201, 100)
        self.expect("P6", "that was there already")

    def test_a_wallet_lacks_a_grant(self):
        self.story.create(total=1)
        self.story.put("u1", 100)
        self.story.grant("u1", 201, 100)
        self.story.store.wallets.clear()
        self.expect("P6", "the wallet of u1 in the store lacks")

    def test_a_wallet_has_what_was_not_granted(self):
        self.story.create(total=1)
        contents = self.story.contents()
        contents.listed.wallets["u1"] = {D: 100}
        self.expect("P6", "in the API has", contents)

    def test_counts_do_not_add_up(self):
        self.story.create(total=2)
        contents = self.story.contents()
        contents.listed.counts[D] = [1, 1]
        self.expect("P6", "the list counts", contents)

    def test_a_discount_is_not_in_the_list(self):
        self.story.create(total=2)
        contents = self.story.contents()
        del contents.listed.discounts[D]
        self.expect("P6", "one of store and list", contents)

    # ---- Processes ----

    def test_a_process_ends_by_itself(self):
        self.story.lines.append(["exit", 1, "replica 1", -6, None])
        self.expect("life", "by itself with -6")

    def test_a_process_that_was_told_to_stop_fails(self):
        self.story.lines.append(["exit", 1, "replica 1", 1, "stop"])
        self.expect("life", "told to stop and ended with 1")

    def test_a_process_that_saves_its_files_ends_with_1(self):
        self.story.lines.append(["exit", 1, "replica 0", 1, "rescue"])
        self.expect_none()

    def test_a_process_whose_files_were_taken_has_to_be_killed(self):
        self.story.lines.append(["exit", 1, "replica 0", -9, "rescue"])
        self.expect("life", "was to save its files and end with 1, and ended with -9")

    # ---- A store that may lose what it holds ----

    def unfit(self, begins):
        self.story.lines.append(["unfit", self.story.tick(), begins])

    def test_refusals_and_answers_begun_before_or_ended_after_are_no_use_of_an_unfit_store(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.story.put("u2", 101)
        early = self.story.ask("grant", discount=D, user="u1")
        self.unfit(True)
        self.story.answer_grant(early, "u1", 201, 100)
        self.story.grant("u2", 503, name="store-unavailable")
        late = self.story.ask("grant", discount=D, user="u2")
        self.unfit(False)
        self.story.answer_grant(late, "u2", 201, 101)
        self.expect_none()

    def test_a_grant_is_answered_while_the_store_is_unfit(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.unfit(True)
        self.story.grant("u1", 201, 100)
        self.unfit(False)
        self.expect("P3", "was answered 201, and the store may lose")

    def test_a_grant_is_answered_and_the_store_stays_unfit(self):
        self.story.create(total=2)
        self.story.put("u1", 100)
        self.unfit(True)
        self.story.grant("u1", 201, 100)
        self.expect("P3", "was answered 201, and the store may lose")

    def test_a_replica_is_ready_while_the_store_is_unfit(self):
        self.story.lines.append(["ready", self.story.tick(), "replica 1"])
        self.expect("P3", "replica 1 was ready")


class Program(unittest.TestCase):
    """The checker as a program: its output and exit codes."""

    def run_on(self, story):
        with tempfile.TemporaryDirectory() as directory:
            with open(f"{directory}/{history.FILE}", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in story.lines)
            story.contents().save(directory)
            return check_history.main(directory)

    def test_exits_with_0_when_all_is_kept(self):
        story = Story()
        story.create()
        self.assertEqual(0, self.run_on(story))

    def test_exits_with_1_and_names_the_lines(self):
        story = Story()
        story.create(total=2)
        story.grant("u1", 201, 100)
        found = story.violations()
        self.assertEqual([4, 5], found[0].lines)
        self.assertEqual(1, self.run_on(story))

    def test_exits_with_2_when_there_is_no_log(self):
        self.assertEqual(2, check_history.main("/nonexistent"))

    def test_a_log_is_read_as_it_was_written(self):
        with tempfile.TemporaryDirectory() as directory:
            log = history.Log(directory)
            log.run(seed=1)
            seq = log.ask("c1", "nginx", "grant", {"discount": D, "user": "ü 1"})
            log.said(seq, 0, "reset", {})
            log.phase("replay")
            log.ask("c1", "nginx", "wallet", {"user": "ü 1"})
            log.close()
            past = history.read(directory)
        self.assertEqual([2, 3], past.requests[0].lines())
        self.assertEqual(("ü 1", "in doubt", "load"),
                         (past.requests[0].asked["user"], past.requests[0].outcome(), past.requests[0].phase))
        self.assertEqual(([5], "replay"), (past.requests[1].lines(), past.requests[1].phase))


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
