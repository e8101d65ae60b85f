/* SPDX-License-Identifier: MIT */
/* What an operator ends a command with: Ctrl-C, kill, a terminal that is closed. A command that has
 * something to clear away keeps these signals waiting, clears, and then dies of them as it would
 * have done. For the thread of the command, before it has others. */
#ifndef BASE_INTERRUPTION_H
#define BASE_INTERRUPTION_H

#include <signal.h>

/* From now on they wait, but for those that are ignored (nohup). */
void interruption_block(sigset_t *ret_signals);
/* Takes one that waits; 0 when there is none. */
int interruption_take(const sigset_t *signals);
/* They do again what they do by default, those that came meanwhile too. */
void interruption_unblock(const sigset_t *signals);
/* Ends the process with this one. Any thread. */
void interruption_die(const sigset_t *signals, int number);

#endif
