/* SPDX-License-Identifier: MIT */
/* The serving end of the control socket (control/wire.h). A process that has a store to itself
 * takes requests for a backup there, one at a time, on a thread of its own. */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include "discount/engine.h"

struct control_server;

/* Listens for a started engine. NULL where no such socket can be made, which the log explains, or
 * none is needed. */
struct control_server *control_server_open(struct store_engine *engine);
/* Ends the request in progress, the thread and the socket; before the engine is closed. NULL is
 * nothing. */
void control_server_close(struct control_server *control);

#endif
