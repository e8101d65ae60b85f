/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target on the files that it is given, and on the files of given directories. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MOST (1024 * 1024)

static unsigned count;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_MOST);
    size_t size;

    if (file == NULL || bytes == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size = fread(bytes, 1, INPUT_MOST, file);
    fclose(file);
    /* In a block of exactly its size, so that a sanitizer notices a read beyond its end. */
    bytes = realloc(bytes, size == 0 ? 1 : size);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    count++;
}

static void replay(const char *path)
{
    struct dirent *entry;
    struct stat about;
    DIR *directory;

    if (stat(path, &about) == 0 && !S_ISDIR(about.st_mode)) {
        replay_file(path);
        return;
    }
    directory = opendir(path);
    if (directory == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    while ((entry = readdir(directory)) != NULL) {
        char file[4096];

        if (entry->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
            replay_file(file);
        }
    }
    closedir(directory);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    /* Otherwise nobody would notice a missing corpus. */
    if (count == 0) {
        fprintf(stderr, "no inputs\n");
        return EXIT_FAILURE;
    }
    printf("%u inputs\n1 passed, 0 failed\n", count);
    return EXIT_SUCCESS;
}
