#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the parts of the faults that need no deployment: the rights that are taken, and the rescued copy that is put in place."""

import asyncio
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import eviction
import rights
import taken_files
from wire import RedisError


class Rights(unittest.TestCase):
    def test_the_docs_name_commands_and_keys(self):
        self.assertIn("+zadd", rights.SERVICE)
        self.assertIn("~user:*", rights.KEYS)
        self.assertIn("+scan", rights.VERIFY)

    def test_a_command_is_taken_and_given_back(self):
        self.assertEqual(["-config|get"], rights.to_take("+config|get"))
        self.assertEqual(["+config|get"], rights.to_give("+config|get"))

    def test_of_the_keys_one_pattern_is_taken_and_all_are_given_back(self):
        taken = rights.to_take("~user:*")
        self.assertEqual("resetkeys", taken[0])
        self.assertEqual(set(rights.KEYS) - {"~user:*"}, set(taken[1:]))
        self.assertEqual(rights.KEYS, rights.to_give("~user:*"))

    def test_the_login_is_taken_and_given_back(self):
        self.assertEqual((["off"], ["on"]), (rights.to_take("on"), rights.to_give("on")))


class TakenFiles(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = f"{self.directory.name}/discount.db"

    def tearDown(self):
        self.directory.cleanup()

    def write(self, ending, text):
        with open(self.path + ending, "w", encoding="utf-8") as file:
            file.write(text)

    def files(self):
        found = {}
        for name in os.listdir(self.directory.name):
            with open(f"{self.directory.name}/{name}", encoding="utf-8") as file:
                found[name.removeprefix("discount.db")] = file.read()
        return found

    def test_each_file_is_taken(self):
        wanted = {"log removed": {"": "34"}, "log renamed": {"": "34", "-wal.away": "12"},
                  "log replaced by an empty file": {"": "34", "-wal": ""}, "log emptied": {"": "34", "-wal": ""},
                  "log cut in half": {"": "34", "-wal": "1"}, "database removed": {"-wal": "12"},
                  "database renamed": {".away": "34", "-wal": "12"}, "database replaced by an empty file": {"": "", "-wal": "12"}}
        self.assertEqual(wanted.keys(), taken_files.TAKES.keys())
        for name, left in wanted.items():
            self.write("", "34")
            self.write("-wal", "12")
            taken_files.do(name, self.path)
            self.assertEqual(left, self.files(), name)
            for ending in left:
                os.unlink(self.path + ending)

    def test_the_copy_takes_the_place_without_the_log_that_is_left(self):
        for ending, text in (("", "old"), ("-wal", "old log"), ("-wal.away", "old log"), (".away", "old"), ("-rescued-2", "new")):
            self.write(ending, text)
        self.assertEqual("discount.db-rescued-2", taken_files.put_in_place(self.path))
        self.assertEqual({"": "new"}, self.files())

    def test_the_log_of_the_copy_comes_with_it(self):
        for ending, text in (("", "old"), ("-wal", "old log"), ("-rescued-2", "new"), ("-rescued-2-wal", "new log")):
            self.write(ending, text)
        taken_files.put_in_place(self.path)
        self.assertEqual({"": "new", "-wal": "new log"}, self.files())

    def test_without_a_copy_nothing_is_touched(self):
        for ending, text in (("", "old"), ("-wal", "old log"), ("-rescued-2-partial", "half")):
            self.write(ending, text)
        self.assertIsNone(taken_files.put_in_place(self.path))
        self.assertEqual({"": "old", "-wal": "old log", "-rescued-2-partial": "half"}, self.files())


class Neighbour(unittest.TestCase):
    def take(self, replies):
        class Door:
            async def call(self, *_, **__):
                reply = replies.pop(0)
                if isinstance(reply, RedisError):
                    raise reply
        return asyncio.run(eviction.take_all(Door()))

    def test_takes_until_there_is_no_more(self):
        self.assertTrue(self.take([1, 2, RedisError("OOM command not allowed")]))

    def test_gives_up_when_there_is_always_more(self):
        self.assertFalse(self.take([1] * 1000))

    def test_other_refusals_are_not_taken_for_it(self):
        with self.assertRaises(RedisError):
            self.take([RedisError("LOADING")])


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
