/* SPDX-License-Identifier: MIT */
#include "base/store_name.h"

#include <string.h>

#define DIGITS "0123456789"

const char *store_name_ending(const char *path)
{
    static const char *const endings[] = {STORE_NAME_CONTROL, STORE_NAME_JOURNAL,
                                          STORE_NAME_PARTIAL, STORE_NAME_SHM, STORE_NAME_WAL};
    size_t n = strlen(path);

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t length = strlen(endings[i]);

        if (n >= length && strcmp(path + n - length, endings[i]) == 0) {
            return endings[i];
        }
    }
    return NULL;
}

bool store_name_is_rescued(const char *ending)
{
    size_t day;

    if (strncmp(ending, STORE_NAME_RESCUED, strlen(STORE_NAME_RESCUED)) != 0) {
        return false;
    }
    ending += strlen(STORE_NAME_RESCUED);
    day = strspn(ending, DIGITS);
    return day >= 8 && ending[day] == 'T' && strspn(ending + day + 1, DIGITS) == 6 &&
           strcmp(ending + day + 7, "Z") == 0;
}
