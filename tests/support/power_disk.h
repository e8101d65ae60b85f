/* SPDX-License-Identifier: MIT */
/* What a power cut would leave of a database and its log: everything that was synced and, of what
 * was written since, sector by sector, all, nothing or something. It watches the failing disk
 * (support/fault_vfs.h) from before the files are made. Directories are taken to keep their
 * entries, and a sector that is being written to keep its neighbours. On the thread of the disk's
 * calls, but for new and free. */
#ifndef SUPPORT_POWER_DISK_H
#define SUPPORT_POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/fault_vfs.h"

/* What the cut takes of that which was not synced. */
enum power_loss { POWER_LOSES_ALL, POWER_LOSES_SOME, POWER_LOSES_NOTHING, POWER_LOSSES };

/* When the power may be cut: behind a write or a truncation, just before a sync has done its work
 * and just behind it. */
enum power_moment { POWER_AT_WRITE, POWER_AT_SYNC };

typedef void (*power_moment_fn)(void *context, enum power_moment moment);

struct power_disk;

/* The function is called at each such moment. One disk at a time. */
struct power_disk *power_disk_new(power_moment_fn moment, void *context);
void power_disk_free(struct power_disk *disk);

/* From now on it only says that it has synced the log, as some disks do. */
void power_disk_lie(struct power_disk *disk);

/* How many bytes of a file are safe. */
size_t power_disk_synced_size(const struct power_disk *disk, enum fault_file file);

/* Writes what a cut at this moment would leave, as a database of this path and its log. The seed
 * says which sectors are lost, where only some are. */
void power_disk_leave(const struct power_disk *disk, const char *path, enum power_loss loss,
                      uint32_t seed);

#endif
