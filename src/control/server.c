/* SPDX-License-Identifier: MIT */
/* Both ends of the control socket. The serving end blocks, on a thread that does nothing else. */
#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "discount/log.h"

/* How long the serving end waits for its client to say all that it wants, or to take an answer. */
#define PATIENCE_S 10
#define FOREVER UINT64_MAX
#define LINE_SIZE 4400
#define COMMAND "backup "
/* What a store puts behind its file's path. */
#define SOCKET_ENDING "-control"
/* How long to wait for a descriptor when there is none to be had. */
#define OUT_OF_ROOM_MS 100

struct control {
    struct store_engine *engine; /* borrowed */
    const char *path;            /* the engine's */
    int fd;
    uv_thread_t thread;
    uv_mutex_t lock;
    int client; /* who is being answered, or -1; guarded by the lock */
    atomic_bool is_stopping;
};

/* ---- What both ends do ---- */

/* An address has room for 107 bytes only, so it goes through a descriptor of the directory, which
 * is the caller's to close once the address was used; -1 when there is no such address. */
static int address_of(const char *path, struct sockaddr_un *ret_address)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char directory[LINE_SIZE];
    int n = snprintf(directory, sizeof(directory), "%.*s",
                     slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
    int fd;

    if (n < 0 || (size_t)n >= sizeof(directory)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    n = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/%s", fd,
                 name);
    if (fd >= 0 && (n < 0 || (size_t)n >= sizeof(ret_address->sun_path))) {
        close(fd);
        errno = ENAMETOOLONG;
        return -1;
    }
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR) {
            return false;
        }
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        }
    }
    return true;
}

static bool __attribute__((format(printf, 2, 3))) say(int fd, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    return n > 0 && (size_t)n < sizeof(line) && send_all(fd, line, (size_t)n);
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Waits until there is something to take, or the end; false when the time is over. */
static bool await(int fd, uint64_t until_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    uint64_t now;

    while ((now = now_ms()) < until_ms) {
        int count = poll(&polled, 1, until_ms == FOREVER ? -1 : (int)(until_ms - now));

        if (count > 0 || (count < 0 && errno != EINTR)) {
            return count > 0;
        }
    }
    return false;
}

/* One line without its end, byte by byte: there are few, and nothing behind it is taken. All of it
 * must have come by then. */
static bool hear(int fd, uint64_t until_ms, char ret_line[LINE_SIZE])
{
    for (size_t n = 0; n < LINE_SIZE; n++) {
        ssize_t got;

        do {
            if (!await(fd, until_ms)) {
                return false;
            }
            got = recv(fd, &ret_line[n], 1, 0);
        } while (got < 0 && errno == EINTR);
        if (got != 1) {
            return false;
        }
        if (ret_line[n] == '\n') {
            ret_line[n] = '\0';
            return true;
        }
    }
    return false;
}

/* ---- The serving end ---- */

struct asked {
    struct control *control;
    int fd;
};

/* Who does not listen any more wants no backup either. */
static bool tell(void *argument, uint64_t done, uint64_t total)
{
    const struct asked *asked = argument;

    return !atomic_load(&asked->control->is_stopping) &&
           say(asked->fd, "%llu %llu\n", (unsigned long long)done, (unsigned long long)total);
}

static void answer(struct control *control, int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct asked asked = {control, fd};
    char line[LINE_SIZE], error[STORE_ERROR_SIZE];

    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        !hear(fd, now_ms() + UINT64_C(1000) * PATIENCE_S, line)) {
        return;
    }
    if (strncmp(line, COMMAND "/", sizeof(COMMAND)) != 0) {
        say(fd, "fault only \"" COMMAND "/PATH\" is understood\n");
    } else if (store_engine_backup(control->engine, line + sizeof(COMMAND) - 1, tell, &asked,
                                   error)) {
        say(fd, "ok\n");
        log_write(LOG_INFO, "control: a backup was made");
    } else {
        say(fd, "fault %s\n", error);
        log_write(LOG_WARNING, "control: a backup that was asked for failed");
    }
}

static void client_set(struct control *control, int fd)
{
    uv_mutex_lock(&control->lock);
    control->client = fd;
    uv_mutex_unlock(&control->lock);
}

static void control_main(void *argument)
{
    struct control *control = argument;

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
    int directory = address_of(path, &address);
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

struct control *control_open(struct store_engine *engine)
{
    const char *path = store_engine_control_path(engine);
    struct control *control = path == NULL ? NULL : calloc(1, sizeof(*control));

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

void control_close(struct control *control)
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

/* ---- The asking end ---- */

bool control_store_path(const char *control_path, char ret_path[PATH_MAX])
{
    size_t n = strlen(control_path) - strlen(SOCKET_ENDING);

    return snprintf(ret_path, PATH_MAX, "%.*s", (int)n, control_path) < PATH_MAX;
}

/* A connected socket, or -1 with errno. `flags` may be SOCK_NONBLOCK: EAGAIN is then a process that
 * has others to listen to. */
static int connect_to(const char *path, int flags)
{
    struct sockaddr_un address;
    int directory = address_of(path, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    int number = errno;

    if (fd >= 0 &&
        (directory < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)) {
        number = errno;
        close(fd);
        fd = -1;
    }
    if (directory >= 0) {
        close(directory);
    }
    errno = number;
    return fd;
}

/* Whether the process at the other end may have the store: it is of the user that the file belongs
 * to, or of our own. In a directory where others write, one of them may listen there. */
static bool is_trusted(const struct control_peer *peer, const char *control_path)
{
    char path[PATH_MAX];
    struct stat about;

    return peer->uid == geteuid() || (control_store_path(control_path, path) &&
                                      stat(path, &about) == 0 && peer->uid == about.st_uid);
}

static bool peer_know(struct control_peer *peer)
{
    struct ucred about;
    socklen_t size = sizeof(about);

    if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &about, &size) != 0) {
        return false;
    }
    peer->uid = about.uid;
    peer->gid = about.gid;
    return true;
}

enum control_answer control_connect(const char *control_path, struct control_peer *ret_peer,
                                    char ret_error[STORE_ERROR_SIZE])
{
    struct control_peer peer = {.fd = connect_to(control_path, 0)};

    if (peer.fd < 0) {
        return CONTROL_NOBODY;
    }
    if (!peer_know(&peer) || !is_trusted(&peer, control_path)) {
        snprintf(ret_error, STORE_ERROR_SIZE, "%.900s is another user's", control_path);
        close(peer.fd);
        return CONTROL_UNTRUSTED;
    }
    *ret_peer = peer;
    return CONTROL_THERE;
}

bool control_is_served(const char *control_path)
{
    struct control_peer peer = {.fd = connect_to(control_path, SOCK_NONBLOCK)};
    bool is_served;

    if (peer.fd < 0) {
        return errno == EAGAIN;
    }
    is_served = peer_know(&peer) && is_trusted(&peer, control_path);
    close(peer.fd);
    return is_served;
}

/* Reads what is said until the end of it. */
static bool listen_to(int fd, store_progress_fn progress, void *argument, char *ret_error)
{
    char line[LINE_SIZE];

    while (hear(fd, FOREVER, line)) {
        char *rest = line;
        uint64_t done, total;

        if (strcmp(line, "ok") == 0) {
            return true;
        }
        if (strncmp(line, "fault ", 6) == 0) {
            snprintf(ret_error, STORE_ERROR_SIZE, "%.*s", STORE_ERROR_SIZE - 1, line + 6);
            return false;
        }
        done = strtoull(line, &rest, 10);
        total = strtoull(rest, &rest, 10);
        if (*rest != '\0' || !progress(argument, done, total)) {
            break;
        }
    }
    snprintf(ret_error, STORE_ERROR_SIZE,
             "the process that serves the store did not go on with it");
    return false;
}

bool control_backup(const struct control_peer *peer, const char *file, store_progress_fn progress,
                    void *argument, char ret_error[STORE_ERROR_SIZE])
{
    if (strchr(file, '\n') != NULL || strlen(file) > LINE_SIZE - sizeof(COMMAND) - 1) {
        snprintf(ret_error, STORE_ERROR_SIZE, "the path is too long or has a line break");
        return false;
    }
    if (!say(peer->fd, COMMAND "%s\n", file)) {
        snprintf(ret_error, STORE_ERROR_SIZE, "the process that serves the store: %s",
                 strerror(errno));
        return false;
    }
    return listen_to(peer->fd, progress, argument, ret_error);
}

void control_hang_up(const struct control_peer *peer)
{
    close(peer->fd);
}
