/* SPDX-License-Identifier: MIT */
#include "discount/queue.h"

#include "support/test.h"

struct thing {
    int number;
    struct queue link;
};

/* Returns the numbers in a queue as digits: "123". */
static const char *numbers_of(const struct queue *queue, char text[16])
{
    size_t n = 0;

    for (struct queue *at = queue->next; at != queue && n < 15; at = at->next) {
        assert_ptr_equal(at->previous->next, at);
        text[n++] = (char)('0' + CONTAINER_OF(at, struct thing, link)->number);
    }
    assert_ptr_equal(queue->previous->next, queue);
    text[n] = '\0';
    return text;
}

static void fill(struct queue *queue, struct thing things[3])
{
    queue_init(queue);
    for (int i = 0; i < 3; i++) {
        things[i].number = i + 1;
        queue_append(queue, &things[i].link);
    }
}

static void a_new_queue_is_empty(void **state)
{
    struct queue queue;

    (void)state;
    queue_init(&queue);
    assert_true(queue_is_empty(&queue));
}

static void items_stay_in_the_order_they_came_in(void **state)
{
    struct queue queue;
    struct thing things[3];
    char text[16];

    (void)state;
    fill(&queue, things);
    assert_false(queue_is_empty(&queue));
    assert_string_equal(numbers_of(&queue, text), "123");
}

static void an_item_can_be_taken_out_of_the_middle(void **state)
{
    struct queue queue;
    struct thing things[3];
    char text[16];

    (void)state;
    fill(&queue, things);
    queue_remove(&things[1].link);
    assert_string_equal(numbers_of(&queue, text), "13");
}

static void a_queue_is_empty_once_its_last_item_is_taken_out(void **state)
{
    struct queue queue;
    struct thing things[3];

    (void)state;
    fill(&queue, things);
    for (int i = 0; i < 3; i++) {
        queue_remove(&things[i].link);
    }
    assert_true(queue_is_empty(&queue));
}

static void taking_an_item_out_twice_does_no_harm(void **state)
{
    struct queue queue;
    struct thing things[3];
    char text[16];

    (void)state;
    fill(&queue, things);
    queue_remove(&things[2].link);
    queue_remove(&things[2].link);
    assert_true(queue_is_empty(&things[2].link));
    assert_string_equal(numbers_of(&queue, text), "12");
}

static void an_item_taken_out_can_be_appended_again(void **state)
{
    struct queue queue;
    struct thing things[3];
    char text[16];

    (void)state;
    fill(&queue, things);
    queue_remove(&things[0].link);
    queue_append(&queue, &things[0].link);
    assert_string_equal(numbers_of(&queue, text), "231");
}

static void moving_leaves_the_source_empty(void **state)
{
    struct queue from, to;
    struct thing things[3];
    char text[16];

    (void)state;
    fill(&from, things);
    queue_move(&from, &to);
    assert_true(queue_is_empty(&from));
    assert_string_equal(numbers_of(&to, text), "123");
}

static void moving_nothing_gives_an_empty_queue(void **state)
{
    struct queue from, to;

    (void)state;
    queue_init(&from);
    queue_move(&from, &to);
    assert_true(queue_is_empty(&from));
    assert_true(queue_is_empty(&to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_queue_is_empty),
        cmocka_unit_test(items_stay_in_the_order_they_came_in),
        cmocka_unit_test(an_item_can_be_taken_out_of_the_middle),
        cmocka_unit_test(a_queue_is_empty_once_its_last_item_is_taken_out),
        cmocka_unit_test(taking_an_item_out_twice_does_no_harm),
        cmocka_unit_test(an_item_taken_out_can_be_appended_again),
        cmocka_unit_test(moving_leaves_the_source_empty),
        cmocka_unit_test(moving_nothing_gives_an_empty_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
