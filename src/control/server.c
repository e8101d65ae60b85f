/* SPDX-License-Identifier: MIT */
/* The serving end of the control socket. It blocks, on a thread that does nothing else. */
#include "control/server.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "control/wire.h"
#include "discount/log.h"

/* How long the serving end waits for its client to send its request, or to take an answer. */
#define PATIENCE_S 10
/* How long to wait for a descriptor when there is none to be had. */
#define OUT_OF_ROOM_MS 100

struct control_server {
    struct store_engine *engine; /* borrowed */
    const char *path;            /* the engine's */
    int fd;
    uv_thread_t thread;
    uv_mutex_t lock;
    int client; /* the connection being answered, or -1; guarded by the lock */
    atomic_bool is_stopping;
};

struct asked {
    struct control_server *control;
    int fd;
};

/* False, which ends the backup, when the client is gone. */
static bool report_progress(void *argument, uint64_t done, uint64_t total)
{
    const struct asked *asked = argument;

    return !atomic_load(&asked->control->is_stopping) &&
           control_wire_send_line(asked->fd, "%llu %llu\n", (unsigned long long)done,
                                  (unsigned long long)total);
}

static void answer(struct control_server *control, int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct asked asked = {control, fd};
    char line[CONTROL_WIRE_LINE], error[STORE_ERROR_SIZE];

    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        !control_wire_recv_line(fd, control_wire_now_ms() + UINT64_C(1000) * PATIENCE_S, line)) {
        return;
    }
    if (strncmp(line, CONTROL_WIRE_BACKUP "/", sizeof(CONTROL_WIRE_BACKUP)) != 0) {
        control_wire_send_line(fd, "fault only \"" CONTROL_WIRE_BACKUP "/PATH\" is understood\n");
    } else if (store_engine_backup(control->engine, line + sizeof(CONTROL_WIRE_BACKUP) - 1,
                                   report_progress, &asked, error)) {
        control_wire_send_line(fd, "ok\n");
        log_write(LOG_INFO, "control: a backup was made");
    } else {
        control_wire_send_line(fd, "fault %s\n", error);
        log_write(LOG_WARNING, "control: a backup that was asked for failed");
    }
}

static void client_set(struct control_server *control, int fd)
{
    uv_mutex_lock(&control->lock);
    control->client = fd;
    uv_mutex_unlock(&control->lock);
}

static void control_main(void *argument)
{
    struct control_server *control = argument;

    while (!atomic_load(&control->is_stopping)) {
        int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0) {
            client_set(control, fd);
            answer(control, fd);
            client_set(control, -1);
            close(fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            uv_sleep(OUT_OF_ROOM_MS);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    if (!atomic_load(&control->is_stopping)) {
        log_write(LOG_WARNING, "control: no more backups are taken: %s", strerror(errno));
    }
}

/* A socket that is there was left by a process that was killed: this one has the store. */
static void stale_remove(const char *path)
{
    struct stat about;

    if (lstat(path, &about) == 0 && S_ISSOCK(about.st_mode)) {
        unlink(path);
    }
}

/* A socket that listens there, for our own user alone. -1, and errno, when it cannot be. */
static int listen_at(const char *path)
{
    struct sockaddr_un address;
    int directory = control_wire_address(path, &address);
    int fd, number;

    if (directory < 0) {
        return -1;
    }
    stale_remove(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* The name gets the mode that the socket has when it is bound. */
    if (fd >= 0 &&
        (fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
         bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1) != 0)) {
        number = errno;
        close(fd);
        errno = number;
        fd = -1;
    }
    number = errno;
    close(directory);
    errno = number;
    return fd;
}

struct control_server *control_server_open(struct store_engine *engine)
{
    const char *path = store_engine_control_path(engine);
    struct control_server *control = path == NULL ? NULL : calloc(1, sizeof(*control));

    if (control == NULL) {
        return NULL;
    }
    control->engine = engine;
    control->path = path;
    control->client = -1;
    control->fd = listen_at(path);
    if (control->fd < 0 || uv_mutex_init(&control->lock) != 0 ||
        uv_thread_create(&control->thread, control_main, control) != 0) {
        log_write(LOG_WARNING, "control: %s: %s; there are no backups while this process serves",
                  path, strerror(errno));
        close(control->fd);
        free(control);
        return NULL;
    }
    return control;
}

void control_server_close(struct control_server *control)
{
    if (control == NULL) {
        return;
    }
    atomic_store(&control->is_stopping, true);
    shutdown(control->fd, SHUT_RDWR); /* wakes accept */
    uv_mutex_lock(&control->lock);
    if (control->client >= 0) {
        shutdown(control->client, SHUT_RDWR); /* and whoever dawdles */
    }
    uv_mutex_unlock(&control->lock);
    uv_thread_join(&control->thread);
    close(control->fd);
    unlink(control->path);
    uv_mutex_destroy(&control->lock);
    free(control);
}
