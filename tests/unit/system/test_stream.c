#include "test.h"

#include "system/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

/*
 * A stream at one end of a TCP connection over the loopback, the test at the other one, and a clock
 * that the test turns.
 */

static int64_t clock_ahead_ms;

/* In the place of libc's: libuv asks this one. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec += clock_ahead_ms / 1000;
    return result;
}

static uv_loop_t loop;
static struct stream_loop *streams;
static struct stream *stream;
static int peer;
static char story[256];
static unsigned closed_count;

static void tell(const char *word)
{
    size_t length = strlen(story);
    snprintf(story + length, sizeof(story) - length, "%s ", word);
}

static void on_event(void *owner, enum stream_event event)
{
    static const char *const words[] = {[STREAM_OPENED] = "opened",
                                        [STREAM_READABLE] = "readable",
                                        [STREAM_DRAINED] = "drained",
                                        [STREAM_FAILED] = "failed"};
    /* Events repeat while there is something: one word says it. */
    if (strstr(story, words[event]) == NULL)
        tell(words[event]);
}

static void on_closed(void *owner)
{
    closed_count++;
}

static void connect_pair(int ends[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ends[1], (struct sockaddr *)&address, size), 0);
    ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(ends[0] >= 0);
    close(listener);
}

static void start(void)
{
    int ends[2];
    story[0] = '\0';
    closed_count = 0;
    clock_ahead_ms = 0;
    connect_pair(ends);
    peer = ends[1];
    assert_int_equal(uv_loop_init(&loop), 0);
    streams = stream_loop_new(&loop);
    stream = stream_new(streams, ends[0], on_event, NULL);
    stream_on_closed(stream, on_closed, NULL);
}

/* What the kernel passes on over the loopback is there at once: a few turns see all of it. */
static void turn(void)
{
    for (int i = 0; i < 8; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void advance(int64_t seconds)
{
    clock_ahead_ms += seconds * 1000;
    turn();
}

static void stop(void)
{
    if (peer >= 0)
        close(peer);
    stream_loop_free(streams);
    turn();
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(closed_count, 1);
}

static void fill(void)
{
    static uint8_t block[64 * 1024];
    /* Until the kernel takes no more, and a little beyond. */
    while (stream_unsent(stream) == 0)
        stream_send(stream, (struct bytes){block, sizeof(block)});
    stream_queue(stream, BYTES_LITERAL("the end"));
}

/* Everything that the peer gets until the stream's end; the stream is given turns meanwhile. */
static size_t drain_peer(bool *is_end)
{
    static uint8_t block[256 * 1024];
    size_t total = 0;
    *is_end = false;
    for (int rest = 0; rest < 20; rest++) {
        ssize_t count = recv(peer, block, sizeof(block), MSG_DONTWAIT);
        if (count > 0) {
            total += (size_t)count;
            rest = 0;
        }
        *is_end = count == 0;
        if (count == 0)
            break;
        turn();
    }
    return total;
}

static void refuses_to_call_a_reset_an_end(void **state)
{
    uint8_t byte;
    size_t length;
    start();
    struct linger at_once = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(peer);
    peer = -1;
    turn();
    assert_string_equal(story, "readable ");
    assert_int_equal(stream_read(stream, &byte, 1, &length), STREAM_LOST);
    assert_int_equal(stream_read(stream, &byte, 1, &length), STREAM_LOST);
    stream_close(stream, STREAM_ENDING_BROKEN);
    stop();
}

static void tells_a_reset_to_an_owner_that_does_not_read(void **state)
{
    start();
    stream_pause_reading(stream);
    turn();
    struct linger at_once = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    fill();
    close(peer);
    peer = -1;
    turn();
    assert_non_null(strstr(story, "failed"));
    stream_close(stream, STREAM_ENDING_RESET);
    stop();
}

static void reads_what_came_before_the_end_and_then_the_end(void **state)
{
    uint8_t text[16];
    size_t length = 0;
    start();
    assert_int_equal(send(peer, "hello", 5, 0), 5);
    shutdown(peer, SHUT_WR);
    turn();
    assert_false(stream_is_quiet(stream));
    assert_int_equal(stream_read(stream, text, sizeof(text), &length), STREAM_DATA);
    assert_int_equal(length, 5);
    assert_int_equal(stream_read(stream, text, sizeof(text), &length), STREAM_END);
    stream_close(stream, STREAM_ENDING_CLEAN);
    stop();
}

static void says_nothing_while_reading_is_paused(void **state)
{
    start();
    assert_true(stream_is_quiet(stream));
    stream_pause_reading(stream);
    assert_int_equal(send(peer, "hello", 5, 0), 5);
    turn();
    assert_string_equal(story, "");
    stream_resume_reading(stream);
    turn();
    assert_string_equal(story, "readable ");
    stream_close(stream, STREAM_ENDING_RESET);
    stop();
}

static void wakes_its_owner_once_without_anything_to_read(void **state)
{
    start();
    stream_pause_reading(stream);
    stream_wake(stream);
    assert_string_equal(story, "");
    turn();
    assert_string_equal(story, "readable ");
    story[0] = '\0';
    turn();
    assert_string_equal(story, "");
    stream_close(stream, STREAM_ENDING_RESET);
    stop();
}

static void tells_when_all_that_was_queued_has_left(void **state)
{
    bool is_end;
    start();
    fill();
    size_t waiting = stream_unsent(stream);
    assert_int_equal(stream_loop_bodies(streams)->used, waiting);
    turn();
    assert_null(strstr(story, "drained"));
    assert_true(drain_peer(&is_end) > waiting);
    assert_false(is_end);
    assert_non_null(strstr(story, "drained"));
    assert_int_equal(stream_unsent(stream), 0);
    assert_int_equal(stream_loop_bodies(streams)->used, 0);
    stream_close(stream, STREAM_ENDING_RESET);
    stop();
}

static void fails_when_its_owner_queues_without_end(void **state)
{
    static uint8_t block[64 * 1024];
    start();
    fill();
    size_t blocks = 0;
    while (stream_unsent(stream) > 0 && blocks <= STREAM_QUEUE_BYTES_MAX / sizeof(block)) {
        stream_queue(stream, (struct bytes){block, sizeof(block)});
        blocks++;
    }
    assert_in_range(blocks, STREAM_QUEUE_BYTES_MAX / sizeof(block) - 2,
                    STREAM_QUEUE_BYTES_MAX / sizeof(block));
    assert_int_equal(stream_loop_bodies(streams)->used, 0);
    assert_string_equal(story, "");
    turn();
    assert_non_null(strstr(story, "failed"));
    assert_string_equal(stream_failure(stream), "output queue is full");
    stream_close(stream, STREAM_ENDING_RESET);
    stop();
}

static void sends_its_end_behind_what_is_queued(void **state)
{
    bool is_end;
    start();
    fill();
    stream_finish(stream);
    drain_peer(&is_end);
    assert_true(is_end);
    /* The other direction is open. */
    assert_int_equal(send(peer, "x", 1, MSG_NOSIGNAL), 1);
    turn();
    assert_non_null(strstr(story, "readable"));
    stream_close(stream, STREAM_ENDING_CLEAN);
    stop();
}

static void a_closed_stream_still_sends_what_was_queued(void **state)
{
    bool is_end;
    start();
    fill();
    stream_close(stream, STREAM_ENDING_CLEAN);
    assert_int_equal(closed_count, 0);
    advance(20);
    assert_true(drain_peer(&is_end) > 64 * 1024);
    assert_true(is_end);
    assert_string_equal(story, "");
    /* Its end was sent: the peer has a second for its own. */
    advance(2);
    assert_int_equal(closed_count, 1);
    stop();
}

static void a_peer_that_takes_nothing_of_a_closed_stream_is_given_up(void **state)
{
    start();
    fill();
    stream_close(stream, STREAM_ENDING_CLEAN);
    advance(29);
    assert_int_equal(closed_count, 0);
    advance(2);
    assert_int_equal(closed_count, 1);
    assert_int_equal(stream_loop_bodies(streams)->used, 0);
    stop();
}

static void a_peer_that_never_ends_is_given_up_after_a_second(void **state)
{
    start();
    stream_close(stream, STREAM_ENDING_CLEAN);
    turn();
    assert_int_equal(closed_count, 0);
    advance(2);
    assert_int_equal(closed_count, 1);
    stop();
}

static void a_reset_leaves_at_once_and_drops_what_was_queued(void **state)
{
    uint8_t byte[64];
    start();
    stream_queue(stream, BYTES_LITERAL("never sent"));
    stream_close(stream, STREAM_ENDING_RESET);
    assert_int_equal(closed_count, 1);
    assert_int_equal(recv(peer, byte, sizeof(byte), 0), -1);
    stop();
}

RUN_TESTS(cmocka_unit_test(refuses_to_call_a_reset_an_end),
          cmocka_unit_test(tells_a_reset_to_an_owner_that_does_not_read),
          cmocka_unit_test(reads_what_came_before_the_end_and_then_the_end),
          cmocka_unit_test(says_nothing_while_reading_is_paused),
          cmocka_unit_test(wakes_its_owner_once_without_anything_to_read),
          cmocka_unit_test(tells_when_all_that_was_queued_has_left),
          cmocka_unit_test(fails_when_its_owner_queues_without_end),
          cmocka_unit_test(sends_its_end_behind_what_is_queued),
          cmocka_unit_test(a_closed_stream_still_sends_what_was_queued),
          cmocka_unit_test(a_peer_that_takes_nothing_of_a_closed_stream_is_given_up),
          cmocka_unit_test(a_peer_that_never_ends_is_given_up_after_a_second),
          cmocka_unit_test(a_reset_leaves_at_once_and_drops_what_was_queued))
