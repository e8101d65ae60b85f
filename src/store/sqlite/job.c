/* SPDX-License-Identifier: MIT */
/* In: a worker's operation. Out: a copy for the store thread, and the results back from it. */
#include "store/sqlite/job.h"

#include <stdlib.h>

#include "discount/limits.h"
#include "store/op.h"

struct sqlite_job *sqlite_job_new(struct store_op *op, struct sqlite_completion_queue *completions)
{
    struct sqlite_job *job = malloc(sizeof(*job));

    if (job == NULL) {
        return NULL;
    }
    arena_init_in(&job->arena, job->memory, sizeof(job->memory), LIMIT_REQUEST_MEMORY);
    job->op = op;
    job->completions = completions;
    job->is_taken = false;
    job->input = *op;
    job->input.arena = &job->arena;
    job->input.status = STATUS_OK;
    if (!op_copy_inputs(&job->input)) {
        sqlite_job_free(job);
        return NULL;
    }
    sqlite_job_rewind(job);
    return job;
}

void sqlite_job_free(struct sqlite_job *job)
{
    arena_fini(&job->arena);
    free(job);
}

void sqlite_job_rewind(struct sqlite_job *job)
{
    job->work = job->input;
}

enum status sqlite_job_deliver(const struct sqlite_job *job)
{
    if (op_copy_results(&job->work, job->op)) {
        return job->work.status;
    }
    /* Without memory for the results of a write that was applied, its outcome is unknown to the
     * caller. */
    return op_is_write(job->op->verb) ? STATUS_UNKNOWN : STATUS_OVERLOADED;
}
