#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the verdict of the soak: it finds growth and leftovers, and accepts mere fluctuation."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from soak_samples import MOST_KIB_PER_MINUTE, Sample, faults_of, growth, read_metrics, slope

CLIENTS = 8
REST = Sample(0, 5000, 20)
QUIET = {"discount_http_requests": 1, "discount_http_connections": 1}


def samples(kib_per_minute=0, warm_up=1000, descriptors=28, count=600):
    """One sample every two seconds. Memory grows by `warm_up` during the first third, then at the given rate, and always
    fluctuates."""
    return [Sample(2 * n, int(5000 + warm_up * min(1, 3 * n / count) + kib_per_minute * 2 * n / 60 + 40 * (n % 3)), descriptors)
            for n in range(count)]


def faults(seen, after=REST, counts=None):
    return faults_of(seen, CLIENTS, REST, after, {**QUIET, **(counts or {})})


class Verdict(unittest.TestCase):
    def test_a_line_has_its_slope(self):
        self.assertAlmostEqual(slope([(x, 7 - 3 * x) for x in range(10)]), -3)

    def test_restless_memory_does_not_grow(self):
        self.assertAlmostEqual(growth(samples()), 0, delta=1)
        self.assertEqual(faults(samples()), [])

    def test_what_grows_only_at_first_is_warm(self):
        self.assertEqual(faults(samples(warm_up=60000)), [])

    def test_what_grows_to_the_end_is_found(self):
        self.assertAlmostEqual(growth(samples(200)), 200, delta=2)
        self.assertIn("memory grows", faults(samples(MOST_KIB_PER_MINUTE + 5))[0])

    def test_too_few_samples_say_nothing(self):
        self.assertIsNone(growth(samples(10000, count=30)))

    def test_a_descriptor_that_stays_is_found(self):
        self.assertIn("21 descriptors afterwards", faults(samples(), after=Sample(9, 5000, 21))[0])

    def test_descriptors_that_grow_under_load_are_found(self):
        self.assertIn("45 descriptors with 8 clients", faults(samples(descriptors=45))[0])
        self.assertEqual(faults(samples(descriptors=44)), [])

    def test_a_request_that_does_not_end_is_found(self):
        self.assertIn("1 requests", faults(samples(), counts={"discount_http_requests": 2})[0])

    def test_a_connection_that_does_not_end_is_found(self):
        self.assertIn("2 connections", faults(samples(), counts={"discount_http_connections": 3})[0])

    def test_series_of_a_metric_are_added(self):
        self.assertEqual(read_metrics('# HELP a b\na{x="1 2"} 3\na{x="2"} 4\nb 5\n'), {"a": 7, "b": 5})


if __name__ == "__main__":
    unittest.main()
