/* SPDX-License-Identifier: MIT */
#include "store/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

struct taking {
    struct findings *findings;
    FILE *lines;
};

static bool progress(void *argument, uint64_t done, uint64_t total)
{
    struct findings *findings = ((struct taking *)argument)->findings;

    findings->shown++;
    findings->is_progress_valid &= done >= findings->done && done <= total;
    findings->done = done;
    findings->total = total;
    return true;
}

static void found(void *argument, const char *text)
{
    struct taking *taking = argument;

    taking->findings->answered++;
    fprintf(taking->lines, "%s\n", text);
}

void findings_take(const char *url, struct findings *ret_findings)
{
    struct taking taking = {.findings = ret_findings};
    const char *fault = "";
    struct store_engine *engine = store_engine_open(url, &fault);
    size_t size = 0;

    if (engine == NULL) {
        fail_msg("%s %s", url, fault);
    }
    *ret_findings = (struct findings){
        .audit = {.argument = &taking, .progress = progress, .found = found},
        .is_progress_valid = true,
    };
    taking.lines = open_memstream(&ret_findings->lines, &size);
    assert_non_null(taking.lines);
    ret_findings->is_whole = store_engine_verify(engine, &ret_findings->audit, ret_findings->fault);
    fclose(taking.lines);
    store_engine_close(engine);
}

void findings_drop(struct findings *findings)
{
    free(findings->lines);
    findings->lines = NULL;
}

static void take_whole(const char *url, struct findings *ret_findings)
{
    findings_take(url, ret_findings);
    if (!ret_findings->is_whole) {
        fail_msg("not all was looked at: %s", ret_findings->fault);
    }
    assert_true(ret_findings->is_progress_valid);
    assert_int_equal(ret_findings->audit.findings, ret_findings->answered);
}

void findings_none(const char *url, uint64_t discounts, uint64_t grants)
{
    struct findings findings;

    take_whole(url, &findings);
    assert_string_equal(findings.lines, "");
    assert_int_equal(findings.audit.findings, 0);
    assert_int_equal(findings.audit.discounts, discounts);
    assert_int_equal(findings.audit.grants, grants);
    findings_drop(&findings);
}

static bool holds(const char *lines, const char *begin, const char *text)
{
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const char *at = strstr(line, text);

        if (strncmp(line, begin, strlen(begin)) == 0 && at != NULL &&
            at < line + strcspn(line, "\n")) {
            return true;
        }
    }
    return false;
}

static void hold(const char *url, const char *begin, const char *text, bool is_only)
{
    struct findings findings;

    take_whole(url, &findings);
    if (!holds(findings.lines, begin, text) || (is_only && findings.audit.findings != 1)) {
        fail_msg("\"%s...%s\" is not among the faults, or not alone there:\n%s", begin, text,
                 findings.lines);
    }
    findings_drop(&findings);
}

void findings_hold(const char *url, const char *begin, const char *text)
{
    hold(url, begin, text, false);
}

void findings_one(const char *url, const char *begin, const char *text)
{
    hold(url, begin, text, true);
}
