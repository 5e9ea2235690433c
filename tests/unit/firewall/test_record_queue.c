#include "test.h"

#include "base/memory.h"
#include "base/reader.h"
#include "firewall/proxy.h"
#include "firewall/record_queue.h"
#include "harness/fake_clock.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* The queue before a recorder that the test plays, under its clock. */

static uv_loop_t loop;
static struct proxy proxy;
static int recorder;

static struct {
    size_t datagram_count;
    size_t record_count;
    size_t bytes;
    uint32_t lost_count; /* as told */
} taken;

static void start(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    memset(&taken, 0, sizeof(taken));
    recorder = ends[1];
    proxy = (struct proxy){.loop = &loop, .records = record_queue_new(&loop, ends[0])};
}

static void stop(void)
{
    record_queue_close(proxy.records);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(recorder);
}

static void take_record(struct bytes encoded)
{
    struct audit_record record;
    assert_true(audit_record_decode(encoded, &record));
    taken.record_count++;
    if (record.kind == AUDIT_CONTROL) {
        assert_bytes(record.reason, "records lost: the recorder was too slow");
        taken.lost_count += record.count;
    }
}

/* Everything that has come. */
static void take(void)
{
    static uint8_t datagram[AUDIT_BATCH_MAX];
    ssize_t got;
    while ((got = recv(recorder, datagram, sizeof(datagram), MSG_DONTWAIT)) > 0) {
        struct reader reader = reader_over((struct bytes){datagram, (size_t)got});
        taken.datagram_count++;
        taken.bytes += (size_t)got;
        while (!reader_is_at_end(&reader))
            take_record(reader_vector16(&reader));
        assert_false(reader_is_failed(&reader));
    }
}

/* No two alike, so that none is suppressed. */
static void send_record(int number, struct bytes detail)
{
    CLEANUP_FREE char *name = memory_format("n%d.example.com", number);
    struct audit_record record = {
        .kind = AUDIT_HTTP,
        .decision = AUDIT_ALLOW,
        .name = bytes_from_text(name),
        .detail = detail,
    };
    record_queue_send(&proxy, &record);
}

static void records_wait_four_milliseconds_for_each_other(void **state)
{
    start();
    fake_clock_advance(&loop, 1000);
    send_record(0, BYTES_EMPTY);
    take();
    assert_int_equal(taken.datagram_count, 1);
    send_record(1, BYTES_EMPTY);
    fake_clock_advance(&loop, RECORD_QUEUE_GATHER_MS - 1);
    send_record(2, BYTES_EMPTY);
    take();
    assert_int_equal(taken.datagram_count, 1);
    fake_clock_advance(&loop, 1);
    take();
    assert_int_equal(taken.datagram_count, 2);
    assert_int_equal(taken.record_count, 3);
    stop();
}

static bool is_all_told(void *context)
{
    fake_clock_skip(RECORD_QUEUE_GATHER_MS);
    take();
    return taken.lost_count > 0;
}

static void drops_and_counts_what_a_recorder_that_takes_nothing_leaves_no_room_for(void **state)
{
    static const uint8_t detail[AUDIT_DETAIL_MAX];
    struct bytes bytes = {detail, sizeof(detail)};
    start();
    /* The socket is full first, and then the queue. */
    int count = 0;
    while (record_queue_dropped(proxy.records) == 0) {
        assert_true(count < RECORD_QUEUE_BYTES_MAX);
        send_record(count++, bytes);
        fake_clock_advance(&loop, RECORD_QUEUE_GATHER_MS);
    }
    for (int i = 0; i < 9; i++)
        send_record(count++, bytes);
    assert_int_equal(record_queue_dropped(proxy.records), 10);
    /* What is in the socket leaves; then what the queue held, and a word on the rest. */
    take();
    size_t bytes_before = taken.bytes;
    assert_true(fake_clock_run(&loop, is_all_told, NULL));
    assert_int_equal(taken.lost_count, 10);
    assert_int_equal(taken.record_count, (size_t)count - 10 + 1);
    assert_in_range(taken.bytes - bytes_before, RECORD_QUEUE_BYTES_MAX - AUDIT_DATAGRAM_MAX,
                    RECORD_QUEUE_BYTES_MAX + AUDIT_DATAGRAM_MAX);
    stop();
}

RUN_TESTS(cmocka_unit_test(records_wait_four_milliseconds_for_each_other),
          cmocka_unit_test(drops_and_counts_what_a_recorder_that_takes_nothing_leaves_no_room_for))
