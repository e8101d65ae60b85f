/* SPDX-License-Identifier: MIT */
/* The conformance suite on a real Redis, as a user who has exactly the rights that
 * docs/operations.md names. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/conformance.h"
#include "support/redis_server.h"
#include "support/test.h"

#define LINE 1024
#define COMMAND "ACL SETUSER shop on >secret "

/* The command that makes the user, as the docs have it. */
static void command_of_docs(char ret_command[LINE])
{
    FILE *file = fopen(getenv("OPERATIONS_MD"), "re");

    assert_non_null(file);
    do {
        assert_non_null(fgets(ret_command, LINE, file));
    } while (strncmp(ret_command, COMMAND, sizeof(COMMAND) - 1) != 0);
    ret_command[strcspn(ret_command, "\n")] = '\0';
    fclose(file);
}

static const char *url(const char *directory)
{
    static struct redis_server *server; /* until the process ends */
    static char with_user[64];
    char command[LINE];

    (void)directory; /* the server has its own */
    if (server == NULL) {
        command_of_docs(command);
        server = redis_server_start(NULL);
        assert_string_equal(redis_server_command(server, command), "OK");
        snprintf(with_user, sizeof(with_user), "redis://shop:secret@127.0.0.1:%d",
                 redis_server_port(server));
    }
    return with_user;
}

int main(void)
{
    return conformance_run(&(struct conformance_backend){.name = "redis", .url = url});
}
