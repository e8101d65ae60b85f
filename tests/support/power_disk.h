/* SPDX-License-Identifier: MIT */
/* Simulates a power cut for a database and its log. Everything that was synced survives. Of later
 * writes, all, none or some sectors survive. It watches the failing disk (support/fault_vfs.h) from
 * before the files are made. It assumes that directories keep their entries. It also assumes that
 * writing a sector does not harm the next ones. On the thread of the disk's calls, except new and
 * free. */
#ifndef SUPPORT_POWER_DISK_H
#define SUPPORT_POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/fault_vfs.h"

/* How much of the unsynced data the cut loses. */
enum power_loss { POWER_LOSES_ALL, POWER_LOSES_SOME, POWER_LOSES_NOTHING, POWER_LOSSES };

/* When the power may be cut: after a write or a truncation, just before a sync takes effect, and
 * just after it. */
enum power_moment { POWER_AT_WRITE, POWER_AT_SYNC };

typedef void (*power_moment_fn)(void *context, enum power_moment moment);

struct power_disk;

/* Makes a disk that calls this function at each such moment. There can be one disk at a time. */
struct power_disk *power_disk_new(power_moment_fn moment, void *context);
void power_disk_free(struct power_disk *disk);

/* From now on the disk reports syncs of the log without doing them, as some disks do. */
void power_disk_lie(struct power_disk *disk);

/* Returns how many bytes of a file are safe. */
size_t power_disk_synced_size(const struct power_disk *disk, enum fault_file file);

/* Writes the files that a cut at this moment would leave: a database with this path, and its log.
 * If only some sectors are lost, the seed chooses them. */
void power_disk_leave(const struct power_disk *disk, const char *path, enum power_loss loss,
                      uint32_t seed);

#endif
