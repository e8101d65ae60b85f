/* SPDX-License-Identifier: MIT */
/* The signals with which an operator ends a command: Ctrl-C, kill, a terminal that is closed. A
 * command that has something to clean up blocks them, cleans up, and then dies of the signal as it
 * would have done without this. Call from the command's thread, before it starts others. */
#ifndef BASE_INTERRUPTION_H
#define BASE_INTERRUPTION_H

#include <signal.h>

/* Blocks these signals, except those that are ignored (nohup). */
void interruption_block(sigset_t *ret_signals);
/* Takes a pending signal; 0 when there is none. */
int interruption_take(const sigset_t *signals);
/* Restores the default actions. Signals that arrived meanwhile act now. */
void interruption_unblock(const sigset_t *signals);
/* Ends the process with this signal. Any thread. */
void interruption_die(const sigset_t *signals, int number);

#endif
