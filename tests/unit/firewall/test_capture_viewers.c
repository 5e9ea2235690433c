#include "test.h"

#include "base/buffer.h"
#include "firewall/capture_viewers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RING_BYTES = 64 * 1024, RECEIVED_MAX = 1024 * 1024 };

static struct capture_ring *ring;
static struct capture_viewers *viewers;

static void start(void)
{
    ring = capture_ring_new(RING_BYTES);
    viewers = capture_viewers_new();
}

static void stop(void)
{
    capture_viewers_free(viewers);
    capture_ring_free(ring);
}

/* The other end of a viewer that was added. */
static int add(bool wants_bodies)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    capture_viewers_add(viewers, ends[1], capture_ring_newest(ring), wants_bodies);
    return ends[0];
}

/* What the recorder's loop does; the number of those that poll found. */
static int turn(void)
{
    struct pollfd polled[CAPTURE_VIEWERS_MAX];
    capture_viewers_prepare(viewers, ring, polled);
    int found = poll(polled, CAPTURE_VIEWERS_MAX, 0);
    capture_viewers_serve(viewers, ring, polled);
    return found;
}

static void append(const char *text)
{
    assert_true(capture_ring_append(ring, bytes_from_text(text), CAPTURE_LINE_EVENT));
}

/* Everything that comes, in turns. */
static void receive(int socket, struct buffer *received)
{
    char block[16 * 1024];
    int quiet = 0;
    while (quiet < 3) {
        turn();
        ssize_t got = recv(socket, block, sizeof(block), MSG_DONTWAIT);
        quiet = got > 0 ? 0 : quiet + 1;
        if (got > 0)
            assert_true(buffer_append(received, (struct bytes){(uint8_t *)block, (size_t)got}));
    }
}

static void assert_received(int socket, const char *text)
{
    struct buffer received;
    buffer_init(&received, RECEIVED_MAX);
    receive(socket, &received);
    assert_bytes(buffer_bytes(&received), text);
    buffer_done(&received);
}

static void closes_one_viewer_too_many(void **state)
{
    int ends[CAPTURE_VIEWERS_MAX + 1];
    start();
    for (int i = 0; i <= CAPTURE_VIEWERS_MAX; i++)
        ends[i] = add(false);
    assert_int_equal(capture_viewers_count(viewers), CAPTURE_VIEWERS_MAX);
    char byte;
    assert_int_equal(recv(ends[CAPTURE_VIEWERS_MAX], &byte, 1, MSG_DONTWAIT), 0);
    for (int i = 0; i <= CAPTURE_VIEWERS_MAX; i++)
        close(ends[i]);
    stop();
}

static void forgets_a_viewer_that_has_gone(void **state)
{
    start();
    int end = add(true);
    assert_true(capture_viewers_want_bodies(viewers));
    close(end);
    turn();
    assert_int_equal(capture_viewers_count(viewers), 0);
    assert_false(capture_viewers_want_bodies(viewers));
    stop();
}

static void says_ok_first_and_then_what_comes(void **state)
{
    start();
    append("before\n");
    int end = add(false);
    append("one\n");
    append("two\n");
    assert_received(end, "{\"ok\":true}\none\ntwo\n");
    append("three\n");
    assert_received(end, "three\n");
    /* One that has read everything is not asked about: it costs no turn. */
    assert_int_equal(turn(), 0);
    close(end);
    stop();
}

/* Its socket is full, in the middle of a line, when the ring goes past it. */
static void a_viewer_that_does_not_read_gets_whole_lines_and_a_count_of_those_it_lost(void **state)
{
    start();
    int end = add(false);
    size_t appended = 0;
    for (int i = 0; i < 20000; i++) {
        char line[64];
        snprintf(line, sizeof(line), "%049d\n", i);
        append(line);
        appended++;
        turn();
    }
    struct buffer received;
    buffer_init(&received, RECEIVED_MAX * 4);
    receive(end, &received);
    struct bytes rest = buffer_bytes(&received), line;
    size_t count = 0;
    unsigned long lost = 0;
    assert_true(bytes_next_token(&rest, '\n', &line));
    assert_bytes(line, "{\"ok\":true}");
    while (bytes_next_token(&rest, '\n', &line) && rest.length > 0) {
        static const char mark[] = "\"count\":";
        if (line.length == 49) {
            count++;
            continue;
        }
        char *text = bytes_copy_text(line);
        assert_non_null(strstr(text, "\"event\":\"lost\""));
        lost += strtoul(strstr(text, mark) + sizeof(mark) - 1, NULL, 10);
        free(text);
    }
    count += line.length == 49 ? 1 : 0;
    assert_true(lost > 0);
    assert_int_equal(count + lost, appended);
    buffer_done(&received);
    close(end);
    stop();
}

static void writes_lines_together_and_long_ones_whole(void **state)
{
    static char line[RING_BYTES / CAPTURE_RING_LINE_PART - 64];
    static char all[RECEIVED_MAX];
    memset(line, 'a', sizeof(line) - 2);
    line[sizeof(line) - 2] = '\n';
    start();
    int end = add(false);
    struct buffer received;
    buffer_init(&received, RECEIVED_MAX);
    receive(end, &received);
    buffer_clear(&received);
    for (int i = 0; i < 6; i++)
        append(line);
    /* One write took all of them: they are fewer bytes than go together. */
    assert_true(6 * sizeof(line) < CAPTURE_VIEWER_GATHER_BYTES);
    turn();
    ssize_t got = recv(end, all, sizeof(all), MSG_DONTWAIT);
    assert_int_equal(got, 6 * (sizeof(line) - 1));
    buffer_done(&received);
    close(end);
    stop();
}

RUN_TESTS(
    cmocka_unit_test(closes_one_viewer_too_many), cmocka_unit_test(forgets_a_viewer_that_has_gone),
    cmocka_unit_test(says_ok_first_and_then_what_comes),
    cmocka_unit_test(a_viewer_that_does_not_read_gets_whole_lines_and_a_count_of_those_it_lost),
    cmocka_unit_test(writes_lines_together_and_long_ones_whole))
