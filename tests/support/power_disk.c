/* SPDX-License-Identifier: MIT */
#include "support/power_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/seed.h"

#define SECTOR 512
#define TRUNCATED (-1)

/* A write, or a truncation to size `at`, that is not synced yet. */
struct change {
    struct change *next;
    int64_t at;
    int n; /* or TRUNCATED */
    unsigned char bytes[];
};

struct image {
    unsigned char *bytes; /* owned; `room` bytes long, zero after `size` */
    size_t size, room;
};

struct disk_file {
    struct image synced;
    struct change *changes, **end; /* owned; the oldest first */
};

struct power_disk {
    struct disk_file files[FAULT_FILES];
    struct fault_watch watch;
    power_moment_fn moment;
    void *context;
    bool lies;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* ---- Images ---- */

static void image_write(struct image *image, const unsigned char *bytes, size_t n, size_t at)
{
    if (at + n > image->room) {
        size_t room = 2 * (at + n);

        image->bytes = must(realloc(image->bytes, room));
        memset(image->bytes + image->room, 0, room - image->room);
        image->room = room;
    }
    memcpy(image->bytes + at, bytes, n);
    image->size = at + n > image->size ? at + n : image->size;
}

static void image_truncate(struct image *image, size_t size)
{
    if (size < image->size) {
        memset(image->bytes + size, 0, image->size - size);
        image->size = size;
    }
}

static void image_apply(struct image *image, const struct change *change)
{
    if (change->n == TRUNCATED) {
        image_truncate(image, (size_t)change->at);
    } else {
        image_write(image, change->bytes, (size_t)change->n, (size_t)change->at);
    }
}

/* Applies some sectors of a write; applies a truncation or not. Each change has its own
 * probability, so that some cuts lose nearly all of it and others nearly nothing. */
static void image_apply_some(struct image *image, const struct change *change, uint32_t *random)
{
    uint32_t kept_of_8 = random_next(random) % 9;

    if (change->n == TRUNCATED) {
        if (kept_of_8 >= 4) {
            image_apply(image, change);
        }
        return;
    }
    for (int from = 0, n; from < change->n; from += n) {
        n = SECTOR - (int)((change->at + from) % SECTOR);
        n = n < change->n - from ? n : change->n - from;
        if (random_next(random) % 8 < kept_of_8) {
            image_write(image, change->bytes + from, (size_t)n, (size_t)(change->at + from));
        }
    }
}

/* ---- Watching ---- */

static void change_add(struct disk_file *file, const void *bytes, int n, int64_t at)
{
    size_t size = n == TRUNCATED ? 0 : (size_t)n;
    struct change *change = must(malloc(sizeof(*change) + size));

    *change = (struct change){.at = at, .n = n};
    if (size > 0) {
        memcpy(change->bytes, bytes, size);
    }
    *file->end = change;
    file->end = &change->next;
}

static void changes_drop(struct disk_file *file)
{
    struct change *next;

    for (struct change *change = file->changes; change != NULL; change = next) {
        next = change->next;
        free(change);
    }
    file->changes = NULL;
    file->end = &file->changes;
}

static void wrote(void *context, enum fault_file file, const void *bytes, int n, int64_t at)
{
    struct power_disk *disk = context;

    change_add(&disk->files[file], bytes, n, at);
    disk->moment(disk->context, POWER_AT_WRITE);
}

static void truncated(void *context, enum fault_file file, int64_t size)
{
    struct power_disk *disk = context;

    change_add(&disk->files[file], NULL, TRUNCATED, size);
    disk->moment(disk->context, POWER_AT_WRITE);
}

static void synced(void *context, enum fault_file kind)
{
    struct power_disk *disk = context;
    struct disk_file *file = &disk->files[kind];

    disk->moment(disk->context, POWER_AT_SYNC);
    if (!disk->lies || kind != FAULT_LOG) {
        for (const struct change *change = file->changes; change != NULL; change = change->next) {
            image_apply(&file->synced, change);
        }
        changes_drop(file);
    }
    disk->moment(disk->context, POWER_AT_SYNC);
}

/* ---- The disk ---- */

struct power_disk *power_disk_new(power_moment_fn moment, void *context)
{
    struct power_disk *disk = must(calloc(1, sizeof(*disk)));

    for (size_t i = 0; i < FAULT_FILES; i++) {
        disk->files[i].end = &disk->files[i].changes;
    }
    disk->moment = moment;
    disk->context = context;
    disk->watch = (struct fault_watch){
        .context = disk, .wrote = wrote, .truncated = truncated, .synced = synced};
    fault_vfs_watch(&disk->watch);
    return disk;
}

void power_disk_free(struct power_disk *disk)
{
    fault_vfs_watch(NULL);
    for (size_t i = 0; i < FAULT_FILES; i++) {
        changes_drop(&disk->files[i]);
        free(disk->files[i].synced.bytes);
    }
    free(disk);
}

void power_disk_lie(struct power_disk *disk)
{
    disk->lies = true;
}

size_t power_disk_synced_size(const struct power_disk *disk, enum fault_file file)
{
    return disk->files[file].synced.size;
}

static void file_leave(const struct disk_file *file, const char *path, enum power_loss loss,
                       uint32_t *random)
{
    struct image left = {0};
    FILE *stream = must(fopen(path, "wb"));

    if (file->synced.size > 0) {
        image_write(&left, file->synced.bytes, file->synced.size, 0);
    }
    for (const struct change *change = file->changes; change != NULL; change = change->next) {
        if (loss == POWER_LOSES_SOME) {
            image_apply_some(&left, change, random);
        } else if (loss == POWER_LOSES_NOTHING) {
            image_apply(&left, change);
        }
    }
    if ((left.size > 0 && fwrite(left.bytes, 1, left.size, stream) != left.size) ||
        fclose(stream) != 0) {
        abort();
    }
    free(left.bytes);
}

void power_disk_leave(const struct power_disk *disk, const char *path, enum power_loss loss,
                      uint32_t seed)
{
    uint32_t random = seed == 0 ? 1 : seed;
    char log[256];

    snprintf(log, sizeof(log), "%s-wal", path);
    file_leave(&disk->files[FAULT_DATABASE], path, loss, &random);
    file_leave(&disk->files[FAULT_LOG], log, loss, &random);
}
