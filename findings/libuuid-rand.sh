#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: uuid_generate_random takes its bytes from the kernel and touches nothing of the program's.
# What happens: it seeds random() and rand() of the whole process anew, from the clock.
# Why it matters: a test or a simulation that printed its seed cannot be repeated as soon as one id is made.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libuuid1=2.38.1-5+deb12u3 uuid-dev=2.38.1-5+deb12u3
program seeds libuuid.so.1 <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <uuid/uuid.h>

static int same_again(int make_id, int number(void), void seed(unsigned)) {
    int first[4], same = 1;
    uuid_t id;
    for (int round = 0; round < 2; round++) {
        seed(1);
        if (make_id) uuid_generate_random(id);
        for (int i = 0; i < 4; i++) {
            int next = number();
            if (round == 0) first[i] = next;
            else same &= first[i] == next;
        }
        /* The seed has microseconds in it. */
        if (make_id) for (volatile int i = 0; i < 10000000; i++) {}
    }
    return same;
}

static int random_int(void) { return (int)random(); }

int main(void) {
    printf("srand(1), rand(): the same each time: %s\n", same_again(0, rand, srand) ? "yes" : "no");
    printf("srand(1), uuid_generate_random, rand(): the same each time: %s\n", same_again(1, rand, srand) ? "yes" : "no");
    printf("srandom(1), uuid_generate_random, random(): the same each time: %s\n", same_again(1, random_int, srandom) ? "yes" : "no");
    return 0;
}
C
observe "$(cat <<'T'
srand(1), rand(): the same each time: yes
srand(1), uuid_generate_random, rand(): the same each time: no
srandom(1), uuid_generate_random, random(): the same each time: no
T
)" "$("$temp/seeds")"
