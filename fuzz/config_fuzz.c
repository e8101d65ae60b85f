/* SPDX-License-Identifier: MIT */
/* Input: an environment, with a NUL after each assignment. A configuration that is called valid
 * must be within its bounds. The URL of a store must be refused or accepted without harm. */
#include <string.h>

#include "discount/engine.h"
#include "fuzz.h"
#include "service/config.h"
#include "store/redis/address.h"

#define MOST 32

static void check(const struct config *config)
{
    MUST(config->listen_host[0] != '\0' && config->listen_port[0] != '\0');
    MUST(config->workers >= 1 && config->workers <= CONFIG_MOST_WORKERS);
    MUST(config->connections >= 1 && config->in_flight >= 1);
    MUST(config->deadline_ms >= 10 && config->deadline_ms <= 60000);
    MUST(config->drain_ms <= 60000);
}

static void check_store(const char *url)
{
    const char *fault = NULL;
    struct store_engine *engine = store_engine_open(url, &fault);

    if (engine == NULL) {
        MUST(fault != NULL);
    } else {
        store_engine_close(engine); /* it has opened nothing */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static FILE *nowhere;
    char *text = malloc(size + 1), *at = text;
    char *environment[MOST + 1] = {NULL};
    struct config config;
    size_t count = 0;

    if (nowhere == NULL) {
        nowhere = fopen("/dev/null", "w");
    }
    MUST(text != NULL && nowhere != NULL);
    if (size > 0) {
        memcpy(text, bytes, size);
    }
    text[size] = '\0';
    while (at < text + size && count < MOST) {
        environment[count++] = at;
        at += strlen(at) + 1;
    }
    if (config_read(environment, nowhere, &config)) {
        check(&config);
    }
    check_store(config.store);
    free(text);
    return 0;
}
