#include "test.h"

#include "base/memory.h"
#include "firewall/record_limit.h"
#include "firewall/recorder.h"
#include "firewall/role_confine.h"
#include "harness/fake_clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The recorder in this process, with all that it is sent there before it begins. */

enum { WRITES_MAX = 64, LINE_BYTES = 6 * AUDIT_DETAIL_MAX }; /* a control character each */

static struct recorder_start ends;
static int records; /* where the test writes them */
static int channel, supervisor_end;

static struct {
    size_t bytes, lines;
    uint64_t at_ms;
} writes[WRITES_MAX];
static size_t write_count;

ssize_t __real_write(int descriptor, const void *bytes, size_t length);
ssize_t __wrap_write(int descriptor, const void *bytes, size_t length);

ssize_t __wrap_write(int descriptor, const void *bytes, size_t length)
{
    if (descriptor != ends.file)
        return __real_write(descriptor, bytes, length);
    assert_true(write_count < WRITES_MAX);
    writes[write_count].bytes = length;
    writes[write_count].at_ms = fake_clock_now_ms();
    for (size_t i = 0; i < length; i++)
        writes[write_count].lines += ((const char *)bytes)[i] == '\n';
    write_count++;
    /* The supervisor goes as soon as something was written. */
    shutdown(supervisor_end, SHUT_RDWR);
    return (ssize_t)length;
}

bool role_confine(enum role_kind kind, pid_t parent, struct error *error)
{
    return true;
}

static void start(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    records = pair[0];
    ends.socket = pair[1];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    channel = pair[0];
    supervisor_end = pair[1];
    ends.file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ends.parent = getppid();
    ends.capture = (struct capture_watch_start){.socket = -1, .file = -1};
    memset(writes, 0, sizeof(writes));
    write_count = 0;
}

/* Until the supervisor is gone. */
static void run(void)
{
    assert_int_equal(recorder_main(&ends, channel), 0);
    close(records);
    close(ends.socket);
    close(channel);
    close(supervisor_end);
    close(ends.file);
}

/* No two alike, so that none is suppressed. */
static void add_record(struct buffer *datagram, int number, struct bytes detail)
{
    CLEANUP_FREE char *name = memory_format("n%d.example.com", number);
    struct buffer encoded;
    struct audit_record record = {.time_ms = 1,
                                  .kind = AUDIT_HTTP,
                                  .decision = AUDIT_ALLOW,
                                  .name = bytes_from_text(name),
                                  .detail = detail};
    buffer_init(&encoded, AUDIT_DATAGRAM_MAX);
    assert_true(audit_record_encode(&record, &encoded));
    assert_true(buffer_append_u16(datagram, (uint16_t)buffer_length(&encoded)) &&
                buffer_append(datagram, buffer_bytes(&encoded)));
    buffer_done(&encoded);
}

static void send_datagram(struct buffer *datagram)
{
    struct bytes bytes = buffer_bytes(datagram);
    assert_int_equal(send(records, bytes.data, bytes.length, 0), bytes.length);
    buffer_clear(datagram);
}

static void writes_what_so_many_datagrams_brought_before_it_takes_more(void **state)
{
    struct buffer datagram;
    start();
    buffer_init(&datagram, AUDIT_BATCH_MAX);
    for (int i = 0; i < RECORDER_DATAGRAMS_PER_TURN + 3; i++) {
        add_record(&datagram, i, BYTES_EMPTY);
        send_datagram(&datagram);
    }
    run();
    assert_int_equal(write_count, 2);
    assert_int_equal(writes[0].lines, RECORDER_DATAGRAMS_PER_TURN);
    assert_int_equal(writes[1].lines, 3);
    buffer_done(&datagram);
}

static void writes_lines_when_sixty_four_kibibytes_are_gathered(void **state)
{
    static uint8_t detail[AUDIT_DETAIL_MAX];
    struct buffer datagram;
    start();
    buffer_init(&datagram, AUDIT_BATCH_MAX);
    memset(detail, 1, sizeof(detail));
    for (int i = 0; i < 7; i++)
        add_record(&datagram, i, (struct bytes){detail, sizeof(detail)});
    send_datagram(&datagram);
    run();
    size_t lines = 0;
    for (size_t i = 0; i < write_count; i++) {
        bool is_last = i + 1 == write_count;
        assert_true(is_last || writes[i].bytes >= RECORDER_BATCH_BYTES);
        assert_true(writes[i].bytes < RECORDER_BATCH_BYTES + LINE_BYTES + 1024);
        lines += writes[i].lines;
    }
    assert_int_equal(write_count, 3);
    assert_int_equal(lines, 7);
    buffer_done(&datagram);
}

static void tells_of_what_it_refused_after_a_second(void **state)
{
    start();
    uint64_t started_ms = fake_clock_now_ms();
    assert_int_equal(send(records, "nonsense", 8, 0), 8);
    run();
    assert_int_equal(write_count, 1);
    assert_int_equal(writes[0].lines, 1);
    assert_int_equal(writes[0].at_ms - started_ms, RECORDER_FLUSH_MS);
}

RUN_TESTS(cmocka_unit_test(writes_what_so_many_datagrams_brought_before_it_takes_more),
          cmocka_unit_test(writes_lines_when_sixty_four_kibibytes_are_gathered),
          cmocka_unit_test(tells_of_what_it_refused_after_a_second))
