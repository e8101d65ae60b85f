/* SPDX-License-Identifier: MIT */
#include "base/interruption.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

void interruption_block(sigset_t *ret_signals)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};

    sigemptyset(ret_signals);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action;

        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(ret_signals, numbers[i]);
        }
    }
    pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
}

int interruption_take(const sigset_t *signals)
{
    const struct timespec at_once = {0};
    int number = sigtimedwait(signals, NULL, &at_once);

    return number > 0 ? number : 0;
}

void interruption_unblock(const sigset_t *signals)
{
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

void interruption_die(const sigset_t *signals, int number)
{
    signal(number, SIG_DFL);
    interruption_unblock(signals);
    raise(number);
}
