/* SPDX-License-Identifier: MIT */
#include "base/progress.h"

#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/test.h"

/* Redirects standard error for a while. */
struct screen {
    int far, kept;
};

static void screen_begin(int far, int near, struct screen *ret_screen)
{
    *ret_screen = (struct screen){far, dup(STDERR_FILENO)};
    assert_true(ret_screen->kept >= 0);
    assert_int_equal(dup2(near, STDERR_FILENO), STDERR_FILENO);
    close(near);
    assert_int_equal(fcntl(far, F_SETFL, O_NONBLOCK), 0);
}

static struct screen terminal(void)
{
    struct screen screen;
    int far, near;

    assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
    screen_begin(far, near, &screen);
    return screen;
}

/* Restores standard error. Returns the text that was written. */
static void screen_end(struct screen *screen, char ret_text[4096])
{
    ssize_t n = read(screen->far, ret_text, 4095);

    ret_text[n < 0 ? 0 : n] = '\0';
    assert_int_equal(dup2(screen->kept, STDERR_FILENO), STDERR_FILENO);
    close(screen->kept);
    close(screen->far);
}

static void a_terminal_shows_one_line(void **state)
{
    struct screen screen = terminal();
    struct progress progress;
    char text[4096];

    (void)state;
    progress_init(&progress, "verify");
    progress_show(&progress, 1234567, 2900000);
    screen_end(&screen, text);
    assert_string_equal(text, "\rverify: 42 % (1,234,567 of 2,900,000)\x1b[K");
}

static void without_a_total_it_counts(void **state)
{
    struct screen screen = terminal();
    struct progress progress;
    char text[4096];

    (void)state;
    progress_init(&progress, "backup");
    progress_show(&progress, 1000, 0);
    screen_end(&screen, text);
    assert_string_equal(text, "\rbackup: 1,000\x1b[K");
}

static void a_hundred_percent_is_all(void **state)
{
    static const struct {
        uint64_t done;
        const char *text;
    } shown[] = {{0, "x: 0 % "}, {999999, "x: 99 % "}, {1000000, "x: 100 % "}};

    (void)state;
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        struct screen screen = terminal();
        struct progress progress;
        char text[4096];

        progress_init(&progress, "x");
        progress_show(&progress, shown[i].done, 1000000);
        screen_end(&screen, text);
        assert_non_null(strstr(text, shown[i].text));
    }
}

static void the_end_takes_the_line_away_once(void **state)
{
    struct screen screen = terminal();
    struct progress progress;
    char text[4096];

    (void)state;
    progress_init(&progress, "x");
    progress_end(&progress);
    progress_show(&progress, 0, 1);
    progress_end(&progress);
    progress_end(&progress);
    screen_end(&screen, text);
    assert_string_equal(text, "\rx: 0 % (0 of 1)\x1b[K\r\x1b[K");
}

static void it_writes_a_few_times_a_second(void **state)
{
    enum { CALLS = 20000 };
    struct screen screen = terminal();
    int64_t begin_ms = clock_ms(), lines = 0, ms;
    struct progress progress;
    char text[4096];

    (void)state;
    progress_init(&progress, "x");
    for (uint64_t i = 0; i < CALLS; i++) {
        progress_show(&progress, i, CALLS);
    }
    ms = clock_ms() - begin_ms;
    screen_end(&screen, text);
    for (const char *at = text; (at = strchr(at, '\r')) != NULL; at++) {
        lines++;
    }
    assert_in_range(lines, 1, 2 + ms / 100);
}

static void nothing_but_a_terminal_shows_anything(void **state)
{
    struct progress progress;
    struct screen screen;
    char text[4096];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    screen_begin(ends[0], ends[1], &screen);
    progress_init(&progress, "x");
    progress_show(&progress, 1, 2);
    progress_end(&progress);
    screen_end(&screen, text);
    assert_string_equal(text, "");
}

static void numbers_have_a_separator_for_each_thousand(void **state)
{
    static const struct {
        uint64_t number;
        const char *text;
    } numbers[] = {{0, "0"},
                   {999, "999"},
                   {1000, "1,000"},
                   {123456, "123,456"},
                   {1234567, "1,234,567"},
                   {UINT64_MAX, "18,446,744,073,709,551,615"}};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char text[PROGRESS_NUMBER];

        progress_number(numbers[i].number, text);
        assert_string_equal(text, numbers[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_shows_one_line),
        cmocka_unit_test(without_a_total_it_counts),
        cmocka_unit_test(a_hundred_percent_is_all),
        cmocka_unit_test(the_end_takes_the_line_away_once),
        cmocka_unit_test(it_writes_a_few_times_a_second),
        cmocka_unit_test(nothing_but_a_terminal_shows_anything),
        cmocka_unit_test(numbers_have_a_separator_for_each_thousand),
    };

    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
