/* SPDX-License-Identifier: MIT */
#include "store/redis/verbs.h"
#include "support/test.h"
#include "unit/redis/redis_reply.h"

static void what_redis_refused_to_execute_is_unavailable(void **state)
{
    redisReply *const refusals[] = {
        ERROR_OUTCOME("LOADING Redis is loading the dataset in memory"),
        ERROR_OUTCOME("BUSY Redis is busy running a script."),
        ERROR_OUTCOME("MASTERDOWN Link with MASTER is down"),
        ERROR_OUTCOME("READONLY You can't write against a read only replica."),
        ERROR_OUTCOME("MISCONF Redis is configured to save RDB snapshots, but"),
        ERROR_OUTCOME("OOM command not allowed when used memory > 'maxmemory'."),
        ERROR_OUTCOME("NOREPLICAS Not enough good replicas to write."),
        ERROR_OUTCOME("NOAUTH Authentication required."),
        ERROR_OUTCOME("WRONGPASS invalid username-password pair"),
        ERROR_OUTCOME("NOPERM this user has no permissions"),
        ERROR_OUTCOME("NOSCRIPT No matching script. Please use EVAL."),
        ERROR_OUTCOME("TRYAGAIN Multiple keys request during rehashing of slot"),
        ERROR_OUTCOME("CLUSTERDOWN The cluster is down"),
        ERROR_OUTCOME("REFUSED ERR The user executing the script can't run this command"),
        ERROR_OUTCOME("CLOCK 17 s after 1970 cannot be right"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        assert_int_equal(redis_verbs_error_status(refusals[i], true), STATUS_UNAVAILABLE);
    }
}

static void only_damaged_data_are_called_damaged(void **state)
{
    (void)state;
    assert_int_equal(
        redis_verbs_error_status(
            ERROR_OUTCOME("WRONGTYPE Operation against a key holding the wrong kind of value"),
            true),
        STATUS_CORRUPT);
    assert_int_equal(redis_verbs_error_status(ERROR_OUTCOME("CORRUPT discount"), true),
                     STATUS_CORRUPT);
}

static void any_other_error_is_in_doubt_if_something_may_have_been_written(void **state)
{
    redisReply *const errors[] = {
        ERROR_OUTCOME("ERR ACL failure in script: User shop has no permissions"),
        ERROR_OUTCOME("ERR Script attempted to access a non local key in a cluster node"),
        ERROR_OUTCOME("ERR user_script:12: attempt to compare nil with number"),
        ERROR_OUTCOME("ERR unknown command 'EVALSHA'"),
        ERROR_OUTCOME("-OOM"),
        ERROR_OUTCOME("LOAD"),
        ERROR_OUTCOME("N"),
        ERROR_OUTCOME(""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        assert_int_equal(redis_verbs_error_status(errors[i], true), STATUS_UNKNOWN);
        assert_int_equal(redis_verbs_error_status(errors[i], false), STATUS_UNAVAILABLE);
    }
}

static void a_script_that_is_not_loaded_is_told_apart(void **state)
{
    (void)state;
    assert_true(
        redis_verbs_is_noscript(ERROR_OUTCOME("NOSCRIPT No matching script. Please use EVAL.")));
    assert_false(redis_verbs_is_noscript(ERROR_OUTCOME("ERR NOSCRIPT")));
    assert_false(redis_verbs_is_noscript(ERROR_OUTCOME("NO")));
    assert_false(redis_verbs_is_noscript(ERROR_OUTCOME("")));
}

static void what_belongs_to_a_cluster_is_unavailable(void **state)
{
    (void)state;
    assert_int_equal(redis_verbs_error_status(ERROR_OUTCOME("MOVED 3999 127.0.0.1:6381"), true),
                     STATUS_UNAVAILABLE);
    assert_int_equal(redis_verbs_error_status(ERROR_OUTCOME("ASK 3999 127.0.0.1:6381"), true),
                     STATUS_UNAVAILABLE);
    assert_int_equal(
        redis_verbs_error_status(
            ERROR_OUTCOME("CROSSSLOT Keys in request don't hash to the same slot"), true),
        STATUS_UNAVAILABLE);
}

static bool is_readonly(redisReply *error)
{
    return redis_verbs_is_readonly(redis_verbs_refusal(STORE_GET, 1, error));
}

static void a_replica_is_distinguished(void **state)
{
    (void)state;
    assert_true(
        is_readonly(ERROR_OUTCOME("READONLY You can't write against a read only replica.")));
    assert_false(is_readonly(ERROR_OUTCOME("LOADING Redis is loading the dataset in memory")));
    assert_false(is_readonly(ERROR_OUTCOME("READ")));
}

static void what_is_not_ours_is_no_refusal(void **state)
{
    (void)state;
    assert_int_equal(
        redis_verbs_refusal(STORE_GRANT, 1, ERROR_OUTCOME("WRONGTYPE Operation against")).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_redis_refused_to_execute_is_unavailable),
        cmocka_unit_test(only_damaged_data_are_called_damaged),
        cmocka_unit_test(any_other_error_is_in_doubt_if_something_may_have_been_written),
        cmocka_unit_test(a_script_that_is_not_loaded_is_told_apart),
        cmocka_unit_test(what_belongs_to_a_cluster_is_unavailable),
        cmocka_unit_test(a_replica_is_distinguished),
        cmocka_unit_test(what_is_not_ours_is_no_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
