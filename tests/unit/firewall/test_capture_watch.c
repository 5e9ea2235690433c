#include "test.h"
#include "test_folder.h"

#include "firewall/capture_watch.h"
#include "record/capture_frame.h"
#include "system/wall_clock.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RING_BYTES = 1024 * 1024 };

static int proxy;
static struct capture_watch_start start;

static struct capture_watch *watch_of(int file, bool is_recording)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    proxy = ends[0];
    start = (struct capture_watch_start){
        .socket = ends[1], .file = file, .is_recording = is_recording, .ring_bytes = RING_BYTES};
    return capture_watch_new(&start);
}

static void stop(struct capture_watch *watch)
{
    capture_watch_free(watch);
    close(proxy);
    close(start.socket);
}

/* A whole exchange with a body of so many bytes; false when there is no room for it. */
static bool tell_exchange(uint64_t number, size_t body_bytes)
{
    static uint8_t body[CAPTURE_BODY_MAX];
    struct buffer datagram;
    buffer_init(&datagram, CAPTURE_DATAGRAM_MAX);
    struct capture_frame frame = {
        .kind = CAPTURE_BEGIN,
        .generation = 1,
        .exchange = number,
        .time_ms = 1000,
        .provider = BYTES_LITERAL("example"),
        .api = BYTES_LITERAL("other"),
        .host = BYTES_LITERAL("api.example.com"),
        .method = BYTES_LITERAL("POST"),
        .path = BYTES_LITERAL("/v1/x"),
    };
    assert_true(capture_frame_encode(&frame, &datagram));
    frame.kind = CAPTURE_REQUEST_BODY;
    frame.body = (struct bytes){body, body_bytes};
    assert_true(capture_frame_encode(&frame, &datagram));
    frame.kind = CAPTURE_END;
    assert_true(capture_frame_encode(&frame, &datagram));
    struct bytes bytes = buffer_bytes(&datagram);
    bool is_sent = send(proxy, bytes.data, bytes.length, MSG_DONTWAIT) > 0;
    buffer_done(&datagram);
    return is_sent;
}

/* What the recorder's loop does; how long it would wait, in microseconds. */
static int64_t turn(struct capture_watch *watch, struct pollfd polled[CAPTURE_WATCH_POLLED])
{
    int64_t timeout_us = -1;
    capture_watch_prepare(watch, polled, &timeout_us);
    poll(polled, CAPTURE_WATCH_POLLED, 0);
    capture_watch_serve(watch, polled);
    return timeout_us;
}

/* One turn with frames. True when it was seen to rest afterwards. */
static bool is_seen_to_rest(struct capture_watch *watch, uint64_t first)
{
    struct pollfd polled[CAPTURE_WATCH_POLLED];
    for (uint64_t i = 0; i < CAPTURE_WATCH_DATAGRAMS && tell_exchange(first + i, CAPTURE_BODY_MAX);
         i++)
        continue;
    int64_t began_us = wall_clock_computed_us();
    turn(watch, polled);
    int64_t computed_us = wall_clock_computed_us() - began_us;
    int64_t rest_us = -1;
    capture_watch_prepare(watch, polled, &rest_us);
    if (polled[0].fd >= 0)
        return false;
    assert_true(rest_us > 0);
    assert_true(rest_us <= computed_us * CAPTURE_WATCH_REST);
    while (polled[0].fd < 0)
        capture_watch_prepare(watch, polled, &rest_us);
    assert_int_equal(polled[0].fd, start.socket);
    return true;
}

/* A machine that has other things to do may let the rest go by before it is looked at. */
static void decoding_rests_eleven_times_as_long_as_it_computed(void **state)
{
    struct capture_watch *watch = watch_of(-1, true);
    bool is_seen = false;
    for (uint64_t turn = 0; turn < 200 && !is_seen; turn++)
        is_seen = is_seen_to_rest(watch, 1 + turn * CAPTURE_WATCH_DATAGRAMS);
    assert_true(is_seen);
    stop(watch);
}

static void frames_are_thrown_away_while_nobody_watches(void **state)
{
    struct capture_watch *watch = watch_of(-1, false);
    struct pollfd polled[CAPTURE_WATCH_POLLED];
    assert_true(tell_exchange(1, 10));
    assert_int_equal(send(proxy, "garbage", 7, 0), 7);
    turn(watch, polled);
    uint8_t byte;
    assert_int_equal(recv(start.socket, &byte, 1, MSG_DONTWAIT), -1);
    assert_false(capture_watch_has_news(watch));
    stop(watch);
}

static void counts_malformed_datagrams_until_it_is_asked(void **state)
{
    struct capture_watch *watch = watch_of(-1, true);
    struct pollfd polled[CAPTURE_WATCH_POLLED];
    assert_int_equal(send(proxy, "garbage", 7, 0), 7);
    turn(watch, polled);
    assert_true(capture_watch_has_news(watch));
    assert_int_equal(capture_watch_take_malformed(watch), 1);
    assert_int_equal(capture_watch_take_malformed(watch), 0);
    assert_false(capture_watch_has_news(watch));
    stop(watch);
}

static void counts_lines_that_the_file_does_not_take(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct capture_watch *watch = watch_of(full, true);
    struct pollfd polled[CAPTURE_WATCH_POLLED];
    assert_true(tell_exchange(1, 10));
    turn(watch, polled);
    assert_true(capture_watch_has_news(watch));
    assert_true(capture_watch_take_lost(watch) >= 2);
    assert_false(capture_watch_has_news(watch));
    stop(watch);
    close(full);
}

/* Also while it rests: the proxy ends first, and what it said last is in the file. */
static void what_was_told_before_the_end_is_in_the_file(void **state)
{
    struct error error;
    struct buffer text;
    CLEANUP_FREE char *path = test_folder_path("calls.jsonl");
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct capture_watch *watch = watch_of(file, true);
    for (uint64_t i = 1; i <= 5; i++)
        assert_true(tell_exchange(i, 10));
    stop(watch);
    close(file);
    buffer_init(&text, RING_BYTES);
    assert_true(file_read(path, &text, &error));
    struct bytes rest = buffer_bytes(&text), line;
    size_t ends = 0;
    while (bytes_next_token(&rest, '\n', &line))
        ends += line.length > 0 && memmem(line.data, line.length, "\"event\":\"end\"", 13) != NULL;
    assert_int_equal(ends, 5);
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_thrown_away_while_nobody_watches),
        cmocka_unit_test(counts_malformed_datagrams_until_it_is_asked),
        cmocka_unit_test(counts_lines_that_the_file_does_not_take),
        cmocka_unit_test_setup_teardown(what_was_told_before_the_end_is_in_the_file,
                                        test_folder_make, test_folder_remove),
        cmocka_unit_test(decoding_rests_eleven_times_as_long_as_it_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
