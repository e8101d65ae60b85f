/* SPDX-License-Identifier: MIT */
/* In: a URL. Out: the backend that it names, called through the functions of discount/engine.h. */
#include "discount/engine.h"

#include <stdlib.h>
#include <string.h>

#include "store/backend.h"

static const struct store_backend *const backends[] = {&sqlite_backend, &redis_backend};

static const struct store_backend *backend_of(const char *url)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strncmp(url, backends[i]->scheme, strlen(backends[i]->scheme)) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

struct store_engine *store_engine_open(const char *url, const char **ret_error)
{
    const struct store_backend *backend = backend_of(url);
    struct store_engine *engine;

    if (backend == NULL) {
        *ret_error = "must begin with sqlite: or redis://";
        return NULL;
    }
    engine = malloc(sizeof(*engine));
    if (engine == NULL) {
        *ret_error = "out of memory";
        return NULL;
    }
    *engine = (struct store_engine){backend, backend->engine_open(url, ret_error)};
    if (engine->self == NULL) {
        free(engine);
        return NULL;
    }
    return engine;
}

bool store_engine_start(struct store_engine *engine)
{
    return engine->backend->engine_start == NULL || engine->backend->engine_start(engine->self);
}

void store_engine_close(struct store_engine *engine)
{
    engine->backend->engine_close(engine->self);
    free(engine);
}

const char *store_engine_control_path(const struct store_engine *engine)
{
    return engine->backend->control_path == NULL ? NULL
                                                 : engine->backend->control_path(engine->self);
}

bool store_engine_backup(struct store_engine *engine, const char *path, store_progress_fn progress,
                         void *argument, char ret_error[STORE_ERROR_SIZE])
{
    return engine->backend->backup(engine->self, path, progress, argument, ret_error);
}

bool store_engine_verify(struct store_engine *engine, struct store_audit *audit,
                         char ret_error[STORE_ERROR_SIZE])
{
    return engine->backend->verify(engine->self, audit, ret_error);
}
